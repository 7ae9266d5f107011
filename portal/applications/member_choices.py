"""Departments and accounts that a group may name."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, select

from portal.accounts import search
from portal.database import db
from portal.directory import browse, paths
from portal.models import Account, Department, GroupMember

MOST_ACCOUNTS = 20


@dataclass(frozen=True)
class Choice:
    """A department that can be chosen.

    :param names: those above it and its own, from the top.
    :param children: how many departments are directly below it.
    :param people: how many people are in or below it.
    """

    department: Department
    names: tuple[str, ...]
    children: int
    people: int

    @property
    def address(self) -> str:
        return f"{self.department.provider}/{self.department.tenant}/{self.department.dept_id}"


@dataclass(frozen=True)
class Offer:
    """What a search, or a level of the tree, offers.

    :param way: the departments above the open one, from the top.
    :param accounts: found by a search alone, `MOST_ACCOUNTS` at most.
    """

    departments: list[Choice]
    way: list[Choice]
    accounts: list[Account]


def find_choices(words: str) -> Offer:
    """Return departments and accounts that hold a text."""
    pattern = f"%{browse.escape_pattern(words)}%"
    departments = browse.count_departments(Department.name.ilike(pattern, escape="\\"), browse.MOST_MATCHES)
    found = select(Account).where(Account.active, search.match_text(words)).order_by(Account.username)
    return Offer(add_names(departments), [], list(db.session.scalars(found.limit(MOST_ACCOUNTS))))


def open_level(id: int | None) -> Offer:
    """Return the departments below one, and the way to it.

    Without one they are those at the top. A single one there is open.
    """
    top = None if id else list(db.session.scalars(select(Department).where(paths.is_root()).limit(browse.MOST_MATCHES)))
    department = top[0] if top and len(top) == 1 else db.session.get(Department, id) if id else None
    if department is None:
        ids = [row.id for row in top or []]
        return Offer(add_names(browse.count_departments(Department.id.in_(ids))), [], [])
    ids = [row.id for row in paths.find_ancestors(department)] + [department.id]
    above = {choice.department.id: choice for choice in add_names(browse.count_departments(Department.id.in_(ids)))}
    is_child = (*browse.is_of_same_company(Department, department), Department.parent_id == department.dept_id)
    below = browse.count_departments(and_(*is_child))
    return Offer(add_names(below), [above[id] for id in ids], [])


def add_names(counted: list[browse.Counted]) -> list[Choice]:
    """Return counted departments with the names that lead to them."""
    rows = paths.find_with_ancestors(Department.id.in_([department.id for department, _, _ in counted]))
    return [
        Choice(department, name_department(department, rows), children, people)
        for department, children, people in counted
    ]


def name_members(rows: Iterable[GroupMember]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the names of departments and accounts that rows name.

    They are by kind and value; a department's are those that lead to it.
    """
    ids = {"department": [], "account": []}
    for row in rows:
        if row.kind in ids:
            ids[row.kind].append(int(row.value))
    departments = paths.find_with_ancestors(Department.id.in_(ids["department"])) if ids["department"] else {}
    names = {("department", str(row.id)): name_department(row, departments) for row in departments.values()}
    accounts = db.session.scalars(select(Account).where(Account.id.in_(ids["account"]))) if ids["account"] else ()
    return names | {("account", str(row.id)): (row.name or row.username,) for row in accounts}


def name_department(department: Department, rows: dict) -> tuple[str, ...]:
    """Return the names that lead to a department."""
    return paths.list_names(paths.make_key(department), rows)
