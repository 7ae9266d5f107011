"""The elements through which a stored person can sign in."""

from dataclasses import dataclass

from flask import current_app

from portal.elements.meta import Meta
from portal.models import MAY_SIGN_IN, Identity


@dataclass(frozen=True)
class Way:
    """An element that people can use.

    :param tenant: the company it is for; "" where it is not settled.
    """

    element: Meta
    tenant: str

    def is_for(self, identity: Identity) -> bool:
        """Tell whether a person belongs to the element's company."""
        return self.element.provider == identity.provider and self.tenant in ("", identity.tenant)

    def is_open_to(self, identity: Identity) -> bool:
        """Tell whether a person could sign in here now."""
        return self.is_for(identity) and identity.status in MAY_SIGN_IN


def list_ways() -> list[Way]:
    """Return all usable elements as ways in."""
    return [Way(element, element.recall_tenant()) for element in current_app.elements.list_usable()]


def find_open_ways(ways: list[Way], identities: list[Identity]) -> list[Way]:
    """Return the ways open to one of these people."""
    return [way for way in ways if any(way.is_open_to(identity) for identity in identities)]


def find_missing_ways(ways: list[Way], identities: list[Identity]) -> list[Way]:
    """Return the ways for companies of none of these people."""
    return [way for way in ways if not any(way.is_for(identity) for identity in identities)]
