"""The stored tree of departments, a level at a time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.database import db
from portal.database.paging import Page, load_page
from portal.directory import paths, tree
from portal.errors import NOT_FOUND, Code
from portal.models import LEFT, Department, Identity, Membership

PAGE_SIZE = 50  # people
MOST_MATCHES = 20  # departments that a search shows
MOST_CHILDREN = 1000

Counted = tuple[Department, int, int]  # a department, its sub-departments, everybody in or below it


@dataclass(frozen=True)
class Level:
    """A department, or the top where that is `None`.

    :param way: the departments above, from the top.
    :param below: the departments directly below; the top has a tree of its own.
    :param people: a page of the people directly in it.
    """

    department: Department | None
    way: list[Row]
    below: list[Counted]
    people: Page[Identity]


def read_level(department_id: int | None, page: int) -> Level:
    """Return what to show of a department.

    :param department_id: `None` for the top.
    :param page: of its people, from 1; one beyond the last means the last.
    :raises Code: NOT_FOUND when there is no such department.
    """
    if department_id is None:
        is_in_none = ~exists().where(Membership.identity_id == Identity.id)
        return Level(None, [], [], read_people(is_in_none, page))
    department = db.session.get(Department, department_id)
    if department is None:
        raise Code(NOT_FOUND, "there is no such department")
    is_child = and_(*is_of_same_company(Department, department), Department.parent_id == department.dept_id)
    is_member = exists().where(Membership.identity_id == Identity.id, Membership.department_id == department.id)
    way = paths.find_ancestors(department)
    return Level(department, way, count_departments(is_child), read_people(is_member, page))


def find_by_text(words: str, page: int) -> Level:
    """Return departments and people with a text in their name.

    Ids and employee numbers of people are searched, too.
    """
    pattern = f"%{escape_pattern(words)}%"
    columns = (Identity.name, Identity.user_id, Identity.employee_number)
    matches = or_(*(column.ilike(pattern, escape="\\") for column in columns))
    departments = count_departments(Department.name.ilike(pattern, escape="\\"), MOST_MATCHES)
    return Level(None, [], departments, read_people(matches, page))


def escape_pattern(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def is_of_same_company(one: Any, other: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return one.provider == other.provider, one.tenant == other.tenant


def count_departments(condition: ColumnElement[bool], most: int = MOST_CHILDREN) -> list[Counted]:
    """Return departments with the numbers of their children and people.

    The people of departments below them count, too. They come in the order of the tree.
    """
    child = aliased(Department)
    is_child = (*is_of_same_company(child, Department), child.parent_id == Department.dept_id)
    children = select(func.count()).select_from(child).where(*is_child).correlate(Department).scalar_subquery()
    order = (Department.provider, Department.tenant, Department.position, Department.name, Department.id)
    statement = select(Department, children).where(condition).order_by(*order).limit(most)
    rows = db.session.execute(statement).all()
    people = tree.count_people_below([department.id for department, _ in rows])
    return [(department, below, people.get(department.id, 0)) for department, below in rows]


def read_people(condition: ColumnElement[bool], page: int) -> Page[Identity]:
    """Return a page of people.

    Leavers are not shown.
    """
    conditions = (condition, Identity.status != LEFT)
    total = db.session.scalar(select(func.count()).select_from(Identity).where(*conditions))
    statement = select(Identity).where(*conditions).options(joinedload(Identity.account))
    return load_page(statement.order_by(Identity.name, Identity.id), total, page, PAGE_SIZE)


def count_everything() -> tuple[int, int]:
    """Return how many people and departments are stored."""
    people = select(func.count()).select_from(Identity).where(Identity.status != LEFT).scalar_subquery()
    departments = select(func.count()).select_from(Department).scalar_subquery()
    return tuple(db.session.execute(select(people, departments)).one())
