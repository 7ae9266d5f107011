"""The database with its writing transactions, races and failures."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    LargeBinary,
    MetaData,
    String,
    delete,
    select,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, registry, scoped_session

from portal.database.engine import LOCK_WAIT, engine_options, has_lacked_room, note_room, note_write, was_written_lately
from portal.database.failures import FAILURES, explain, is_away, is_full, name_cause
from portal.database.prepared import PreparedRead
from portal.database.turns import take_turn
from portal.database.types import Encrypted, Moment

__all__ = [
    "FAILURES",
    "Encrypted",
    "Moment",
    "PreparedRead",
    "choose_rows",
    "db",
    "delete_rows",
    "end_transaction",
    "engine_options",
    "explain",
    "fingerprint",
    "has_lacked_room",
    "is_away",
    "is_full",
    "name_cause",
    "note_room",
    "note_write",
    "read_row",
    "retried",
    "run",
    "was_written_lately",
    "write",
    "write_rows",
]

DEADLOCK = "40P01"  # PostgreSQL's number
TRIES = 5

P = ParamSpec("P")
R = TypeVar("R")


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_N_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: Moment, str: String(255), bytes: LargeBinary(32), list: JSON, dict: JSON},
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def fingerprint(secret: str) -> bytes:
    """Return the SHA-256 of a token, state or browser id.

    It is stored in place of the secret.
    """
    return hashlib.sha256(secret.encode()).digest()


@contextmanager
def write() -> Iterator[scoped_session]:
    """Open a short writing transaction.

    It is committed at its end, and rolled back on an error.

    It starts fresh, without what the request has read before; on SQLite it takes the write lock at once, so
    that what is read inside still holds when it is written.
    """
    db.session.rollback()
    with take_turn(db.engine) as milliseconds:
        db.session.connection(execution_options={"begin": "IMMEDIATE", "wait": milliseconds})
        try:
            yield db.session
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise


@contextmanager
def write_rows(patience: int = LOCK_WAIT) -> Iterator[Connection]:
    """Open a short writing transaction without an ORM session.

    It is for prepared statements; otherwise it does as `write()`.

    :param patience: milliseconds to wait for other writers of SQLite.
    """
    end_transaction()
    with take_turn(db.engine, patience) as milliseconds:
        options = {"begin": "IMMEDIATE", "wait": milliseconds}
        with db.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection


def read_row(read: PreparedRead, **values: Any) -> tuple | None:
    """Return the one row of a prepared read, if any.

    It leaves no transaction open.
    """
    return read.find_row(db.engine, values)


def run(statement: Executable, **values: Any) -> CursorResult:
    """Run a prepared statement in the caller's transaction.

    Statements that a login runs are built once. To build one anew costs more than to run it, and so does the ORM.
    """
    return db.session.connection().execute(statement, values)


def end_transaction() -> None:
    """End the transaction that reading has begun.

    None may stay open while a platform is called or a file is sent.
    """
    if db.session.registry.has():
        db.session.rollback()


def retried(work: Callable[P, R]) -> Callable[P, R]:
    """Run a function again when it has lost a race.

    A race is lost to another worker: for a unique value, or for rows that both wait for. The function opens its own
    transaction.

    :raises IntegrityError, OperationalError: when it loses `TRIES` times; then it is no race.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for left in reversed(range(TRIES)):
            try:
                return work(*args, **kwargs)
            except (IntegrityError, OperationalError) as error:
                is_lost = isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", "") == DEADLOCK
                if not left or not is_lost:
                    raise

    return run


def choose_rows(key: InstrumentedAttribute, *conditions: ColumnElement[bool], order: Any, most: int) -> list:
    """Return the keys of a limited number of rows.

    The rows are locked. It is part of the caller's transaction. Rows that another transaction holds are passed over,
    so that two clean-ups never wait for each other.

    :param key: the column that tells those rows apart.
    :param order: a column with an index, by which the rows are found.
    """
    keys = select(key).where(*conditions).order_by(order).limit(most).with_for_update(skip_locked=True)
    return list(db.session.scalars(keys))


def delete_rows(key: InstrumentedAttribute, *conditions: ColumnElement[bool], order: Any, most: int) -> int:
    """Delete a limited number of rows, and return how many.

    It chooses them as `choose_rows()` does.
    """
    chosen = choose_rows(key, *conditions, order=order, most=most)
    if chosen:
        statement = delete(key.class_).where(*conditions, key.in_(chosen))
        db.session.execute(statement, execution_options={"synchronize_session": False})
    return len(chosen)
