"""Mobile numbers and e-mail addresses, masked or shown once.

An administrator may ask for the whole value, and the audit log keeps that.
"""

from portal import audit, database
from portal.audit import Actor
from portal.errors import NOT_FOUND, Code
from portal.models import Account, Identity

FIELDS = ("mobile", "email")
KINDS = {"account": Account, "identity": Identity}


def mask_mobile(value: str | None) -> str:
    """Return a mobile number with its middle hidden.

    The result is such as `138****5678`; of a short number only the end is left.
    """
    if not value:
        return ""
    return f"{value[:-8]}****{value[-4:]}" if 11 <= len(value) <= 16 else f"****{value[-2:]}"


def mask_email(value: str | None) -> str:
    """Return an address with most of its local part hidden.

    The first character stays, such as `z***@example.com`.
    """
    if not value:
        return ""
    name, at, host = value.rpartition("@")
    return f"{name[:1]}***@{host}" if at else f"{value[:1]}***"


def reveal_contact(kind: str, id: int, field: str, *, by: Actor) -> tuple[Account | Identity, str]:
    """Return contact data to show, and record that.

    :param kind: `account` or `identity`.
    :param field: `mobile` or `email`.
    :raises Code: NOT_FOUND when there is no such account, person or field.
    """
    if kind not in KINDS or field not in FIELDS:
        raise Code(NOT_FOUND, "there is no such contact data")
    with database.write() as session:
        owner = session.get(KINDS[kind], id)
        if owner is None:
            raise Code(NOT_FOUND, "there is nobody of that id")
        audit.record("contact.reveal", by, **{f"{kind}_id": id}, details={"field": field})
        return owner, getattr(owner, field) or ""
