"""An upgrade of many rows runs alone and loses none."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import text
from support.portal_app import both_databases
from support.syncs import run_command, wait_for

from portal.database import db

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})",
    "postgresql": "WITH n(i) AS (SELECT generate_series(1, {many}))",
}
TRAIL = (
    " INSERT INTO audit_event (at, action, result, actor_id, address, request_id, details)"
    " SELECT '2020-01-01', 'login', 0, i % 1000, '', 'reference', '{{}}' FROM n"
)


def downgrade_to(portal, revision, *statements):
    """Downgrade the database and add rows."""
    with portal.app_context():
        downgrade(revision=revision)
        with db.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in statements:
                connection.execute(text(statement))
        db.engine.dispose()


def make_trail_statement(portal, many):
    with portal.app_context():
        return (NUMBERS[db.engine.dialect.name] + TRAIL).format(many=many)


def read_value(portal, query):
    with portal.app_context(), db.engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def read_revision(portal):
    return read_value(portal, "SELECT version_num FROM alembic_version")


@contextmanager
def block_upgrades(database):
    """Block upgrades of the audit table.

    Yield a function that tells whether all of some processes wait.
    """
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        def do_all_wait(processes):
            return all(path in list_open_files(process) for process in processes)

        yield do_all_wait
        other.close()
    else:
        address = database.replace("+psycopg", "")
        with psycopg.connect(address) as other, psycopg.connect(address, autocommit=True) as watcher:
            other.execute("LOCK TABLE audit_event IN ACCESS SHARE MODE")
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"

            def do_all_wait(processes):
                name = database.rpartition("/")[2]
                return watcher.execute(blocked, (name,)).fetchone()[0] >= len(processes)

            yield do_all_wait


def list_open_files(process):
    """Return the files a process has open."""
    try:
        return {str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()}
    except OSError:
        return set()


@both_databases
def test_two_upgrades_at_once_both_end_well(portal, database, settings):
    wanted = read_revision(portal)
    downgrade_to(portal, "0003", make_trail_statement(portal, 10))
    lock = ExitStack()
    do_all_wait = lock.enter_context(block_upgrades(database))
    with lock, run_command(settings, "db", "upgrade") as one, run_command(settings, "db", "upgrade") as other:
        wait_for(lambda: do_all_wait([one, other]), seconds=120)
        assert one.poll() is None and other.poll() is None
        lock.close()
        for process in (one, other):
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, out + err
    assert read_revision(portal) == wanted
    assert read_value(portal, "SELECT count(*) FROM audit_event") == 10


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_step_may_take_longer_than_a_request(portal, database):
    """It waits longer than request and database allow."""
    wanted, name = read_revision(portal), database.rpartition("/")[2]
    downgrade_to(portal, "0003", f"ALTER DATABASE {name} SET statement_timeout = '500ms'")

    def run():
        with portal.app_context():
            upgrade()

    slow = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    slow += " AND now() - query_start > interval '3500 ms'"
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as watcher, ThreadPoolExecutor(1) as pool:
        with block_upgrades(database):
            upgrading = pool.submit(run)
            wait_for(lambda: upgrading.done() or watcher.execute(slow, (name,)).fetchone(), seconds=120)
        upgrading.result(timeout=120)
    assert read_revision(portal) == wanted


@both_databases
def test_rows_that_refer_to_a_rebuilt_table_stay(portal):
    """SQLite drops a table and its dependents to change it."""
    downgrade_to(
        portal,
        "0005",
        "INSERT INTO identity (id, provider, tenant, subject, user_id, open_ids, name, mobile, email, avatar,"
        " department, position, gender, status, is_leader, employee_number, created_at, updated_at) VALUES"
        " (1, 'wecom', 'c', 's', 'u', '{}', '', '', '', '', '[]', '', 0, 1, false, '', '2020-01-01', '2020-01-01')",
        "INSERT INTO department (id, provider, tenant, dept_id, open_id, parent_id, name, leaders)"
        " VALUES (1, 'wecom', 'c', 'd', '', '', '', '[]')",
        "INSERT INTO membership (department_id, identity_id) VALUES (1, 1)",
    )
    with portal.app_context():
        upgrade()
    assert read_value(portal, "SELECT count(*) FROM membership") == 1


@pytest.mark.soak
@both_databases
def test_three_million_audit_rows_are_upgraded(portal):
    wanted = read_revision(portal)
    downgrade_to(portal, "0003", make_trail_statement(portal, 3_000_000))
    with portal.app_context():
        upgrade()
    assert read_revision(portal) == wanted
    assert read_value(portal, "SELECT count(*) FROM audit_event") == 3_000_000
