"""The operator's way to an administrator's account.

`flask create-admin` calls it, for when no platform works.
"""

from dataclasses import dataclass

from portal import audit, database, endings
from portal.accounts import search, usernames
from portal.audit import Actor
from portal.database import db
from portal.errors import CONFLICT, Code
from portal.models import Account, Identity, LoginSession
from portal.signin.one_time_links import make_link


class PromotionNotAsked(Code):
    """CONFLICT, because people sign in as the account.

    The operator must say that they are meant.

    :param people: the people.
    """

    def __init__(self, account: Account, people: list[Identity]):
        super().__init__(CONFLICT, "the account is bound to a person")
        self.account, self.people = account, people


@dataclass(frozen=True)
class AdministratorLink:
    """A one-time link for an administrator's account.

    :param changes: `created`, `promoted` and `enabled`, as far as they were necessary.
    :param people: the people bound to the account.
    :param ended_sessions: how many sessions of the account have ended.
    :param token: the link's.
    """

    account: Account
    changes: list[str]
    people: list[Identity]
    ended_sessions: int
    token: str


@database.retried
def make_administrator(username: str, promote: bool = False) -> AdministratorLink:
    """Create, promote or enable an account, and make its link.

    Its sessions end.

    :param username: one that differs by capitals only is that account.
    :param promote: also where people of a platform are bound to the account.
    :raises PromotionNotAsked: without it.
    """
    with audit.recorded("account.create_admin", Actor()) as entry:
        account = db.session.scalar(usernames.select_by_username(username).with_for_update(key_share=True))
        if account is None:
            account, changes = Account(username=username, name=username, role="admin"), ["created"]
            db.session.add(account)
            db.session.flush()
        else:
            changes = ["promoted"] * (account.role != "admin") + ["enabled"] * (not account.active)
        entry.note(account_id=account.id)
        people = search.list_identities(account.id)
        if people and not promote:
            raise PromotionNotAsked(account, people)
        account.role, account.active = "admin", True
        ended = endings.end_sessions(LoginSession.account_id == account.id, why="administrator made")
        entry.note(details={"did": changes, "sessions": ended})
        return AdministratorLink(account, changes, people, ended, make_link(account))
