"""Reads of one row, compiled once.

SQLAlchemy compiles them, and the driver runs them. Every request of a signed-in user makes such a read, and
SQLAlchemy's own cursors cost three times what the query does.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Engine, Select
from sqlalchemy.engine import Dialect

from portal.database.engine import wrap_failure


class PreparedRead:
    """A SELECT with named parameters for one row.

    :param statement: without lists as parameters, whose number is not known before.
    """

    def __init__(self, statement: Select):
        self.statement = statement
        self.prepare = cache(self.compile)  # by dialect: an engine's own object

    def find_row(self, engine: Engine, values: Mapping[str, Any]) -> tuple | None:
        """Return the row, if there is one.

        No transaction stays open.

        :raises DBAPIError: as SQLAlchemy does. The connection is given up then.
        """
        text, bind, read = self.prepare(engine.dialect)
        connection = None
        try:
            connection = engine.raw_connection()
            if not connection.info.get("pooler"):  # behind one, each transaction begins with its time limits
                row = fetch_row(connection.driver_connection, text, bind(values))
                return row and read(row)
        except engine.dialect.loaded_dbapi.Error as error:
            if connection is not None:
                connection.invalidate(error)
            raise wrap_failure(engine, text, error) from None
        finally:
            if connection is not None:
                connection.close()
        with engine.connect() as connection:
            row = connection.execute(self.statement, values).one_or_none()
            return row and tuple(row)

    def compile(self, dialect: Dialect) -> tuple[str, Callable, Callable]:
        """Return the statement's text and two converters.

        They convert its parameters and its row as SQLAlchemy would.
        """
        compiled = self.statement.compile(dialect=dialect)
        fixed, order = compiled.params, compiled.positiontup
        into = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()
        }
        out_of = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self.statement.selected_columns
        ]

        def bind(values: Mapping[str, Any]) -> list | dict:
            given = {**fixed, **values}
            converted = {name: convert(given[name]) if convert else given[name] for name, convert in into.items()}
            return [converted[name] for name in order] if compiled.positional else converted

        def read(row: tuple) -> tuple:
            return tuple(convert(value) if convert else value for convert, value in zip(out_of, row, strict=True))

        return compiled.string, bind, read


def fetch_row(connection: Any, text: str, values: list | dict) -> tuple | None:
    """Return a statement's first row, without a transaction around it.

    PostgreSQL's driver would wait for a BEGIN before and a ROLLBACK behind, which cost as much as the statement.

    :param connection: the driver's own.
    """
    if type(connection).__module__.startswith("sqlite3"):
        return connection.execute(text, values).fetchone()
    connection.autocommit = True
    try:
        return connection.execute(text, values).fetchone()
    finally:
        connection.autocommit = False
