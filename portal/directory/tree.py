"""The departments of each company as a tree.

A department counts all people in it and below it.
"""

from dataclasses import dataclass, field

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import aliased

from portal.database import db
from portal.directory import paths
from portal.models import LEFT, Department, Identity, Membership

MOST_LEVELS = 30  # more are a mistake of the platform


@dataclass(frozen=True)
class Branch:
    """A department in its tree.

    :param people: how many are in it or in a department below it.
    """

    department: Row
    people: int
    below: list["Branch"] = field(default_factory=list)


def read_trees(number: int) -> dict[tuple[str, str], list[Branch]]:
    """Return the trees by provider and tenant.

    Of a large company it is the first two levels.

    :param number: how many departments are stored.
    """
    children = paths.read_children(None, number)
    people = count_people_below([row.id for rows in children.values() for row in rows])

    def grow(row: Row, level: int = 1) -> Branch:
        below = children.get(paths.make_key(row), ()) if level < MOST_LEVELS else ()
        return Branch(row, people.get(row.id, 0), [grow(child, level + 1) for child in below])

    trees = {}
    for row in children.get(None, ()):
        trees.setdefault((row.provider, row.tenant), []).append(grow(row))
    return trees


def count_people_below(ids: list[int]) -> dict[int, int]:
    """Return how many people are in departments and below them.

    A person in several of them is one. Leavers don't count.
    """
    top = select(Department.id.label("top_id"), Department.id, Department.provider, Department.tenant)
    below = top.add_columns(Department.dept_id).where(Department.id.in_(ids)).cte("below", recursive=True)
    child = aliased(Department)
    is_child = and_(
        child.provider == below.c.provider, child.tenant == below.c.tenant, child.parent_id == below.c.dept_id
    )
    columns = (below.c.top_id, child.id, child.provider, child.tenant, child.dept_id)
    below = below.union(select(*columns).join(child, is_child))  # no row twice, so a circle has an end
    statement = (
        select(below.c.top_id, func.count(Membership.identity_id.distinct()))
        .join(Membership, Membership.department_id == below.c.id)
        .join(Identity, and_(Identity.id == Membership.identity_id, Identity.status != LEFT))
        .group_by(below.c.top_id)
    )
    return dict(db.session.execute(statement).all()) if ids else {}
