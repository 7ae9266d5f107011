"""Simultaneous logins over HTTP on two worker processes.

The sandbox holds calls back until they overlap.
"""

import json
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.http_visitors import Visitor, run_at_once
from support.portal_app import both_databases
from support.processes import list_children

EXCHANGE = "/open-apis/authen/v2/oauth/token"
pytestmark = both_databases


@pytest.fixture
def count_rows(sql):
    """Return a function that counts a table's rows."""
    return lambda table: sql(f"SELECT count(*) FROM {table}")[0][0]


def statuses(answers):
    return Counter(answer.status_code for answer in answers)


def test_one_of_twenty_callbacks_with_one_state_succeeds(serve, sandbox, count_rows):
    server = serve()
    visitor = Visitor(server)
    callback = visitor.scan("FSInnerExample")
    sandbox.fail(EXCHANGE, delay=1)
    copies = [Visitor(server) for _ in range(20)]
    for copy in copies:
        copy.http.cookies.update(visitor.http.cookies)
    answers = run_at_once([lambda copy=copy: copy.get(callback) for copy in copies])
    assert statuses(answers) == {303: 1, 400: 19}
    assert len(sandbox.calls(EXCHANGE)) == 1
    assert count_rows("login_session") == 1


@pytest.mark.parametrize(
    ("element", "last_call"),
    [("FSInnerExample", "/open-apis/contact/v3/users/*"), ("QywxInnerExample", "/cgi-bin/user/get")],
)
def test_twenty_first_logins_of_one_person_make_one_account(serve, sandbox, count_rows, element, last_call):
    server = serve()
    visitors = [Visitor(server) for _ in range(20)]
    callbacks = [visitor.scan(element) for visitor in visitors]
    sandbox.fail(last_call, count=20, hold=20)
    pairs = zip(visitors, callbacks, strict=True)
    answers = run_at_once([lambda v=visitor, c=callback: v.get(c) for visitor, callback in pairs])
    assert statuses(answers) == {303: 20}, server.output()
    assert [count_rows(table) for table in ("identity", "account", "login_session")] == [1, 1, 20]


def test_twenty_logins_of_a_stored_unbound_person_make_one_account(serve, sandbox, count_rows, sql):
    """A directory sync stores people without an account."""
    person = "'wecom', 'wwsandbox00000001', 'zhangsan', 'zhangsan', '{}', '', '', '', '', '[]', '', 0, 1"
    columns = "provider, tenant, subject, user_id, open_ids, name, mobile, email, avatar, department, position, gender"
    sql(
        f"INSERT INTO identity ({columns}, status, is_leader, employee_number, created_at, updated_at)"
        f" VALUES ({person}, false, '', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
    )
    server = serve()
    visitors = [Visitor(server) for _ in range(20)]
    callbacks = [visitor.scan("QywxInnerExample") for visitor in visitors]
    silent = {"errcode": 48002, "errmsg": "api forbidden"}  # nothing to store: no row is locked by a change
    sandbox.fail("/cgi-bin/user/get", count=20, hold=20, body=silent)
    pairs = zip(visitors, callbacks, strict=True)
    answers = run_at_once([lambda v=visitor, c=callback: v.get(c) for visitor, callback in pairs])
    assert statuses(answers) == {303: 20}, server.output()
    assert [count_rows(table) for table in ("identity", "account", "login_session")] == [1, 1, 20]


def test_two_people_of_one_name_at_once_get_two_accounts(serve, sandbox, count_rows):
    """Both platforms know a zhangsan, with an account each."""
    server = serve()
    visitors = [Visitor(server), Visitor(server)]
    callbacks = [v.scan(e) for v, e in zip(visitors, ("FSInnerExample", "QywxInnerExample"), strict=True)]
    sandbox.fail("*/user*/*", count=2, hold=2)  # the last call of each
    answers = run_at_once([lambda v=v, c=c: v.get(c) for v, c in zip(visitors, callbacks, strict=True)])
    assert statuses(answers) == {303: 2}, server.output()
    names = {visitor.get("/api/session").json()["account"]["username"] for visitor in visitors}
    assert names == {"zhangsan", "zhangsan-2"}


def test_queued_people_who_scan_twice_at_once_wait_in_one_row(serve, sandbox, count_rows):
    server = serve(PORTAL_UNKNOWN_PEOPLE="queue")
    visitors = [Visitor(server) for _ in range(10)]
    callbacks = [visitor.scan("QywxInnerExample") for visitor in visitors]
    sandbox.fail("/cgi-bin/user/get", count=10, hold=10)
    pairs = zip(visitors, callbacks, strict=True)
    answers = run_at_once([lambda v=visitor, c=callback: v.get(c) for visitor, callback in pairs])
    assert {answer.headers["Location"] for answer in answers} == {"/login/waiting"}, server.output()
    assert [count_rows(table) for table in ("identity", "binding_request", "account", "login_session")] == [1, 1, 0, 0]


def test_fifty_logins_without_a_token_make_one_token_call(serve, sandbox):
    server = serve()
    visitors = [Visitor(server) for _ in range(50)]
    callbacks = [visitor.scan("QywxInnerExample") for visitor in visitors]
    sandbox.fail("/cgi-bin/gettoken", delay=0.7)
    pairs = zip(visitors, callbacks, strict=True)
    answers = run_at_once([lambda v=visitor, c=callback: v.get(c) for visitor, callback in pairs])
    assert statuses(answers) == {303: 50}, server.output()
    assert len(sandbox.calls("/cgi-bin/gettoken")) == 1


def test_logins_that_wait_for_a_token_share_its_refusal(serve, sandbox):
    server = serve()
    visitors = [Visitor(server) for _ in range(20)]
    callbacks = [visitor.scan("QywxInnerExample") for visitor in visitors]
    sandbox.fail("/cgi-bin/gettoken", count=20, delay=0.7, body={"errcode": 40001, "errmsg": "x"})
    pairs = zip(visitors, callbacks, strict=True)
    answers = run_at_once([lambda v=visitor, c=callback: v.get(c) for visitor, callback in pairs])
    assert statuses(answers) == {500: 20}
    assert len(sandbox.calls("/cgi-bin/gettoken")) <= 2  # who came after the refusal asks once more


def test_connections_to_the_platform_are_kept(serve, sandbox):
    server = serve()

    def log_in(_):
        visitor = Visitor(server)
        return visitor.sign_in("FSInnerExample")

    log_in(0)
    sandbox.forget_calls()
    before = sandbox.connections()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(log_in, range(40)))
    assert statuses(answers) == {303: 40}
    calls = [call for call in sandbox.calls() if "python-requests" not in call["headers"]["User-Agent"]]
    assert len(calls) == 80
    assert sandbox.connections() - before < len(calls) / 4


def test_a_worker_killed_in_a_login_leaves_nothing_half_done(serve, sandbox, count_rows):
    server = serve(workers=1)
    visitor = Visitor(server)
    callback = visitor.scan("QywxInnerExample")
    sandbox.fail("/cgi-bin/user/get", hold=2)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(visitor.get, callback)
        while not sandbox.calls("/cgi-bin/user/get"):
            assert not waiting.done()
        os.kill(list_children(server.process.pid)[0], signal.SIGKILL)
        assert isinstance(waiting.exception(timeout=20), requests.ConnectionError)
    assert [count_rows(table) for table in ("identity", "account", "login_session")] == [0, 0, 0]
    sandbox.reset()
    assert Visitor(server).get("/api/session").status_code == 401
    again = visitor.get(callback)
    assert again.status_code == 400
    assert visitor.sign_in("QywxInnerExample").status_code == 303
    assert [count_rows(table) for table in ("identity", "account", "login_session")] == [1, 1, 1]


def test_one_time_links_are_used_once(serve, sandbox, count_rows, settings, database):
    server = serve()
    token = make_link(settings)
    visitors = [Visitor(server) for _ in range(10)]
    tokens = [visitor.get("/api/csrf").json()["csrfToken"] for visitor in visitors]

    def use(visitor, csrf):
        address = f"{server.url}/login/once/{token}"
        return visitor.http.post(address, data={"csrf_token": csrf}, allow_redirects=False, timeout=20)

    answers = run_at_once([lambda v=v, c=c: use(v, c) for v, c in zip(visitors, tokens, strict=True)])
    assert statuses(answers) == {303: 1, 410: 9}, server.output()
    assert count_rows("login_session") == 1


def make_link(settings):
    import app as portal_app
    from portal.database import db
    from portal.signin import administrator_links

    portal = portal_app.create_app(settings)
    with portal.app_context():
        token = administrator_links.make_administrator("alice", promote=True).token
        db.session.remove()
        db.engine.dispose()
    return token


def test_every_call_of_a_login_is_counted_once(serve, sandbox):
    """The tests above rely on the sandbox's count."""
    server = serve()
    visitor = Visitor(server)
    visitor.sign_in("FSInnerExample")
    [call] = sandbox.calls(EXCHANGE)
    assert json.loads(call["body"])["grant_type"] == "authorization_code"
