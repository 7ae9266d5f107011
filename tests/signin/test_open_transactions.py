"""A login holds no transaction while it waits for a platform.

An open one would keep a connection from others, block clean-up, and on SQLite every writer.
"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from support.http_visitors import Visitor
from support.portal_app import FEISHU, WECOM, both_databases
from support.syncs import wait_for

PEOPLE = ("zhangsan", "lisi", "wangwu", "alice")  # each signs in for the first time: fresh details are not asked again
CALLS = {  # all that a first login makes at a portal without an app token
    FEISHU: {
        "/open-apis/authen/v2/oauth/token",
        "/open-apis/authen/v1/user_info",
        "/open-apis/auth/v3/app_access_token/internal",
        "/open-apis/contact/v3/users/*",
    },
    WECOM: {"/cgi-bin/gettoken", "/cgi-bin/auth/getuserinfo", "/cgi-bin/user/get"},
}
TOKEN_CALLS = {"/open-apis/auth/v3/app_access_token/internal", "/cgi-bin/gettoken"}
OPEN = (
    "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
)


@pytest.fixture
def expect_none_open(database, sql):
    """Return a function that fails where a transaction is open."""

    def look_at_postgresql():
        assert sql(OPEN) == []

    def look_at_sqlite():
        path = database.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")  # no writer
            other.execute("ROLLBACK")
            busy, _pages, _moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert not busy  # no reader

    return look_at_sqlite if database.startswith("sqlite") else look_at_postgresql


@both_databases
@pytest.mark.parametrize("name", [FEISHU, WECOM])
def test_no_transaction_is_open_during_a_call(serve, sandbox, sql, expect_none_open, name):
    server = serve(workers=1, threads=4)
    first = Visitor(server)
    assert first.sign_in(name, "bob").status_code == 303  # the app has its token since
    for path, person in zip(sorted(CALLS[name]), PEOPLE, strict=False):
        if path in TOKEN_CALLS:
            sql("DELETE FROM app_token")
        visitor = Visitor(server)
        callback = visitor.scan(name, person)
        sandbox.gate(path)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(visitor.get, callback)
            try:
                wait_for(lambda waiting=waiting: waiting.done() or sandbox.count_waiting())
                assert not waiting.done(), f"the login does not call {path}"
                expect_none_open()
            finally:
                sandbox.open_gates()
            assert waiting.result(timeout=60).status_code == 303, server.output()


@pytest.mark.parametrize("name", [FEISHU, WECOM])
def test_these_are_all_calls_of_a_first_login(client, sandbox, name):
    address = client.scan(name)
    sandbox.forget_calls()
    assert client.get(address).status_code == 303
    assert len(sandbox.calls()) == len(CALLS[name])
    assert all(sandbox.calls(path) for path in CALLS[name])
