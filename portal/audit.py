"""The audit log of what was done and refused.

Every act of an account or of the server is recorded here, and administrators search it here.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Tuple, event, insert, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import database
from portal.clocks import now
from portal.database import db
from portal.errors import Code
from portal.logs import log_event
from portal.models import Account, AuditEvent, Identity

log = logging.getLogger(__name__)

LOGGED = {"binding.make": "bind", "binding.end": "unbind"}  # acts that are log lines, too
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_SIZE = 50  # entries
EXPORTED_AT_ONCE = 1000  # entries
MOST_NAMED = 200  # accounts or people a text may stand for
LONGEST_NATIVE = 64  # characters of a platform's own number
NEWEST_FIRST = (AuditEvent.at.desc(), AuditEvent.id.desc())
OLDEST_FIRST = (AuditEvent.at.asc(), AuditEvent.id.asc())
PLACE = re.compile("([0-9]{1,18})-([0-9]{1,18})")
ADD_EVENT = insert(AuditEvent.__table__)
PLACE_COLUMNS = tuple_(AuditEvent.at, AuditEvent.id)


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


# Searching


@dataclass(frozen=True)
class AuditFilter:
    """The rows that a search asks for.

    An empty field asks for all. `actor` is a username, `text` a reference, an address, or part of the name of an
    account or person.
    """

    action: str = ""
    actor: str = ""
    account_id: int | None = None
    identity_id: int | None = None
    element: str = ""
    result: str = ""  # ok, refused
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def list_conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on `AuditEvent`."""
        conditions = []
        for column in ("action", "account_id", "identity_id", "element"):
            if getattr(self, column):
                conditions.append(getattr(AuditEvent, column) == getattr(self, column))
        if self.actor:
            conditions.append(AuditEvent.actor_id.in_(select(Account.id).where(Account.username == self.actor)))
        if self.result:
            conditions.append(AuditEvent.result == 0 if self.result == "ok" else AuditEvent.result != 0)
        if self.since:
            conditions.append(AuditEvent.at >= self.since)
        if self.until:
            conditions.append(AuditEvent.at < self.until)
        return conditions + ([self.match_text()] if self.text else [])

    def match_text(self) -> ColumnElement[bool]:
        """Return the condition that `text` makes.

        Each part of it has an index, or is an address.
        """
        if self.text.count(".") == 3 or self.text.count(":") > 1:
            return AuditEvent.address == self.text
        accounts = or_(*(column.icontains(self.text, autoescape=True) for column in (Account.username, Account.name)))
        people = Identity.name.icontains(self.text, autoescape=True)
        account_ids = db.session.scalars(select(Account.id).where(accounts).limit(MOST_NAMED)).all()
        identity_ids = db.session.scalars(select(Identity.id).where(people).limit(MOST_NAMED)).all()
        return or_(
            AuditEvent.request_id == self.text.upper(),
            AuditEvent.account_id.in_(account_ids),
            AuditEvent.actor_id.in_(account_ids),
            AuditEvent.identity_id.in_(identity_ids),
        )


@dataclass(frozen=True)
class AuditPage:
    """A page of the audit log.

    :param newer: the place where the page before this one begins, if there is one.
    :param older: the place where the page after this one begins, if there is one.
    """

    events: list[AuditEvent]
    newer: str | None
    older: str | None


def search(wanted: AuditFilter, older: str = "", newer: str = "", size: int = PAGE_SIZE) -> AuditPage:
    """Return the newest rows that a filter asks for.

    :param older: a place as a page gives it, `<time>-<id>`: return the rows right before it.
    :param newer: the same, for the rows right after it. Text that is no place counts as not given.
    """
    query = select(AuditEvent).where(*wanted.list_conditions())
    before, after = parse_place(older), parse_place(newer)
    if before is None and after is not None:
        query = query.where(PLACE_COLUMNS > after).order_by(*OLDEST_FIRST)
    else:
        query = (query if before is None else query.where(PLACE_COLUMNS < before)).order_by(*NEWEST_FIRST)
    rows = db.session.scalars(query.limit(size + 1)).all()
    events, is_cut = list(rows[:size]), len(rows) > size
    if before is None and after is not None:
        events, has_newer, has_older = events[::-1], is_cut, True
    else:
        has_newer, has_older = before is not None, is_cut
    first, last = (format_place(events[0]), format_place(events[-1])) if events else (None, None)
    return AuditPage(events, first if has_newer else None, last if has_older else None)


def format_place(event: AuditEvent) -> str:
    """Return a row's place in the audit log."""
    return f"{(event.at - EPOCH) // timedelta(microseconds=1)}-{event.id}"


def parse_place(text: str) -> Tuple | None:
    """Return the place that `format_place()` has written, or `None`."""
    match = PLACE.fullmatch(text)
    if match is None:
        return None
    try:
        at = EPOCH + timedelta(microseconds=int(match[1]))
    except OverflowError:
        return None
    return tuple_(at, int(match[2]))


def iterate_events(wanted: AuditFilter) -> Iterator[list[AuditEvent]]:
    """Yield all rows that a filter asks for, in batches.

    The newest come first. No transaction stays open between two batches.
    """
    older = ""
    while True:
        page = search(wanted, older, size=EXPORTED_AT_ONCE)
        database.end_transaction()
        if page.events:
            yield page.events
        if page.older is None:
            return
        older = page.older


def load_names(events: list[AuditEvent]) -> tuple[dict[int, Account], dict[int, Identity]]:
    """Return the accounts and people of rows, by id.

    Each takes one query.
    """
    account_ids = {id for event in events for id in (event.actor_id, event.account_id) if id}
    identity_ids = {event.identity_id for event in events if event.identity_id}
    accounts = db.session.scalars(select(Account).where(Account.id.in_(account_ids))) if account_ids else ()
    people = db.session.scalars(select(Identity).where(Identity.id.in_(identity_ids))) if identity_ids else ()
    return {account.id: account for account in accounts}, {person.id: person for person in people}


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
