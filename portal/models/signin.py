"""Tables of logins, sessions, one-time links and binding requests."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.clocks import now
from portal.database import db
from portal.models.people import Account, Identity


def make_partial_index(name: str, column: str, where: str) -> Index:
    """Return an index of the rows that meet a condition."""
    return Index(name, column, sqlite_where=text(where), postgresql_where=text(where))


class LoginAttempt(db.Model):
    """A login under way.

    The start of the login makes it; its finish uses it up, once.
    """

    state_hash: Mapped[bytes] = mapped_column(primary_key=True)
    element: Mapped[str]
    kind: Mapped[str] = mapped_column(String(16))  # redirect, qr, in_app, auth_code
    purpose: Mapped[str] = mapped_column(String(16))  # login, bind, confirm
    browser_hash: Mapped[bytes] = mapped_column(index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))  # who began a bind or confirm
    next: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    session_id: Mapped[int | None] = mapped_column(ForeignKey("login_session.id"), index=True)  # of a bind or confirm
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identity.id"))  # whom a bind offers, until it is done


class LoginSession(db.Model):
    """A session of a signed-in user.

    Ended rows stay for a time, so that a request in flight can't reopen one.
    """

    __table_args__ = (
        make_partial_index("ix_login_session_ended", "ended_at", "ended_at IS NOT NULL"),
        make_partial_index("ix_login_session_open", "expires_at", "ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identity.id"), index=True)  # none: a one-time link
    element: Mapped[str | None]
    how: Mapped[str] = mapped_column(String(16))  # the attempt's kind, or "link"
    signed_in_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None] = mapped_column(String(32))


class BindingRequest(db.Model):
    """An unbound person's request for an account.

    It waits for an administrator, or was refused by one.
    """

    __table_args__ = (make_partial_index("ix_binding_request_address", "seen_at", "address <> ''"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting")  # waiting, refused; done: bound
    reason: Mapped[str] = mapped_column(default="")
    reference: Mapped[str] = mapped_column(String(16), index=True)
    element: Mapped[str]
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    identity: Mapped[Identity] = relationship()


class OneTimeLink(db.Model):
    """A one-time sign-in link, one open link an account.

    An administrator hands it out. It needs no platform.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    account: Mapped[Account] = relationship()
