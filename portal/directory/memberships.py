"""Who is in which department, worked out from what is stored of people and departments."""

from sqlalchemy import and_, delete, exists, func, insert, select, true

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
    meant = and_(
        Department.dept_id == entry.c.value,
        Department.provider == Identity.provider,
        Department.tenant == Identity.tenant,
    )
    seats = select(Department.id, Identity.id).select_from(Identity).join(entry, true()).join(Department, meant)
    this = and_(Membership.department_id == Department.id, Membership.identity_id == Identity.id)
    missing = seats.where(*conditions, ~exists().where(this)).distinct()
    theirs = Membership.identity_id.in_(select(Identity.id).where(*conditions))
    surplus = delete(Membership).where(theirs, ~seats.where(this).correlate(Membership).exists())
    removed = db.session.execute(surplus, execution_options={"synchronize_session": False}).rowcount
    return (
        removed + db.session.execute(insert(Membership).from_select(["department_id", "identity_id"], missing)).rowcount
    )


def derive_company(provider: str, tenant: str, check=lambda: None) -> int:
    """Do so for a whole company, in short transactions.

    :param check: called inside each; what it raises undoes that one.
    """
    mine = (Identity.provider == provider, Identity.tenant == tenant)
    first, last = db.session.execute(select(func.min(Identity.id), func.max(Identity.id)).where(*mine)).one()
    changed = 0
    for start in range(first or 0, (last or 0) + 1, STEP):
        with models.write():
            check()
            changed += derive(*mine, Identity.id >= start, Identity.id < start + STEP)
    return changed
