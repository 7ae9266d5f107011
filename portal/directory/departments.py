"""Departments in the database, as the platforms tell them."""

from sqlalchemy import select

from portal import models
from portal.directory.people import one_line
from portal.models import Department

ONE, PART, WHOLE = "one", "part", "whole"  # what is told: a department, what an app may see, or the company


def save(provider: str, tenant: str, told: list[dict], extent: str, check=lambda: None) -> dict:
    """Store departments; return how many were `new`, `changed` and `removed`.

    :param told: each with `deptId`, `openId`, `parentId`, `name`, `leaders` and `position`; the last four `None`
        where the platform does not tell: then they stay as they are.
    :param extent: `WHOLE`: what is not among them is removed. `PART`: what lay below one of them is. `ONE`: nothing.
    :param check: called inside the transaction; what it raises undoes it.
    """
    return models.settle(lambda: _save(provider, tenant, told, extent, check))


def _save(provider, tenant, told, extent, check):
    counts = {"new": 0, "changed": 0, "removed": 0}
    with models.write() as session:
        check()
        stored = {row.dept_id: row for row in session.scalars(of(provider, tenant))}
        readable = {row.open_id: row.dept_id for row in stored.values() if row.open_id}
        readable |= {dept["openId"]: dept["deptId"] for dept in told if dept["openId"]}
        for dept in told:
            row = stored.pop(dept["deptId"], None)
            if row is None:
                row = Department(provider=provider, tenant=tenant, dept_id=dept["deptId"])
                session.add(row)
                counts["new"] += 1
            values = columns(dept, readable)
            counts["changed"] += row.id is not None and any(getattr(row, key) != values[key] for key in values)
            for key, value in values.items():
                setattr(row, key, value)
        gone = surplus(stored, told, extent)
        counts["removed"] = len(gone)
        for row in gone:
            session.delete(row)
    return counts


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


def compare(provider: str, tenant: str, told: list[dict], extent: str) -> dict:
    """Return what `save()` would count, without storing anything."""
    stored = {row.dept_id: row for row in models.db.session.scalars(of(provider, tenant))}
    readable = {dept["openId"]: dept["deptId"] for dept in told if dept["openId"]}
    known = [(stored.pop(dept["deptId"], None), columns(dept, readable)) for dept in told]
    changed = [row for row, values in known if row and any(getattr(row, key) != values[key] for key in values)]
    gone = surplus(stored, told, extent)
    models.db.session.rollback()
    return {"new": sum(row is None for row, _ in known), "changed": len(changed), "removed": len(gone)}


def readable(provider: str, tenant: str) -> dict[str, str]:
    """Return open department id -> the id it is stored under."""
    columns = select(Department.open_id, Department.dept_id)
    mine = (Department.provider == provider, Department.tenant == tenant, Department.open_id != "")
    return dict(tuple(row) for row in models.db.session.execute(columns.where(*mine)))


def of(provider: str, tenant: str):
    return select(Department).where(Department.provider == provider, Department.tenant == tenant)


def columns(dept: dict, readable: dict) -> dict:
    """Return a department's columns as far as they are told.

    :param readable: open department id -> the id departments are stored under.
    """
    told = {
        "open_id": dept["openId"],
        "parent_id": readable.get(dept["parentId"], dept["parentId"]),
        "name": dept["name"] if dept["name"] is None else one_line(dept["name"]),
        "leaders": dept["leaders"],
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
        if any(one_line(value) != value for value in ids):
            faults["unusable_department"].append(one_line(dept["deptId"]))
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
