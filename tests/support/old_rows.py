"""Many old rows for the tests, put into the database by SQL."""

from contextlib import contextmanager

from sqlalchemy import event, text
from support.admin_client import open_database

from portal.database import db

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})",
    "postgresql": "WITH n(i) AS (SELECT generate_series(1, {many}))",
}
HASH = {"sqlite": "randomblob(32)", "postgresql": "sha256(i::text::bytea)"}


def put_rows(portal, *statements, many):
    """Put old rows into the database by SQL."""
    with open_database(portal) as session:
        kind = db.engine.dialect.name
        if kind == "postgresql":
            session.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in statements:
            words = {"numbers": NUMBERS[kind].format(many=many), "hash": HASH[kind]}
            session.connection().exec_driver_sql(statement.format(**words))
        session.commit()


@contextmanager
def count_deletions(portal):
    """Collect the number of rows that each DELETE inside the block removes."""
    counts = []

    def note(connection, cursor, statement, *_):
        if statement.startswith("DELETE"):
            counts.append(cursor.rowcount)

    with portal.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", note)
    yield counts
    event.remove(engine, "after_cursor_execute", note)
