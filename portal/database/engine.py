"""Connections with their time limits and checks."""

import os
import stat
import time
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, exc
from sqlalchemy.engine import Engine

from portal.database.failures import LASTING, name_cause

LOCK_WAIT = 4000  # milliseconds SQLite waits for another writer
LIMITS = {  # PostgreSQL's settings for requests: nothing waits longer than a person would
    "statement_timeout": "3000",  # milliseconds
    "idle_in_transaction_session_timeout": "30000",
    "jit": "off",  # our statements are short; to compile one takes longer than to run it
}
CONNECT_ARGUMENTS = {"connect_timeout": 3, "client_encoding": "utf8"}  # whatever role, database or URL prefer

IMPATIENT = "impatient"  # an argument of ours: the connection gives up a server that hangs

last_writes = WeakKeyDictionary()  # engine -> when this process last noted a write, on the monotonic clock
engines_without_room = WeakSet()  # those whose PostgreSQL has lacked room on its disk


def engine_options(url: str) -> dict:
    """Return the options of pool and driver for requests."""
    options = {"hide_parameters": True, "pool_size": 8, "max_overflow": 40, "pool_timeout": 3}
    if url.startswith("sqlite"):
        return options
    return {
        **options,
        "pool_use_lifo": True,
        "connect_args": {**CONNECT_ARGUMENTS, IMPATIENT: True},
    }  # the last one back knows our statements best


@event.listens_for(Engine, "do_connect")
def _connect(dialect, record, words, arguments):
    if IMPATIENT not in arguments:
        return None  # the driver's own connection, such as a migration's
    from portal.database.postgresql import ImpatientConnection

    return ImpatientConnection.connect(*words, **{name: arguments[name] for name in arguments if name != IMPATIENT})


@event.listens_for(Engine, "connect")
def _prepare(connection, record):
    if type(connection).__module__.startswith("sqlite3"):
        prepare_sqlite(connection, record)
    else:
        prepare_postgresql(connection, record)


def prepare_sqlite(connection: Any, record: Any) -> None:
    """Set up a new connection to a SQLite file."""
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    record.info.update(path=path, is_writable=is_writable(path))
    if record.info["is_writable"]:
        restore_modes(path)
    connection.isolation_level = None  # BEGIN is ours, below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={LOCK_WAIT}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def is_writable(path: str) -> bool:
    """Tell whether a SQLite file may be written now.

    Connections that opened it before may still have other rights.
    """
    if os.access(path, os.W_OK):
        return True
    try:
        os.stat(path)
    except FileNotFoundError:
        return True  # or the next connection would put an empty file in its place
    except OSError:
        pass
    return False


def restore_modes(path: str) -> None:
    """Give the files beside a SQLite database its own mode.

    SQLite made them with the mode that the database had then. While it could only be read, that was too little to write
    again later.
    """
    for ending in ("-wal", "-shm"):
        with suppress(OSError):
            os.chmod(path + ending, stat.S_IMODE(os.stat(path).st_mode))


def prepare_postgresql(connection: Any, record: Any) -> None:
    """Set the time limits of a connection without a pooler.

    A pooler such as PgBouncer hands out its servers by the transaction: there, limits are set in each one, and no
    statement stays prepared. Its key for cancelling is not the server's process id.
    """
    import psycopg

    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise psycopg.NotSupportedError(f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'")
    server = fetch_value(connection, "SELECT pg_backend_pid()")
    record.info["pooler"] = server != connection.info.backend_pid
    if record.info["pooler"]:
        connection.prepare_threshold = None
    else:
        fetch_value(connection, write_limits(is_local=False))


def fetch_value(connection: Any, statement: str) -> Any:
    """Return the first value that a statement selects."""
    connection.autocommit = True
    value = connection.execute(statement, prepare=False).fetchone()[0]
    connection.autocommit = False
    return value


def write_limits(is_local: bool) -> str:
    """Return the statement that sets the time limits.

    :param is_local: for the transaction alone, not for the connection.
    """
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', {is_local})" for name, value in LIMITS.items())


@event.listens_for(Engine, "checkout")
def _refuse_useless(connection, record, proxy):
    """Refuse a connection that is dead or can only read.

    After a fail-over a pool would keep its connections to the former server for days; and to a SQLite file with
    another owner or mode since, those from before. They are thrown away together; only where a new one is no better,
    its error is raised.
    """
    if type(connection).__module__.startswith("sqlite3"):
        if record.info["is_writable"] != is_writable(record.info["path"]):
            raise exc.InvalidatePoolError()
        return
    import psycopg

    from portal.database.postgresql import ANSWER_WAIT, CHECK_WAIT

    was_used = record.info.setdefault("was_used", False)
    record.info["was_used"] = True
    connection.patience = CHECK_WAIT
    try:
        if fetch_value(connection, "SHOW transaction_read_only") == "on":
            raise psycopg.errors.ReadOnlySqlTransaction("the server only reads")
    except psycopg.Error:
        if was_used:
            raise exc.InvalidatePoolError() from None
        raise
    connection.patience = ANSWER_WAIT


@event.listens_for(Engine, "begin")
def _begin(connection):
    if connection.dialect.name == "sqlite":
        options = connection.get_execution_options()
        wait = options.get("wait", LOCK_WAIT)  # a thread that has waited for its turn has less time left
        if connection.info.get("wait", LOCK_WAIT) != wait:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={wait}")
            connection.info["wait"] = wait
        connection.exec_driver_sql(f"BEGIN {options.get('begin', 'DEFERRED')}")
    elif connection.info.get("pooler"):
        connection.exec_driver_sql(write_limits(is_local=True))


@event.listens_for(Engine, "checkin")
def _restore_wait(connection, record):
    """Give a connection back with the usual patience."""
    if connection is not None and record.info.pop("wait", LOCK_WAIT) != LOCK_WAIT:
        connection.execute(f"PRAGMA busy_timeout={LOCK_WAIT}")


@event.listens_for(Engine, "handle_error")
def _discard_pool(context):
    """Discard the pool after a lasting failure."""
    if context.sqlalchemy_exception is not None and note_failure(context.engine, context.sqlalchemy_exception):
        context.is_disconnect = True


def note_failure(engine: Engine, error: exc.StatementError) -> bool:
    """Note a failure, and tell whether it lasts."""
    cause = name_cause(error)
    if cause in LASTING:
        last_writes.pop(engine, None)
    if cause == "full" and engine.dialect.name == "postgresql":
        engines_without_room.add(engine)
    return cause in LASTING


def wrap_failure(engine: Engine, statement: str, error: Exception) -> exc.DBAPIError:
    """Return the driver's error as SQLAlchemy's own.

    After a lasting failure the pool is discarded, as SQLAlchemy would.
    """
    wrapped = exc.DBAPIError.instance(
        statement, None, error, engine.dialect.loaded_dbapi.Error, hide_parameters=True, dialect=engine.dialect
    )
    if note_failure(engine, wrapped):
        engine.dispose()
    return wrapped


def note_write(engine: Engine) -> None:
    """Note that writing works now."""
    last_writes[engine] = time.monotonic()


def was_written_lately(engine: Engine, seconds: float) -> bool:
    """Tell whether a write was noted since the last failure."""
    return time.monotonic() - last_writes.get(engine, float("-inf")) < seconds


def has_lacked_room(engine: Engine) -> bool:
    """Tell whether PostgreSQL's disk was full lately.

    A row that is only changed finds room in its own page for ever, so writing one does not tell.
    """
    return engine in engines_without_room


def note_room(engine: Engine) -> None:
    """Note that PostgreSQL's disk has room again."""
    engines_without_room.discard(engine)
