"""Digests as text, and a mark on new departments

Text goes into the database many in one statement. Without a digest the next sync compares all people once; without
the mark it works memberships out once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    change_digest(sa.String(length=32))
    with op.batch_alter_table("department") as batch:
        batch.add_column(sa.Column("seated", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("department") as batch:
        batch.alter_column("seated", server_default=None)


def downgrade():
    with op.batch_alter_table("department") as batch:
        batch.drop_column("seated")
    change_digest(sa.LargeBinary(length=16))


def change_digest(kind):
    with op.batch_alter_table("listing") as batch:
        batch.drop_column("digest")
    with op.batch_alter_table("listing") as batch:
        batch.add_column(sa.Column("digest", kind, nullable=True))
