"""The list of accounts as administrators look through it: filtered, sorted, a page at a time."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Select, and_, func, or_, select

from portal.clocks import now
from portal.database import db
from portal.models import Account, Identity, LoginSession, OneTimeLink

SIZE = 50  # accounts on a page
STATES = ("active", "disabled", "no_way_in")
SORTS = {
    "username": (Account.username.asc(), Account.id.asc()),
    "-username": (Account.username.desc(), Account.id.desc()),
    "name": (Account.name.asc(), Account.id.asc()),
    "-name": (Account.name.desc(), Account.id.desc()),
    "created": (Account.created_at.asc(), Account.id.asc()),
    "-created": (Account.created_at.desc(), Account.id.desc()),
}
IDENTITY_LESS = ~select(Identity.id).where(Identity.account_id == Account.id).exists()


@dataclass(frozen=True)
class Filter:
    """What is asked for; an empty field asks for everything."""

    q: str = ""
    role: str = ""
    state: str = ""
    sort: str = "username"

    def conditions(self) -> list:
        found = []
        if self.q:
            by_text = [Account.username, Account.name, Account.employee_number]
            exact = [Account.mobile == self.q, func.lower(Account.email) == self.q.lower()]
            found.append(or_(*(column.icontains(self.q, autoescape=True) for column in by_text), *exact))
        if self.role:
            found.append(Account.role == self.role)
        if self.state == "active":
            found.append(Account.active)
        elif self.state == "disabled":
            found.append(~Account.active)
        elif self.state == "no_way_in":
            found.append(and_(Account.active, IDENTITY_LESS))
        return found


@dataclass(frozen=True)
class Page:
    """A page of the list: the accounts, whom they belong to, when they last signed in, and how many there are."""

    accounts: list[Account]
    identities: dict[int, list[Identity]]
    signed_in: dict
    total: int
    number: int

    @property
    def last(self) -> int:
        return max(1, -(-self.total // SIZE))


def page(wanted: Filter, number: int) -> Page:
    """Return a page of the accounts asked for; a number beyond the last page means that one."""
    conditions = wanted.conditions()
    total = db.session.scalar(select(func.count()).select_from(Account).where(*conditions))
    number = max(1, min(number, -(-total // SIZE)))
    rows = select(Account).where(*conditions).order_by(*SORTS[wanted.sort])
    accounts = db.session.scalars(rows.limit(SIZE).offset((number - 1) * SIZE)).all()
    ids = [account.id for account in accounts]
    identities = defaultdict(list)
    for identity in db.session.scalars(select(Identity).where(Identity.account_id.in_(ids)).order_by(Identity.id)):
        identities[identity.account_id].append(identity)
    return Page(list(accounts), identities, last_sign_ins(ids), total, number)


def last_sign_ins(ids: list[int]) -> dict:
    """Return when each of the accounts has last signed in, by id."""
    newest = func.max(LoginSession.signed_in_at)
    rows = select(LoginSession.account_id, newest).where(LoginSession.account_id.in_(ids))
    return dict(db.session.execute(rows.group_by(LoginSession.account_id)).all())


def counts() -> dict[str, int]:
    """Return how many accounts there are in all, and of each kind the page counts."""

    def number(*conditions) -> Select:
        return select(func.count()).select_from(Account).where(*conditions).scalar_subquery()

    kinds = {
        "all": number(),
        "admin": number(Account.role == "admin", Account.active),
        "disabled": number(~Account.active),
        "no_way_in": number(Account.active, IDENTITY_LESS),
    }
    return dict(zip(kinds, db.session.execute(select(*kinds.values())).one(), strict=True))


def identities_of(account_id: int) -> list[Identity]:
    """Return whose sign-in opens the account."""
    return list(db.session.scalars(select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)))


def open_link(account_id: int) -> OneTimeLink | None:
    """Return the account's one-time link, if it can still be used."""
    mine = (OneTimeLink.account_id == account_id, OneTimeLink.expires_at > now())
    return db.session.scalar(select(OneTimeLink).where(*mine))


def find_account(account_id: int) -> Account | None:
    """Return the account of an id."""
    return db.session.get(Account, account_id)


def find_accounts(text: str, most: int) -> list[Account]:
    """Return accounts that hold a text in their names, employee number or e-mail address."""
    columns = (Account.username, Account.name, Account.employee_number, Account.email)
    holds_text = or_(*(column.icontains(text, autoescape=True) for column in columns))
    return list(db.session.scalars(select(Account).where(holds_text).order_by(Account.username).limit(most)))
