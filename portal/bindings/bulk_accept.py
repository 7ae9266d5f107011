"""Accepting many suggestions at once.

Weak ones and administrators' accounts are told apart, so that each of them is chosen by itself.
"""

from collections import Counter
from dataclasses import dataclass, replace

from sqlalchemy import select

from portal import audit, database
from portal.audit import Actor, PendingEntry
from portal.bindings import people_table, rules, suggestions
from portal.bindings.people_filters import PeopleFilters
from portal.bindings.people_table import Row
from portal.bindings.suggestions import Suggestion
from portal.database import db
from portal.errors import CONFLICT
from portal.models import MAY_SIGN_IN, Account, Identity

MOST_PAIRS = 500  # in one request
BOUND_AT_ONCE = 50  # pairs in one transaction
GOES, WEAK, ADMINISTRATOR, STAYS = "goes", "weak", "administrator", "stays"
APART = (WEAK, ADMINISTRATOR)  # states of pairs that are chosen one by one


@dataclass(frozen=True)
class SuggestedPair:
    """A person and the account that was suggested for them.

    :param account_id: none stands for the account that is suggested now.
    :param has_rival: another person of the company is asked for with the same account.
    """

    row: Row
    account_id: int | None
    has_rival: bool = False

    @property
    def suggestion(self) -> Suggestion | None:
        """Return the suggestion of this account, if still clear."""
        person = self.row.person
        is_open = person.account_id is None and person.status in MAY_SIGN_IN and not self.row.refused
        clear = suggestions.find_clear(self.row.suggestions) if is_open and not self.has_rival else None
        return clear if clear and self.account_id in (None, clear.account.id) else None

    @property
    def place(self) -> tuple:
        """Return account and company, which only one person can have."""
        return self.suggestion.account.id, self.row.person.provider, self.row.person.tenant

    @property
    def state(self) -> str:
        """Return `goes`, `weak`, `administrator` or `stays`.

        A pair that goes can be accepted together with many others.
        """
        if self.suggestion is None:
            return STAYS
        if self.suggestion.account.role == "admin":
            return ADMINISTRATOR
        return WEAK if self.suggestion.weak else GOES


def review_pairs(pairs: list[tuple[int, int | None]]) -> list[SuggestedPair]:
    """Return pairs of people and accounts as they are now.

    People that are gone are left out.

    :param pairs: each person's id, and the id of the account that was suggested for them, or none.
    """
    rows = people_table.find_rows([person_id for person_id, _ in pairs])
    reviewed = [SuggestedPair(rows[person_id], account_id) for person_id, account_id in pairs if person_id in rows]
    claims = Counter(pair.place for pair in reviewed if pair.suggestion)
    return [replace(pair, has_rival=bool(pair.suggestion) and claims[pair.place] > 1) for pair in reviewed]


def find_suggested_people(filters: PeopleFilters) -> list[int]:
    """Return the ids of people with a clear suggestion.

    They are those that the filters leave, at most one more than `MOST_PAIRS`.
    """
    conditions = replace(filters, status="suggested").list_conditions()
    people = people_table.sort_people(select(Identity.id).where(*conditions), "name")
    return list(db.session.scalars(people.limit(MOST_PAIRS + 1)))


def accept_suggestions(
    pairs: list[tuple[int, int]], apart: dict[int, str] | None = None, *, by: Actor
) -> tuple[int, list[int]]:
    """Bind people to the accounts suggested for them.

    A pair is bound if it is suggested still and stands where the administrator saw it.

    :param apart: person -> state of each pair that was shown as weak or with an administrator's account; without it,
        every state will do.
    :return: how many are bound, and the ids of the others.
    """
    accounts = dict(pairs)
    going = sorted(pair.row.person.id for pair in review_pairs(pairs) if not pair.has_rival)
    bound = []
    for first in range(0, len(going), BOUND_AT_ONCE):
        batch = [(person, accounts[person]) for person in going[first : first + BOUND_AT_ONCE]]
        bound += bind_batch(batch, apart, by=by)
    return len(bound), sorted(accounts.keys() - set(bound))


@database.retried
def bind_batch(pairs: list[tuple[int, int]], apart: dict[int, str] | None, *, by: Actor) -> list[int]:
    """Bind some pairs in one transaction, and return their people.

    All are locked first and looked at once more, so that two administrators can't both win.
    """
    with database.write():
        lock_rows(pairs)
        bound = []
        for pair in review_pairs(pairs):
            person_id = pair.row.person.id
            if is_as_shown(pair, apart):
                bind_pair(pair, by)
                bound.append(person_id)
            else:
                audit.record("binding.make", by, result=CONFLICT, identity_id=person_id, account_id=pair.account_id)
    return bound


def lock_rows(pairs: list[tuple[int, int]]) -> None:
    """Lock people for writing, and their accounts against changes.

    They are locked in one order, so that two administrators don't wait for each other.
    """
    people, accounts = ({ids[place] for ids in pairs} for place in (0, 1))
    db.session.execute(select(Identity.id).where(Identity.id.in_(people)).order_by(Identity.id).with_for_update())
    wanted = select(Account.id).where(Account.id.in_(accounts)).order_by(Account.id)
    db.session.execute(wanted.with_for_update(read=True))


def is_as_shown(pair: SuggestedPair, apart: dict[int, str] | None) -> bool:
    """Tell whether a pair has the state that was shown."""
    if pair.state == STAYS or apart is None:
        return pair.state != STAYS
    return pair.state == apart.get(pair.row.person.id, GOES)


def bind_pair(pair: SuggestedPair, by: Actor) -> None:
    """Bind a reviewed and locked pair.

    Part of the caller's transaction.
    """
    entry = PendingEntry(by)
    how = "queue" if pair.row.waiting else "administrator"
    rules.make_binding(entry, pair.row.person.id, pair.suggestion.account.id, how, None)
    audit.record("binding.make", by, **entry.facts)
