"""The departments above others, as paths and as choices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.database import db
from portal.models import Department, Identity

MOST_CHOICES = 200  # departments in one choice; a larger tree is offered level by level
MOST_COMPANIES = 3  # their first level is offered before anything is chosen
COLUMNS = (
    Department.id,
    Department.provider,
    Department.tenant,
    Department.dept_id,
    Department.parent_id,
    Department.name,
    Department.position,
)

Key = tuple[str, str, str]  # provider, tenant and department id


@dataclass(frozen=True)
class Path:
    """A department and the names that lead to it.

    :param id: the department's id, for a filter.
    :param names: from the top, without the company itself.
    """

    id: int
    names: tuple[str, ...]


def find_paths(people: Iterable[Identity]) -> dict[int, list[Path]]:
    """Return the paths of people's departments by person id.

    The main department comes first; departments that are not stored are left out.
    """
    keys_by_person = {
        person.id: [(person.provider, person.tenant, dept_id) for dept_id in dict.fromkeys(person.department)]
        for person in people
    }
    rows = find_with_ancestors(meet_keys({key for keys in keys_by_person.values() for key in keys}))
    return {
        person_id: [Path(rows[key].id, list_names(key, rows)) for key in keys if key in rows]
        for person_id, keys in keys_by_person.items()
    }


def find_ancestors(department: Department) -> list[Row]:
    """Return the departments above one, from the top."""
    key = make_key(department)
    _, *above = walk_up(key, find_with_ancestors(Department.id == department.id))
    return above[::-1]


def meet_keys(keys: set[Key]) -> ColumnElement[bool] | None:
    """Return the condition for departments of these keys.

    `None` for no keys.
    """
    dept_ids = {}
    for provider, tenant, dept_id in sorted(keys):
        dept_ids.setdefault((provider, tenant), []).append(dept_id)
    if not dept_ids:
        return None
    return or_(
        *(
            and_(Department.provider == provider, Department.tenant == tenant, Department.dept_id.in_(ids))
            for (provider, tenant), ids in dept_ids.items()
        )
    )


def find_with_ancestors(condition: ColumnElement[bool] | None) -> dict[Key, Row]:
    """Return departments and all departments above them.

    :param condition: of the departments.
    """
    if condition is None:
        return {}
    tree = select(*COLUMNS).where(condition).cte("tree", recursive=True)
    is_parent = and_(
        Department.provider == tree.c.provider,
        Department.tenant == tree.c.tenant,
        Department.dept_id == tree.c.parent_id,
    )
    rows = db.session.execute(select(tree.union(select(*COLUMNS).join(tree, is_parent))))
    return {make_key(row): row for row in rows}


def walk_up(key: Key, rows: dict[Key, Row]) -> Iterator[Row]:
    """Yield a department and those above it.

    A circle is walked once.
    """
    passed = set()
    while key in rows and key not in passed:
        passed.add(key)
        yield rows[key]
        key = (*key[:2], rows[key].parent_id)


def list_names(key: Key, rows: dict[Key, Row]) -> tuple[str, ...]:
    """Return the names that lead to a department.

    The company's name is left out.
    """
    names = [row.name or row.dept_id for row in walk_up(key, rows)]
    return tuple(reversed(names[:-1] or names))


def list_choices(chosen: int | None, number: int) -> list[tuple[int, str, int]]:
    """Return what a filter offers, in the tree's order.

    A large tree offers the way to the chosen department, and the departments directly below that one.

    :param number: how many departments are stored.
    """
    children = read_children(chosen, number)
    choices, waiting = [], [(0, row) for row in reversed(children.get(None, ()))]
    while waiting:
        depth, row = waiting.pop()
        choices.append((row.id, row.name or row.dept_id, depth))
        waiting += [(depth + 1, child) for child in reversed(children.pop(make_key(row), ()))]
    return choices


def read_children(chosen: int | None, number: int) -> dict[Key | None, list[Row]]:
    """Return departments by their parent's key, in the tree's order.

    Those without a parent stand under `None`. Of a large tree they are as for `list_choices()`.
    """
    rows = find_surroundings(chosen) if number > MOST_CHOICES else db.session.execute(select(*COLUMNS)).all()
    keys, children = {make_key(row) for row in rows}, {}
    for row in sorted(rows, key=lambda row: (row.position, row.name, row.id)):
        parent = (row.provider, row.tenant, row.parent_id)
        children.setdefault(parent if parent in keys else None, []).append(row)
    return children


def find_surroundings(chosen: int | None) -> list[Row]:
    """Return the way to the chosen department and its children.

    Without one, the roots and their children.
    """
    rows, roots = {}, []
    if chosen:
        rows = find_with_ancestors(Department.id == chosen)
        roots = [row for row in rows.values() if row.id == chosen]
    if not rows:
        roots = db.session.execute(select(*COLUMNS).where(is_root()).limit(MOST_CHOICES)).all()
        rows = {make_key(row): row for row in roots}
    for root in roots[:MOST_COMPANIES]:
        is_child = (
            Department.provider == root.provider,
            Department.tenant == root.tenant,
            Department.parent_id == root.dept_id,
        )
        children = db.session.execute(select(*COLUMNS).where(*is_child).limit(MOST_CHOICES))
        rows |= {make_key(row): row for row in children}
    return list(rows.values())


def is_root() -> ColumnElement[bool]:
    """Return the condition for departments without a stored parent."""
    parent = aliased(Department)
    return ~exists().where(
        parent.provider == Department.provider,
        parent.tenant == Department.tenant,
        parent.dept_id == Department.parent_id,
    )


def make_key(department: Department | Row) -> Key:
    return department.provider, department.tenant, department.dept_id


def count_by_company() -> dict[tuple[str, str], int]:
    """Return the number of departments by provider and tenant."""
    company = (Department.provider, Department.tenant)
    rows = db.session.execute(select(*company, func.count()).group_by(*company).order_by(*company))
    return {(provider, tenant): number for provider, tenant, number in rows}
