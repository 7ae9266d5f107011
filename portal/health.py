"""The health of the portal.

It needs its database, its tables and its workers.
"""

from datetime import timedelta
from functools import cache

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import delete, func, insert, select, text, update

from portal import database
from portal.clocks import now
from portal.database import db
from portal.models import Readiness, Worker

WORKER_ALIVE = timedelta(minutes=1)  # a worker reports more often
WRITTEN_EVERY = 1.0  # seconds between two rows written to see whether that works
ROWS_OF_ROOM = 2000  # some pages of rows
PROBLEMS = {  # shown to all: nothing here quotes the server
    "database_down": "the database cannot be used",
    "database_full": "the disk of the database is full",
    "database_read_only": "the database can only be read",
    "database_empty": "the database has no tables: run flask db upgrade",
    "no_login": "no login can be used: run flask doctor",
    "database_old": "the database has other tables than this version needs: run flask db upgrade",
}


def find_problem() -> tuple[str, str] | None:
    """Return why people could not sign in, if so.

    The database must be sound, and a login must be usable. Whether a platform answers does not matter, as sessions and
    the other platforms go on.

    :return: a key of `PROBLEMS`, and what the database says.
    """
    return find_database_problem() or (None if current_app.elements.list_usable() else ("no_login", ""))


def find_database_problem() -> tuple[str, str] | None:
    """Return what is wrong with the database, if anything is.

    Sound is a database that can be written and has our tables.

    :return: a key of `PROBLEMS`, and what the database says.
    """
    try:
        version = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        if version != get_newest_version(current_app.extensions["migrate"].directory):
            return "database_old", ""
        write_once()
        problem, message = None, "there is no room to grow"
    except database.FAILURES as error:
        db.session.rollback()
        problem, message = f"database_{database.name_cause(error)}", database.explain(error)
    if database.is_full(db.engine):
        return "database_full", message
    return problem and (problem if problem in PROBLEMS else "database_down", message)


def write_once() -> None:
    """Take the right to write, and sometimes write a row.

    This process does so once a second at most.
    """
    with database.write() as session:
        if database.was_written_lately(db.engine, WRITTEN_EVERY):
            return
        session.execute(update(Readiness).values(written_at=now()))
        if database.has_lacked_room(db.engine):
            ask_for_room()
            database.note_room(db.engine)
    database.note_write(db.engine)


def ask_for_room() -> None:
    """Make PostgreSQL ask its disk for room.

    Part of the caller's transaction.
    """
    more_than_a_page = select(func.generate_series(-ROWS_OF_ROOM, -1))
    with db.session.begin_nested() as savepoint:
        db.session.execute(insert(Readiness).from_select(["id"], more_than_a_page))
        savepoint.rollback()


@cache
def get_newest_version(migrations: str) -> str:
    """Return the version of this code's tables."""
    return ScriptDirectory(migrations).get_current_head()


def note_worker(name: str) -> None:
    """Note that a worker is alive."""
    with database.write() as session:
        session.merge(Worker(name=name, seen_at=now()))
        session.execute(delete(Worker).where(Worker.seen_at < now() - timedelta(days=1)))


def is_worker_alive() -> bool:
    """Tell whether a worker has reported lately."""
    return db.session.scalar(select(Worker.name).where(Worker.seen_at > now() - WORKER_ALIVE).limit(1)) is not None
