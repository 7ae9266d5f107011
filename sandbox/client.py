"""Which browsers play a platform's client, and for whom: those in which a pretend workspace was opened.

No page can set a user agent, and another site's frames and scripts may get no cookies; so the sandbox itself remembers.
To it a browser is an address and a user agent.
"""

from flask import request

from sandbox.world import world

LIFETIME = 300  # seconds after the last tile that was opened


def enter(platform, person):
    """Let this browser be the person's client for some minutes."""
    platform.clients[browser()] = (person.key, world.now() + LIFETIME)


def leave(platform):
    """Let this browser be an ordinary one again."""
    platform.clients.pop(browser(), None)


def person(platform):
    """Return whose client this browser is, or None."""
    key, until = platform.clients.get(browser(), (None, 0))
    return platform.directory.people.get(key) if world.now() < until else None


def browser():
    return request.remote_addr, request.headers.get("User-Agent", "")
