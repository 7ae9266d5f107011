"""The one place where sessions end."""

from sqlalchemy import ColumnElement, update

from portal.clocks import now
from portal.database import db
from portal.models import LoginSession


def end_sessions(*conditions: ColumnElement[bool], why: str) -> int:
    """End the open sessions of some conditions, and count them.

    It is part of the caller's transaction.
    """
    open_sessions = update(LoginSession).where(LoginSession.ended_at.is_(None), *conditions)
    return db.session.execute(open_sessions.values(ended_at=now(), ended_why=why)).rowcount
