"""Accepting many suggestions at once.

Only those go that are clear, strong, and lead to no administrator.
"""

from collections import Counter
from dataclasses import dataclass, replace

from portal import audit
from portal.audit import Actor
from portal.bindings import people_table, rules, suggestions
from portal.bindings.people_table import Row
from portal.bindings.suggestions import Suggestion
from portal.database import db
from portal.errors import CONFLICT, Code
from portal.models import MAY_SIGN_IN, Account, Identity

MOST_PAIRS = 500  # at once
GOES, WEAK, ADMINISTRATOR, STAYS = "goes", "weak", "administrator", "stays"


@dataclass(frozen=True)
class SuggestedPair:
    """A person and the account that was suggested for them.

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
        return clear if clear and clear.account.id == self.account_id else None

    @property
    def place(self) -> tuple:
        """Return account and company, which only one person can have."""
        return self.account_id, self.row.person.provider, self.row.person.tenant

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

    :param pairs: each person's id, and the id of the account that was suggested for them.
    """
    rows = people_table.find_rows([person_id for person_id, _ in pairs])
    reviewed = [SuggestedPair(rows[person_id], account_id) for person_id, account_id in pairs if person_id in rows]
    claims = Counter(pair.place for pair in reviewed if pair.suggestion)
    return [replace(pair, has_rival=claims[pair.place] > 1) for pair in reviewed]


def accept_suggestion(person_id: int, account_id: int, *, by: Actor) -> Identity:
    """Bind a person to the suggested account, if possible.

    :raises Code: CONFLICT otherwise; as `rules.bind_identity()`.
    """
    facts = {"identity_id": person_id, "account_id": account_id}
    with audit.recorded("binding.make", by, conflict=rules.AccountTaken, **facts) as entry:
        person = rules.lock_identity(person_id, None)
        db.session.get(Account, account_id, with_for_update={"read": True})  # its role stays while we look
        row = people_table.find_row(person)
        if SuggestedPair(row, account_id).state != GOES:
            raise Code(CONFLICT, "the suggestion does not hold by itself any more")
        how = "queue" if row.waiting else "administrator"
        return rules.make_binding(entry, person_id, account_id, how, None)
