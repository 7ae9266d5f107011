"""Tables of background work and the audit log."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.clocks import now
from portal.database import Encrypted, db

AUDIT_KEPT = 30  # days: a younger row of the trail can't be removed


class SyncRun(db.Model):
    """A directory sync of one element.

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
    """One row that shows whether writing works.

    The readiness check writes it.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    written_at: Mapped[datetime | None]


class StoredCount(db.Model):
    """Numbers that the worker has counted.

    `name` says what they count.
    """

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    counts: Mapped[dict] = mapped_column(default=dict)
    counted_at: Mapped[datetime]


class Import(db.Model):
    """An uploaded file of bindings, visible to its administrator alone."""

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
    """A line of an import with its outcome and result.

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
    """A credential of an app itself, shared by all workers.

    The worker that holds the lease renews it.
    """

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
    """The company of the directory that an app reads."""

    provider: Mapped[str] = mapped_column(String(64), primary_key=True)
    app: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    name: Mapped[str | None]  # none: not asked yet; "": the platform does not tell


class AuditEvent(db.Model):
    """One act or refusal of the audit log.

    Rows are only ever added: a trigger refuses every change, and every removal within `AUDIT_KEPT`.
    `details` holds no names and no contact data, so that a person can be forgotten and the trail stay as it is.
    """

    __table_args__ = (
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_action", "action", "at", "id", "result"),  # counts sign-ins by itself
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
