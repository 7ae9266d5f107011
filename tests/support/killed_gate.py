"""A portal that kills itself at a statement on tickets or doors.

The environment's `KILL_BEFORE` or `KILL_AFTER` names the beginning of the statement, such as `INSERT INTO door`. It
happens once: `KILLED` is a file that tells so.
"""

import os
import signal
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from app import create_app as create_portal

done = Path(os.environ["KILLED"])


def end(statement):
    if not done.exists():
        done.write_text(statement)
        os.kill(os.getpid(), signal.SIGKILL)


@event.listens_for(Engine, "before_cursor_execute")
def before(_connection, _cursor, statement, *_):
    if statement.startswith(os.environ.get("KILL_BEFORE", "nothing")):
        end(statement)


@event.listens_for(Engine, "after_cursor_execute")
def after(_connection, _cursor, statement, *_):
    if statement.startswith(os.environ.get("KILL_AFTER", "nothing")):
        end(statement)


def create_app():
    return create_portal()
