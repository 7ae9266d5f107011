"""Who is in which department, worked out from what is stored of people and departments."""

from sqlalchemy import Integer, and_, delete, exists, func, insert, select, text, true, tuple_, update

from portal import database
from portal.database import db
from portal.directory import sql_rows
from portal.models import Department, Identity, Membership

STEP = 5000  # ids of people in one transaction


def derive(*conditions) -> None:
    """Let the memberships of people be what `Identity.department` says, inside the caller's transaction.

    :param conditions: on `Identity`: whose.
    """
    theirs = Membership.identity_id.in_(select(Identity.id).where(*conditions))
    stays = tuple_(Membership.department_id, Membership.identity_id).in_(seats(*conditions))
    surplus = delete(Membership).where(theirs, ~stays)
    db.session.execute(surplus, execution_options={"synchronize_session": False})
    add(*conditions)


def add(*conditions) -> None:
    """Add the memberships that are missing, inside the caller's transaction.

    :param conditions: as in `derive()`.
    """
    meant = seats(*conditions).subquery()
    there = and_(Membership.department_id == meant.c[0], Membership.identity_id == meant.c[1])
    missing = select(meant).where(~exists().where(there))
    db.session.execute(insert(Membership).from_select(["department_id", "identity_id"], missing))


def seats(*conditions):
    """Select the ids of departments and people that belong together."""
    entry = sql_rows.entries(Identity.department)
    named = select(Identity.id, Identity.provider, Identity.tenant, entry.c.value.label("dept_id")).join(entry, true())
    named = named.where(*conditions).distinct().subquery()  # distinct: or SQLite would begin with the departments
    keys = ("provider", "tenant", "dept_id")
    meant = and_(*(getattr(Department, key) == named.c[key] for key in keys))
    return select(Department.id, named.c.id).join(named, meant)


def newest_person() -> int:
    """Return the greatest id a person has, stored or about to be."""
    if sql_rows.is_sqlite():
        return db.session.scalar(select(func.max(Identity.id))) or 0
    return db.session.scalar(select(func.pg_sequence_last_value(text("pg_get_serial_sequence('identity', 'id')")))) or 0


def seat_new_departments(provider: str, tenant: str, newest: int, check=lambda: None) -> None:
    """Add the memberships of departments that came after their people, in short transactions.

    Whatever else is written of people or departments takes care of its memberships by itself.

    :param newest: the newest person when the departments had been stored: whoever came later knew them.
    :param check: called inside each; what it raises undoes that one.
    """
    new = (Department.provider == provider, Department.tenant == tenant, Department.seated.is_(False))
    new = db.session.scalars(select(Department.id).where(*new)).all()
    if not new:
        return
    mine = (Identity.provider == provider, Identity.tenant == tenant, Identity.id <= newest)
    first = db.session.scalar(select(func.min(Identity.id)).where(*mine))

    @database.retried
    def seat(start):
        with database.write():
            check()
            add(*mine, Identity.id >= start, Identity.id < start + STEP)

    for start in range(first or newest + 1, newest + 1, STEP):
        seat(start)
    with database.write() as session:
        check()
        session.execute(update(Department).where(Department.id.in_(sql_rows.among(new, Integer))).values(seated=True))
