"""An installation of each release can be upgraded, and keeps its data.

`tests/data/releases/` has the rows of a database in use for each release, and the digests of the revisions that are out
in the world. With a release, add both: `sha256sum 0*.py` in `migrations/versions/` writes the digests.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import DateTime, MetaData, func, select, text
from support.portal_app import ROOT, both_databases

import portal as package
from portal.clocks import now
from portal.database import db

FOLDER = ROOT / "tests" / "data" / "releases"
RELEASES = sorted(file.stem for file in FOLDER.glob("*.json"))
DIGESTS = dict(line.split()[::-1] for line in (FOLDER / "revisions.sha256").read_text().splitlines())


def read_release(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def reflect():
    """Return the tables that are in the database now."""
    tables = MetaData()
    tables.reflect(db.engine)
    return tables


def convert(column, value):
    """Return a value of the file as the database has it."""
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    if value and isinstance(column.type, DateTime):
        return datetime.fromisoformat(value).replace(tzinfo=UTC if column.type.timezone else None)
    return value


def convert_row(table, row):
    return {name: convert(table.columns[name], value) for name, value in row.items() if name in table.columns}


def fill(release):
    """Make the tables of a release and fill them with its rows."""
    downgrade(revision="base")
    upgrade(revision=release["revision"])
    tables = reflect()
    with db.engine.begin() as connection:
        for name, rows in release["rows"].items():
            table = tables.tables[name]
            connection.execute(table.delete())
            connection.execute(table.insert(), [convert_row(table, row) for row in rows])
        if connection.dialect.name == "postgresql":
            for name, table in tables.tables.items():
                if "id" in table.columns and release["rows"].get(name):
                    newest = max(row["id"] for row in release["rows"][name])
                    connection.execute(text(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), {newest})"))


@pytest.fixture(params=RELEASES)
def release(request, portal):
    """A release whose rows are in the database, which has been upgraded."""
    release = read_release(request.param)
    with portal.app_context():
        fill(release)
        upgrade()
    return release


def test_the_rows_of_this_version_are_kept():
    assert package.__version__ in RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_every_table_of_a_release_has_a_row(name):
    assert [table for table, rows in read_release(name)["rows"].items() if not rows] == []


@both_databases
def test_every_row_of_a_release_survives_the_upgrade(portal, release):
    with portal.app_context(), db.engine.connect() as connection:
        tables = reflect().tables
        for name, rows in release["rows"].items():
            table = tables[name]
            stored = [dict(row._mapping) for row in connection.execute(select(table))]
            assert connection.scalar(select(func.count()).select_from(table)) == len(rows), name
            for row in rows:
                wanted = convert_row(table, row)
                assert any(wanted == {key: there[key] for key in wanted} for there in stored), (name, wanted)


@both_databases
def test_people_of_a_release_are_who_they_were(portal, release):
    with portal.app_context(), db.engine.begin() as connection:
        connection.execute(
            text("UPDATE login_session SET signed_in_at = :now, last_seen_at = :now, expires_at = :later"),
            {"now": now(), "later": now().replace(year=now().year + 1)},
        )
    client = portal.test_client()
    client.set_portal_cookie(release["session"])
    assert client.session().json["account"]["username"] == "zhangsan"
    again = portal.test_client()
    assert again.sign_in("FSInnerExample", "zhangsan").status_code == 303
    assert again.session().json["account"] == client.session().json["account"]


@pytest.mark.parametrize("name", DIGESTS)
def test_a_released_revision_does_not_change(name):
    digest = hashlib.sha256((ROOT / "migrations/versions" / name).read_bytes()).hexdigest()
    assert digest == DIGESTS[name], f"{name} is in databases out there; write a further revision instead"


def test_every_revision_up_to_a_release_is_listed():
    newest = max(read_release(name)["revision"] for name in RELEASES)
    steps = ScriptDirectory("migrations").walk_revisions("base", newest)
    assert {step.path.rpartition("/")[2] for step in steps} <= set(DIGESTS)
