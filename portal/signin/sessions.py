"""Sessions on the server: opened at sign-in, checked at every request, ended for good."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import and_, func, or_, select, update

from portal import audit, database, endings
from portal.audit import Actor, Client
from portal.clocks import now
from portal.database import db, fingerprint
from portal.errors import NO_SUCH_PAGE, Code
from portal.models import MAY_SIGN_IN, Account, Identity, LoginSession

FRESH = timedelta(minutes=10)  # so young a sign-in is proof enough to change what signs one in
MOST_OPEN = 20  # sessions of an account
ENDED_AT_ONCE = 1000  # sessions; of a time without a limit there may be so many that a sign-in would take too long
PAGE_SIZE = 20  # sessions
BY_HOLDER = "ended by its holder"  # why a session ended


class SignedIn(NamedTuple):
    """The session of a request, with its account and the person that signed in."""

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


def open_(
    account: Account, identity: Identity | None, element: str | None, how: str, client: Client
) -> tuple[str, LoginSession]:
    """Open a session inside the caller's transaction; return its token, which is stored nowhere, and its row.

    An account's oldest sessions beyond `MOST_OPEN` end. Sessions of one account are opened one after the other.

    :param how: the attempt's kind, or `link`.
    """
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update(key_share=True))
    token, moment = secrets.token_urlsafe(32), now()
    row = LoginSession(
        token_hash=fingerprint(token),
        account_id=account.id,
        identity_id=identity.id if identity else None,
        element=element,
        how=how,
        signed_in_at=moment,
        last_seen_at=moment,
        expires_at=moment + timedelta(seconds=current_app.config["PORTAL_SESSION_LIFETIME"]),
        address=client.address,
        agent=client.agent[:255],
    )
    db.session.add(row)
    db.session.flush()
    end_oldest(account.id, client)
    return token, row


def end_oldest(account_id: int, client: Client) -> None:
    """End an account's sessions beyond the newest `MOST_OPEN`."""
    newest_first = select(LoginSession.id).where(*still_open(account_id))
    newest_first = newest_first.order_by(LoginSession.signed_in_at.desc(), LoginSession.id.desc())
    surplus, why = newest_first.offset(MOST_OPEN).limit(ENDED_AT_ONCE), "too many"
    ended = update(LoginSession).where(LoginSession.id.in_(surplus)).values(ended_at=now(), ended_why=why)
    ended = db.session.execute(ended, execution_options={"synchronize_session": False}).rowcount  # none is loaded
    if ended:
        audit.record("session.end", Actor(None, client), account_id=account_id, details={"why": why, "sessions": ended})


def check(token: str) -> SignedIn | None:
    """Return who is signed in with this token, or `None`.

    Session, account and identity must all allow it.
    """
    idle = timedelta(seconds=current_app.config["PORTAL_SESSION_IDLE"])
    moment = now()
    by_identity = and_(Identity.account_id == LoginSession.account_id, Identity.status.in_(MAY_SIGN_IN))
    row = db.session.execute(
        SIGNED_IN.where(
            LoginSession.token_hash == fingerprint(token),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > moment,
            LoginSession.last_seen_at > moment - idle,
            Account.active,
            or_(LoginSession.identity_id.is_(None), by_identity),
        )
    ).one_or_none()
    if row is not None and moment - row.last_seen_at > min(timedelta(seconds=60), idle / 10):
        touch(row.id, moment)
    return None if row is None else SignedIn(*row)


SIGNED_IN = (
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
)


def is_fresh(me: SignedIn) -> bool:
    """Return whether somebody's sign-in is young enough to change what signs them in."""
    return now() - me.signed_in_at <= FRESH


def touch(session_id: int, moment) -> None:
    """Note that a session is in use, unless it has ended meanwhile."""
    with database.write() as session:
        still_open = (LoginSession.id == session_id, LoginSession.ended_at.is_(None))
        session.execute(update(LoginSession).where(*still_open).values(last_seen_at=moment))


def end(token: str, client: Client, why: str = "signed out") -> None:
    """End the session of this token, if it is open."""
    with database.write() as session:
        row = session.scalar(select(LoginSession).where(LoginSession.token_hash == fingerprint(token)))
        if row is not None and endings.end_sessions(LoginSession.id == row.id, why=why):
            audit.record("session.end", Actor(row.account_id, client), account_id=row.account_id, details={"why": why})


def still_open(account_id: int) -> tuple:
    """Return the conditions on `LoginSession` for the sessions of an account that are in use."""
    moment = now()
    return (
        LoginSession.account_id == account_id,
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > moment,
        LoginSession.last_seen_at > moment - timedelta(seconds=current_app.config["PORTAL_SESSION_IDLE"]),
    )


def count(account_id: int) -> int:
    """Return how many sessions of an account are open."""
    return db.session.scalar(select(func.count()).select_from(LoginSession).where(*still_open(account_id)))


@dataclass(frozen=True)
class Page:
    """A page of an account's open sessions, its number, and how many there are in all."""

    rows: list[LoginSession]
    number: int
    total: int
    size: int = PAGE_SIZE


def page(account_id: int, number: int) -> Page:
    """Return a page of an account's open sessions, the one used last first; beyond the last page, the last one."""
    total = count(account_id)
    number = max(1, min(number, -(-total // PAGE_SIZE)))
    rows = select(LoginSession).where(*still_open(account_id))
    rows = rows.order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
    return Page(list(db.session.scalars(rows.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE))), number, total)


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
    """End all sessions of the actor but this one; return how many were in use."""
    ended = count(me.account_id) - 1
    with database.write():
        others = (LoginSession.account_id == me.account_id, LoginSession.id != me.id)
        if endings.end_sessions(*others, why=BY_HOLDER):
            audit.record("session.end", by, account_id=me.account_id, details={"why": BY_HOLDER, "sessions": ended})
    return ended
