"""The share of people that are bound."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select

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

    Only the people directly in a department count. Departments with all of them bound are left out. Bound people are
    most of a company: they are what is left of all members, so that no row of theirs is read.
    """
    members = count_members().cte()
    unbound = count_members(Identity.account_id.is_(None), Identity.status.in_(MAY_SIGN_IN)).cte()
    others = count_members(Identity.status.not_in(MAY_SIGN_IN)).cte()
    people = members.c.number - func.coalesce(others.c.number, 0)
    share = 1.0 * unbound.c.number / people
    worst = (
        select(unbound.c.department_id, people, unbound.c.number)
        .join(members, members.c.department_id == unbound.c.department_id)
        .outerjoin(others, others.c.department_id == unbound.c.department_id)
        .where(people >= LEAST_PEOPLE)
        .order_by(share.desc(), people.desc(), unbound.c.department_id)
        .limit(SHOWN_DEPARTMENTS)
    )
    rows = db.session.execute(worst).all()
    ids = [department_id for department_id, _people, _unbound in rows]
    departments = {row.id: row for row in db.session.scalars(select(Department).where(Department.id.in_(ids)))}
    return [(departments[id], Adoption(people, people - unbound)) for id, people, unbound in rows]


def count_members(*conditions: ColumnElement[bool]) -> Select:
    """Return the statement that counts members by department.

    :param conditions: on `Identity`.
    """
    number = func.count().label("number")
    members = select(Membership.department_id, number).group_by(Membership.department_id)
    return members.where(Membership.identity_id.in_(select(Identity.id).where(*conditions))) if conditions else members
