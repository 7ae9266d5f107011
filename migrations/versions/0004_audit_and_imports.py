"""The audit log's indexes and lasting rows, and imports"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BY = ("action", "actor_id", "account_id", "identity_id", "element")
BEFORE = ("actor_id", "account_id", "identity_id")
NO_UPDATE = "rows of the trail are only ever added"
NO_DELETE = "rows of the trail are kept for 30 days"
SQLITE = (
    f"CREATE TRIGGER audit_event_stays BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, '{NO_UPDATE}'); END",
    "CREATE TRIGGER audit_event_kept BEFORE DELETE ON audit_event WHEN OLD.at > datetime('now', '-30 days')"
    f" BEGIN SELECT RAISE(ABORT, '{NO_DELETE}'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'rows of the trail are only ever added, and kept for 30 days'; END $$",
    "CREATE TRIGGER audit_event_stays BEFORE UPDATE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_stays()",
    "CREATE TRIGGER audit_event_kept BEFORE DELETE ON audit_event FOR EACH ROW"
    " WHEN (OLD.at > now() - interval '30 days') EXECUTE FUNCTION audit_event_stays()",
    "CREATE TRIGGER audit_event_whole BEFORE TRUNCATE ON audit_event EXECUTE FUNCTION audit_event_stays()",
)


def upgrade():
    for name in ("at", *BEFORE):
        op.drop_index(f"ix_audit_event_{name}", "audit_event")
    op.create_index("ix_audit_event_at", "audit_event", ["at", "id"])
    op.create_index(op.f("ix_audit_event_request_id"), "audit_event", ["request_id"])
    for name in BY:
        op.create_index(f"ix_audit_event_{name}", "audit_event", [name, "at", "id"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("file", sa.String(length=255), nullable=False),
        sa.Column("unused", sa.JSON(), nullable=False),
        sa.Column("with_accounts", sa.Boolean(), nullable=False),
        sa.Column("with_changes", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_import_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
    )
    op.create_index(op.f("ix_import_account_id"), "import", ["account_id"])
    op.create_index(op.f("ix_import_expires_at"), "import", ["expires_at"])
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("other_line", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import.id"], name=op.f("fk_import_row_import_id_import"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_row")),
    )
    op.create_index("ix_import_row_outcome", "import_row", ["import_id", "outcome", "line"])
    op.create_index("ix_import_row_result", "import_row", ["import_id", "result", "line"])
    op.create_index("ix_import_row_identity_id", "import_row", ["import_id", "identity_id"])
    op.create_index("ix_import_row_username", "import_row", ["import_id", "username"])


def downgrade():
    op.drop_table("import_row")
    op.drop_table("import")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_event_stays")
        op.execute("DROP TRIGGER audit_event_kept")
    else:
        op.execute("DROP FUNCTION audit_event_stays CASCADE")
    for name in ("at", "request_id", *BY):
        op.drop_index(f"ix_audit_event_{name}", "audit_event")
    for name in ("at", *BEFORE):
        op.create_index(f"ix_audit_event_{name}", "audit_event", [name])
