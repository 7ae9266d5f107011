"""The operator's way to an administrator: `flask create-admin`, for when no platform works."""

from dataclasses import dataclass

from sqlalchemy import select

from portal import audit, database, endings
from portal.accounts import usernames
from portal.audit import Actor
from portal.database import db
from portal.errors import CONFLICT, Code
from portal.models import Account, Identity, LoginSession
from portal.signin import one_time_links


class Bound(Code):
    """40900: the account signs people in, so that it has to be said that they are meant.

    :param people: who they are.
    """

    def __init__(self, account: Account, people: list[Identity]):
        super().__init__(CONFLICT, "the account is bound to a person")
        self.account, self.people = account, people


@dataclass(frozen=True)
class Made:
    """What became of the account, whom it signs in, how many sessions ended, and the token of the link.

    `did` holds `created`, `promoted` and `enabled`, as far as they were necessary.
    """

    account: Account
    did: list[str]
    people: list[Identity]
    sessions: int
    token: str


@database.retried
def make(username: str, promote: bool = False) -> Made:
    """Create, promote or re-enable an account, end its sessions, and make a one-time link for it.

    :param username: one that differs by capitals only is that account.
    :param promote: also where people of a platform are bound to the account.
    :raises Bound: without it.
    """
    with audit.recorded("account.create_admin", Actor()) as entry:
        account = db.session.scalar(usernames.named(username).with_for_update(key_share=True))
        if account is None:
            account, did = Account(username=username, name=username, role="admin"), ["created"]
            db.session.add(account)
            db.session.flush()
        else:
            did = ["promoted"] * (account.role != "admin") + ["enabled"] * (not account.active)
        entry.note(account_id=account.id)
        mine = select(Identity).where(Identity.account_id == account.id).order_by(Identity.id)
        people = list(db.session.scalars(mine))
        if people and not promote:
            raise Bound(account, people)
        account.role, account.active = "admin", True
        ended = endings.end_sessions(LoginSession.account_id == account.id, why="administrator made")
        entry.note(details={"did": did, "sessions": ended})
        return Made(account, did, people, ended, one_time_links.make(account))
