"""Sessions, kept on the server.

A session is opened at sign-in, checked at every request, and ended for good.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, insert, or_, select, true, update

from portal import audit, database, endings
from portal.audit import Actor, Client
from portal.clocks import SKEW, now
from portal.database import db, fingerprint
from portal.database.paging import Page, load_page
from portal.errors import NO_SUCH_PAGE, Code
from portal.models import MAY_SIGN_IN, Account, Identity, LoginAttempt, LoginSession

SESSION_FRESH = timedelta(minutes=10)  # so young a sign-in is proof enough to change what signs one in
NOTED_EVERY = timedelta(minutes=1)  # how exactly a session's last use is kept
NOTE_WAIT = 250  # milliseconds that a request waits to note that
MOST_OPEN = 20  # sessions of an account
ENDED_AT_ONCE = 1000  # sessions; of a time without a limit there may be so many that a sign-in would take too long
SESSION_KEPT = timedelta(days=90)  # after its end a row still tells when and from where it was used
PAGE_SIZE = 20  # sessions
BY_HOLDER, REPLACED, TOO_MANY = "ended by its holder", "signed in anew", "too many"  # why a session ended


def write_conditions(moment: Any, latest: Any, idle_since: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on `LoginSession` for sessions in use.

    :param latest: no session is of a later sign-in: that of a fast clock would live for longer.
    """
    return (
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > moment,
        LoginSession.signed_in_at <= latest,
        LoginSession.last_seen_at > idle_since,
    )


# Of prepared statements, with the values of `list_limits()`.
IN_USE = write_conditions(*map(bindparam, ("moment", "latest", "idle_since")))
# With the account and the person joined: both must allow the session.
IS_USABLE = (
    *IN_USE,
    Account.active,
    or_(
        LoginSession.identity_id.is_(None),
        and_(Identity.account_id == LoginSession.account_id, or_(*(Identity.status == able for able in MAY_SIGN_IN))),
    ),
)
FIND_SESSION = database.PreparedRead(
    select(
        LoginSession.id,
        LoginSession.account_id,
        LoginSession.identity_id,
        LoginSession.element,
        LoginSession.how,
        LoginSession.signed_in_at,
        LoginSession.last_seen_at,
        Account.username,
        Account.name,
        Account.role,
        Identity.user_id,
        Identity.name.label("person"),
    )
    .join(Account, Account.id == LoginSession.account_id)
    .outerjoin(Identity, Identity.id == LoginSession.identity_id)
    .where(LoginSession.token_hash == bindparam("token"), *IS_USABLE)
)
NOTE_USE = (
    update(LoginSession.__table__)
    .where(LoginSession.id == bindparam("session"), LoginSession.ended_at.is_(None))
    .values(last_seen_at=bindparam("moment"))
)
ADD_SESSION = insert(LoginSession.__table__)
IS_REPLACED = LoginSession.token_hash == bindparam("replaced")
SURPLUS = (
    select(LoginSession.id)
    .where(LoginSession.account_id == bindparam("account"), ~IS_REPLACED, *IN_USE)
    .order_by(LoginSession.signed_in_at.desc(), LoginSession.id.desc())
    .offset(MOST_OPEN)
    .limit(ENDED_AT_ONCE)
)
# One list of ids: with OR, PostgreSQL would read all sessions there are.
ENDS_NOW = select(LoginSession.id).where(IS_REPLACED).union_all(select(SURPLUS.subquery().c.id))
MAKE_ROOM = endings.write_ending(LoginSession.id.in_(ENDS_NOW), why=case((IS_REPLACED, REPLACED), else_=TOO_MANY))


class SignedIn(NamedTuple):
    """The session of a request, with its account and person."""

    id: int
    account_id: int
    identity_id: int | None  # none: a one-time link
    element: str | None
    how: str
    signed_in_at: datetime
    last_seen_at: datetime
    username: str
    name: str
    role: str
    user_id: str | None
    person: str | None  # the person's name


@dataclass(frozen=True)
class OpenedSession:
    """A session just opened.

    :param token: for the cookie; it is stored nowhere.
    :param next: the path to go to, if one was asked for.
    """

    token: str
    account_id: int
    next: str | None


def open_session(
    account_id: int, identity_id: int | None, origin: tuple[str | None, str], client: Client, old_token: str | None
) -> str:
    """Open a session, and return its token.

    The token is stored nowhere. Part of the caller's transaction, which has locked the person, or the account of a
    link. The account's oldest sessions beyond `MOST_OPEN` end.

    :param origin: the element, and how the user has signed in: the attempt's kind, or `link` without an element.
    :param old_token: this browser's session so far; it ends.
    """
    (element, how), token, moment = origin, secrets.token_urlsafe(32), now()
    database.run(
        ADD_SESSION,
        token_hash=fingerprint(token),
        account_id=account_id,
        identity_id=identity_id,
        element=element,
        how=how,
        signed_in_at=moment,
        last_seen_at=moment,
        expires_at=moment + timedelta(seconds=current_app.config["PORTAL_SESSION_LIFETIME"]),
        address=client.address,
        agent=client.agent[:255],
    )
    replaced = fingerprint(old_token) if old_token else b""
    ended = endings.run_ending(MAKE_ROOM, account=account_id, replaced=replaced, **list_limits())
    if surplus := ended.count(TOO_MANY):
        details = {"why": TOO_MANY, "sessions": surplus}
        audit.record("session.end", Actor(None, client), account_id=account_id, details=details)
    return token


def find_session(token: str) -> SignedIn | None:
    """Return a token's session, if it is in use.

    Session, account and identity must all allow it.
    """
    row = database.read_row(FIND_SESSION, token=fingerprint(token), **list_limits())
    me = SignedIn(*row) if row else None
    if me:
        note_use(me.id, me.last_seen_at)
    return me


def note_use(session_id: int, last_seen_at: datetime) -> None:
    """Note once a minute that a session is in use."""
    moment = now()
    if moment - last_seen_at <= min(NOTED_EVERY, get_idle_limit() / 10):
        return
    with suppress(*database.FAILURES), database.write_rows(NOTE_WAIT) as connection:
        connection.execute(NOTE_USE, {"session": session_id, "moment": moment})  # if it can't, it is only not extended


def list_limits() -> dict:
    """Return the values of `IN_USE`."""
    moment = now()
    return {"moment": moment, "latest": moment + timedelta(seconds=SKEW), "idle_since": moment - get_idle_limit()}


def list_open_conditions() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on `LoginSession` for sessions in use."""
    return write_conditions(**list_limits())


def get_idle_limit() -> timedelta:
    """Return how long a session stays open without a request."""
    return timedelta(seconds=current_app.config["PORTAL_SESSION_IDLE"])


def is_fresh(me: SignedIn, age: timedelta = SESSION_FRESH) -> bool:
    """Tell whether a sign-in is recent.

    It must be before it may change what signs the user in.

    :param age: how old it may be.
    """
    return now() - me.signed_in_at <= age


def end_session(token: str, client: Client) -> None:
    """End the session of a token, if it is open."""
    with database.write() as session:
        row = session.scalar(select(LoginSession).where(LoginSession.token_hash == fingerprint(token)))
        why = "signed out"
        if row is not None and endings.end_sessions(LoginSession.id == row.id, why=why):
            audit.record("session.end", Actor(row.account_id, client), account_id=row.account_id, details={"why": why})


def end_own_session(session_id: int, *, by: Actor) -> None:
    """End one of the actor's own open sessions.

    :raises Code: NO_SUCH_PAGE when it is another account's, or ended already.
    """
    with database.write():
        own_session = (LoginSession.id == session_id, LoginSession.account_id == by.account_id)
        if not endings.end_sessions(*own_session, why=BY_HOLDER):
            raise Code(NO_SUCH_PAGE, "the account has no such open session")
        audit.record("session.end", by, account_id=by.account_id, details={"why": BY_HOLDER})


def end_other_sessions(me: SignedIn, *, by: Actor) -> int:
    """End the actor's sessions but this one, and count them.

    :return: how many were in use.
    """
    in_use = count_account_sessions(me.account_id) - 1
    with database.write():
        others = (LoginSession.account_id == me.account_id, LoginSession.id != me.id)
        if endings.end_sessions(*others, why=BY_HOLDER):
            audit.record("session.end", by, account_id=me.account_id, details={"why": BY_HOLDER, "sessions": in_use})
    return in_use


def end_all_sessions(*, by: Actor) -> int:
    """End the sessions of all accounts, and count them.

    A restored database may hold sessions that had ended since the backup.
    """
    with audit.recorded("session.end_all", by) as entry:
        ended = endings.end_sessions(why="all ended")
        entry.note(details={"how": "server", "sessions": ended})
        return ended


def remove_old_sessions(most: int) -> int:
    """Remove sessions that ended long ago, and count them.

    Part of the caller's transaction. Attempts that name such a session go first.

    :param most: so many at a time.
    """
    before = now() - SESSION_KEPT
    conditions = (LoginSession.ended_at < before,)
    chosen = database.choose_rows(LoginSession.id, *conditions, order=LoginSession.ended_at, most=most)
    if not chosen:
        conditions = (LoginSession.ended_at.is_(None), LoginSession.expires_at < before)
        chosen = database.choose_rows(LoginSession.id, *conditions, order=LoginSession.expires_at, most=most)
    if chosen:
        unloaded = {"synchronize_session": False}
        of_sessions = delete(LoginAttempt).where(LoginAttempt.session_id.in_(chosen))
        db.session.execute(of_sessions, execution_options=unloaded)
        db.session.execute(delete(LoginSession).where(LoginSession.id.in_(chosen)), execution_options=unloaded)
    return len(chosen)


def count_open_sessions() -> int:
    """Return how many sessions are in use."""
    return _count_sessions(true())


def count_account_sessions(account_id: int) -> int:
    """Return how many sessions of an account are in use."""
    return _count_sessions(LoginSession.account_id == account_id)


def count_identity_sessions(identity_id: int) -> int:
    """Return how many sessions an unbind of this person ends."""
    return _count_sessions(LoginSession.identity_id == identity_id)


def _count_sessions(owner: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(LoginSession).where(owner, *list_open_conditions()))


def list_sessions(account_id: int, number: int) -> Page[LoginSession]:
    """Return a page of an account's sessions in use.

    The one used last comes first.

    :param number: from 1; one beyond the last page means that one.
    """
    total = count_account_sessions(account_id)
    rows = select(LoginSession).where(LoginSession.account_id == account_id, *list_open_conditions())
    newest_first = rows.order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
    return load_page(newest_first, total, number, PAGE_SIZE)
