"""The e-mail address that only the company can change

It stands apart from the one people may type themselves. Of people stored before, it is unknown until their platform is
asked again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("identity", sa.Column("company_email", sa.String(length=255), nullable=False, server_default=""))
    op.create_index(op.f("ix_identity_company_email"), "identity", ["company_email"])


def downgrade():
    op.drop_index(op.f("ix_identity_company_email"), "identity")
    op.drop_column("identity", "company_email")
