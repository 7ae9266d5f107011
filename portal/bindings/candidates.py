"""The people and accounts that can be chosen for binding.

People that can't be bound come last, with the reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from portal.accounts import search
from portal.bindings import suggestions
from portal.bindings.people_filters import select_by_text
from portal.bindings.people_table import Row
from portal.bindings.suggestions import Suggestion
from portal.database import db
from portal.models import MAY_SIGN_IN, Account, Identity
from portal.text import fold_name

MOST_CANDIDATES = 20  # shown of a search
STATUS, BOUND_HERE, TAKEN, DISABLED = "status", "bound_here", "taken", "disabled"  # why one can't be chosen


@dataclass(frozen=True)
class AccountCandidate:
    """An account that may be the person's.

    :param holder: another person of the same company that it has.
    :param obstacle: `bound_here` or `disabled`, where it can't be chosen.
    """

    account: Account
    suggestion: Suggestion | None
    holder: Identity | None
    obstacle: str = ""


@dataclass(frozen=True)
class PersonCandidate:
    """A person that the account may belong to.

    :param holder: another person of the same company that the account has.
    :param obstacle: `status`, `bound_here` or `taken`, where the person can't be chosen.
    """

    person: Identity
    suggestion: Suggestion | None = None
    holder: Identity | None = None
    obstacle: str = ""


@dataclass(frozen=True)
class Candidates:
    """What a search offers.

    :param rows: accounts, or people in groups: one human may be a person of several platforms.
    :param shown: how many accounts or people there are in `rows`.
    :param total: how many the search has found.
    """

    rows: list
    shown: int
    total: int


# Accounts for a person


def offer_accounts(row: Row, text: str) -> Candidates:
    """Return the accounts to choose from for a person.

    Those are the ones that the search finds, or else the ones suggested. Disabled accounts come last.
    """
    person, suggested = row.person, row.suggestions
    by_account = {suggestion.account.id: suggestion for suggestion in suggested}
    if text:
        is_match = search.match_text(text)
        total = db.session.scalar(select(func.count()).select_from(Account).where(is_match))
        order = (Account.active.desc(), Account.username)
        accounts = list(db.session.scalars(select(Account).where(is_match).order_by(*order).limit(MOST_CANDIDATES)))
    else:
        total, accounts = len(by_account), [suggestion.account for suggestion in suggested][:MOST_CANDIDATES]
    holders = find_holders(person, [account.id for account in accounts])
    offered = [
        AccountCandidate(account, by_account.get(account.id), holders.get(account.id), find_closure(account, person))
        for account in accounts
    ]
    return Candidates(offered, len(offered), total)


def find_closure(account: Account, person: Identity) -> str:
    """Return why an account can't be chosen, or ""."""
    if account.id == person.account_id:
        return BOUND_HERE
    return "" if account.active else DISABLED


def find_holders(person: Identity, account_ids: list[int]) -> dict[int, Identity]:
    """Return the accounts' other people of a person's company."""
    company = (Identity.provider == person.provider, Identity.tenant == person.tenant)
    others = select(Identity).where(Identity.account_id.in_(account_ids), *company, Identity.id != person.id)
    return {holder.account_id: holder for holder in db.session.scalars(others)}


# People for an account


def offer_people(account: Account | None, text: str) -> Candidates:
    """Return the people to choose from, one human once.

    Those are the ones that the search finds, or else the ones suggested.
    """
    suggested = suggestions.suggest_people(account) if account else []
    by_person = {suggestion.person.id: suggestion for suggestion in suggested}
    if text:
        ids = select_by_text(text).subquery()
        is_match = Identity.id.in_(select(ids.c.id))
        total = db.session.scalar(select(func.count()).select_from(Identity).where(is_match))
        order = (case((Identity.status.in_(MAY_SIGN_IN), 0), else_=1), Identity.name, Identity.id)
        matches = select(Identity).where(is_match).order_by(*order).limit(MOST_CANDIDATES)
        people = list(db.session.scalars(matches.options(joinedload(Identity.account))))
    else:
        total, people = len(by_person), [suggestion.person for suggestion in suggested][:MOST_CANDIDATES]
    holders = {(held.provider, held.tenant): held for held in search.list_identities(account.id)} if account else {}
    rows = [
        describe_person(person, account, by_person.get(person.id), holders.get((person.provider, person.tenant)))
        for person in people
    ]
    rows.sort(key=lambda row: bool(row.obstacle))
    return Candidates(group_people(rows), len(rows), total)


def describe_person(
    person: Identity, account: Account | None, suggestion: Suggestion | None, holder: Identity | None
) -> PersonCandidate:
    """Return a person with what keeps them from the account."""
    if account and person.account_id == account.id:
        return PersonCandidate(person, obstacle=BOUND_HERE)
    if person.status not in MAY_SIGN_IN:
        return PersonCandidate(person, obstacle=STATUS)
    return PersonCandidate(person, suggestion, holder, TAKEN if holder else "")


def group_people(rows: Iterable[PersonCandidate]) -> list[list[PersonCandidate]]:
    """Return people in groups, each of them one human.

    People belong together by their account, or by name and employee number.
    """
    groups = {}
    for row in rows:
        groups.setdefault(make_group_key(row.person), []).append(row)
    return list(groups.values())


def make_group_key(person: Identity) -> tuple:
    if person.account_id is not None:
        return "account", person.account_id
    if person.name and person.employee_number:
        return "number", fold_name(person.name), person.employee_number
    return "person", person.id
