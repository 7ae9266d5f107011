"""The audit log: what was done and refused, by which account, from where; and how administrators look through it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, tuple_
from sqlalchemy.exc import IntegrityError

from portal import database
from portal.database import db
from portal.errors import Code
from portal.models import Account, AuditEvent, Identity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SIZE = 50  # entries on a page
BATCH = 1000  # entries read at once for an export
MOST_NAMED = 200  # accounts or people a text may stand for
LONGEST_NATIVE = 64  # characters of a platform's own number
NEWEST_FIRST = (AuditEvent.at.desc(), AuditEvent.id.desc())
OLDEST_FIRST = (AuditEvent.at.asc(), AuditEvent.id.asc())
MARK = re.compile("([0-9]{1,18})-([0-9]{1,18})")
PLACE = tuple_(AuditEvent.at, AuditEvent.id)


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
class Entry:
    """The row that a block of :func:`recorded` is going to add."""

    by: Actor
    facts: dict = field(default_factory=dict)
    refusal: Code | None = None
    is_dropped: bool = False

    def note(self, **facts: Any) -> None:
        """Complete the row, refused or not, by what is known by now."""
        self.facts |= facts

    def drop(self) -> None:
        """Add no row, because nothing has changed."""
        self.is_dropped = True

    def refuse(self, refusal: Code) -> None:
        """Raise a refusal at the end of the block, and keep what the block has written."""
        self.refusal = refusal


def record(action: str, by: Actor, **facts: Any) -> None:
    """Add a row to the audit log, inside the caller's transaction.

    :param facts: further columns: `result`, `account_id`, `identity_id`, `element`, `native` and `details`.
    """
    client = by.client
    origin = {"actor_id": by.account_id, "address": client.address, "request_id": client.request_id}
    db.session.add(AuditEvent(action=action, **origin, **facts))


def record_refusal(refusal: Code, action: str, by: Actor, **facts: Any) -> None:
    """Add a refused act to the audit log, in a transaction of its own."""
    native = None if refusal.native is None else str(refusal.native)[:LONGEST_NATIVE]
    with database.write():
        record(action, by, result=refusal.code, native=native, **facts)


@contextmanager
def recorded(
    action: str,
    by: Actor,
    *,
    refusals: type[Code] = Code,
    conflict: type[Code] | None = None,
    **facts: Any,
) -> Iterator[Entry]:
    """Open a writing transaction, and record at its end what was done.

    A refusal raised inside undoes what the block has written. It is recorded in a transaction of its own.

    :param refusals: the refusals to record; others pass unrecorded.
    :param conflict: the refusal that a violated constraint of the database means; without it, such errors pass.
    :param facts: further columns of the row; the block may complete them.
    """
    entry = Entry(by, facts)
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


# Looking through it


@dataclass(frozen=True)
class Filter:
    """What is asked for; an empty field asks for everything.

    `actor` is a username, `text` a reference, an address, or part of the name of an account or person.
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

    def conditions(self) -> list:
        found = []
        for column in ("action", "account_id", "identity_id", "element"):
            if getattr(self, column):
                found.append(getattr(AuditEvent, column) == getattr(self, column))
        if self.actor:
            found.append(AuditEvent.actor_id.in_(select(Account.id).where(Account.username == self.actor)))
        if self.result:
            found.append(AuditEvent.result == 0 if self.result == "ok" else AuditEvent.result != 0)
        if self.since:
            found.append(AuditEvent.at >= self.since)
        if self.until:
            found.append(AuditEvent.at < self.until)
        return found + ([self.of_text()] if self.text else [])

    def of_text(self):
        """Return the condition that `text` makes: each part of it has an index, or is an address."""
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
class Page:
    """A page of the trail; `newer` and `older` are the places from which its neighbours begin, if there are any."""

    events: list[AuditEvent]
    newer: str | None
    older: str | None


def page(wanted: Filter, older: str = "", newer: str = "", size: int = SIZE) -> Page:
    """Return the newest entries asked for; with a place, those right before or after it.

    A place is `<time>-<id>` as a page gives it; what is none counts as not given.
    """
    rows = select(AuditEvent).where(*wanted.conditions())
    before, after = place(older), place(newer)
    if before is None and after is not None:
        found = db.session.scalars(rows.where(PLACE > after).order_by(*OLDEST_FIRST).limit(size + 1)).all()
        more_after, more_before = len(found) > size, True
        events = list(reversed(found[:size]))
    else:
        rows = rows if before is None else rows.where(PLACE < before)
        found = db.session.scalars(rows.order_by(*NEWEST_FIRST).limit(size + 1)).all()
        more_after, more_before = before is not None, len(found) > size
        events = list(found[:size])
    first, last = (mark(events[0]), mark(events[-1])) if events else (None, None)
    return Page(events, first if more_after else None, last if more_before else None)


def mark(event: AuditEvent) -> str:
    """Return an entry's place in the trail, for an address."""
    return f"{(event.at - EPOCH) // timedelta(microseconds=1)}-{event.id}"


def place(text: str):
    """Return the place that :func:`mark` has written, or `None`."""
    match = MARK.fullmatch(text)
    if match is None:
        return None
    try:
        at = EPOCH + timedelta(microseconds=int(match[1]))
    except OverflowError:
        return None
    return tuple_(at, int(match[2]))


def everything(wanted: Filter) -> Iterator[list[AuditEvent]]:
    """Give all entries asked for, newest first, some at a time; no transaction stays open meanwhile."""
    older = ""
    while True:
        found = page(wanted, older, size=BATCH)
        db.session.rollback()
        if found.events:
            yield found.events
        if found.older is None:
            return
        older = found.older


def named(events: list[AuditEvent]) -> tuple[dict, dict]:
    """Return the accounts and the people that entries speak of, by id, each in one query."""
    account_ids = {id for event in events for id in (event.actor_id, event.account_id) if id}
    identity_ids = {event.identity_id for event in events if event.identity_id}
    accounts = db.session.scalars(select(Account).where(Account.id.in_(account_ids))) if account_ids else ()
    people = db.session.scalars(select(Identity).where(Identity.id.in_(identity_ids))) if identity_ids else ()
    return {each.id: each for each in accounts}, {each.id: each for each in people}


def note_export(what: str, *, by: Actor, **details: Any) -> None:
    """Record that a list leaves the portal as a file.

    :param what: `audit` or `bindings`.
    """
    with database.write():
        record(f"{what}.export", by, details=details)
