"""Tables of applications, groups and the doors at applications."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.clocks import now
from portal.database import db

LONGEST_PATH = 2000  # characters of a path that a ticket leads to
HEADERS = ("user", "name", "email", "groups", "subject")  # what the gate can tell an application
SENT_AT_FIRST = ("user", "name", "email", "groups")
SCOPES_AT_FIRST = ("openid", "profile", "email", "groups")


class Application(db.Model):
    """An application that people open through the portal.

    `hosts` are origins behind the gate; `redirect_uris` make it an OpenID Connect client.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)  # part of addresses, and the client id
    title: Mapped[str]
    launch_url: Mapped[str | None] = mapped_column(String(2000))
    active: Mapped[bool] = mapped_column(default=True)
    open_to_all: Mapped[bool] = mapped_column(default=False)
    contact: Mapped[str | None]  # whom those may ask who may not enter; none: `PORTAL_CONTACT`
    username_from: Mapped[str] = mapped_column(String(16), default="username")
    email_domain: Mapped[str | None]
    fresh_minutes: Mapped[int | None]  # how old a sign-in may be that enters
    session_hint: Mapped[int | None]  # hours that the application's own session lives
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)

    hosts: Mapped[list] = mapped_column(default=list)
    headers: Mapped[list] = mapped_column(default=lambda: list(SENT_AT_FIRST))
    header_encoding: Mapped[str] = mapped_column(String(16), default="utf-8")  # utf-8, percent

    redirect_uris: Mapped[list] = mapped_column(default=list)
    post_logout_uris: Mapped[list] = mapped_column(default=list)
    backchannel_uri: Mapped[str | None] = mapped_column(String(2000))
    public: Mapped[bool] = mapped_column(default=False)
    pkce: Mapped[str] = mapped_column(String(16), default="required")  # required, optional
    refresh: Mapped[bool] = mapped_column(default=False)
    offline_days: Mapped[int] = mapped_column(default=0)
    scopes: Mapped[list] = mapped_column(default=lambda: list(SCOPES_AT_FIRST))
    token_minutes: Mapped[int] = mapped_column(default=15)
    claims_in_id_token: Mapped[bool] = mapped_column(default=True)
    ask: Mapped[bool] = mapped_column(default=False)
    all_groups: Mapped[bool] = mapped_column(default=False)
    picture: Mapped[bool] = mapped_column(default=False)

    groups: Mapped[list["Group"]] = relationship(secondary="application_group", order_by="Group.name")
    secrets: Mapped[list["ApplicationSecret"]] = relationship(order_by="ApplicationSecret.id")


class ApplicationSecret(db.Model):
    """A secret of an application, stored as a hash.

    It is 256 random bits, so a plain hash is enough.
    """

    __table_args__ = (UniqueConstraint("application_id", "secret_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    secret_hash: Mapped[bytes]
    hint: Mapped[str] = mapped_column(String(4))  # its last letters
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Group(db.Model):
    """A named set of accounts.

    Applications see its name.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    members: Mapped[list["GroupMember"]] = relationship(order_by="GroupMember.id", cascade="all, delete-orphan")


class GroupMember(db.Model):
    """A rule by which accounts are in a group.

    `kind` is `department`, `role`, `account` or `everybody`. `value` is the id of a department or an account, a role,
    or "".
    """

    __table_args__ = (UniqueConstraint("group_id", "kind", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(default="")
    below: Mapped[bool] = mapped_column(default=False)  # with the departments below


class ApplicationGroup(db.Model):
    """A group that may enter an application.

    The application is told of it.
    """

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group.id"), primary_key=True, index=True)


class Revision(db.Model):
    """One number that changes with every right to enter.

    Triggers raise it in each transaction that writes what such rights are computed from.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]


class Door(db.Model):
    """A session at an application's host.

    It works as long as its portal session does. `groups` and `told` are what the application is told about the
    account, as computed at `seen_revision`; no groups at all (`None`): the account may not enter.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    host: Mapped[str]  # its origin
    opened_at: Mapped[datetime] = mapped_column(default=now, index=True)
    closed_at: Mapped[datetime | None]  # when its holder signed out there
    groups: Mapped[list | None]
    told: Mapped[dict] = mapped_column(default=dict)
    seen_revision: Mapped[int]


class Ticket(db.Model):
    """The one-time hand-over of a sign-in to an application's host.

    `challenge` binds it to the browser that began.
    """

    ticket_hash: Mapped[bytes] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    host: Mapped[str]
    challenge: Mapped[str] = mapped_column(String(43))
    path: Mapped[str] = mapped_column(String(LONGEST_PATH))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class ProxyProblem(db.Model):
    """What the gate last saw that a proxy does wrong.

    `kind` is `incomplete`, `host` or `forged`; `detail` is a header's name, or the host asked for.
    """

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    detail: Mapped[str]
    seen_at: Mapped[datetime]
