"""Logins that are under way.

Each has one row from its start to its finish, which is used up once.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, delete, or_, select, update

from portal import database
from portal.clocks import now
from portal.database import db, fingerprint
from portal.errors import BAD_STATE, Code
from portal.models import LoginAttempt
from portal.signin.sessions import SignedIn

ATTEMPT_LIFETIME = timedelta(minutes=10)
ATTEMPT_KEPT = timedelta(days=1)  # used and expired rows serve the "continue" on a repeated callback, then go
MOST_OPEN = 10  # a browser's older attempts make room
REMOVED_AT_ONCE = 200  # old attempts that a new one removes


@dataclass(frozen=True)
class Goal:
    """The purpose of a login.

    :param next: a checked path to go to afterwards.
    :param purpose: `login`; or `bind` or `confirm`, which belong to a session.
    :param me: that session.
    """

    next: str | None = None
    purpose: str = "login"
    me: SignedIn | None = None


def begin_attempt(state: str, browser: str, element: str, kind: str, goal: Goal = Goal()) -> None:
    """Remember that this browser begins a login.

    :param state: the element's fresh state; stored as its hash.
    :param browser: the browser's own random id.
    """
    moment, me = now(), goal.me
    with database.write() as session:
        of_browser = (LoginAttempt.browser_hash == fingerprint(browser), LoginAttempt.used_at.is_(None))
        newest_first = select(LoginAttempt.state_hash).where(*of_browser).order_by(LoginAttempt.created_at.desc())
        too_many = session.scalars(newest_first.offset(MOST_OPEN - 1)).all()
        if too_many:
            session.execute(delete(LoginAttempt).where(LoginAttempt.state_hash.in_(too_many)))
        session.add(
            LoginAttempt(
                state_hash=fingerprint(state),
                browser_hash=fingerprint(browser),
                element=element,
                kind=kind,
                purpose=goal.purpose,
                next=goal.next,
                account_id=me.account_id if me else None,
                session_id=me.id if me else None,
                created_at=moment,
                expires_at=moment + ATTEMPT_LIFETIME,
            )
        )
        session.flush()
        remove_old_attempts(REMOVED_AT_ONCE)


def remove_old_attempts(most: int) -> int:
    """Remove useless attempts, and count them.

    Part of the caller's transaction.

    :param most: so many at a time: a login's start waits for it.
    """
    old = LoginAttempt.expires_at < now() - ATTEMPT_KEPT
    return database.delete_rows(LoginAttempt.state_hash, old, order=LoginAttempt.expires_at, most=most)


def use_attempt(state: str, browsers: list[str], element: str, me: SignedIn | None = None) -> LoginAttempt:
    """Use an attempt up, and return it.

    Of any number of calls for one state, one succeeds.

    :param browsers: the ids the browser may have begun it under.
    :param me: the session of this request, where a bind or confirm of it may be finished, too.
    :raises Code: BAD_STATE when it is unknown, of another browser, element, purpose or session, used, or too old.
    """
    allowed = LoginAttempt.purpose == "login"
    if me is not None:
        allowed = or_(allowed, and_(LoginAttempt.session_id == me.id, LoginAttempt.account_id == me.account_id))
    with database.write() as session:
        open_attempt = (
            LoginAttempt.state_hash == fingerprint(state),
            LoginAttempt.browser_hash.in_([fingerprint(browser) for browser in browsers]),
            LoginAttempt.element == element,
            allowed,
            LoginAttempt.used_at.is_(None),
            LoginAttempt.expires_at > now(),
        )
        if session.execute(update(LoginAttempt).where(*open_attempt).values(used_at=now())).rowcount != 1:
            raise Code(BAD_STATE, "no open attempt of this browser has this state")
        return session.get_one(LoginAttempt, fingerprint(state))


def find_element(state: str) -> str | None:
    """Return the element an attempt belongs to.

    Several elements may share one callback address.
    """
    return db.session.scalar(select(LoginAttempt.element).where(LoginAttempt.state_hash == fingerprint(state)))


def find_attempt(state: str, session_id: int) -> LoginAttempt | None:
    """Return the attempt of a state in this session.

    It has opened the session, or was begun in it. It may be used up.
    """
    of_session = (LoginAttempt.state_hash == fingerprint(state), LoginAttempt.session_id == session_id)
    return db.session.scalar(select(LoginAttempt).where(*of_session))
