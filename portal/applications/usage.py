"""The use of an application, and an account's applications."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from sqlalchemy import ColumnElement, and_, func, select

from portal.clocks import find_day_bounds, list_last_days
from portal.database import db
from portal.models import Application, AuditEvent, Door, LoginSession
from portal.signin.sessions import get_idle_limit, list_open_conditions

DAYS = 7
ENTERED = "application.enter"
REFUSED = ("application.refuse", "door.refuse")
SHOWN_EVENTS = 10


@dataclass
class UsageDay:
    """The entries and refusals of an application on one day."""

    day: date
    entered: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        return self.entered + self.refused


@dataclass(frozen=True)
class OpenedApplication:
    """An application that an account has opened.

    :param opened_at: the last time.
    :param ended_at: when access ended; none: it is still open.
    """

    application: Application
    opened_at: datetime
    ended_at: datetime | None


def count_days(name: str, zone: tzinfo = UTC) -> list[UsageDay]:
    """Return an application's last days, the oldest first."""
    days = []
    for day in list_last_days(DAYS, zone):
        begin, end = find_day_bounds(day, zone)
        of_day = (*match_events(name), AuditEvent.at >= begin, AuditEvent.at < end)
        rows = select(AuditEvent.action, func.count()).where(*of_day)
        counts = dict(db.session.execute(rows.group_by(AuditEvent.action)).all())
        days.append(UsageDay(day, counts.get(ENTERED, 0), sum(counts.get(action, 0) for action in REFUSED)))
    return days


def list_events(name: str, zone: tzinfo = UTC) -> list[AuditEvent]:
    """Return an application's newest entries and refusals.

    They are of the last days.
    """
    since = find_day_bounds(list_last_days(DAYS, zone)[0], zone)[0]
    events = select(AuditEvent).where(*match_events(name), AuditEvent.at >= since)
    newest = events.order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    return list(db.session.scalars(newest.limit(SHOWN_EVENTS)))


def match_events(name: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for entries and refusals."""
    actions = (ENTERED, *REFUSED)
    return AuditEvent.action.in_(actions), AuditEvent.details["application"].as_string() == name


def list_opened(account_id: int) -> list[OpenedApplication]:
    """Return the applications that an account has opened.

    Those that are open come first, then the ones that ended last.
    """
    is_open = and_(Door.closed_at.is_(None), *list_open_conditions())
    columns = select(Application, Door, LoginSession, is_open).join(Application).join(LoginSession)
    opened = {}
    for application, door, session, still_open in db.session.execute(columns.where(Door.account_id == account_id)):
        ended_at = None if still_open else door.closed_at or find_end(session)
        row = OpenedApplication(application, door.opened_at, ended_at)
        opened[application.id] = max(opened.get(application.id, row), row, key=rank_opened)
    return sorted(opened.values(), key=rank_opened, reverse=True)


def rank_opened(row: OpenedApplication) -> tuple[bool, datetime]:
    """Return a mark, the highest for what is open."""
    return row.ended_at is None, row.ended_at or row.opened_at


def find_end(session: LoginSession) -> datetime:
    """Return when a session ended or reached its limit."""
    return session.ended_at or min(session.expires_at, session.last_seen_at + get_idle_limit())
