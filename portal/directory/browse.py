"""The stored tree of departments, a level at a time, and the people in it."""

from dataclasses import dataclass

from sqlalchemy import and_, exists, func, literal, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.database import db
from portal.errors import NOT_FOUND, Code
from portal.models import LEFT, Department, Identity, Membership

PAGE = 50  # people
DEEPEST = 50  # levels


@dataclass(frozen=True)
class Level:
    """A department, or the top where there is none: the way there, what lies below, and a page of its people."""

    department: Department | None
    way: list[Department]
    below: list[tuple[Department, int, int]]  # department, its sub-departments, its people
    people: list[Identity]
    page: int  # of the people
    total: int


def level(department_id: int | None, page: int) -> Level:
    """Return what to show of a department.

    :param department_id: `None` for the top.
    :param page: of its people, from 1; one beyond the last means that one.
    :raises Code: NOT_FOUND when there is no such department.
    """
    if department_id is None:
        return Level(None, [], below(is_root()), *people(loose(), page))
    department = db.session.get(Department, department_id)
    if department is None:
        raise Code(NOT_FOUND, "there is no such department")
    children = and_(*same_company(Department, department), Department.parent_id == department.dept_id)
    member = exists().where(Membership.identity_id == Identity.id, Membership.department_id == department.id)
    return Level(department, way_to(department), below(children), *people(member, page))


def search(words: str, page: int) -> Level:
    """Return the departments and people in whose names, ids or employee numbers a text occurs."""
    like = f"%{escaped(words)}%"
    named = [column.ilike(like, escape="\\") for column in (Identity.name, Identity.user_id, Identity.employee_number)]
    return Level(None, [], below(Department.name.ilike(like, escape="\\"), most=20), *people(or_(*named), page))


def escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def same_company(one, other) -> tuple:
    return one.provider == other.provider, one.tenant == other.tenant


def is_root():
    """Return the condition for departments whose parent is not stored."""
    parent = aliased(Department)
    return ~exists().where(*same_company(parent, Department), parent.dept_id == Department.parent_id)


def loose():
    """Return the condition for people who are in no stored department."""
    return ~exists().where(Membership.identity_id == Identity.id)


def below(condition, most: int = 1000) -> list[tuple[Department, int, int]]:
    """Return departments in their order, with how many departments and people are directly in each."""
    child = aliased(Department)
    here = (*same_company(child, Department), child.parent_id == Department.dept_id)
    children = select(func.count()).select_from(child).where(*here).correlate(Department).scalar_subquery()
    seats = select(func.count()).select_from(Membership).join(Identity, Identity.id == Membership.identity_id)
    seats = seats.where(Membership.department_id == Department.id, Identity.status != LEFT)
    found = select(Department, children, seats.correlate(Department).scalar_subquery()).where(condition)
    order = (Department.provider, Department.tenant, Department.position, Department.name, Department.id)
    return [tuple(row) for row in db.session.execute(found.order_by(*order).limit(most))]


def people(condition, page: int) -> tuple[list[Identity], int, int]:
    """Return a page of those who meet a condition and have not left, its number, and how many there are."""
    mine = (condition, Identity.status != LEFT)
    total = db.session.scalar(select(func.count()).select_from(Identity).where(*mine))
    page = max(1, min(page, -(-total // PAGE)))
    found = select(Identity).where(*mine).options(joinedload(Identity.account)).order_by(Identity.name, Identity.id)
    return list(db.session.scalars(found.offset((page - 1) * PAGE).limit(PAGE))), page, total


def way_to(department: Department) -> list[Department]:
    """Return the departments above one, from the top."""
    step = select(Department.id, Department.parent_id, literal(0).label("depth")).where(Department.id == department.id)
    way = step.cte("way", recursive=True)
    mine = (Department.provider == department.provider, Department.tenant == department.tenant)
    up = select(Department.id, Department.parent_id, way.c.depth + 1)
    way = way.union_all(up.where(*mine, Department.dept_id == way.c.parent_id, way.c.depth < DEEPEST))
    above = select(Department).join(way, way.c.id == Department.id).where(way.c.depth > 0)
    return list(db.session.scalars(above.order_by(way.c.depth.desc())))


def totals() -> tuple[int, int]:
    """Return how many people and departments are stored."""
    here = select(func.count()).select_from(Identity).where(Identity.status != LEFT).scalar_subquery()
    departments = select(func.count()).select_from(Department).scalar_subquery()
    return tuple(db.session.execute(select(here, departments)).one())
