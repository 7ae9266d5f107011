"""Departments in the database, as the platforms tell them."""

from sqlalchemy import select

from portal import models
from portal.directory.people import one_line
from portal.models import Department


def save(provider: str, tenant: str, told: list[dict], whole: bool, check=lambda: None) -> dict:
    """Store departments; return how many were `new`, `changed` and `removed`.

    :param told: each with `deptId`, `openId`, `parentId`, `name`, `leaders` and `position`.
    :param whole: whether this is all there is: then what is not among them is removed.
    :param check: called inside the transaction; what it raises undoes it.
    """
    return models.settle(lambda: _save(provider, tenant, told, whole, check))


def _save(provider, tenant, told, whole, check):
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
        if whole:
            counts["removed"] = len(stored)
            for row in stored.values():
                session.delete(row)
    return counts


def compare(provider: str, tenant: str, told: list[dict]) -> dict:
    """Return what `save()` of a whole tree would count, without storing anything."""
    stored = {row.dept_id: row for row in models.db.session.scalars(of(provider, tenant))}
    readable = {dept["openId"]: dept["deptId"] for dept in told if dept["openId"]}
    known = [(stored.pop(dept["deptId"], None), columns(dept, readable)) for dept in told]
    changed = [row for row, values in known if row and any(getattr(row, key) != values[key] for key in values)]
    models.db.session.rollback()
    return {"new": sum(row is None for row, _ in known), "changed": len(changed), "removed": len(stored)}


def of(provider: str, tenant: str):
    return select(Department).where(Department.provider == provider, Department.tenant == tenant)


def columns(dept: dict, readable: dict) -> dict:
    """Return a department's columns as told.

    :param readable: open department id -> the id departments are stored under.
    """
    return {
        "open_id": dept["openId"],
        "parent_id": readable.get(dept["parentId"], dept["parentId"]),
        "name": one_line(dept["name"]),
        "leaders": dept["leaders"],
        "position": dept["position"],
    }


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
