"""Departments in the database, as the platforms tell them."""

from dataclasses import dataclass

from sqlalchemy import Integer, bindparam, delete, select, update

from portal import database
from portal.database import db
from portal.directory import sql_rows
from portal.models import Department
from portal.text import is_clean, one_line

TABLE = Department.__table__
NEW = {name: TABLE.c[name].type for name in ("dept_id", "open_id", "parent_id", "name", "leaders", "position")}
BLANK = {"open_id": "", "parent_id": "", "name": "", "leaders": [], "position": 0}
CHANGE = update(TABLE).where(TABLE.c.id == bindparam("this"))
CHANGE = CHANGE.values({name: bindparam(f"new_{name}") for name in BLANK})
ONE, PART, WHOLE = "one", "part", "whole"  # what is told: a department, what an app may see, or the company


@dataclass
class Difference:
    """What would change: rows that are `new`, ids and values of those `changed`, the ids of those `removed`."""

    new: list[dict]
    changed: list[dict]
    removed: list[int]

    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in vars(self).items()}


@database.retried
def save(provider: str, tenant: str, told: list[dict], extent: str, check=lambda: None) -> dict:
    """Store departments; return how many were `new`, `changed` and `removed`.

    :param told: each with `deptId`, `openId`, `parentId`, `name`, `leaders` and `position`; the last four `None`
        where the platform does not tell: then they stay as they are.
    :param extent: `WHOLE`: what is not among them is removed. `PART`: what lay below one of them is. `ONE`: nothing.
    :param check: called inside the transaction; what it raises undoes it.
    """
    with database.write() as session:
        check()
        found = difference(provider, tenant, told, extent)
        if found.new:
            sql_rows.insert(TABLE, NEW, found.new, provider=provider, tenant=tenant, seated=False)
        if found.changed:
            session.execute(CHANGE, found.changed)
        if found.removed:
            session.execute(delete(TABLE).where(TABLE.c.id.in_(sql_rows.among(found.removed, Integer))))
    return found.counts()


def compare(provider: str, tenant: str, told: list[dict], extent: str) -> dict:
    """Return what `save()` would count, without storing anything."""
    counts = difference(provider, tenant, told, extent).counts()
    db.session.rollback()
    return counts


def difference(provider: str, tenant: str, told: list[dict], extent: str) -> Difference:
    mine = (TABLE.c.provider == provider, TABLE.c.tenant == tenant)
    stored = {row.dept_id: row for row in db.session.execute(select(TABLE).where(*mine))}
    by_open_id = {row.open_id: row.dept_id for row in stored.values() if row.open_id}
    by_open_id |= {dept["openId"]: dept["deptId"] for dept in told if dept["openId"]}
    found = Difference([], [], [])
    for dept in told:
        row, values = stored.pop(dept["deptId"], None), columns(dept, by_open_id)
        if row is None:
            found.new.append({"dept_id": dept["deptId"], **BLANK, **values})
        elif any(getattr(row, name) != value for name, value in values.items()):
            kept = {name: getattr(row, name) for name in BLANK} | values
            found.changed.append({"this": row.id, **{f"new_{name}": value for name, value in kept.items()}})
    found.removed = [row.id for row in surplus(stored, told, extent)]
    return found


def surplus(unseen: dict, told: list[dict], extent: str) -> list:
    """Return which of the stored departments that were not told are to be removed.

    Who sees a department sees all below it: what lay there is gone, or was moved out of sight. Of what lay elsewhere
    an app with a smaller range knows nothing.

    :param unseen: department id -> the stored department.
    """
    if extent == WHOLE:
        return list(unseen.values())
    above = {dept["deptId"] for dept in told} if extent == PART else set()
    gone = []
    while found := [row for row in unseen.values() if row.parent_id in above]:
        gone += found
        above = {row.dept_id for row in found}
        unseen = {key: row for key, row in unseen.items() if key not in above}
    return gone


def readable(provider: str, tenant: str) -> dict[str, str]:
    """Return open department id -> the id it is stored under."""
    columns = select(Department.open_id, Department.dept_id)
    mine = (Department.provider == provider, Department.tenant == tenant, Department.open_id != "")
    return dict(tuple(row) for row in db.session.execute(columns.where(*mine)))


def columns(dept: dict, readable: dict) -> dict:
    """Return a department's columns as far as they are told.

    :param readable: open department id -> the id departments are stored under.
    """
    told = {
        "open_id": dept["openId"],
        "parent_id": dept["parentId"] and one_line(readable.get(dept["parentId"], dept["parentId"])),
        "name": dept["name"] and one_line(dept["name"]),
        "leaders": dept["leaders"] and list(filter(is_clean, dept["leaders"])),
        "position": dept["position"],
    }
    return {name: value for name, value in told.items() if value is not None}


def sound(told: list[dict]) -> tuple[list[dict], dict[str, list[str]]]:
    """Return departments that make a tree, and by the name of each fault the ids that had it.

    Of several with one id the first counts; who would be above themselves stands at the top.
    """
    faults = {"unusable_department": [], "duplicate_department": [], "own_parent": [], "cycle": []}
    kept, by_id = [], {}
    for dept in told:
        ids = [dept["deptId"], *([dept["openId"]] if dept["openId"] else [])]
        if not all(map(is_clean, ids)):
            faults["unusable_department"].append(one_line(dept["deptId"]) or one_line(dept["name"]))
        elif any(value in by_id for value in ids):
            faults["duplicate_department"].append(dept["deptId"])
        else:
            by_id.update((value, dept) for value in ids)
            kept.append(dept)
    ending = set()  # whose way up is known to end
    for dept in kept:
        way, above = set(), dept
        while above is not None and above["deptId"] not in ending:
            if above["deptId"] in way:
                own = by_id.get(above["parentId"]) is above
                faults["own_parent" if own else "cycle"].append(above["deptId"])
                above["parentId"] = ""
                break
            way.add(above["deptId"])
            above = by_id.get(above["parentId"])
        ending |= way
    return kept, {name: ids for name, ids in faults.items() if ids}
