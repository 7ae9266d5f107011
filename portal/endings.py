"""The one place where sessions end."""

from sqlalchemy import ColumnElement, update

from portal.clocks import now
from portal.database import db
from portal.models import LoginSession


def end_sessions(*conditions: ColumnElement[bool], why: str) -> int:
    """End the open sessions of some conditions, and count them.

    It is part of the caller's transaction. Rows that are loaded already do not show it.
    """
    open_sessions = update(LoginSession).where(LoginSession.ended_at.is_(None), *conditions)
    ended = open_sessions.values(ended_at=now(), ended_why=why)
    return db.session.execute(ended, execution_options={"synchronize_session": False}).rowcount
