"""Every table on one page, and how to write to them: `write()` for a transaction, `audit()` for the trail."""

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    case,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    declared_attr,
    mapped_column,
    registry,
    relationship,
    synonym,
    validates,
)

from portal import database
from portal.text import username_key

ACTIVE, LEFT, FROZEN, NOT_ACTIVATED = 1, 2, 3, 4  # identity.status
MAY_SIGN_IN = (ACTIVE, NOT_ACTIVATED)
HAD_LEFT = "left"  # identity.bound_how of somebody unbound since they have left
AUDIT_KEPT = 30  # days: a younger row of the trail can't be removed


def now() -> datetime:
    return datetime.now(UTC)


def fingerprint(secret: str) -> bytes:
    """Return what is stored in place of a token, state or browser id: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


class Moment(TypeDecorator):
    """A time in UTC, also where the database keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs its zone")
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value, dialect):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Encrypted(TypeDecorator):
    """Text that rests encrypted under `PORTAL_ENCRYPTION_KEYS`; what no key opens reads as `None`."""

    impl = LargeBinary
    cache_ok = True

    @staticmethod
    def keys():
        return MultiFernet([Fernet(key) for key in current_app.config["PORTAL_ENCRYPTION_KEYS"]])

    def process_bind_param(self, value, dialect):
        return value if value is None else self.keys().encrypt(value.encode())

    def process_result_value(self, value, dialect):
        try:
            return value if value is None else self.keys().decrypt(bytes(value)).decode()
        except InvalidToken:
            return None


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_N_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: Moment, str: String(255), bytes: LargeBinary(32), list: JSON, dict: JSON},
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class Account(db.Model):
    """A local user. `role` is `admin` or `user`; the optional fields serve suggestions only, never a sign-in."""

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    username_key: Mapped[str | None] = mapped_column(  # none: clashed before there was a rule
        index=True, unique=True, default=lambda row: username_key(row.get_current_parameters()["username"])
    )
    name: Mapped[str] = mapped_column(default="", index=True)
    role: Mapped[str] = mapped_column(String(16), default="user")
    active: Mapped[bool] = mapped_column(default=True)
    email: Mapped[str | None]
    mobile: Mapped[str | None]
    employee_number: Mapped[str | None] = mapped_column(index=True)
    email_folded: Mapped[str | None] = mapped_column(Computed("lower(email)", persisted=True), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    identities: Mapped[list["Identity"]] = relationship(back_populates="account", foreign_keys="Identity.account_id")

    @validates("username")
    def note_key(self, _column, username):
        self.username_key = username_key(username)
        return username


class Identity(db.Model):
    """A stored provider person: the element types' "auth model".

    Who it is: `provider`, `tenant` and `subject`, the provider's stable id. Which account it opens: `account`.
    """

    __table_args__ = (
        UniqueConstraint("provider", "tenant", "subject"),
        UniqueConstraint("account_id", "provider", "tenant"),
        # Narrow: a search through all people reads the one alone, and the counters the other.
        Index("ix_identity_search", "name", "user_id", "employee_number"),
        Index("ix_identity_counters", "account_id", "status", "last_account_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(64))
    tenant: Mapped[str]
    subject: Mapped[str]
    user_id: Mapped[str] = mapped_column(index=True)
    open_ids: Mapped[dict] = mapped_column(default=dict)  # by element: such ids differ per app
    name: Mapped[str] = mapped_column(default="")
    mobile: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    avatar: Mapped[str] = mapped_column(String(1024), default="")
    department: Mapped[list] = mapped_column(default=list)
    position: Mapped[str] = mapped_column(default="")
    gender: Mapped[int] = mapped_column(default=0)
    status: Mapped[int] = mapped_column(default=ACTIVE)
    is_leader: Mapped[bool] = mapped_column(default=False)
    employee_number: Mapped[str] = mapped_column(default="", index=True)
    email_folded: Mapped[str | None] = mapped_column(Computed("lower(email)", persisted=True), index=True)
    company_email: Mapped[str] = mapped_column(default="", server_default="", index=True)  # in small letters
    access_token: Mapped[str | None] = mapped_column(Encrypted)
    refresh_token: Mapped[str | None] = mapped_column(Encrypted)
    expires_at: Mapped[datetime | None]
    token_app: Mapped[str | None]  # whose tokens these are: elements of several apps share a person
    token_dialect: Mapped[str | None] = mapped_column(String(16))  # the only one that takes the refresh token
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    contact_at: Mapped[datetime | None]  # when the directory last told us about this person
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    last_account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))  # the account before an unbind
    declined_account_id: Mapped[int | None]  # no foreign key: a suggestion an administrator has turned down
    bound_at: Mapped[datetime | None]
    bound_how: Mapped[str | None] = mapped_column(String(16))  # self, administrator, queue, created, import
    signed_in_at: Mapped[datetime | None] = mapped_column(index=True)
    signed_in_how: Mapped[str | None] = mapped_column(String(16))
    account: Mapped[Account | None] = relationship(back_populates="identities", foreign_keys=account_id)

    # The names under which element code reads these columns.
    userId = synonym("user_id")
    isLeader = synonym("is_leader")
    accessToken = synonym("access_token")
    refreshToken = synonym("refresh_token")
    expiresAt = synonym("expires_at")
    createdAt = synonym("created_at")
    updatedAt = synonym("updated_at")

    @property
    def shown_name(self) -> str:
        return self.name or self.user_id

    @declared_attr.directive
    def __mapper_args__(cls):
        if cls.__name__ != "Identity":
            return {"polymorphic_identity": cls.of_provider}
        known = case((cls.provider.in_(("feishu", "wecom")), cls.provider), else_="other")
        return {"polymorphic_on": known, "polymorphic_identity": "other"}


class FSInnerAuthModel(Identity):
    """A Feishu or Lark person."""

    of_provider = "feishu"


class QywxInnerAuthModel(Identity):
    """A WeCom person."""

    of_provider = "wecom"


class Department(db.Model):
    """A stored department; `leaders` holds the provider's ids of those who lead it."""

    __table_args__ = (
        UniqueConstraint("provider", "tenant", "dept_id"),
        Index("ix_department_parent", "provider", "tenant", "parent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(64))
    tenant: Mapped[str]
    dept_id: Mapped[str]
    open_id: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    leaders: Mapped[list] = mapped_column(default=list)
    position: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # among siblings, ascending
    seated: Mapped[bool] = mapped_column(default=False)  # whether the memberships of those stored before it are there


class Membership(db.Model):
    """Who is in which department: what `Identity.department` says, as far as the departments are stored."""

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id", ondelete="CASCADE"), primary_key=True)
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Listing(db.Model):
    """Whom an element's last sync has listed, also a first one that was cut off; and a digest of what it told."""

    element: Mapped[str] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    digest: Mapped[str | None] = mapped_column(String(32))  # none: something else has told more since


class SyncRun(db.Model):
    """A directory sync of one element: asked for, under way, or ended.

    `open` is true from the asking to the end and else NULL, so that an element has one such run at most.
    """

    __table_args__ = (UniqueConstraint("element", "open"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    element: Mapped[str]
    open: Mapped[bool | None] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(16), default="queued")  # queued, running, done, failed, stopped
    how: Mapped[str] = mapped_column(String(16))  # schedule, page, command
    dry_run: Mapped[bool] = mapped_column(default=False)
    answers_id: Mapped[int | None]  # the stopped run whose list an administrator has said yes to
    actor_id: Mapped[int | None]  # no foreign key: the trail outlives the account
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    phase: Mapped[str] = mapped_column(String(16), default="")  # departments, people, leavers, writing
    counts: Mapped[dict] = mapped_column(default=dict)
    report: Mapped[dict] = mapped_column(default=dict)  # warnings, and for a dry run the names behind the counts
    failure: Mapped[list | None]  # number, reason and native of the error that ended it
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class Worker(db.Model):
    """A process of `flask worker` that was alive lately."""

    name: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class Readiness(db.Model):
    """One row, written now and then to see that writing works."""

    id: Mapped[int] = mapped_column(primary_key=True)
    written_at: Mapped[datetime | None]


class LoginAttempt(db.Model):
    """A login under way: made by its start, used up once by its finish."""

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
    session_id: Mapped[int | None] = mapped_column(ForeignKey("login_session.id"), index=True)  # it opened, or is of
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identity.id"))  # whom a bind offers, until it is done


class LoginSession(db.Model):
    """Somebody signed in. Ended rows stay: a request in flight can't bring one back."""

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
    """Somebody unbound who scanned and waits for an administrator, or was refused by one: one row a person."""

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting")  # waiting, refused; done: bound
    reason: Mapped[str] = mapped_column(default="")
    reference: Mapped[str] = mapped_column(String(16))
    element: Mapped[str]
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    identity: Mapped[Identity] = relationship()


class OneTimeLink(db.Model):
    """A way in without a provider, handed out by an administrator; one open link an account."""

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    account: Mapped[Account] = relationship()


class Import(db.Model):
    """An uploaded file of bindings, between its dry run and the end of its life; its administrator's alone."""

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="checking")  # checking, checked, applying, done
    file: Mapped[str] = mapped_column(default="")
    unused: Mapped[list] = mapped_column(default=list)  # headings we have no use for
    with_accounts: Mapped[bool] = mapped_column(default=False)
    with_changes: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ImportRow(db.Model):
    """A line of an import: what it says, what would come of it, and what has.

    `outcome` is `new`, `account`, `unchanged`, `change`, `conflict` or `error`; none: not looked at yet. `result` is
    `done`, `failed` or `left`; none: not applied yet. `reason` says why it is in conflict, in error or failed.
    """

    __table_args__ = (
        Index("ix_import_row_outcome", "import_id", "outcome", "line"),
        Index("ix_import_row_result", "import_id", "result", "line"),
        Index("ix_import_row_identity_id", "import_id", "identity_id"),
        Index("ix_import_row_username", "import_id", "username"),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("import.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cells: Mapped[dict] = mapped_column(default=dict)  # column -> what the file says
    username: Mapped[str] = mapped_column(default="")
    identity_id: Mapped[int | None]  # whom the line means
    seen: Mapped[int | None]  # the account they were bound to at the dry run
    outcome: Mapped[str | None] = mapped_column(String(16))
    result: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32), default="")
    other_line: Mapped[int | None]  # the line of the same file it is in conflict with


class AppToken(db.Model):
    """A credential of an app itself, shared by all workers; renewed by whoever holds the lease."""

    provider: Mapped[str] = mapped_column(String(64), primary_key=True)
    app: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    value: Mapped[str | None] = mapped_column(Encrypted)
    expires_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)  # counts finished renewals, so that a waiter sees one end
    failure: Mapped[list | None]  # number, reason and native of the last renewal, if it failed


class AppCompany(db.Model):
    """The company whose directory an app reads, as the platform has told."""

    provider: Mapped[str] = mapped_column(String(64), primary_key=True)
    app: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]


class AuditEvent(db.Model):
    """One change or refusal: who, what, when, from where, result.

    Rows are only ever added: a trigger refuses every change, and every removal within `AUDIT_KEPT`.
    `details` holds no names and no contact data, so that a person can be forgotten and the trail stay as it is.
    """

    __table_args__ = (
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_action", "action", "at", "id"),
        Index("ix_audit_event_actor_id", "actor_id", "at", "id"),
        Index("ix_audit_event_account_id", "account_id", "at", "id"),
        Index("ix_audit_event_identity_id", "identity_id", "at", "id"),
        Index("ix_audit_event_element", "element", "at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    action: Mapped[str] = mapped_column(String(64))
    result: Mapped[int] = mapped_column(default=0)  # 0 or an error number
    actor_id: Mapped[int | None]  # no foreign key: the trail outlives the account
    account_id: Mapped[int | None]
    identity_id: Mapped[int | None]
    element: Mapped[str | None]
    native: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64), default="")
    request_id: Mapped[str] = mapped_column(String(32), default="", index=True)
    details: Mapped[dict] = mapped_column(default=dict)


@dataclass(frozen=True)
class Client:
    """Where a request comes from: network address, user agent, and the reference people can quote."""

    address: str = ""
    agent: str = ""
    request_id: str = ""


def audit(action: str, client: Client = Client(), **facts):
    """Add a line to the trail, inside the caller's transaction."""
    db.session.add(AuditEvent(action=action, address=client.address, request_id=client.request_id, **facts))


def end_sessions(*conditions, why: str) -> int:
    """End the open sessions that meet the conditions, inside the caller's transaction; return how many."""
    ended = update(LoginSession).where(LoginSession.ended_at.is_(None), *conditions)
    return db.session.execute(ended.values(ended_at=now(), ended_why=why)).rowcount


@contextmanager
def write():
    """A short writing transaction: committed at its end, rolled back on an error.

    It starts fresh, without what the request has read before; on SQLite it takes the write lock at once, so
    that what is read inside still holds when it is written.
    """
    db.session.rollback()
    db.session.connection(execution_options={"begin": "IMMEDIATE"})
    try:
        yield db.session
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def settle(work, tries: int = 5):
    """Run `work`, which writes, again while another worker wins a race: for a unique value, or for rows both wait for.

    :raises IntegrityError, OperationalError: when it loses every time; then it is no race.
    """
    for left in reversed(range(tries)):
        try:
            return work()
        except (IntegrityError, OperationalError) as error:
            lost = isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", "") == database.DEADLOCK
            if not left or not lost:
                raise
