"""Tickets hand a sign-in over to an application's host.

A ticket works once, within a minute, at one host, in the browser that has asked for it.
"""

import base64
import hashlib
import re
import secrets
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update

from portal import database
from portal.clocks import SKEW, now
from portal.database import db, fingerprint
from portal.models import Application, LoginSession, Ticket
from portal.signin.sessions import SignedIn, list_open_conditions

TICKET_LIFE = timedelta(seconds=60)
CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")
MOST_TICKETS = 40  # of one session at one host: as many tabs may open at once
KEPT = timedelta(days=1)  # after its end


class UsedTicket(NamedTuple):
    """A ticket that was just used."""

    application_id: int
    session_id: int
    account_id: int
    host: str
    path: str


def make_challenge(nonce: str) -> str:
    """Return the challenge of a browser's nonce.

    It is the SHA-256 in base64url, as in RFC 7636.
    """
    digest = hashlib.sha256(nonce.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def begin_ticket(application: Application, me: SignedIn, host: str, challenge: str, path: str) -> str:
    """Store a ticket, and return it.

    The session's oldest tickets for this host beyond `MOST_TICKETS` go.

    :param host: the origin it is for.
    :param challenge: of the nonce that this browser keeps for that origin.
    :param path: where it leads there.
    """
    ticket, moment = secrets.token_urlsafe(32), now()
    of_session = (Ticket.session_id == me.id, Ticket.host == host)
    surplus = select(Ticket.ticket_hash).where(*of_session).order_by(Ticket.expires_at.desc()).offset(MOST_TICKETS - 1)
    with database.write_rows() as connection:
        connection.execute(delete(Ticket.__table__).where(Ticket.ticket_hash.in_(surplus.limit(MOST_TICKETS))))
        connection.execute(
            insert(Ticket.__table__),
            {
                "ticket_hash": fingerprint(ticket),
                "application_id": application.id,
                "session_id": me.id,
                "account_id": me.account_id,
                "host": host,
                "challenge": challenge,
                "path": path,
                "expires_at": moment + TICKET_LIFE,
            },
        )
    return ticket


def find_path(ticket: str, application_id: int, host: str) -> str | None:
    """Return the path of a ticket that can be used.

    A ticket that is made up costs no writing transaction.
    """
    return db.session.scalar(select(Ticket.path).where(*list_ticket_conditions(ticket, application_id, host)))


def use_ticket(ticket: str, application_id: int, host: str, nonce: str) -> UsedTicket | None:
    """Use a ticket up, inside the caller's transaction.

    :return: `None` for one that is used, old, of another browser, host or application, or of an ended session.
    """
    conditions = (*list_ticket_conditions(ticket, application_id, host), Ticket.challenge == make_challenge(nonce))
    columns = [getattr(Ticket, name) for name in UsedTicket._fields]
    used = update(Ticket).where(*conditions).values(used_at=now()).returning(*columns)
    row = db.session.execute(used, execution_options={"synchronize_session": False}).one_or_none()
    return UsedTicket(*row) if row else None


def list_ticket_conditions(ticket: str, application_id: int, host: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on a ticket that works.

    That of a clock that is too fast would work for longer.
    """
    moment = now()
    return (
        Ticket.ticket_hash == fingerprint(ticket),
        Ticket.application_id == application_id,
        Ticket.host == host,
        Ticket.used_at.is_(None),
        Ticket.expires_at > moment,
        Ticket.expires_at <= moment + TICKET_LIFE + timedelta(seconds=SKEW),
        Ticket.session_id.in_(select(LoginSession.id).where(*list_open_conditions())),
    )


def remove_old_tickets(most: int) -> int:
    """Remove tickets that ended long ago, and count them.

    Part of the caller's transaction.
    """
    is_old = Ticket.expires_at < now() - KEPT
    return database.delete_rows(Ticket.ticket_hash, is_old, order=Ticket.expires_at, most=most)
