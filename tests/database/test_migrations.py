"""The migrations make the tables that the code describes."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect
from support.portal_app import both_databases

from portal.database import db


@pytest.fixture
def engine(portal):
    with portal.app_context():
        yield db.engine


def tables(engine):
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_steps_are_numbered_in_order():
    steps = [*ScriptDirectory("migrations").walk_revisions()][::-1]
    assert [step.revision for step in steps] == [f"{number:04}" for number in range(1, len(steps) + 1)]
    assert [Path(step.path).name[:4] for step in steps] == [step.revision for step in steps]


@both_databases
def test_tables_are_as_described(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, db.metadata) == []
    assert tables(engine) == set(db.metadata.tables)


@both_databases
def test_alembic_finds_nothing_to_change(engine):
    check()  # ends the program otherwise


@both_databases
def test_a_downgrade_can_be_upgraded_again(engine):
    downgrade(revision="base")
    assert tables(engine) == set()
    upgrade()
    assert tables(engine) == set(db.metadata.tables)
