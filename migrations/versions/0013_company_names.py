"""Names of companies

None: the platform has not been asked yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("app_company", sa.Column("name", sa.String(length=255), nullable=True))


def downgrade():
    with op.batch_alter_table("app_company") as batch:
        batch.drop_column("name")
