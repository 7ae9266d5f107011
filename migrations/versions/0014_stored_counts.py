"""Numbers that the worker counts, and indexes that count sign-ins, platforms and references

Each index holds all columns that its counting reads, so no row of the table is read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SIGN_INS = ["action", "at", "id"]


def upgrade():
    op.create_table(
        "stored_count",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_stored_count"),
    )
    remake_index("ix_audit_event_action", "audit_event", [*SIGN_INS, "result"])
    op.create_index("ix_identity_adoption", "identity", ["provider", "status", "account_id"])
    op.create_index("ix_binding_request_reference", "binding_request", ["reference"])


def downgrade():
    op.drop_index("ix_binding_request_reference", "binding_request")
    op.drop_index("ix_identity_adoption", "identity")
    remake_index("ix_audit_event_action", "audit_event", SIGN_INS)
    op.drop_table("stored_count")


def remake_index(name, table, columns):
    op.drop_index(name, table)
    op.create_index(name, table, columns)
