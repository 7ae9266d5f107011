"""Many values in one statement, as one JSON text.

The database unrolls the text. A parameter for each value would exceed the database's limit.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    Subquery,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
)

from portal.database import db

ROWS = bindparam("rows", type_=Text)  # a JSON list of objects
LIST_FUNCTIONS = {"sqlite": "json_each", "postgresql": "json_array_elements_text"}  # dialect -> entries of a JSON list


def is_sqlite() -> bool:
    return db.session.get_bind().dialect.name == "sqlite"


def pack(values: list) -> str:
    """Return the JSON text of a list."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def unroll_list(texts: ColumnElement) -> TableValuedAlias:
    """Return the texts of a JSON list as a table.

    Its column is `value`.
    """
    return getattr(func, LIST_FUNCTIONS[db.session.get_bind().dialect.name])(texts).table_valued("value")


def select_values(values: Iterable, kind: type = Text) -> Select:
    """Return a subquery of values for `column.in_()`."""
    text = literal(pack(list(values)), Text)
    entries = unroll_list(text if is_sqlite() else cast(text, JSON))
    return select(cast(entries.c.value, kind))


def insert_rows(table: Table, types: Mapping, rows: list[dict], **shared: Any) -> None:
    """Insert rows, inside the caller's transaction.

    :param types: column -> type, of the columns that differ from row to row.
    :param rows: those columns of each row.
    :param shared: column -> the value that all rows have there.
    """
    values = (literal(value, table.c[name].type) for name, value in shared.items())
    statement = sqlalchemy.insert(table).from_select([*shared, *types], select(*values, *unroll_rows(types).c))
    db.session.execute(statement, {"rows": pack(rows)})


def unroll_rows(types: Mapping) -> Subquery | TableValuedAlias:
    """Return the parameter `rows` as a table.

    :param types: column -> its type there.
    """
    if is_sqlite():
        entry = func.json_each(ROWS).table_valued("value")
        values = (
            func.json_extract(entry.c.value, literal_column(f"'$.{name}'"), type_=kind).label(name)
            for name, kind in types.items()
        )
        return select(*values).subquery("unrolled")
    columns = (column(name, kind) for name, kind in types.items())
    entries = func.json_to_recordset(cast(ROWS, JSON)).table_valued(*columns)
    return entries.render_derived(name="unrolled", with_types=True)
