"""Many suggestions followed at once: only those that are clear, strong, and lead to no administrator."""

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

MOST = 500  # pairs at once
GOES, WEAK, ADMINISTRATOR, STAYS = "goes", "weak", "administrator", "stays"


@dataclass(frozen=True)
class Pair:
    """A person and the account that was suggested for them."""

    row: Row
    account_id: int | None
    rivalled: bool = False  # somebody else of the company is asked for with the same account

    @property
    def suggestion(self) -> Suggestion | None:
        """Return the suggestion for this very account, if it is still the clear one."""
        may = self.row.person.account_id is None and self.row.person.status in MAY_SIGN_IN and not self.row.refused
        clear = suggestions.clear(self.row.suggestions) if may and not self.rivalled else None
        return clear if clear and clear.account.id == self.account_id else None

    @property
    def place(self) -> tuple:
        """Return what one person alone can have: the account's place for somebody of their company."""
        return self.account_id, self.row.person.provider, self.row.person.tenant

    @property
    def state(self) -> str:
        """Return `goes` where it goes with many others, else `weak`, `administrator` or `stays`."""
        if self.suggestion is None:
            return STAYS
        if self.suggestion.account.role == "admin":
            return ADMINISTRATOR
        return WEAK if self.suggestion.weak else GOES


def look(asked: list[tuple[int, int | None]]) -> list[Pair]:
    """Return pairs of the people and accounts of these ids as they are now.

    People who are gone are left out.

    :param asked: each person's id, and the account's that was suggested for them.
    """
    rows = people_table.rows_of([person_id for person_id, _ in asked])
    pairs = [Pair(rows[person_id], account_id) for person_id, account_id in asked if person_id in rows]
    claims = Counter(pair.place for pair in pairs if pair.suggestion)
    return [replace(pair, rivalled=claims[pair.place] > 1) for pair in pairs]


def accept_suggestion(person_id: int, account_id: int, *, by: Actor) -> Identity:
    """Bind a person to the account suggested for them, if that still goes with many others.

    :raises Code: CONFLICT otherwise; as `rules.bind_identity()`.
    """
    facts = {"identity_id": person_id, "account_id": account_id}
    with audit.recorded("binding.make", by, conflict=rules.AccountTaken, **facts) as entry:
        person = rules.locked(person_id, None)
        db.session.get(Account, account_id, with_for_update={"read": True})  # its role stays while we look
        row = people_table.row(person)
        if Pair(row, account_id).state != GOES:
            raise Code(CONFLICT, "the suggestion does not hold by itself any more")
        how = "queue" if row.waiting else "administrator"
        return rules.make(entry, person_id, account_id, how, None)
