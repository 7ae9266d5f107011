"""Many values in one statement: as one JSON text that the database unrolls, instead of a parameter each."""

import json

import sqlalchemy
from sqlalchemy import JSON, Text, bindparam, cast, column, func, literal, literal_column, select

from portal.database import db

ROWS = bindparam("rows", type_=Text)  # a JSON list of objects
EACH = {"sqlite": "json_each", "postgresql": "json_array_elements_text"}  # dialect -> the entries of a JSON list


def is_sqlite() -> bool:
    return db.session.get_bind().dialect.name == "sqlite"


def packed(values: list) -> str:
    """Return the JSON text of a list."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def entries(of):
    """Return the entries of a column's JSON list of texts, as a table with the column `value`."""
    return getattr(func, EACH[db.session.get_bind().dialect.name])(of).table_valued("value")


def among(values, kind=Text):
    """Return what a column can be held against, however many: `column.in_(among(values))`."""
    text = literal(packed(list(values)), Text)
    return select(cast(entries(text if is_sqlite() else cast(text, JSON)).c.value, kind))


def insert(table, types: dict, told: list[dict], **shared) -> None:
    """Insert rows, inside the caller's transaction.

    :param types: column -> its type, of what differs from row to row.
    :param told: those columns of each row.
    :param shared: column -> what all rows have there.
    """
    values = (literal(value, table.c[name].type) for name, value in shared.items())
    chosen = select(*values, *unrolled(types).c)
    db.session.execute(sqlalchemy.insert(table).from_select([*shared, *types], chosen), {"rows": packed(told)})


def unrolled(types: dict):
    """Return `:rows` as a table.

    :param types: column -> its type there.
    """
    if is_sqlite():
        entry = func.json_each(ROWS).table_valued("value")
        values = (
            func.json_extract(entry.c.value, literal_column(f"'$.{name}'"), type_=kind).label(name)
            for name, kind in types.items()
        )
        return select(*values).subquery("told")
    told = func.json_to_recordset(cast(ROWS, JSON)).table_valued(*(column(name, kind) for name, kind in types.items()))
    return told.render_derived(name="told", with_types=True)
