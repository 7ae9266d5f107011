"""The one place where sessions end."""

from sqlalchemy import ColumnElement, Update, bindparam, update

from portal import database
from portal.clocks import now
from portal.database import db
from portal.models import LoginSession


def end_sessions(*conditions: ColumnElement[bool], why: str) -> int:
    """End the open sessions of some conditions, and count them.

    It is part of the caller's transaction. Rows that are loaded already do not show it.
    """
    db.session.flush()  # a condition may look at what the caller has changed
    return len(run_ending(write_ending(*conditions, why=why)))


def write_ending(*conditions: ColumnElement[bool], why: str | ColumnElement[str]) -> Update:
    """Return the statement that ends some open sessions.

    A login runs one, so it is built once.
    """
    statement = update(LoginSession.__table__).where(LoginSession.ended_at.is_(None), *conditions)
    return statement.values(ended_at=bindparam("ended_now"), ended_why=why).returning(LoginSession.ended_why)


def run_ending(statement: Update, **values: object) -> list[str]:
    """End sessions by a statement of `write_ending()`.

    :return: for each of them, why it has ended.
    """
    return list(database.run(statement, ended_now=now(), **values).scalars())
