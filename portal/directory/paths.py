"""Departments as people read them: each person's path, and the choice for a filter."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.database import db
from portal.models import Department, Identity

MOST_AT_ONCE = 200  # departments in one choice; a larger tree is walked level by level
MOST_COMPANIES = 3  # whose first level is offered before anything is chosen
COLUMNS = (
    Department.id,
    Department.provider,
    Department.tenant,
    Department.dept_id,
    Department.parent_id,
    Department.name,
    Department.position,
)


@dataclass(frozen=True)
class Path:
    """A department and what it lies in: `id` for the filter, `names` from the top; the company itself is left out."""

    id: int
    names: tuple[str, ...]


def paths(people: Iterable[Identity]) -> dict[int, list[Path]]:
    """Return each person's departments by the person's id, the main one first; those not stored are left out."""
    people = list(people)
    wanted = {(one.provider, one.tenant, dept_id) for one in people for dept_id in one.department}
    rows = upward(wanted)
    found = {}
    for one in people:
        keys = [(one.provider, one.tenant, dept_id) for dept_id in dict.fromkeys(one.department)]
        found[one.id] = [Path(rows[key].id, names(key, rows)) for key in keys if key in rows]
    return found


def upward(keys: set[tuple]) -> dict:
    """Return these departments and all they lie in, by provider, tenant and id."""
    companies = {key[:2] for key in keys}
    if not keys:
        return {}
    asked = or_(
        *(
            and_(
                Department.provider == provider,
                Department.tenant == tenant,
                Department.dept_id.in_(sorted(key[2] for key in keys if key[:2] == (provider, tenant))),
            )
            for provider, tenant in sorted(companies)
        )
    )
    return lineage(asked)


def lineage(asked) -> dict:
    """Return the departments that meet a condition and all they lie in, by provider, tenant and id."""
    tree = select(*COLUMNS).where(asked).cte("tree", recursive=True)
    above = and_(
        Department.provider == tree.c.provider,
        Department.tenant == tree.c.tenant,
        Department.dept_id == tree.c.parent_id,
    )
    rows = db.session.execute(select(tree.union(select(*COLUMNS).join(tree, above))))
    return {(row.provider, row.tenant, row.dept_id): row for row in rows}


def names(key: tuple, rows: dict) -> tuple[str, ...]:
    """Return the names on the way to a department; a circle in the tree is walked once."""
    chain, seen = [], set()
    while key in rows and key not in seen:
        seen.add(key)
        chain.append(rows[key].name or rows[key].dept_id)
        key = (*key[:2], rows[key].parent_id)
    return tuple(reversed(chain[:-1] or chain))


def choice(chosen: int | None, number: int) -> list[tuple[int, str, int]]:
    """Return what a filter offers: id, name and depth, in the tree's order.

    Of a large tree, that is the way to the chosen department and what lies directly below it.

    :param number: how many departments are stored.
    """
    rows = around(chosen) if number > MOST_AT_ONCE else db.session.execute(select(*COLUMNS)).all()
    below, known = {}, {key_of(row) for row in rows}
    for row in sorted(rows, key=lambda row: (row.position, row.name, row.id), reverse=True):
        parent = (row.provider, row.tenant, row.parent_id)
        below.setdefault(parent if parent in known else None, []).append((key_of(row), row))
    offered, left = [], [(0, each) for each in below.get(None, ())]
    while left:
        depth, (key, row) = left.pop()
        offered.append((row.id, row.name or row.dept_id, depth))
        left.extend((depth + 1, each) for each in below.pop(key, ()))
    return offered


def around(chosen: int | None) -> list:
    """Return the way to the chosen department and its own; without one, those at the top and theirs."""
    rows = {}
    if chosen:
        rows = lineage(Department.id == chosen)
        start = [row for row in rows.values() if row.id == chosen]
    if not rows:
        upper = aliased(Department)
        lies_in = and_(
            upper.provider == Department.provider,
            upper.tenant == Department.tenant,
            upper.dept_id == Department.parent_id,
        )
        start = db.session.execute(select(*COLUMNS).where(~exists().where(lies_in)).limit(MOST_AT_ONCE)).all()
        rows = {key_of(row): row for row in start}
    for top in start[:MOST_COMPANIES]:
        inside = (Department.provider, Department.tenant, Department.parent_id)
        below = select(*COLUMNS).where(*(column == value for column, value in zip(inside, key_of(top), strict=True)))
        rows |= {key_of(row): row for row in db.session.execute(below.limit(MOST_AT_ONCE))}
    return list(rows.values())


def key_of(row) -> tuple:
    return row.provider, row.tenant, row.dept_id


def companies() -> dict[tuple[str, str], int]:
    """Return provider and tenant of each company whose departments are stored, and how many those are."""
    company = (Department.provider, Department.tenant)
    rows = db.session.execute(select(*company, func.count()).group_by(*company).order_by(*company))
    return {(provider, tenant): number for provider, tenant, number in rows}
