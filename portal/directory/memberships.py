"""Memberships, worked out from stored people and departments."""

from collections.abc import Callable

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    true,
    tuple_,
    update,
)

from portal import database
from portal.database import db
from portal.directory import sql_rows
from portal.models import Department, Identity, Membership

IDS_AT_ONCE = 5000  # of people, in one transaction


def derive(*conditions: ColumnElement[bool]) -> None:
    """Make the memberships of people what `Identity.department` says.

    Runs inside the caller's transaction.

    :param conditions: on `Identity`.
    """
    of_these = Membership.identity_id.in_(select(Identity.id).where(*conditions))
    stays = tuple_(Membership.department_id, Membership.identity_id).in_(select_expected(*conditions))
    surplus = delete(Membership).where(of_these, ~stays)
    db.session.execute(surplus, execution_options={"synchronize_session": False})
    add_missing(*conditions)


def add_missing(*conditions: ColumnElement[bool]) -> None:
    """Add the memberships that are missing, inside the caller's transaction.

    :param conditions: as in `derive()`.
    """
    expected = select_expected(*conditions).subquery()
    is_stored = and_(Membership.department_id == expected.c[0], Membership.identity_id == expected.c[1])
    missing = select(expected).where(~exists().where(is_stored))
    db.session.execute(insert(Membership).from_select(["department_id", "identity_id"], missing))


def select_expected(*conditions: ColumnElement[bool]) -> Select:
    """Select the ids of departments and people that belong together."""
    entry = sql_rows.unroll_list(Identity.department)
    named = select(Identity.id, Identity.provider, Identity.tenant, entry.c.value.label("dept_id")).join(entry, true())
    named = named.where(*conditions).distinct().subquery()  # distinct: or SQLite begins with the departments
    is_named = and_(*(getattr(Department, key) == named.c[key] for key in ("provider", "tenant", "dept_id")))
    return select(Department.id, named.c.id).join(named, is_named)


def find_newest_person() -> int:
    """Return the greatest id of a person.

    The row may be about to be stored.
    """
    if sql_rows.is_sqlite():
        return db.session.scalar(select(func.max(Identity.id))) or 0
    return db.session.scalar(select(func.pg_sequence_last_value(text("pg_get_serial_sequence('identity', 'id')")))) or 0


def fill_new_departments(provider: str, tenant: str, newest: int, check: Callable = lambda: None) -> None:
    """Add the memberships of new departments.

    They were stored after their people. Other writes of people or departments add their memberships themselves. It
    takes short transactions.

    :param newest: the newest person when the departments had been stored; later people found them.
    :param check: called inside each transaction; what it raises undoes that one.
    """
    is_new = (Department.provider == provider, Department.tenant == tenant, Department.seated.is_(False))
    departments = db.session.scalars(select(Department.id).where(*is_new)).all()
    if not departments:
        return
    is_older = (Identity.provider == provider, Identity.tenant == tenant, Identity.id <= newest)
    first = db.session.scalar(select(func.min(Identity.id)).where(*is_older))

    @database.retried
    def add_from(start):
        with database.write():
            check()
            add_missing(*is_older, Identity.id >= start, Identity.id < start + IDS_AT_ONCE)

    for start in range(first or newest + 1, newest + 1, IDS_AT_ONCE):
        add_from(start)
    with database.write() as session:
        check()
        filled = Department.id.in_(sql_rows.select_values(departments, Integer))
        session.execute(update(Department).where(filled).values(seated=True))
