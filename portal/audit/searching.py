"""Searching the audit log, a page at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Tuple, or_, select, tuple_

from portal import database
from portal.audit import outcomes
from portal.database import db
from portal.models import Account, AuditEvent, Identity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_SIZE = 50  # entries
EXPORTED_AT_ONCE = 1000  # entries
MOST_NAMED = 200  # accounts or people a text may stand for
NEWEST_FIRST = (AuditEvent.at.desc(), AuditEvent.id.desc())
OLDEST_FIRST = (AuditEvent.at.asc(), AuditEvent.id.asc())
PLACE = re.compile("([0-9]{1,18})-([0-9]{1,18})")
PLACE_COLUMNS = tuple_(AuditEvent.at, AuditEvent.id)


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
    result: str = ""  # one of outcomes.OUTCOMES
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
            conditions.append(outcomes.match_outcome(self.result))
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
