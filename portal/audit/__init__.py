"""The audit log of what was done and refused.

Every act of an account or of the server is recorded here. Administrators search it in `portal.audit.searching`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import database
from portal.clocks import now
from portal.database import db
from portal.errors import Code
from portal.logs import log_event
from portal.models import AuditEvent

log = logging.getLogger(__name__)

LOGGED = {"binding.make": "bind", "binding.end": "unbind"}  # acts that are log lines, too
LONGEST_NATIVE = 64  # characters of a platform's own number
ADD_EVENT = insert(AuditEvent.__table__)


# Recording


@dataclass(frozen=True)
class Client:
    """Where a request comes from.

    :param address: the network address.
    :param agent: the user agent.
    :param request_id: the reference that people can quote.
    """

    address: str = ""
    agent: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Actor:
    """The account that acts, and from where.

    `Actor()` is the server itself.
    """

    account_id: int | None = None
    client: Client = Client()


@dataclass
class PendingEntry:
    """The row that a `recorded` block is going to add."""

    by: Actor
    facts: dict = field(default_factory=dict)
    refusal: Code | None = None
    is_dropped: bool = False

    def note(self, **facts: Any) -> None:
        """Complete the row by further facts."""
        self.facts |= facts

    def drop(self) -> None:
        """Add no row, because nothing has changed."""
        self.is_dropped = True

    def refuse(self, refusal: Code) -> None:
        """Raise a refusal after the block, but keep its writes."""
        self.refusal = refusal


def record(action: str, by: Actor, *, native: int | str | None = None, **facts: Any) -> None:
    """Add a row to the audit log.

    It is part of the caller's transaction.

    :param native: the platform's own number; it is cut to `LONGEST_NATIVE`.
    :param facts: further columns: `result`, `account_id`, `identity_id`, `element` and `details`.
    """
    client = by.client
    origin = {"actor_id": by.account_id, "address": client.address, "request_id": client.request_id}
    native = None if native is None else str(native)[:LONGEST_NATIVE]
    database.run(ADD_EVENT, action=action, native=native, **origin, **facts)
    if action in LOGGED and not facts.get("result"):
        db.session.info.setdefault("acts", []).append((action, by, facts))


@event.listens_for(db.session, "after_commit")
def _log_acts(session: Session) -> None:
    """Log acts once they are stored for good."""
    for action, by, facts in session.info.pop("acts", ()):
        ids = {"identity": facts.get("identity_id"), "account": facts.get("account_id")}
        actor = "the server" if by.account_id is None else f"account {by.account_id}"
        log_event(log, logging.INFO, LOGGED[action], **ids, by=actor, element=facts.get("element"))


event.listen(db.session, "after_rollback", lambda session: session.info.pop("acts", None))


def record_refusal(refusal: Code, action: str, by: Actor, **facts: Any) -> None:
    """Record a refused act in a transaction of its own."""
    with database.write():
        record(action, by, result=refusal.code, native=refusal.native, **facts)


@contextmanager
def recorded(
    action: str,
    by: Actor,
    *,
    refusals: type[Code] = Code,
    conflict: type[Code] | None = None,
    **facts: Any,
) -> Iterator[PendingEntry]:
    """Open a writing transaction, and record the act it does.

    A refusal raised inside undoes what the block has written. It is recorded in a transaction of its own.

    :param refusals: the refusals to record; others pass unrecorded.
    :param conflict: the refusal that a violated constraint of the database means; without it, such errors pass.
    :param facts: further columns of the row; the block may complete them.
    """
    entry = PendingEntry(by, facts)
    try:
        with database.write():
            yield entry
            if not entry.is_dropped:
                record(action, entry.by, result=entry.refusal.code if entry.refusal else 0, **entry.facts)
    except refusals as refusal:
        record_refusal(refusal, action, entry.by, **entry.facts)
        raise
    except IntegrityError:
        if conflict is None:
            raise
        entry.refusal = conflict()
        record_refusal(entry.refusal, action, entry.by, **entry.facts)
    if entry.refusal:
        raise entry.refusal


def record_export(what: str, *, by: Actor, **details: Any) -> None:
    """Record that a list leaves the portal as a file.

    :param what: `audit` or `bindings`.
    """
    with database.write():
        record(f"{what}.export", by, details=details)


# Removing


def remove_old_events(most: int) -> int:
    """Remove rows beyond `PORTAL_AUDIT_DAYS`, and count them.

    Part of the caller's transaction. An hour more keeps the database's own limit from refusing what our clock calls
    old.
    """
    kept = timedelta(days=current_app.config["PORTAL_AUDIT_DAYS"], hours=1)
    return database.delete_rows(AuditEvent.id, AuditEvent.at < now() - kept, order=AuditEvent.at, most=most)
