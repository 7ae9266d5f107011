"""Companies of apps, answers to syncs, places of departments

A yes that waits for a worker while this runs is forgotten: that sync stops again and shows its list.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "app_company",
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("app", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("provider", "app", name=op.f("pk_app_company")),
    )
    with op.batch_alter_table("sync_run") as batch:
        batch.drop_column("accept_leavers")
        batch.add_column(sa.Column("answers_id", sa.Integer(), nullable=True))
    if op.get_bind().dialect.name != "sqlite":  # whose integers are as large anyway
        op.alter_column("department", "position", type_=sa.BigInteger(), existing_type=sa.Integer())


def downgrade():
    op.execute("UPDATE department SET position = 0 WHERE position NOT BETWEEN -2147483648 AND 2147483647")
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("department", "position", type_=sa.Integer(), existing_type=sa.BigInteger())
    with op.batch_alter_table("sync_run") as batch:
        batch.drop_column("answers_id")
        batch.add_column(sa.Column("accept_leavers", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_table("app_company")
