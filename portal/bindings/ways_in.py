"""Ways in: through which of the configured elements a stored person can sign in."""

from dataclasses import dataclass

from flask import current_app

from portal.elements.meta import Meta
from portal.models import MAY_SIGN_IN, Identity


@dataclass(frozen=True)
class Way:
    """An element people can use, and the company it is for; "" where it is not settled."""

    element: Meta
    tenant: str

    def is_for(self, identity: Identity) -> bool:
        return self.element.provider == identity.provider and self.tenant in ("", identity.tenant)

    def leads_in(self, identity: Identity) -> bool:
        """Return whether this person could sign in here now."""
        return self.is_for(identity) and identity.status in MAY_SIGN_IN


def usable() -> list[Way]:
    return [Way(element, element.recall_tenant()) for element in current_app.elements.list_usable()]


def leading_in(ways: list[Way], identities: list[Identity]) -> list[Way]:
    """Return the ways by which at least one of these people could sign in now."""
    return [way for way in ways if any(way.leads_in(identity) for identity in identities)]


def missing(ways: list[Way], identities: list[Identity]) -> list[Way]:
    """Return the ways into companies from which none of these people comes."""
    return [way for way in ways if not any(way.is_for(identity) for identity in identities)]
