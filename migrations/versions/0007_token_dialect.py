"""The app and dialect of a person's tokens

Tokens kept before have neither: they count as the element's own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("identity", sa.Column("token_app", sa.String(length=255), nullable=True))
    op.add_column("identity", sa.Column("token_dialect", sa.String(length=16), nullable=True))


def downgrade():
    op.drop_column("identity", "token_dialect")
    op.drop_column("identity", "token_app")
