"""Expired rows are deleted in small batches.

No request waits for a clean-up.
"""

import io
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from support.admin_client import count_rows, sign_in_administrator
from support.old_rows import count_deletions, put_rows
from support.portal_app import both_databases
from support.syncs import FEISHU, run_command, wait_for

from portal.database import db
from portal.directory import jobs
from portal.models import Import, ImportRow, LoginAttempt, SyncRun

MANY = 3000  # old rows in the short form
FEW = 500  # so many may go within a request
ATTEMPTS = (
    "{numbers} INSERT INTO login_attempt (state_hash, element, kind, purpose, browser_hash, created_at, expires_at)"
    " SELECT {hash}, 'FSInnerExample', 'redirect', 'login', {hash}, '2020-01-01', '2020-01-02' FROM n"
)
IMPORT = (
    'INSERT INTO "import" (id, account_id, state, file, unused, with_accounts, with_changes, created_at, expires_at)'
    " VALUES (99, 1, 'done', 'old.csv', '[]', false, false, '2020-01-01', '2020-01-02')"
)
LINES = (
    "{numbers} INSERT INTO import_row (import_id, line, cells, username, reason) SELECT 99, i, '{{}}', '', '' FROM n"
)
RUNS = (
    "{numbers} INSERT INTO sync_run (element, state, how, dry_run, phase, counts, report, created_at, ended_at)"
    " SELECT 'Old', 'done', 'page', false, '', '{{}}', '{{}}', '2020-01-01', '2020-01-02' FROM n"
)


@pytest.fixture
def delete_counts(portal):
    """The number of rows that each DELETE has removed."""
    with count_deletions(portal) as counts:
        yield counts


@both_databases
def test_an_upload_removes_a_few_lines_of_old_imports(portal):
    alice = sign_in_administrator(portal)
    put_rows(portal, IMPORT, LINES, many=MANY)
    file = (io.BytesIO(b"username,email\nzoe,zoe@corp.example\n"), "new.csv")
    assert alice.post_form("/admin/bindings/import", file=file).status_code == 303
    assert MANY - FEW <= count_rows(portal, ImportRow, ImportRow.import_id == 99) < MANY
    assert count_rows(portal, Import) == 2


@both_databases
def test_the_worker_removes_the_rest_in_short_transactions(portal, delete_counts):
    sign_in_administrator(portal)
    put_rows(portal, ATTEMPTS, IMPORT, LINES, RUNS, many=MANY)
    delete_counts.clear()

    def swept():
        with portal.app_context():
            jobs.remove_old_rows()
        return not any(count_rows(portal, model) for model in (LoginAttempt, Import, ImportRow, SyncRun))

    wait_for(swept, seconds=120)
    assert max(delete_counts) <= 1000


@both_databases
def test_a_running_worker_removes_old_rows_by_itself(portal, settings):
    put_rows(portal, ATTEMPTS, many=MANY)
    with run_command(settings, "worker", PORTAL_SYNC_EVERY="0"):
        wait_for(lambda: count_rows(portal, LoginAttempt) == 0, seconds=120)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_rows_locked_by_another_process_are_skipped(portal):
    """SQLite has one writer, and no rows that are held."""
    put_rows(portal, ATTEMPTS, many=50)
    with portal.app_context():
        with db.engine.connect() as other:
            other.execute(select(LoginAttempt.state_hash).with_for_update())
            jobs.remove_old_rows()
            assert count_rows(portal, LoginAttempt) == 50
        jobs.remove_old_rows()
    assert count_rows(portal, LoginAttempt) == 0


@both_databases
def test_an_import_that_is_discarded_is_gone_with_all_its_lines(portal):
    alice = sign_in_administrator(portal)
    put_rows(portal, IMPORT.replace("2020-01-02", "2999-01-02"), LINES, many=MANY)
    assert alice.post_form("/admin/bindings/import/99/discard").status_code == 303
    assert (count_rows(portal, Import), count_rows(portal, ImportRow)) == (0, 0)


@both_databases
@pytest.mark.soak
def test_a_login_start_is_quick_beside_millions_of_old_attempts(portal, client):
    """Every start answers within a second while they are removed."""
    with portal.app_context():
        many = {"sqlite": 500_000, "postgresql": 4_000_000}[db.engine.dialect.name]
    put_rows(portal, ATTEMPTS, many=many)
    client.start(FEISHU)

    def sweep():
        with portal.app_context():
            jobs.remove_old_rows()

    times = []
    with ThreadPoolExecutor(1) as pool:
        while count_rows(portal, LoginAttempt, LoginAttempt.element == FEISHU) > many / 2:
            before, sweeping = count_rows(portal, LoginAttempt), pool.submit(sweep)
            while not sweeping.done():
                began = time.monotonic()
                address = f"10.0.{len(times) // 256 % 256}.{len(times) % 256}"  # one alone begins 600 logins
                client.get(f"/login/{FEISHU}", environ_overrides={"REMOTE_ADDR": address})
                times.append(time.monotonic() - began)
            sweeping.result()
            assert count_rows(portal, LoginAttempt) < before
    slowest = sorted(times)[-max(1, len(times) // 100) :]
    assert slowest[0] < 1, slowest
