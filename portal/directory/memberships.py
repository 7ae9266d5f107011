"""Who is in which department, worked out from what is stored of people and departments."""

from sqlalchemy import and_, delete, exists, func, insert, select, true, tuple_

from portal import models
from portal.models import Department, Identity, Membership, db

STEP = 5000  # ids of people in one transaction
EACH = {"sqlite": "json_each", "postgresql": "json_array_elements_text"}  # dialect -> the entries of a JSON list


def derive(*conditions) -> int:
    """Let the memberships of people be what `Identity.department` says, inside the caller's transaction.

    :param conditions: on `Identity`: whose.
    :returns: how many rows have changed.
    """
    entry = getattr(func, EACH[db.session.get_bind().dialect.name])(Identity.department).table_valued("value")
    named = select(Identity.id, Identity.provider, Identity.tenant, entry.c.value.label("dept_id")).join(entry, true())
    named = named.where(*conditions).distinct().subquery()  # distinct: or SQLite would begin with the departments
    keys = ("provider", "tenant", "dept_id")
    meant = and_(*(getattr(Department, key) == named.c[key] for key in keys))
    seats = select(Department.id, named.c.id).join(named, meant).subquery()
    this = and_(Membership.department_id == seats.c[0], Membership.identity_id == seats.c[1])
    theirs = Membership.identity_id.in_(select(Identity.id).where(*conditions))
    stays = tuple_(Membership.department_id, Membership.identity_id).in_(select(seats))
    surplus = delete(Membership).where(theirs, ~stays)
    removed = db.session.execute(surplus, execution_options={"synchronize_session": False}).rowcount
    missing = select(seats).where(~exists().where(this))
    added = insert(Membership).from_select(["department_id", "identity_id"], missing)
    return removed + db.session.execute(added).rowcount


def derive_company(provider: str, tenant: str, check=lambda: None) -> int:
    """Do so for all of a company, in short transactions.

    :param check: called inside each; what it raises undoes that one.
    """
    mine = (Identity.provider == provider, Identity.tenant == tenant)
    first, last = db.session.execute(select(func.min(Identity.id), func.max(Identity.id)).where(*mine)).one()
    changed = 0
    for start in range(first or 0, (last or 0) + 1, STEP):
        step = (Identity.id >= start, Identity.id < start + STEP)
        changed += models.settle(lambda step=step: _derive_checked(check, *step))
    return changed


def _derive_checked(check, *conditions):
    with models.write():
        check()
        return derive(*conditions)
