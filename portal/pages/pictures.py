"""Pictures of people, which browsers fetch from the platforms.

The portal itself fetches none.
"""

from flask import current_app, g

from portal.directory.cleaning import clean_avatar
from portal.models import Identity
from portal.pages.headers import widen_policy


def allow_pictures() -> None:
    """Allow the platforms' pictures on this page."""
    widen_policy({"img-src": list_picture_sources()})


def list_picture_sources() -> list[str]:
    """Return the sources of pictures for a content policy."""
    hosts = [host for hosts in list_hosts().values() for host in hosts]
    return [host if "://" in host else f"https://*{host}" for host in hosts]


def find_picture(person: Identity) -> str:
    """Return the address of a person's picture, or "".

    What was stored is checked again: a login may have gone since.
    """
    return clean_avatar(person.avatar, list_hosts().get(person.provider, ()))


def list_hosts() -> dict[str, tuple[str, ...]]:
    """Return the hosts of pictures by provider."""
    if "picture_hosts" not in g:
        hosts: dict[str, dict] = {}
        for element in current_app.elements.list_usable():
            hosts.setdefault(element.provider, {}).update(dict.fromkeys(element.avatar_hosts))
        g.picture_hosts = {provider: tuple(of_provider) for provider, of_provider in hosts.items()}
    return g.picture_hosts
