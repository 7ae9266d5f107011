"""Doors are sessions at the hosts of applications.

A door works as long as its portal session does. What the application is told is kept with the door, and computed anew
once rights have changed.
"""

import secrets
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from portal import audit, database
from portal.applications import access, tickets
from portal.applications.access import Verdict
from portal.applications.application_fields import NAME
from portal.audit import Actor, Client
from portal.clocks import now
from portal.database import db, fingerprint
from portal.errors import FORBIDDEN, Code
from portal.models import Account, Application, Door, Identity, LoginSession, Revision
from portal.signin.sessions import IS_USABLE, NOTE_WAIT, list_limits

MOST_DOORS = 20  # of one session at one host: as many tabs may open at once

FIND_DOOR = database.PreparedRead(
    select(
        Door.id,
        Door.host,
        Door.groups,
        Door.told,
        Door.seen_revision,
        Revision.number,
        LoginSession.id.label("session_id"),
        LoginSession.account_id,
        LoginSession.identity_id,
        LoginSession.last_seen_at,
        Application.id.label("application_id"),
        Application.hosts,
        Application.headers,
        Application.header_encoding,
    )
    .join(Application, Application.id == Door.application_id)
    .join(LoginSession, LoginSession.id == Door.session_id)
    .join(Account, Account.id == LoginSession.account_id)
    .outerjoin(Identity, Identity.id == LoginSession.identity_id)
    .join(Revision, Revision.id == 1)
    .where(
        Door.token_hash == bindparam("token"),
        Door.closed_at.is_(None),
        Application.name == bindparam("name"),
        Application.active,
        *IS_USABLE,
    )
)

FIND_HOSTS = database.PreparedRead(
    select(Application.id, Application.hosts).where(Application.name == bindparam("name"), Application.active)
)
ADD_DOOR = insert(Door.__table__)


class OpenDoor(NamedTuple):
    """A door that works, with what a check needs."""

    id: int
    host: str
    groups: list[str] | None  # none: the account may not enter
    told: dict
    seen_revision: int
    revision: int
    session_id: int
    account_id: int
    identity_id: int | None
    last_seen_at: datetime
    application_id: int
    hosts: list[str]
    headers: list[str]
    header_encoding: str


def find_door(name: str, token: str) -> OpenDoor | None:
    """Return a token's door at an application, if it works.

    Its groups are those of this moment.
    """
    if not NAME.fullmatch(name):
        return None
    row = database.read_row(FIND_DOOR, token=fingerprint(token), name=name, **list_limits())
    if row is None:
        return None
    door = OpenDoor(*row)
    if door.seen_revision == door.revision:
        return door
    verdict = renew_door(door)
    return door._replace(groups=verdict.groups, told=verdict.told)


def find_gate_hosts(name: str) -> tuple[int, list[str]] | None:
    """Return id and hosts of an active application."""
    return database.read_row(FIND_HOSTS, name=name) if NAME.fullmatch(name) else None


def renew_door(door: OpenDoor) -> Verdict:
    """Compute anew what a door tells, and keep it.

    Where nothing can be written, the next check computes it again.
    """
    verdict = access.decide(db.session.get_one(Application, door.application_id), door.account_id, door.identity_id)
    values = {"groups": verdict.groups, "told": verdict.told, "seen_revision": verdict.revision}
    with suppress(*database.FAILURES), database.write_rows(NOTE_WAIT) as connection:
        connection.execute(update(Door.__table__).where(Door.id == door.id).values(**values))
    return verdict


class Entered(NamedTuple):
    """A door that has just been opened.

    :param token: of the door; it is stored nowhere.
    :param path: where to go.
    :param may_enter: whether the account still may; else the next check shows why not.
    """

    token: str
    path: str
    may_enter: bool


def enter(ticket: str, application: Application, host: str, nonce: str, client: Client) -> Entered | None:
    """Use a ticket, and open its door.

    :param host: the origin that the browser has asked.
    :param nonce: of the browser that has begun.
    :return: `None` for a ticket that does not work.
    """
    if tickets.find_path(ticket, application.id, host) is None:
        return None
    with database.write():
        used = tickets.use_ticket(ticket, application.id, host, nonce)
        if used is None:
            return None
        identity_id = db.session.scalar(select(LoginSession.identity_id).where(LoginSession.id == used.session_id))
        verdict = access.decide(application, used.account_id, identity_id)
        token = open_door(application.id, host, used.session_id, used.account_id, verdict)
        may_enter = verdict.groups is not None
        action, result = ("application.enter", 0) if may_enter else ("application.refuse", FORBIDDEN)
        facts = {"account_id": used.account_id, "identity_id": identity_id, "result": result}
        audit.record(action, Actor(used.account_id, client), details={"application": application.name}, **facts)
    return Entered(token, used.path, may_enter)


def open_door(application_id: int, host: str, session_id: int, account_id: int, verdict: Verdict) -> str:
    """Open a door, and return its token.

    It is stored nowhere. Part of the caller's transaction. The session's oldest doors at this host beyond
    `MOST_DOORS` close.
    """
    token = secrets.token_urlsafe(32)
    database.run(
        ADD_DOOR,
        token_hash=fingerprint(token),
        application_id=application_id,
        session_id=session_id,
        account_id=account_id,
        host=host,
        opened_at=now(),
        groups=verdict.groups,
        told=verdict.told,
        seen_revision=verdict.revision,
    )
    of_session = (Door.session_id == session_id, Door.application_id == application_id, Door.host == host)
    surplus = select(Door.id).where(*of_session).order_by(Door.id.desc()).offset(MOST_DOORS).limit(MOST_DOORS)
    database.run(delete(Door.__table__).where(Door.id.in_(select(surplus.subquery().c.id))))
    return token


def close_door(name: str, token: str) -> None:
    """Close a token's door at an application.

    The row stays, so that it tells when its holder was there.
    """
    of_application = Door.application_id.in_(select(Application.id).where(Application.name == name))
    is_it = (Door.token_hash == fingerprint(token), Door.closed_at.is_(None), of_application)
    with database.write_rows() as connection:
        connection.execute(update(Door.__table__).where(*is_it).values(closed_at=now()))


def remove_door(token: str) -> None:
    """Remove a door that nobody has gone through."""
    with database.write_rows() as connection:
        connection.execute(delete(Door.__table__).where(Door.token_hash == fingerprint(token)))


def record_refused_ticket(refusal: Code, application: Application, client: Client) -> None:
    """Record a ticket that did not work."""
    audit.record_refusal(refusal, "door.refuse", Actor(None, client), details={"application": application.name})
