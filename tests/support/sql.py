"""SQL statements on the portal's database, from outside the portal."""

from contextlib import contextmanager

from sqlalchemy import create_engine, event, text


@contextmanager
def open_sql(url):
    """Yield a function that runs statements and returns rows."""
    engine = create_engine(url)

    def run(statement, **values):
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    yield run
    engine.dispose()


@contextmanager
def count_statements(engine):
    """Yield a list that fills with the statements of an engine."""
    statements = []

    def note(*call):
        statements.append(call[2])

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)
