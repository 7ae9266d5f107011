"""A process killed during a login leaves all of it, or nothing.

The browser's next try works, or leads to a new start.
"""

import contextlib
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.admin_client import AdminBrowser
from support.http_visitors import Visitor
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases
from support.processes import list_children
from support.syncs import wait_for

pytestmark = both_databases
EXCHANGES = {FEISHU: "/open-apis/authen/v2/oauth/token", WECOM: "/cgi-bin/auth/getuserinfo"}
HELD = [
    (FEISHU, EXCHANGES[FEISHU]),
    (FEISHU, "/open-apis/authen/v1/user_info"),
    (WECOM, EXCHANGES[WECOM]),
    (WECOM, "/cgi-bin/gettoken"),
]


@pytest.fixture
def count_rows(sql):
    """Return a function that counts what logins store."""
    tables = ("identity", "account", "login_session")
    return lambda: [sql(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


def kill_workers(server, sandbox, path, browser, callback):
    """Kill both processes while a callback waits at the platform."""
    sandbox.gate(path)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(browser.get, callback)
        wait_for(lambda: waiting.done() or sandbox.count_waiting())
        assert not waiting.done(), waiting.result().text
        for child in list_children(server.process.pid):
            os.kill(child, signal.SIGKILL)
        assert isinstance(waiting.exception(timeout=20), requests.ConnectionError)
    sandbox.open_gates()


def find_new_start(page):
    """Return where the link to start again leads."""
    [address] = re.findall(r'href="(/login/[A-Za-z]+(?:\?[^"]*)?)"', page)[:1]
    return address.replace("&amp;", "&")


@pytest.mark.parametrize(("name", "path"), HELD)
def test_a_login_killed_at_the_platform_can_be_started_again(serve, sandbox, count_rows, name, path):
    server = serve()
    visitor = Visitor(server)
    callback = visitor.scan(name)
    kill_workers(server, sandbox, path, visitor, callback)
    assert count_rows() == [0, 0, 0]

    again = get_from_new_worker(visitor, callback)
    assert again.status_code == 400
    assert visitor.get("/api/session").status_code == 401

    def start_again():
        begun = visitor.get(find_new_start(again.text))
        return visitor.get(answer_platform(begun.headers["Location"])).status_code == 303

    wait_for(start_again, seconds=90)  # the killed process may have held the right to renew the app token
    assert count_rows() == [1, 1, 1]
    assert visitor.get("/api/session").json()["account"]["username"] == "zhangsan"


def get_from_new_worker(visitor, path):
    """Return the answer of a process that has taken a killed one's place."""
    answers = []

    def get():
        with contextlib.suppress(requests.ConnectionError):
            answers.append(visitor.get(path))
        return answers

    return wait_for(get)[0]


def test_a_bind_killed_at_the_platform_binds_nobody(serve, sandbox, count_rows, sql):
    server = serve()
    visitor = Visitor(server)
    assert visitor.sign_in(FEISHU, "lisi").status_code == 303
    browser = AdminBrowser(server, None)
    browser.http = visitor.http
    browser.token = visitor.get("/api/csrf").json()["csrfToken"]

    def begin():
        return answer_platform(browser.post(f"/account/bind/{WECOM}").headers["Location"])

    callback = begin()
    kill_workers(server, sandbox, EXCHANGES[WECOM], visitor, callback)
    assert get_from_new_worker(visitor, callback).status_code == 400
    assert count_rows() == [1, 1, 1]
    assert browser.post("/account/bind/confirm").status_code == 400
    assert count_rows() == [1, 1, 1]

    assert visitor.get(begin()).headers["Location"].endswith("/account/bind/confirm")
    assert browser.post("/account/bind/confirm").status_code == 303
    assert [row[0] for row in sql("SELECT account_id FROM identity ORDER BY id")] == [1, 1]
