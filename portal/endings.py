"""The one place where sessions end."""

from sqlalchemy import update

from portal.clocks import now
from portal.database import db
from portal.models import LoginSession


def end_sessions(*conditions, why: str) -> int:
    """End the open sessions that meet the conditions, inside the caller's transaction; return how many."""
    ended = update(LoginSession).where(LoginSession.ended_at.is_(None), *conditions)
    return db.session.execute(ended.values(ended_at=now(), ended_why=why)).rowcount
