"""The rows that a database of each release held, and how they are put into one.

`tests/data/releases/` has a file for each release.
"""

import base64
import json
import re
from datetime import UTC, datetime

from sqlalchemy import DateTime, MetaData, select, text
from support.portal_app import ROOT

from portal.clocks import now

FOLDER = ROOT / "tests" / "data" / "releases"
RELEASES = sorted(file.stem for file in FOLDER.glob("*.json"))
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")


def read_release(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def move_to_now(release):
    """Return the release as if it had been in use until now.

    A session of it still works, and the worker finds nothing to remove.
    """
    newest = max(datetime.fromisoformat(row["signed_in_at"]) for row in release["rows"]["login_session"])
    passed = now().replace(tzinfo=None) - newest

    def move(match):
        return (datetime.fromisoformat(match[0]) + passed).isoformat(" ", "microseconds")

    return json.loads(MOMENT.sub(move, json.dumps(release)))


def reflect(engine):
    """Return the tables that are in the database now."""
    tables = MetaData()
    tables.reflect(engine)
    return tables.tables


def convert(column, value):
    """Return a value of the file as the database has it."""
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    if value and isinstance(column.type, DateTime):
        return datetime.fromisoformat(value).replace(tzinfo=UTC if column.type.timezone else None)
    return value


def convert_row(table, row):
    return {name: convert(table.columns[name], value) for name, value in row.items() if name in table.columns}


def fill_tables(engine, release):
    """Put the rows of a release into its tables, in place of all others."""
    tables = reflect(engine)
    with engine.begin() as connection:
        for name, rows in release["rows"].items():
            table = tables[name]
            connection.execute(table.delete())
            connection.execute(table.insert(), [convert_row(table, row) for row in rows])
        if connection.dialect.name == "postgresql":
            for name, table in tables.items():
                if "id" in table.columns and release["rows"].get(name):
                    newest = max(row["id"] for row in release["rows"][name])
                    connection.execute(text(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), {newest})"))


def find_changes(engine, release, apart_from=()):
    """Return what has changed in the rows of a release.

    It is the difference of a table's number of rows, or a row that is not there as it was.

    :param apart_from: tables that a running portal writes.
    """
    tables, changes = reflect(engine), []
    with engine.connect() as connection:
        for name, rows in release["rows"].items():
            if name in apart_from:
                continue
            stored = [dict(row._mapping) for row in connection.execute(select(tables[name]))]
            if len(stored) != len(rows):
                changes.append((name, len(stored) - len(rows)))
            for row in rows:
                wanted = convert_row(tables[name], row)
                if not any(wanted == {key: there[key] for key in wanted} for there in stored):
                    changes.append((name, wanted))
    return changes
