"""Departments in the database, as the platforms tell them."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Integer, String, bindparam, cast, delete, select, update

from portal import audit, database
from portal.audit import Actor
from portal.database import db
from portal.directory import sql_rows
from portal.models import Department, Group, GroupMember
from portal.text import is_clean, one_line

TABLE = Department.__table__
TYPES = {name: TABLE.c[name].type for name in ("dept_id", "open_id", "parent_id", "name", "leaders", "position")}
EMPTY_ROW = {"open_id": "", "parent_id": "", "name": "", "leaders": [], "position": 0}
CHANGE = update(TABLE).where(TABLE.c.id == bindparam("this"))
CHANGE = CHANGE.values({name: bindparam(f"new_{name}") for name in EMPTY_ROW})
DEPARTMENT_GONE = "department gone"  # why a group has lost a rule
ONE, PART, WHOLE = "one", "part", "whole"  # the platform told of a department, of what an app may see, of the company


@dataclass
class DepartmentChanges:
    """What a write would change.

    :param new: rows.
    :param changed: ids and values.
    :param removed: ids.
    """

    new: list[dict]
    changed: list[dict]
    removed: list[int]

    def count(self) -> dict[str, int]:
        return {kind: len(rows) for kind, rows in vars(self).items()}


@database.retried
def save_departments(
    provider: str, tenant: str, departments: list[dict], extent: str, check: Callable = lambda: None
) -> dict[str, int]:
    """Store departments and count the changes.

    :param departments: as a `Survey` yields them; a value that is `None` stays as it is stored.
    :param extent: `WHOLE` removes all others; `PART` those that lay below one of the departments; `ONE` none.
    :param check: called inside the transaction; what it raises undoes it.
    """
    with database.write() as session:
        check()
        changes = compare_departments(provider, tenant, departments, extent)
        if changes.new:
            sql_rows.insert_rows(TABLE, TYPES, changes.new, provider=provider, tenant=tenant, seated=False)
        if changes.changed:
            session.execute(CHANGE, changes.changed)
        if changes.removed:
            remove_departments(changes.removed)
    return changes.count()


def remove_departments(numbers: list[int]) -> None:
    """Remove departments, and the rules of groups that name them.

    A new department may get the number of a removed one, but not its rights. Part of the caller's transaction.
    """
    names_them = GroupMember.value.in_(sql_rows.select_values([str(number) for number in numbers], String))
    rules = (GroupMember.kind == "department", names_them)
    rows = select(Group.name, TABLE.c.name).select_from(GroupMember).join(Group)
    rows = rows.join(TABLE, cast(TABLE.c.id, String) == GroupMember.value).where(*rules).order_by(Group.name)
    for group, department in db.session.execute(rows).all():
        details = {"group": group, "why": DEPARTMENT_GONE, "department": department}
        audit.record("group.edit", Actor(), details=details)
    db.session.execute(delete(GroupMember).where(*rules))
    db.session.execute(delete(TABLE).where(TABLE.c.id.in_(sql_rows.select_values(numbers, Integer))))


def count_changes(provider: str, tenant: str, departments: list[dict], extent: str) -> dict[str, int]:
    """Return what `save_departments()` would, and store nothing."""
    counts = compare_departments(provider, tenant, departments, extent).count()
    db.session.rollback()
    return counts


def compare_departments(provider: str, tenant: str, departments: list[dict], extent: str) -> DepartmentChanges:
    """Return how departments differ from those stored."""
    is_of_company = (TABLE.c.provider == provider, TABLE.c.tenant == tenant)
    stored = {row.dept_id: row for row in db.session.execute(select(TABLE).where(*is_of_company))}
    ids = {row.open_id: row.dept_id for row in stored.values() if row.open_id}
    ids |= {dept["openId"]: dept["deptId"] for dept in departments if dept["openId"]}
    changes = DepartmentChanges([], [], [])
    for dept in departments:
        row, values = stored.pop(dept["deptId"], None), list_columns(dept, ids)
        if row is None:
            changes.new.append({"dept_id": dept["deptId"], **EMPTY_ROW, **values})
        elif any(getattr(row, name) != value for name, value in values.items()):
            values = {name: getattr(row, name) for name in EMPTY_ROW} | values
            changes.changed.append({"this": row.id, **{f"new_{name}": value for name, value in values.items()}})
    changes.removed = [row.id for row in list_removed(stored, departments, extent)]
    return changes


def list_removed(others: dict, departments: list[dict], extent: str) -> list:
    """Return the stored departments to remove.

    An app that may see a department may see all below it. What is stored below and was not told is gone, or out of
    the app's range now. Of departments elsewhere an app with a smaller range knows nothing.

    :param others: department id -> the stored department, without those that were told.
    """
    if extent == WHOLE:
        return list(others.values())
    parents = {dept["deptId"] for dept in departments} if extent == PART else set()
    removed = []
    while below := [row for row in others.values() if row.parent_id in parents]:
        removed += below
        parents = {row.dept_id for row in below}
        others = {dept_id: row for dept_id, row in others.items() if dept_id not in parents}
    return removed


def map_open_ids(provider: str, tenant: str) -> dict[str, str]:
    """Return the stored departments' ids by open id."""
    columns = select(Department.open_id, Department.dept_id)
    has_open_id = (Department.provider == provider, Department.tenant == tenant, Department.open_id != "")
    return dict(tuple(row) for row in db.session.execute(columns.where(*has_open_id)))


def list_columns(dept: dict, ids: dict[str, str]) -> dict:
    """Return the columns that the platform told.

    :param ids: open department id -> the id under which departments are stored.
    """
    values = {
        "open_id": dept["openId"],
        "parent_id": dept["parentId"] and one_line(ids.get(dept["parentId"], dept["parentId"])),
        "name": dept["name"] and one_line(dept["name"]),
        "leaders": dept["leaders"] and list(filter(is_clean, dept["leaders"])),
        "position": dept["position"],
    }
    return {name: value for name, value in values.items() if value is not None}


def build_tree(departments: list[dict]) -> tuple[list[dict], dict[str, list[str]]]:
    """Return departments that make a tree, and the others' ids.

    Of several departments with one id the first counts. A department that would be above itself becomes a root.

    :return: the second part is by the name of each fault.
    """
    faults = {"unusable_department": [], "duplicate_department": [], "own_parent": [], "cycle": []}
    usable, by_id = [], {}
    for dept in departments:
        ids = [dept["deptId"], *([dept["openId"]] if dept["openId"] else [])]
        if not all(map(is_clean, ids)):
            faults["unusable_department"].append(one_line(dept["deptId"]) or one_line(dept["name"]))
        elif any(value in by_id for value in ids):
            faults["duplicate_department"].append(dept["deptId"])
        else:
            by_id.update((value, dept) for value in ids)
            usable.append(dept)
    break_cycles(usable, by_id, faults)
    return usable, {fault: ids for fault, ids in faults.items() if ids}


def break_cycles(departments: list[dict], by_id: dict[str, dict], faults: dict[str, list[str]]) -> None:
    """Make a root of each department that is above itself."""
    rooted = set()  # ids of departments whose way up ends
    for dept in departments:
        passed, above = set(), dept
        while above is not None and above["deptId"] not in rooted:
            if above["deptId"] in passed:
                is_own_parent = by_id.get(above["parentId"]) is above
                faults["own_parent" if is_own_parent else "cycle"].append(above["deptId"])
                above["parentId"] = ""
                break
            passed.add(above["deptId"])
            above = by_id.get(above["parentId"])
        rooted |= passed
