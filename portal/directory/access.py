"""The access of people, and how they lose it."""

from sqlalchemy import delete, select

from portal import endings
from portal.database import db
from portal.errors import NOT_ALLOWED, Code
from portal.models import LEFT, MAY_SIGN_IN, Account, Identity, LoginSession, OneTimeLink


class PersonAbsent(Code):
    """NOT_ALLOWED, because of the person's status at the platform.

    :param has_left: whether the person has left, or else is frozen.
    """

    def __init__(self, has_left: bool):
        super().__init__(NOT_ALLOWED, "the person has left" if has_left else "the person is frozen or disabled")
        self.has_left = has_left


def end_access(identity_id: int, status: int, account_id: int | None) -> None:
    """End the sessions of a leaver or a frozen person.

    Call it inside the transaction that notes the status.

    :param account_id: as in `end_person_sessions()`.
    """
    end_person_sessions(identity_id, account_id, "left" if status == LEFT else "frozen")


def refuse_absent(identity: Identity) -> Code | None:
    """Return why a leaver or a frozen person is refused."""
    if identity.status in MAY_SIGN_IN:
        return None
    return PersonAbsent(identity.status == LEFT)


def end_person_sessions(identity_id: int, account_id: int | None, why: str) -> int:
    """End the sessions of a person, and count them.

    It is part of the caller's transaction. Where no other person can sign in as the account, its other sessions end
    too, and the link that an administrator has handed out.

    :param account_id: the account they could sign in to until now.
    """
    ended = endings.end_sessions(LoginSession.identity_id == identity_id, why=why)
    if account_id is None:
        return ended
    # Two who lose one account go one after the other.
    db.session.get_one(Account, account_id, with_for_update={"key_share": True})
    db.session.flush()
    if not has_people(account_id):
        ended += endings.end_sessions(LoginSession.account_id == account_id, why=why)
        db.session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account_id))
    return ended


def has_people(account_id: int) -> bool:
    """Tell whether a person can sign in as an account."""
    able = (Identity.account_id == account_id, Identity.status.in_(MAY_SIGN_IN))
    return db.session.scalar(select(Identity.id).where(*able).limit(1)) is not None
