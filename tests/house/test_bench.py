"""`make bench` ends and prints its figures.

No test checks how fast that is.
"""

import os
import shutil
import subprocess
import sys

import pytest
from support.groups import report_missing
from support.portal_app import ROOT

from bench.statements import count_writes

SMALL = "--people 60 --departments 6 --many-people 120 --many-departments 12 --rounds 1".split()
SMALL += "--provider wecom --database sqlite".split()
MEASURED = (
    "as fast as one call at a time",
    "wall against wechatpy",
    "cpu against wechatpy",
    "memory against wechatpy",
    "first sync against the floor",
    "unchanged second sync against the floor",
    "rows the second sync writes | 0 | ≤ 0 | ✓",
    "peak memory against 60 people",
)


LOGIN = (
    "whole Feishu login, CPU |",
    "whole WeCom login, CPU |",
    "logins that failed, of 1,000 |",
    "signed-in check `GET /api/session`, CPU, against bare Flask",
    "signed-in check `GET /api/session`, CPU, against Flask-Session on Redis",
    "login page, CPU, against bare Flask",
    "whole Feishu login, CPU, against django-allauth",
    "whole Feishu login, CPU, against Flask-Login",
    "logins a second, 16 at once, against plain Authlib",
    "against plain Authlib, cookie | ",
    "p95 of the same, against p50",
)
MORNING = (
    *(f"{kind} login: {what}" for kind in ("first Feishu", "Feishu") for what in ("statements", "write transactions")),
    *(f"{kind} login: {what}" for kind in ("first WeCom", "WeCom") for what in ("statements", "write transactions")),
    "app-token calls for 40 logins",
    "platform calls, a Feishu login of a fresh person",
    "login page with its own files, compressed",
    "10 people in 1 s, platform takes 0.2 s: logins that failed",
    "10 people in 1 s, platform takes 0.2 s: p95",
    "memory of two workers after 60 logins",
)
GATE = (
    "check, CPU, against `GET /api/session`, CPU",
    "check, CPU, against bare Flask, CPU",
    "statements of a check | 1 | ≤ 1 | ✓ | SELECT",
    "redirects until the door is open | 3 | ≤ 3 | ✓",
    "write transactions to enter | 2 | ≤ 2 | ✓",
)
BEHIND_NGINX = "nginx and check, p50, against `GET /api/session`, asked directly, p50"
WITHOUT_NGINX = "nginx and check is left out, because nginx is not installed"
SERVERS = (
    *(f"signed-in check, 16 kept connections, {split}: CPU" for split in ("shared evenly", "all on one worker")),
    "whole Feishu login, CPU",
    "bare Flask, 16 kept connections: CPU",
    "memory of two workers",
    "a visitor's header SCRIPT_NAME",
    "X_Forwarded_For, with underscores",
    "40 clients with half a header",
    "SIGTERM while 10 logins are held",
    "SIGHUP under 20 requests/s",
    "kill -9 of a worker under 20 requests/s",
)


def measure(*words):
    """Return what `python -m bench` prints."""
    environ = {**os.environ, "PYTHONPATH": f".{os.pathsep}tests"}
    command = [sys.executable, "-m", "bench", *words]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
    return ended.stdout


def test_the_directory_sync_is_measured_against_what_bounds_it():
    printed = measure("sync", *SMALL)

    table = [line for line in printed.splitlines() if line.startswith("| WeCom")]
    for what in MEASURED:
        assert any(what in line for line in table), what
    assert "cores" in printed.splitlines()[-1]


def test_the_bindings_page_is_measured_against_its_statements_and_an_empty_page():
    printed = measure("bindings", "--people", "600", "--departments", "40", "--times", "1", "--database", "sqlite")

    for what in ("the whole table", "a department", "search for 明伟", "filter “suggested”"):
        for company in ("nearly all bound", "nobody bound"):
            assert f"| SQLite, {company}: {what}" in printed


def test_the_administrators_pages_are_measured_in_the_same_way():
    small = "--people 600 --departments 40 --sign-ins 500 --times 1 --database sqlite".split()
    printed = measure("admin", *small)

    for what in ("overview", "search for a reference", "bindings", "queue"):
        assert f"| SQLite: {what} |" in printed
        assert f"| SQLite: {what}, statements |" in printed


@pytest.mark.redis
def test_logins_are_measured_beside_what_a_team_would_write():
    if shutil.which("redis-server") is None:
        report_missing("redis", "redis-server is not installed")
    printed = measure("login", "--rounds", "1", "--checks", "40", "--logins", "16")

    for what in LOGIN:
        assert what in printed
    figures = [line.split(" | ") for line in printed.splitlines() if line.startswith("| whole Feishu login, CPU, ms")]
    assert [len(line) for line in figures] == [8]
    assert "–" not in figures[0][1] and figures[0][2] == "–"


def test_checks_of_the_gate_are_measured_beside_a_session_and_bare_flask():
    printed = measure("gate", "--rounds", "1", "--checks", "32", "--database", "sqlite")

    for what in GATE:
        assert f"| SQLite: {what}" in printed
    assert (f"| SQLite: {BEHIND_NGINX}" in printed) != (f"SQLite: {WITHOUT_NGINX}" in printed)


def test_a_morning_is_measured():
    small = "--logins 60 --counted 20 --people 10 --seconds 1 --platform 0.2".split()
    printed = measure("morning", *small)

    for what in MORNING:
        assert f"| {what}" in printed


def test_two_servers_are_compared():
    printed = measure("servers", "--rounds", "1", "--checks", "16", "--logins", "8", "--steady", "1")

    for what in SERVERS:
        [row] = [line for line in printed.splitlines() if line.startswith(f"| {what}")]
        assert len(row.strip("| ").split(" | ")) == 3


def test_the_statements_of_a_login_are_printed():
    printed = measure("statements")

    kinds = [line for line in printed.splitlines() if line.endswith("login")]
    assert kinds == ["first Feishu login", "Feishu login", "first WeCom login", "WeCom login"]
    assert printed.count("INSERT INTO login_session") == 4


@pytest.mark.parametrize(
    "texts, writes",
    [
        (["BEGIN", "SELECT 1", "COMMIT"], 0),
        (["BEGIN IMMEDIATE", "UPDATE a", "INSERT INTO a", "COMMIT", "SELECT 1"], 1),
        (["BEGIN", "INSERT INTO a", "ROLLBACK"], 0),
        (["DELETE FROM a", "BEGIN", "update a", "COMMIT", "-- UPDATE b"], 2),
    ],
)
def test_transactions_that_write_are_counted(texts, writes):
    assert count_writes(texts) == writes
