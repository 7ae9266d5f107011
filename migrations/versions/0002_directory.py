"""Departments' order, memberships, listings, sync runs and workers"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "sync_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("accept_leavers", sa.Boolean(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("failure", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_run")),
        sa.UniqueConstraint("element", "open", name=op.f("uq_sync_run_element_open")),
    )
    op.create_index(op.f("ix_sync_run_ended_at"), "sync_run", ["ended_at"])
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.create_table(
        "listing",
        sa.Column("element", sa.String(length=255), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identity.id"], name=op.f("fk_listing_identity_id_identity"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("element", "identity_id", name=op.f("pk_listing")),
    )
    op.create_index(op.f("ix_listing_identity_id"), "listing", ["identity_id"])
    op.create_table(
        "membership",
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
            name=op.f("fk_membership_department_id_department"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identity.id"], name=op.f("fk_membership_identity_id_identity"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("department_id", "identity_id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_identity_id"), "membership", ["identity_id"])
    with op.batch_alter_table("department") as batch:
        batch.add_column(sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
        batch.create_index("ix_department_parent", ["provider", "tenant", "parent_id"])


def downgrade():
    with op.batch_alter_table("department") as batch:
        batch.drop_index("ix_department_parent")
        batch.drop_column("position")
    for table in ("membership", "listing", "worker", "sync_run"):
        op.drop_table(table)
