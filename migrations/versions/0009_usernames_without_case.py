"""Usernames that differ by more than case and width

Of accounts whose names clash already the oldest gets the key; the others keep their names without one, and the doctor
names them.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ACCOUNT = sa.table("account", sa.column("id"), sa.column("username"), sa.column("username_key"))
AT_ONCE = 1000


def upgrade():
    op.add_column("account", sa.Column("username_key", sa.String(length=255), nullable=True))
    connection = op.get_bind()
    keys = {}
    for id, username in connection.execute(sa.select(ACCOUNT.c.id, ACCOUNT.c.username).order_by(ACCOUNT.c.id)).all():
        keys.setdefault(unicodedata.normalize("NFKC", username).casefold()[:255], id)
    rows = [{"of": id, "key": key} for key, id in keys.items()]
    change = sa.update(ACCOUNT).where(ACCOUNT.c.id == sa.bindparam("of")).values(username_key=sa.bindparam("key"))
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(change, rows[start : start + AT_ONCE])
    op.create_index("ix_account_username_key", "account", ["username_key"], unique=True)


def downgrade():
    op.drop_index("ix_account_username_key", table_name="account")
    op.drop_column("account", "username_key")
