"""Indexes for the removal of old rows, and numbers of people that are never given again

The audit log names people by their number. SQLite gives the number of the last person to the next one, once the row is
deleted, unless the table says AUTOINCREMENT.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ENDED, OPEN = sa.text("ended_at IS NOT NULL"), sa.text("ended_at IS NULL")
KEY, NEXT = "CONSTRAINT pk_identity PRIMARY KEY (id), \n\t", "CONSTRAINT fk_identity_account_id_account "
PLAIN_ID = ("id INTEGER NOT NULL,", KEY + NEXT)
LASTING_ID = ("id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,", NEXT)
WITH_ADDRESS = sa.text("address <> ''")


def upgrade():
    make_index("ix_login_session_ended", "login_session", "ended_at", ENDED)
    make_index("ix_login_session_open", "login_session", "expires_at", OPEN)
    make_index("ix_binding_request_address", "binding_request", "seen_at", WITH_ADDRESS)
    remake_people(zip(PLAIN_ID, LASTING_ID, strict=True))


def downgrade():
    remake_people(zip(LASTING_ID, PLAIN_ID, strict=True))
    op.drop_index("ix_binding_request_address", "binding_request")
    op.drop_index("ix_login_session_open", "login_session")
    op.drop_index("ix_login_session_ended", "login_session")


def make_index(name, table, column, where):
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def remake_people(changes):
    """Make SQLite's table of people anew, with changes in its text.

    Alembic's own way fails at the column that is computed.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    schema = "SELECT sql FROM sqlite_master WHERE tbl_name = 'identity' AND sql IS NOT NULL"
    table = connection.execute(sa.text(f"{schema} AND type = 'table'")).scalar_one()
    indexes = connection.execute(sa.text(f"{schema} AND type = 'index'")).scalars().all()
    body = table[table.index("(") :]
    for old, new in changes:
        assert body.count(old) == 1
        body = body.replace(old, new)
    columns = connection.execute(sa.text("SELECT name FROM pragma_table_info('identity')")).scalars()  # none computed
    columns = ", ".join(columns)
    op.execute(f"CREATE TABLE identity_anew {body}")
    op.execute(f"INSERT INTO identity_anew ({columns}) SELECT {columns} FROM identity")
    op.execute("DROP TABLE identity")
    op.execute("ALTER TABLE identity_anew RENAME TO identity")
    for index in indexes:
        op.execute(index)
