"""Browsers that play a platform's client.

A browser becomes a client when a pretend workspace is opened in it. No page can set a user agent, and another site's
frames and scripts may get no cookies. So the sandbox itself remembers. To it a browser is an address and a user agent.
"""

from flask import request

from sandbox.world import world

LIFETIME = 300  # seconds after the last tile that was opened


def enter(platform, person):
    """Make this browser the person's client for some minutes."""
    platform.clients[identify_browser()] = (person.key, world.now() + LIFETIME)


def leave(platform):
    """Make this browser an ordinary one again."""
    platform.clients.pop(identify_browser(), None)


def find_person(platform):
    """Return the person this client belongs to, or None."""
    key, until = platform.clients.get(identify_browser(), (None, 0))
    return platform.directory.people.get(key) if world.now() < until else None


def identify_browser():
    return request.remote_addr, request.headers.get("User-Agent", "")
