"""How Alembic reaches the portal's tables: through the app that `flask db` has made."""

from alembic import context
from flask import current_app

from portal.models import Moment, db

SETTINGS = dict(current_app.extensions["migrate"].configure_args)


def render(kind, item, autogen_context):
    """Write our column types as the plain ones they are stored as: migrations need no code of the portal."""
    if kind == "type" and type(item).__module__ == "portal.models":
        return "sa.DateTime(timezone=True)" if isinstance(item, Moment) else "sa.LargeBinary()"
    return False


def compare(migration_context, column, metadata_column, found, wanted):
    """Our own types wrap plain ones; the difference is none of the database's."""
    return False if type(wanted).__module__ == "portal.models" else None


with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        **{**SETTINGS, "render_item": render, "compare_type": compare},
    )
    with context.begin_transaction():
        context.run_migrations()
