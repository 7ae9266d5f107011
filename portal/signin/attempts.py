"""Logins that are under way.

Each has one row from its start to its finish, which is used up once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Update, bindparam, delete, insert, or_, select, update

from portal import database
from portal.clocks import now
from portal.database import db, fingerprint
from portal.errors import BAD_STATE, Code
from portal.models import LoginAttempt
from portal.signin.sessions import SignedIn

ATTEMPT_LIFETIME = timedelta(minutes=10)
ATTEMPT_KEPT = timedelta(days=1)  # used and expired rows serve the "continue" on a repeated callback, then go
MOST_OPEN = 10  # a browser's older attempts make room

ADD_ATTEMPT = insert(LoginAttempt.__table__)
OPEN_OF_BROWSER = (LoginAttempt.browser_hash == bindparam("browser"), LoginAttempt.used_at.is_(None))
NEWEST_FIRST = select(LoginAttempt.state_hash).where(*OPEN_OF_BROWSER).order_by(LoginAttempt.created_at.desc())
REMOVE_SURPLUS = delete(LoginAttempt.__table__).where(LoginAttempt.state_hash.in_(NEWEST_FIRST.offset(MOST_OPEN)))


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


class UsedAttempt(NamedTuple):
    """An attempt that has just been used up."""

    state_hash: bytes
    element: str
    kind: str
    purpose: str
    account_id: int | None  # the account that began a bind or confirm
    next: str | None


def write_use(*conditions: ColumnElement[bool]) -> Update:
    """Return the statement that uses up an open attempt."""
    open_attempt = (
        LoginAttempt.state_hash == bindparam("state"),
        or_(LoginAttempt.browser_hash == bindparam("browser"), LoginAttempt.browser_hash == bindparam("cold_browser")),
        LoginAttempt.element == bindparam("name"),
        LoginAttempt.used_at.is_(None),
        LoginAttempt.expires_at > bindparam("moment"),
    )
    used = update(LoginAttempt.__table__).where(*open_attempt, *conditions).values(used_at=bindparam("moment"))
    return used.returning(*(getattr(LoginAttempt, column) for column in UsedAttempt._fields))


USE_LOGIN = write_use(LoginAttempt.purpose == "login")
USE_IN_SESSION = write_use(
    LoginAttempt.session_id == bindparam("session"), LoginAttempt.account_id == bindparam("account")
)


def begin_attempt(state: str, browser: str, element: str, kind: str, goal: Goal = Goal()) -> None:
    """Remember that this browser begins a login.

    :param state: the element's fresh state; stored as its hash.
    :param browser: the browser's own random id.
    """
    moment, me, browser_hash = now(), goal.me, fingerprint(browser)
    attempt = {
        "state_hash": fingerprint(state),
        "browser_hash": browser_hash,
        "element": element,
        "kind": kind,
        "purpose": goal.purpose,
        "next": goal.next,
        "account_id": me.account_id if me else None,
        "session_id": me.id if me else None,
        "created_at": moment,
        "expires_at": moment + ATTEMPT_LIFETIME,
    }
    with database.write_rows() as connection:
        connection.execute(ADD_ATTEMPT, attempt)
        connection.execute(REMOVE_SURPLUS, {"browser": browser_hash})


def remove_old_attempts(most: int) -> int:
    """Remove useless attempts, and count them.

    Part of the caller's transaction.

    :param most: so many at a time.
    """
    old = LoginAttempt.expires_at < now() - ATTEMPT_KEPT
    return database.delete_rows(LoginAttempt.state_hash, old, order=LoginAttempt.expires_at, most=most)


def use_attempt(
    state: str, browsers: list[str], element: str, find_me: Callable[[], SignedIn | None] = lambda: None
) -> UsedAttempt:
    """Use an attempt up, and return it.

    Of any number of calls for one state, one succeeds.

    :param browsers: the ids the browser may have begun it under, one or two.
    :param find_me: looks up the session of this request, where a bind or confirm of it may be finished, too.
    :raises Code: BAD_STATE when it is unknown, of another browser, element, purpose or session, used, or too old.
    """
    hashes = [fingerprint(browser) for browser in browsers]
    values = {"state": fingerprint(state), "browser": hashes[0], "cold_browser": hashes[-1], "name": element}
    with database.write_rows() as connection:
        row = connection.execute(USE_LOGIN, {**values, "moment": now()}).one_or_none()
    if row is None and (me := find_me()):
        with database.write_rows() as connection:
            values |= {"session": me.id, "account": me.account_id, "moment": now()}
            row = connection.execute(USE_IN_SESSION, values).one_or_none()
    if row is None:
        raise Code(BAD_STATE, "no open attempt of this browser has this state")
    return UsedAttempt(*row)


def find_attempt(state: str, me: SignedIn, has_opened: bool) -> LoginAttempt | None:
    """Return the attempt of a state in this session.

    It was begun in the session, or has opened it. It may be used up.

    :param has_opened: whether the browser remembers that it has.
    """
    attempt = db.session.get(LoginAttempt, fingerprint(state))
    return attempt if attempt and (has_opened or attempt.session_id == me.id) else None
