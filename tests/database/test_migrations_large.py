"""`flask db upgrade` takes as long as it needs, alone, and loses no rows."""

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


def back_to(portal, revision, *statements):
    """Bring the database to an older revision, with rows in it."""
    with portal.app_context():
        downgrade(revision=revision)
        with db.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in statements:
                connection.execute(text(statement))
        db.engine.dispose()


def trail(portal, many):
    with portal.app_context():
        return (NUMBERS[db.engine.dialect.name] + TRAIL).format(many=many)


def value(portal, query):
    with portal.app_context(), db.engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def newest(portal):
    return value(portal, "SELECT version_num FROM alembic_version")


@contextmanager
def held(database):
    """Keep upgrades of the trail from going on; give a function that tells whether so many wait."""
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        def waiting(processes):
            return all(path in opened_by(process) for process in processes)

        yield waiting
        other.close()
    else:
        address = database.replace("+psycopg", "")
        with psycopg.connect(address) as other, psycopg.connect(address, autocommit=True) as watcher:
            other.execute("LOCK TABLE audit_event IN ACCESS SHARE MODE")
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"

            def waiting(processes):
                name = database.rpartition("/")[2]
                return watcher.execute(blocked, (name,)).fetchone()[0] >= len(processes)

            yield waiting


def opened_by(process):
    """Return the files a process has open."""
    try:
        return {str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()}
    except OSError:
        return set()


@both_databases
def test_two_upgrades_at_once_both_end_well(portal, database, settings):
    wanted = newest(portal)
    back_to(portal, "0003", trail(portal, 10))
    lock = ExitStack()
    waiting = lock.enter_context(held(database))
    with lock, run_command(settings, "db", "upgrade") as one, run_command(settings, "db", "upgrade") as other:
        wait_for(lambda: waiting([one, other]), seconds=120)
        assert one.poll() is None and other.poll() is None
        lock.close()
        for process in (one, other):
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, out + err
    assert newest(portal) == wanted
    assert value(portal, "SELECT count(*) FROM audit_event") == 10


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_step_may_take_longer_than_a_request(portal, database):
    """It waits here for longer than the limit of requests, and the database has a limit of its own."""
    wanted, name = newest(portal), database.rpartition("/")[2]
    back_to(portal, "0003", f"ALTER DATABASE {name} SET statement_timeout = '500ms'")

    def run():
        with portal.app_context():
            upgrade()

    slow = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    slow += " AND now() - query_start > interval '3500 ms'"
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as watcher, ThreadPoolExecutor(1) as pool:
        with held(database):
            upgrading = pool.submit(run)
            wait_for(lambda: upgrading.done() or watcher.execute(slow, (name,)).fetchone(), seconds=120)
        upgrading.result(timeout=120)
    assert newest(portal) == wanted


@both_databases
def test_rows_that_refer_to_a_table_made_anew_stay(portal):
    """SQLite drops a table to change it, and with it whatever depends on its rows."""
    back_to(
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
    assert value(portal, "SELECT count(*) FROM membership") == 1


@pytest.mark.soak
@both_databases
def test_three_million_rows_of_the_trail_get_through(portal):
    wanted = newest(portal)
    back_to(portal, "0003", trail(portal, 3_000_000))
    with portal.app_context():
        upgrade()
    assert newest(portal) == wanted
    assert value(portal, "SELECT count(*) FROM audit_event") == 3_000_000
