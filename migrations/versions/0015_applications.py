"""Applications, groups and doors, and a number that changes with every right to enter

Triggers raise the number, so no code can forget it. PostgreSQL raises it at the end of a transaction: two that change
rights never wait for each other while they hold other rows.
"""

import secrets
import string

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ACCOUNT = sa.table("account", sa.column("id"), sa.column("subject"))
AT_ONCE = 1000
LETTERS = string.ascii_letters + string.digits
MOMENT = sa.DateTime(timezone=True)

# Table -> the columns whose change counts; all rows made and removed count, too.
WATCHED = {
    "account": ("username", "name", "email", "employee_number", "role", "active"),
    "identity": ("account_id", "status", "name", "user_id", "email", "company_email", "employee_number"),
    "department": ("provider", "tenant", "dept_id", "parent_id"),
    "membership": (),
    "application": ("active", "open_to_all", "username_from", "email_domain", "all_groups"),
    "application_group": (),
    "group": ("name",),
    "group_member": (),
}


def upgrade():
    add_subjects()
    add_applications()
    add_groups()
    add_doors()
    make_revision = add_triggers_of_sqlite if op.get_bind().dialect.name == "sqlite" else add_triggers_of_postgresql
    op.create_table("revision", *columns(("id", sa.Integer()), ("number", sa.Integer())), primary_key("revision", "id"))
    op.execute("INSERT INTO revision (id, number) VALUES (1, 1)")
    make_revision()


def downgrade():
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in WATCHED:
        for event in ("insert", "update", "delete"):
            on = "" if is_sqlite else f' ON "{table}"'
            op.execute(f"DROP TRIGGER IF EXISTS {name_trigger(table, event)}{on}")
    if not is_sqlite:
        op.execute("DROP FUNCTION raise_revision")
    for table in ("revision", "proxy_problem", "ticket", "door", "application_group", "group_member", "group"):
        op.drop_table(table)
    op.drop_table("application_secret")
    op.drop_table("application")
    op.drop_index("ix_account_subject", "account")
    op.drop_column("account", "subject")


def columns(*named, nullable=False):
    return [sa.Column(name, kind, nullable=nullable) for name, kind in named]


def primary_key(table, *names):
    return sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")


def unique(table, *names):
    return sa.UniqueConstraint(*names, name=f"uq_{table}_{'_'.join(names)}")


def foreign_key(table, column, to, **options):
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", **options)


def add_subjects():
    op.add_column("account", sa.Column("subject", sa.String(22), nullable=True))
    connection = op.get_bind()
    ids = connection.execute(sa.select(ACCOUNT.c.id)).scalars().all()
    change = sa.update(ACCOUNT).where(ACCOUNT.c.id == sa.bindparam("of")).values(subject=sa.bindparam("new"))
    for start in range(0, len(ids), AT_ONCE):
        connection.execute(change, [{"of": id, "new": make_subject()} for id in ids[start : start + AT_ONCE]])
    op.create_index("ix_account_subject", "account", ["subject"], unique=True)


def make_subject():
    return "".join(secrets.choice(LETTERS) for _ in range(22))


def add_applications():
    short, text, address = sa.String(16), sa.String(255), sa.String(2000)
    op.create_table(
        "application",
        *columns(("id", sa.Integer()), ("name", sa.String(40)), ("title", text)),
        *columns(("launch_url", address), nullable=True),
        *columns(("active", sa.Boolean()), ("open_to_all", sa.Boolean())),
        *columns(("contact", text), nullable=True),
        *columns(("username_from", short)),
        *columns(
            ("email_domain", text), ("fresh_minutes", sa.Integer()), ("session_hint", sa.Integer()), nullable=True
        ),
        *columns(("version", sa.Integer()), ("created_at", MOMENT)),
        *columns(("hosts", sa.JSON()), ("headers", sa.JSON()), ("header_encoding", short)),
        *columns(("redirect_uris", sa.JSON()), ("post_logout_uris", sa.JSON())),
        *columns(("backchannel_uri", address), nullable=True),
        *columns(("public", sa.Boolean()), ("pkce", short), ("refresh", sa.Boolean()), ("offline_days", sa.Integer())),
        *columns(("scopes", sa.JSON()), ("token_minutes", sa.Integer()), ("claims_in_id_token", sa.Boolean())),
        *columns(("ask", sa.Boolean()), ("all_groups", sa.Boolean()), ("picture", sa.Boolean())),
        primary_key("application", "id"),
        unique("application", "name"),
    )
    op.create_table(
        "application_secret",
        *columns(("id", sa.Integer()), ("application_id", sa.Integer()), ("secret_hash", sa.LargeBinary(32))),
        *columns(("hint", sa.String(4)), ("created_at", MOMENT)),
        *columns(("expires_at", MOMENT), ("last_used_at", MOMENT), nullable=True),
        primary_key("application_secret", "id"),
        unique("application_secret", "application_id", "secret_hash"),
        foreign_key("application_secret", "application_id", "application", ondelete="CASCADE"),
    )


def add_groups():
    op.create_table(
        "group",
        *columns(("id", sa.Integer()), ("name", sa.String(40)), ("title", sa.String(255)), ("version", sa.Integer())),
        primary_key("group", "id"),
        unique("group", "name"),
    )
    op.create_table(
        "group_member",
        *columns(("id", sa.Integer()), ("group_id", sa.Integer()), ("kind", sa.String(16))),
        *columns(("value", sa.String(255)), ("below", sa.Boolean())),
        primary_key("group_member", "id"),
        unique("group_member", "group_id", "kind", "value"),
        foreign_key("group_member", "group_id", "group", ondelete="CASCADE"),
    )
    op.create_table(
        "application_group",
        *columns(("application_id", sa.Integer()), ("group_id", sa.Integer())),
        primary_key("application_group", "application_id", "group_id"),
        foreign_key("application_group", "application_id", "application", ondelete="CASCADE"),
        foreign_key("application_group", "group_id", "group"),
    )
    op.create_index("ix_application_group_group_id", "application_group", ["group_id"])


def add_doors():
    owners = [("application_id", sa.Integer()), ("session_id", sa.Integer()), ("account_id", sa.Integer())]
    op.create_table(
        "door",
        *columns(("id", sa.Integer()), ("token_hash", sa.LargeBinary(32))),
        *columns(*owners),
        *columns(("host", sa.String(255)), ("opened_at", MOMENT)),
        *columns(("closed_at", MOMENT), ("groups", sa.JSON()), nullable=True),
        *columns(("told", sa.JSON()), ("seen_revision", sa.Integer())),
        primary_key("door", "id"),
        unique("door", "token_hash"),
        *make_owner_keys("door"),
    )
    op.create_table(
        "ticket",
        *columns(("ticket_hash", sa.LargeBinary(32))),
        *columns(*owners),
        *columns(("host", sa.String(255)), ("challenge", sa.String(43)), ("path", sa.String(2000))),
        *columns(("expires_at", MOMENT)),
        *columns(("used_at", MOMENT), nullable=True),
        primary_key("ticket", "ticket_hash"),
        *make_owner_keys("ticket"),
    )
    op.create_table(
        "proxy_problem",
        *columns(("application_id", sa.Integer()), ("kind", sa.String(16)), ("detail", sa.String(255))),
        *columns(("seen_at", MOMENT)),
        primary_key("proxy_problem", "application_id", "kind"),
        foreign_key("proxy_problem", "application_id", "application", ondelete="CASCADE"),
    )
    for table, time in (("door", "opened_at"), ("ticket", "expires_at")):
        for column in ("application_id", "session_id", "account_id", time):
            op.create_index(f"ix_{table}_{column}", table, [column])


def make_owner_keys(table):
    return [
        foreign_key(table, "application_id", "application", ondelete="CASCADE"),
        foreign_key(table, "session_id", "login_session", ondelete="CASCADE"),
        foreign_key(table, "account_id", "account"),
    ]


def name_trigger(table, event):
    return f"{table}_{event}_raises_revision"


def list_conditions(names, differs):
    return f"WHEN ({' OR '.join(f'OLD.{name} {differs} NEW.{name}' for name in names)})" if names else ""


def add_triggers_of_sqlite():
    for table, names in WATCHED.items():
        for event in ("insert", "update", "delete"):
            when = list_conditions(names, "IS NOT") if event == "update" else ""
            op.execute(
                f'CREATE TRIGGER {name_trigger(table, event)} AFTER {event.upper()} ON "{table}" {when}'
                " BEGIN UPDATE revision SET number = number + 1; END"
            )


def add_triggers_of_postgresql():
    op.execute(
        "CREATE FUNCTION raise_revision() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF current_setting('portal.revision_of', true) IS DISTINCT FROM txid_current()::text THEN"
        " UPDATE revision SET number = number + 1;"
        " PERFORM set_config('portal.revision_of', txid_current()::text, true);"
        " END IF; RETURN NULL; END $$"
    )
    for table, names in WATCHED.items():
        for event in ("insert", "update", "delete"):
            when = list_conditions(names, "IS DISTINCT FROM") if event == "update" else ""
            op.execute(
                f'CREATE CONSTRAINT TRIGGER {name_trigger(table, event)} AFTER {event.upper()} ON "{table}"'
                f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION raise_revision()"
            )
