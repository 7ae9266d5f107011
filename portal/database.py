"""How the portal reaches its database: pool, time limits, and what a failure of it means."""

import os
import time
from pathlib import Path
from weakref import WeakKeyDictionary

from sqlalchemy import delete, event, exc, select
from sqlalchemy.engine import Engine

LOCK_WAIT = 4000  # milliseconds SQLite waits for another writer
DEADLOCK = "40P01"  # PostgreSQL's word for it
LIMITS = {  # PostgreSQL's settings for requests: nothing waits longer than a person would
    "statement_timeout": "3000",  # milliseconds
    "idle_in_transaction_session_timeout": "30000",
    "jit": "off",  # our statements are short; to compile one takes longer than to run it
}
TO_CONNECT = {"connect_timeout": 3, "client_encoding": "utf8"}  # whatever role, database or URL prefer
OF_SQLSTATE = {
    "25006": "read_only",
    "42501": "forbidden",
    "42703": "empty",
    "42P01": "empty",
    "53100": "full",
    "55P03": "busy",
    "57014": "busy",
    "XX001": "damaged",
    "XX002": "damaged",
}
OF_SQLITE = {3: "forbidden", 5: "busy", 6: "busy", 8: "read_only", 10: "disk", 11: "damaged", 13: "full"}
OF_SQLITE |= {14: "file", 23: "forbidden", 26: "damaged"}
MEANINGS = {
    "busy": "it is busy for too long",
    "damaged": "it is damaged",
    "disk": "its disk is full or fails",
    "empty": "it lacks tables of this version, run flask db upgrade",
    "file": "its file cannot be opened, see who owns file and folder",
    "forbidden": "its user may not do this",
    "full": "its disk is full",
    "read_only": "it can only be read, see who owns its file, or which server answers",
}
LASTING = ("disk", "damaged", "file", "full", "read_only")  # a connection that has met this is of no use any more
FAILURES = (exc.DBAPIError, exc.TimeoutError)  # what a database that is away, busy or ailing raises
ROOM = 512 * 1024  # bytes that a sign-in may need; with less on its disk, a SQLite database is full
LONGEST = 300  # characters of what a server says

written = WeakKeyDictionary()  # engine -> when this process last noted a write, on the monotonic clock


def engine_options(url: str) -> dict:
    """Return how the pool and the driver are set up for requests."""
    options = {"hide_parameters": True, "pool_size": 8, "max_overflow": 40, "pool_timeout": 3}
    if url.startswith("sqlite"):
        return options
    return {**options, "pool_use_lifo": True, "connect_args": TO_CONNECT}  # the last one back knows our statements best


# What a failure means


def cause(error: Exception) -> str:
    """Return which of `MEANINGS` an error of the database has, or `down`."""
    told = getattr(error, "orig", None)
    if isinstance(error, exc.TimeoutError):
        return "busy"
    if state := getattr(told, "sqlstate", None):
        return OF_SQLSTATE.get(state, "down")
    if "no such table" in str(told) or "no such column" in str(told):
        return "empty"
    return OF_SQLITE.get(getattr(told, "sqlite_errorcode", 0) & 0xFF, "down")


def is_away(error: Exception) -> bool:
    """Return whether the database is to blame, and not the statement or its values."""
    if isinstance(error, exc.ProgrammingError):
        return cause(error) != "down"
    return not isinstance(error, exc.IntegrityError | exc.DataError)


def explain(error: Exception) -> str:
    """Return in a line why the database cannot be used: what it means, and what the server says.

    It holds no value of a statement, and no password: servers and drivers do not quote either here.
    """
    told = getattr(error, "orig", None)
    said = getattr(getattr(told, "diag", None), "message_primary", None) or str(told or "no connection is free")
    said = " ".join(said.split())[:LONGEST]
    meaning = MEANINGS.get(cause(error))
    return f"{meaning} ({said})" if meaning else said


def is_full(engine: Engine) -> bool:
    """Return whether a SQLite database has no room to grow on its disk."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        return False
    try:
        disk = os.statvfs(Path(path).absolute().parent)
    except OSError:
        return False
    return (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize < ROOM


# Connections


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


def delete_some(session, key, *conditions, order, most: int) -> int:
    """Delete at most so many rows, inside the caller's transaction.

    Rows that another transaction holds are passed over, so that two clean-ups never wait for each other.

    :param key: the column that tells those rows apart.
    :param order: a column with an index, by which the rows are found.
    :return: how many were deleted.
    """
    some = select(key).where(*conditions).order_by(order).limit(most).with_for_update(skip_locked=True)
    chosen = session.scalars(some).all()
    if chosen:
        those = delete(key.class_).where(*conditions, key.in_(chosen))
        session.execute(those, execution_options={"synchronize_session": False})
    return len(chosen)


def note_write(engine: Engine) -> None:
    written[engine] = time.monotonic()


def was_written_lately(engine: Engine, seconds: float) -> bool:
    """Return whether a write was noted within so many seconds, and nothing has failed since."""
    return time.monotonic() - written.get(engine, float("-inf")) < seconds
