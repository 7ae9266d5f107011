"""Our commands in a process that signals itself.

python interrupted.py SIGKILL writing 17 sync NAME    before the 17th statement after the phase `writing` has begun
python interrupted.py SIGSTOP writing 3 sync NAME     before the 3rd transaction after that, while none is open
"""

import signal
import sys
import threading

from flask.cli import main
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from portal.directory.sync import reading

how, phase, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
counted = {"statements": 0, "transactions": 0}
meant = "transactions" if how == "SIGSTOP" else "statements"


def count(what):
    if counted["statements"]:
        counted[what] += 1
        if what == meant and counted[what] == at:
            signal.pthread_kill(threading.get_ident(), getattr(signal, how))  # this thread, at once


@event.listens_for(Engine, "before_cursor_execute")
def statement(connection, cursor, statement, parameters, context, many):
    if f"'{phase}'" in str(parameters):
        counted["statements"] = counted["statements"] or 1
    count("statements")


@event.listens_for(Session, "after_commit")
def transaction(session):
    count("transactions")


reading.BATCH_SIZE = 3
sys.argv[:4] = ["flask"]
try:
    main()
finally:
    print(counted, file=sys.stderr)
