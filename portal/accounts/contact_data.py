"""Mobile numbers and e-mail addresses: shown masked; shown whole once to an administrator who says so, on record."""

from portal import audit, database
from portal.audit import Actor
from portal.errors import NOT_FOUND, Code
from portal.models import Account, Identity

FIELDS = ("mobile", "email")
KINDS = {"account": Account, "identity": Identity}


def masked_mobile(value: str | None) -> str:
    """Return a mobile number with its middle hidden, such as `138****5678`; of a short one only the end is left."""
    if not value:
        return ""
    return f"{value[:-8]}****{value[-4:]}" if 11 <= len(value) <= 16 else f"****{value[-2:]}"


def masked_email(value: str | None) -> str:
    """Return an address with all but its first character hidden before the `@`, such as `z***@example.com`."""
    if not value:
        return ""
    name, at, host = value.rpartition("@")
    return f"{name[:1]}***@{host}" if at else f"{value[:1]}***"


def reveal_contact(kind: str, id: int, field: str, *, by: Actor) -> tuple[Account | Identity, str]:
    """Return an account or stored person whose mobile number or e-mail address is about to be shown, and the value.

    :param kind: `account` or `identity`.
    :param field: `mobile` or `email`.
    :raises Code: NOT_FOUND when there is no such account, person or field.
    """
    if kind not in KINDS or field not in FIELDS:
        raise Code(NOT_FOUND, "there is no such contact data")
    with database.write() as session:
        whose = session.get(KINDS[kind], id)
        if whose is None:
            raise Code(NOT_FOUND, "there is nobody of that id")
        audit.record("contact.reveal", by, **{f"{kind}_id": id}, details={"field": field})
        return whose, getattr(whose, field) or ""
