"""The person of a scan, until the user confirms"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("login_attempt") as batch:
        batch.add_column(sa.Column("identity_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_login_attempt_identity_id_identity"), "identity", ["identity_id"], ["id"])
        batch.create_index(op.f("ix_login_attempt_session_id"), ["session_id"])


def downgrade():
    with op.batch_alter_table("login_attempt") as batch:
        batch.drop_index(op.f("ix_login_attempt_session_id"))
        batch.drop_constraint(op.f("fk_login_attempt_identity_id_identity"), type_="foreignkey")
        batch.drop_column("identity_id")
