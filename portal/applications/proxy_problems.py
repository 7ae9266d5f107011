"""Problems of proxies that the gate has seen.

A problem is logged and stored once a minute in each process, so that a wrong proxy floods nothing.
"""

import logging
import time
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from portal import database
from portal.clocks import now
from portal.database import db
from portal.logs import log_event
from portal.models import ProxyProblem

log = logging.getLogger(__name__)

NOTED_EVERY = 60.0  # seconds
SHOWN = timedelta(days=1)  # for which a problem is shown
NOTE_WAIT = 250  # milliseconds that a request waits to store one
LONGEST_NAME = 40  # characters of an unknown one in the log
INCOMPLETE, HOST, FORGED = "incomplete", "host", "forged"
EVENTS = {
    INCOMPLETE: "gate_snippet_incomplete",
    HOST: "gate_host_not_registered",
    FORGED: "gate_forged_header",
}

_noted: dict[tuple[str, str], float] = {}  # name and kind -> when, on the monotonic clock


def note_problem(name: str, kind: str, detail: str, application_id: int) -> None:
    """Log a problem, and keep it for the application's page.

    :param name: of the application that the proxy names.
    :param kind: `INCOMPLETE`, `HOST` or `FORGED`.
    :param detail: the header that is missing or came from a visitor, or the host asked for.
    """
    if is_news(name, kind):
        log_event(log, logging.WARNING, EVENTS[kind], application=name, detail=detail)
        with suppress(*database.FAILURES):
            store_problem(application_id, kind, detail[:255])


def note_unknown(name: str) -> None:
    """Log that a proxy asks for an unknown application.

    Visitors can make names up, so one a minute has to do for all.
    """
    if is_news("", "unknown"):
        log_event(log, logging.WARNING, "gate_application_unknown", application=name[:LONGEST_NAME])


def is_news(name: str, kind: str) -> bool:
    """Tell whether a problem is news, and note it."""
    moment = time.monotonic()
    if moment - _noted.get((name, kind), float("-inf")) < NOTED_EVERY:
        return False
    _noted[name, kind] = moment
    return True


def store_problem(application_id: int, kind: str, detail: str) -> None:
    """Store the last problem of a kind."""
    own = (ProxyProblem.application_id == application_id, ProxyProblem.kind == kind)
    values = {"detail": detail, "seen_at": now()}
    with database.write_rows(NOTE_WAIT) as connection:
        if not connection.execute(update(ProxyProblem.__table__).where(*own).values(**values)).rowcount:
            row = {"application_id": application_id, "kind": kind, **values}
            connection.execute(insert(ProxyProblem.__table__), row)


def list_problems(application_id: int) -> list[ProxyProblem]:
    """Return the problems of an application's proxy, the latest first.

    Those of other days may have been mended.
    """
    own = select(ProxyProblem).where(
        ProxyProblem.application_id == application_id, ProxyProblem.seen_at > now() - SHOWN
    )
    return list(db.session.scalars(own.order_by(ProxyProblem.seen_at.desc(), ProxyProblem.kind)))


def forget_problems(application_id: int) -> None:
    """Forget the problems of an application's proxy.

    Part of the caller's transaction.
    """
    db.session.execute(delete(ProxyProblem).where(ProxyProblem.application_id == application_id))
