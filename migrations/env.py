"""Alembic's way to the portal's tables.

It goes through the app that `flask db` has made. All steps go in one transaction, under a lock: of two upgrades at
once the second waits, and finds nothing to do. A step may take as long as it needs, whatever limits requests, roles or
databases have.
"""

import click
from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine, text

from portal import database
from portal.database import Moment, db
from portal.database.engine import CONNECT_ARGUMENTS

SETTINGS = dict(current_app.extensions["migrate"].configure_args)
LOCK_WAIT = 3_600_000  # milliseconds for which SQLite waits for its lock
UPGRADE_LOCK = 0x706F7274616C  # PostgreSQL's number for it
NO_LIMITS = text(
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN"
    " ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')"
)


def render_type(kind, item, autogen_context):
    """Write our column types as those they are stored as.

    So migrations need no code of the portal.
    """
    if kind == "type" and type(item).__module__ == "portal.database.types":
        return "sa.DateTime(timezone=True)" if isinstance(item, Moment) else "sa.LargeBinary()"
    return False


def compare_type(migration_context, column, metadata_column, stored_type, own_type):
    """Ignore the difference between our types and stored ones.

    Our types wrap plain ones.
    """
    return False if type(own_type).__module__ == "portal.database.types" else None


def migrate(connection):
    """Run the migrations alone."""
    if connection.dialect.name == "sqlite":
        plain = connection.connection.driver_connection
        plain.execute(f"PRAGMA busy_timeout = {LOCK_WAIT}")
        plain.execute("PRAGMA foreign_keys = OFF")  # a step that makes a table anew drops the old one with its rows
        connection = connection.execution_options(begin="IMMEDIATE")
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        transactional_ddl=True,
        **{**SETTINGS, "render_item": render_type, "compare_type": compare_type},
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(NO_LIMITS)
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": UPGRADE_LOCK})
        context.run_migrations()


options = {"poolclass": NullPool, "hide_parameters": True}
if db.engine.dialect.name == "postgresql":
    options["connect_args"] = CONNECT_ARGUMENTS
try:
    with create_engine(db.engine.url, **options).connect() as connection:
        migrate(connection)
except database.FAILURES as error:
    if not database.is_away(error):
        raise
    raise click.ClickException(f"the database cannot be used: {database.explain(error)}") from None
