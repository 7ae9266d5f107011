"""The list of accounts with its filters, order and pages."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select

from portal.database import db
from portal.database.paging import Page, load_page
from portal.models import MAY_SIGN_IN, Account, Identity, LoginSession

PAGE_SIZE = 50  # accounts
STATES = ("active", "disabled", "no_way_in")
SORTS = {
    "username": (Account.username.asc(), Account.id.asc()),
    "-username": (Account.username.desc(), Account.id.desc()),
    "name": (Account.name.asc(), Account.id.asc()),
    "-name": (Account.name.desc(), Account.id.desc()),
    "created": (Account.created_at.asc(), Account.id.asc()),
    "-created": (Account.created_at.desc(), Account.id.desc()),
}
HAS_NO_IDENTITY = ~select(Identity.id).where(Identity.account_id == Account.id).exists()


@dataclass(frozen=True)
class AccountFilter:
    """The accounts that a search asks for.

    An empty field asks for all.
    """

    q: str = ""
    role: str = ""
    state: str = ""
    sort: str = "username"

    def list_conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on `Account`."""
        conditions = []
        if self.q:
            parts = [Account.username, Account.name, Account.employee_number]
            exact = [Account.mobile == self.q, func.lower(Account.email) == self.q.lower()]
            conditions.append(or_(*(column.icontains(self.q, autoescape=True) for column in parts), *exact))
        if self.role:
            conditions.append(Account.role == self.role)
        if self.state == "active":
            conditions.append(Account.active)
        elif self.state == "disabled":
            conditions.append(~Account.active)
        elif self.state == "no_way_in":
            conditions.append(and_(Account.active, HAS_NO_IDENTITY))
        return conditions


@dataclass(frozen=True)
class ListedAccount:
    """An account in the list with people and last sign-in."""

    account: Account
    identities: list[Identity]
    signed_in_at: datetime | None

    @property
    def is_left_behind(self) -> bool:
        """Tell whether people of an active account have left."""
        return self.account.active and any(identity.status not in MAY_SIGN_IN for identity in self.identities)


def search_accounts(wanted: AccountFilter, number: int) -> Page[ListedAccount]:
    """Return a page of the accounts a filter asks for.

    :param number: from 1; one beyond the last page means that one.
    """
    conditions = wanted.list_conditions()
    total = db.session.scalar(select(func.count()).select_from(Account).where(*conditions))
    page = load_page(select(Account).where(*conditions).order_by(*SORTS[wanted.sort]), total, number, PAGE_SIZE)
    ids = [account.id for account in page.rows]
    identities = defaultdict(list)
    for identity in db.session.scalars(select(Identity).where(Identity.account_id.in_(ids)).order_by(Identity.id)):
        identities[identity.account_id].append(identity)
    sign_ins = load_last_sign_ins(ids)
    rows = [ListedAccount(account, identities[account.id], sign_ins.get(account.id)) for account in page.rows]
    return replace(page, rows=rows)


def load_last_sign_ins(ids: list[int]) -> dict[int, datetime]:
    """Return the last sign-in of each account, by id."""
    newest = func.max(LoginSession.signed_in_at)
    rows = select(LoginSession.account_id, newest).where(LoginSession.account_id.in_(ids))
    return dict(db.session.execute(rows.group_by(LoginSession.account_id)).all())


def count_accounts() -> dict[str, int]:
    """Return how many accounts there are of each kind.

    The kinds are `all`, `admin`, `disabled` and `no_way_in`.
    """

    def count(*conditions: ColumnElement[bool]) -> ScalarSelect:
        return select(func.count()).select_from(Account).where(*conditions).scalar_subquery()

    kinds = {
        "all": count(),
        "admin": count(Account.role == "admin", Account.active),
        "disabled": count(~Account.active),
        "no_way_in": count(Account.active, HAS_NO_IDENTITY),
    }
    return dict(zip(kinds, db.session.execute(select(*kinds.values())).one(), strict=True))


def list_identities(account_id: int) -> list[Identity]:
    """Return the people that are bound to an account."""
    return list(db.session.scalars(select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)))


def list_administrators() -> list[str]:
    """Return the usernames of the administrators."""
    return list(db.session.scalars(select(Account.username).where(Account.role == "admin").order_by(Account.username)))


def find_account(account_id: int) -> Account | None:
    """Return the account of an id."""
    return db.session.get(Account, account_id)


def match_text(text: str) -> ColumnElement[bool]:
    """Return the condition for accounts that hold a text.

    It may stand in their names, employee number or e-mail address.
    """
    columns = (Account.username, Account.name, Account.employee_number, Account.email)
    return or_(*(column.icontains(text, autoescape=True) for column in columns))
