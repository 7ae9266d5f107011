"""The share of people that are bound."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.database import db
from portal.models import MAY_SIGN_IN, Department, Identity, Membership

LEAST_PEOPLE = 5  # of a department; of fewer, a share says little
SHOWN_DEPARTMENTS = 6


@dataclass(frozen=True)
class Adoption:
    """The people that may sign in, and the bound ones."""

    people: int
    bound: int

    @property
    def share(self) -> float:
        """Return the bound people's share, from 0 to 1."""
        return self.bound / self.people if self.people else 0.0


def count_by_platform() -> dict[str, Adoption]:
    """Return the adoption by provider, the largest first."""
    counts = select(Identity.provider, func.count(), func.count(Identity.account_id))
    rows = db.session.execute(counts.where(Identity.status.in_(MAY_SIGN_IN)).group_by(Identity.provider)).all()
    rows.sort(key=lambda row: (-row[1], row[0]))
    return {provider: Adoption(people, bound) for provider, people, bound in rows}


def add_up(parts: Iterable[Adoption]) -> Adoption:
    """Return the adoption of several groups together."""
    parts = list(parts)
    return Adoption(sum(part.people for part in parts), sum(part.bound for part in parts))


def list_least_bound() -> list[tuple[Department, Adoption]]:
    """Return the departments with the fewest bound people.

    Only the people directly in a department count. Departments with all of them bound are left out.
    """
    people, bound = func.count(), func.count(Identity.account_id)
    shares = select(Membership.department_id, people.label("people"), bound.label("bound"))
    shares = shares.join(Identity, Identity.id == Membership.identity_id).where(Identity.status.in_(MAY_SIGN_IN))
    shares = shares.group_by(Membership.department_id).having(people >= LEAST_PEOPLE, bound < people).cte()
    worst = select(Department, shares.c.people, shares.c.bound).join(shares, shares.c.department_id == Department.id)
    order = (1.0 * shares.c.bound / shares.c.people, shares.c.people.desc(), Department.id)
    rows = db.session.execute(worst.order_by(*order).limit(SHOWN_DEPARTMENTS))
    return [(department, Adoption(people, bound)) for department, people, bound in rows]
