"""The failures of a database and their meanings."""

import os
from pathlib import Path

from sqlalchemy import exc
from sqlalchemy.engine import Engine

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
ROOM_NEEDED = 512 * 1024  # bytes for a sign-in; with less on its disk, a SQLite database is full
LONGEST_MESSAGE = 300  # characters of what a server says


def name_cause(error: Exception) -> str:
    """Return the key of an error's meaning, or `down`."""
    original = getattr(error, "orig", None)
    if isinstance(error, exc.TimeoutError):
        return "busy"
    if state := getattr(original, "sqlstate", None):
        return OF_SQLSTATE.get(state, "down")
    if "no such table" in str(original) or "no such column" in str(original):
        return "empty"
    return OF_SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF, "down")


def is_away(error: Exception) -> bool:
    """Tell whether the database is to blame for an error.

    A statement or its values may be, too.
    """
    if isinstance(error, exc.ProgrammingError):
        return name_cause(error) != "down"
    return not isinstance(error, exc.IntegrityError | exc.DataError)


def explain(error: Exception) -> str:
    """Return in a line why the database cannot be used.

    It has the meaning and the server's message. It holds no value of a statement, and no password: servers and
    drivers do not quote either here.
    """
    original = getattr(error, "orig", None)
    message = getattr(getattr(original, "diag", None), "message_primary", None)
    message = " ".join((message or str(original or "no connection is free")).split())[:LONGEST_MESSAGE]
    meaning = MEANINGS.get(name_cause(error))
    return f"{meaning} ({message})" if meaning else message


def is_full(engine: Engine) -> bool:
    """Tell whether a SQLite database's disk is full."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        return False
    try:
        disk = os.statvfs(Path(path).absolute().parent)
    except OSError:
        return False
    return (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize < ROOM_NEEDED
