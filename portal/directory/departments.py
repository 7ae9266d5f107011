"""Departments in the database, as the platforms tell them."""

from sqlalchemy import select

from portal import models
from portal.directory.people import one_line
from portal.models import Department


def save(provider: str, tenant: str, told: list[dict], whole: bool) -> None:
    """Store departments.

    :param told: each with `deptId`, `openId`, `parentId`, `name` and `leaders`.
    :param whole: whether this is all there is: then what is not among them is removed.
    """
    models.settle(lambda: _save(provider, tenant, told, whole))


def _save(provider, tenant, told, whole):
    readable = {dept["openId"]: dept["deptId"] for dept in told if dept["openId"]}
    with models.write() as session:
        rows = session.scalars(select(Department).where(Department.provider == provider, Department.tenant == tenant))
        stored = {row.dept_id: row for row in rows}
        readable = {row.open_id: row.dept_id for row in stored.values() if row.open_id} | readable
        for dept in told:
            row = stored.pop(dept["deptId"], None)
            if row is None:
                row = Department(provider=provider, tenant=tenant, dept_id=dept["deptId"])
                session.add(row)
            row.open_id, row.parent_id = dept["openId"], readable.get(dept["parentId"], dept["parentId"])
            row.name, row.leaders = one_line(dept["name"]), dept["leaders"]
        if whole:
            for row in stored.values():
                session.delete(row)
