"""Tables of accounts, platform people and their departments."""

import secrets
import string
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Computed,
    ForeignKey,
    Index,
    Integer,
    String,
    TypeDecorator,
    UniqueConstraint,
    type_coerce,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship, synonym, validates

from portal.clocks import now
from portal.database import Encrypted, db
from portal.text import username_key

ACTIVE, LEFT, FROZEN, NOT_ACTIVATED = 1, 2, 3, 4  # identity.status
MAY_SIGN_IN = (ACTIVE, NOT_ACTIVATED)
OTHER = "other"  # the model of people whose platform has none of its own
BIG_INTEGER = BigInteger().with_variant(Integer(), "sqlite")  # an INTEGER of SQLite holds 64 bits
HAD_LEFT = "left"  # identity.bound_how of somebody unbound since they have left
SUBJECT_LETTERS = string.ascii_letters + string.digits
SUBJECT_LENGTH = 22  # 131 bits


def make_public_id() -> str:
    """Return a new public id for an account.

    It says nothing about the account, and no other account ever gets it.
    """
    return "".join(secrets.choice(SUBJECT_LETTERS) for _ in range(SUBJECT_LENGTH))


class Account(db.Model):
    """A local account.

    `role` is `admin` or `user`. The optional fields serve suggestions only, never a sign-in.
    """

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
    subject: Mapped[str | None] = mapped_column(String(SUBJECT_LENGTH), index=True, unique=True, default=make_public_id)
    identities: Mapped[list["Identity"]] = relationship(back_populates="account", foreign_keys="Identity.account_id")

    @validates("username")
    def note_key(self, _column: str, username: str) -> str:
        self.username_key = username_key(username)
        return username


class ModelOfProvider(TypeDecorator):
    """The column that chooses the class of a person.

    A provider without a class of its own reads as `OTHER`."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: str, dialect: Dialect) -> str:
        return value if value in Identity.__mapper__.polymorphic_map else OTHER


class Identity(db.Model):
    """A stored person of a platform.

    `provider`, `tenant` and `subject` (the platform's lasting id) identify the person. `account` is the account they
    sign in as.
    """

    __table_args__ = (
        UniqueConstraint("provider", "tenant", "subject"),
        UniqueConstraint("account_id", "provider", "tenant"),
        # Narrow: a search through all people reads the first alone, and the counters the others.
        Index("ix_identity_search", "name", "user_id", "employee_number"),
        Index("ix_identity_counters", "account_id", "status", "last_account_id"),
        Index("ix_identity_adoption", "provider", "status", "account_id"),
        {"sqlite_autoincrement": True},  # the audit log names a deleted person by a number that no other one gets
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
    def __mapper_args__(cls) -> dict:
        return {"polymorphic_on": type_coerce(cls.provider, ModelOfProvider), "polymorphic_identity": OTHER}


class FSInnerAuthModel(Identity):
    """A Feishu or Lark person."""

    __mapper_args__ = {"polymorphic_identity": "feishu"}


class QywxInnerAuthModel(Identity):
    """A WeCom person."""

    __mapper_args__ = {"polymorphic_identity": "wecom"}


def find_model(provider: str) -> type[Identity]:
    """Return the class of a provider's people."""
    models = Identity.__mapper__.polymorphic_map
    return models.get(provider, Identity.__mapper__).class_


class Department(db.Model):
    """A stored department.

    `leaders` holds the platform's ids of its leaders.
    """

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
    position: Mapped[int] = mapped_column(BIG_INTEGER, default=0, server_default="0")  # among siblings, ascending
    seated: Mapped[bool] = mapped_column(default=False)  # whether the memberships of those stored before it are there


class Membership(db.Model):
    """A person in a stored department.

    Derived from `Identity.department`.
    """

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id", ondelete="CASCADE"), primary_key=True)
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Listing(db.Model):
    """A person listed by the last sync of an element.

    A first sync that was cut off counts, too. `digest` is that of the platform's data.
    """

    element: Mapped[str] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    digest: Mapped[str | None] = mapped_column(String(32))  # none: something else has told more since
