"""Connections to the database: pool, time limits, and which of them are still good."""

import os
import time
from weakref import WeakKeyDictionary

from sqlalchemy import event, exc
from sqlalchemy.engine import Engine

from portal.database.failures import LASTING, cause

LOCK_WAIT = 4000  # milliseconds SQLite waits for another writer
LIMITS = {  # PostgreSQL's settings for requests: nothing waits longer than a person would
    "statement_timeout": "3000",  # milliseconds
    "idle_in_transaction_session_timeout": "30000",
    "jit": "off",  # our statements are short; to compile one takes longer than to run it
}
TO_CONNECT = {"connect_timeout": 3, "client_encoding": "utf8"}  # whatever role, database or URL prefer

written = WeakKeyDictionary()  # engine -> when this process last noted a write, on the monotonic clock


def engine_options(url: str) -> dict:
    """Return how the pool and the driver are set up for requests."""
    options = {"hide_parameters": True, "pool_size": 8, "max_overflow": 40, "pool_timeout": 3}
    if url.startswith("sqlite"):
        return options
    return {**options, "pool_use_lifo": True, "connect_args": TO_CONNECT}  # the last one back knows our statements best


@event.listens_for(Engine, "connect")
def _prepare(connection, record):
    if type(connection).__module__.startswith("sqlite3"):
        prepare_sqlite(connection, record)
    else:
        prepare_postgresql(connection, record)


def prepare_sqlite(connection, record):
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    record.info.update(path=path, writes=may_be_written(path))
    connection.isolation_level = None  # BEGIN is ours, below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={LOCK_WAIT}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def may_be_written(path: str) -> bool:
    """Return whether a SQLite file may be written now, whatever those who opened it before may do."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return True  # or the next connection would put an empty file in its place
    except OSError:
        return False
    return os.access(path, os.W_OK)


def prepare_postgresql(connection, record):
    """Set the time limits, where the connection is ours alone.

    A pooler such as PgBouncer hands out its servers by the transaction: there, limits are set in each one, and no
    statement stays prepared. Its key for cancelling is not the server's process id.
    """
    import psycopg

    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise psycopg.NotSupportedError(f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'")
    server = ask(connection, "SELECT pg_backend_pid()")
    record.info["pooler"] = server != connection.info.backend_pid
    if record.info["pooler"]:
        connection.prepare_threshold = None
    else:
        ask(connection, limits(local=False))


def ask(connection, statement: str):
    """Return the first value a server answers, outside of any transaction."""
    connection.autocommit = True
    value = connection.execute(statement, prepare=False).fetchone()[0]
    connection.autocommit = False
    return value


def limits(local: bool) -> str:
    """Return the statement that sets the time limits, for the transaction alone or for the connection."""
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', {local})" for name, value in LIMITS.items())


@event.listens_for(Engine, "checkout")
def _take_only_what_writes(connection, record, proxy):
    """Hand out no connection that is dead, or that leads to a server which only reads.

    After a fail-over a pool would keep its connections to the former server for days; and to a SQLite file whose
    owner or mode has changed, those from before. They are thrown away together; only where a new one is no better,
    its error is told.
    """
    if type(connection).__module__.startswith("sqlite3"):
        if record.info["writes"] != may_be_written(record.info["path"]):
            raise exc.InvalidatePoolError()
        return
    import psycopg

    known = record.info.setdefault("known", False)
    record.info["known"] = True
    try:
        if ask(connection, "SHOW transaction_read_only") == "on":
            raise psycopg.errors.ReadOnlySqlTransaction("the server only reads")
    except psycopg.Error:
        if known:
            raise exc.InvalidatePoolError() from None
        raise


@event.listens_for(Engine, "begin")
def _begin(connection):
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")
    elif connection.info.get("pooler"):
        connection.exec_driver_sql(limits(local=True))


@event.listens_for(Engine, "handle_error")
def _throw_away(context):
    """Throw a connection away that has met a lasting failure, and the whole pool with it."""
    if context.sqlalchemy_exception is not None and cause(context.sqlalchemy_exception) in LASTING:
        context.is_disconnect = True
        written.pop(context.engine, None)


def note_write(engine: Engine) -> None:
    written[engine] = time.monotonic()


def was_written_lately(engine: Engine, seconds: float) -> bool:
    """Return whether a write was noted within so many seconds, and nothing has failed since."""
    return time.monotonic() - written.get(engine, float("-inf")) < seconds
