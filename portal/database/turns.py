"""Turns of a process's threads at writing to SQLite.

SQLite has one writer. Its waiting connections try again and again, with longer and longer pauses, so of many threads
some would wait until their time is over. Here one thread of each process tries, and the others wait for it.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from portal.database.engine import LOCK_WAIT

_locks: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_making = threading.Lock()


@contextmanager
def take_turn(engine: Engine, patience: int = LOCK_WAIT) -> Iterator[int]:
    """Take the right to write, and give the time left.

    Other databases need no turns.

    :param patience: milliseconds to wait, for threads and other processes together.
    :return: milliseconds that may be waited for other processes.
    :raises OperationalError: after that.
    """
    if engine.dialect.name != "sqlite":
        yield patience
        return
    lock, began = find_lock(engine), time.monotonic()
    if not lock.acquire(timeout=patience / 1000):
        busy = sqlite3.OperationalError("database is locked")
        busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("BEGIN IMMEDIATE", None, busy)
    try:
        yield max(1, patience - round((time.monotonic() - began) * 1000))
    finally:
        lock.release()


def find_lock(engine: Engine) -> threading.Lock:
    """Return the lock of an engine."""
    if engine not in _locks:
        with _making:
            _locks.setdefault(engine, threading.Lock())
    return _locks[engine]
