"""Indexes for the table of people, and declined suggestions"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_identity_search": ["name", "user_id", "employee_number"],
    "ix_identity_counters": ["account_id", "status", "last_account_id"],
    "ix_identity_employee_number": ["employee_number"],
    "ix_identity_email_folded": ["email_folded"],
    "ix_identity_signed_in_at": ["signed_in_at"],
    "ix_account_name": ["name"],
    "ix_account_employee_number": ["employee_number"],
    "ix_account_email_folded": ["email_folded"],
}


def upgrade():
    # Added to the tables as they are: a copy of one, and its removal, would take the memberships along. So on SQLite
    # the column is worked out when it is read; its index holds it all the same.
    stored = op.get_bind().dialect.name == "postgresql"
    for table in ("identity", "account"):
        folded = sa.Computed("lower(email)", persisted=stored)
        op.add_column(table, sa.Column("email_folded", sa.String(length=255), folded))
    op.add_column("identity", sa.Column("declined_account_id", sa.Integer(), nullable=True))
    for name, columns in INDEXES.items():
        op.create_index(op.f(name), name.split("_")[1], columns)


def downgrade():
    for name in INDEXES:
        op.drop_index(op.f(name), name.split("_")[1])
    op.drop_column("identity", "declined_account_id")
    for table in ("identity", "account"):
        op.drop_column(table, "email_folded")
