"""Calls to the platforms are bounded.

They have a deadline and a size limit, follow no redirects, and are not repeated without end.
"""

import contextlib
import socket
import threading
import time

import pytest
import requests

from jit.errcode import Code
from portal.providers import http
from portal.providers.breaker import PAUSE

EXCHANGE = "/open-apis/authen/v2/oauth/token"
USER_INFO = "/open-apis/authen/v1/user_info"
PROFILE = {"name": "张三", "open_id": "ou_1", "union_id": "on_1", "tenant_key": "736588c9260f1750"}


@pytest.fixture(autouse=True)
def forget_breakers():
    """Failures of one test are not the next one's."""
    http._transports.clear()


def expect_refusal(client, number):
    answer = client.sign_in()
    assert f"Error {number}" in answer.text, answer.text
    assert client.session().status_code == 401


def test_a_platform_that_does_not_answer_is_given_up(client, sandbox):
    sandbox.fail(EXCHANGE, hold=2)
    expect_refusal(client, 50300)


def test_an_answer_that_drips_is_given_up(client, sandbox):
    """Each piece is in time, the whole is not."""
    sandbox.fail(USER_INFO, drip=11, body={"code": 0, "msg": "success", "data": PROFILE})
    expect_refusal(client, 50300)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_not_even_headers_may_drip_past_the_deadline(elements, make_portal, part):
    """A server sends a little often enough and never ends."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server, part, ended))
        thread.start()
        elements.wecom(apiBaseUrl=f"http://127.0.0.1:{server.getsockname()[1]}")
        portal = make_portal()
        with portal.app_context(), http.deadline(seconds=1.0), pytest.raises(Code) as error:
            portal.getElement("auths.loginTypes.QywxInnerExample").getAccessToken()
        assert error.value.code == 50300
        assert not ended.is_set()
        ended.set()
        thread.join()


def drip(server, part, ended):
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 9999\r\n\r\n" if part == "body" else b""))
        for _ in range(60):
            connection.sendall(b"X: y\r\n" if part == "headers" else b" ")
            if ended.wait(0.2):
                return
        ended.set()


def test_one_deadline_serves_a_whole_login(client, sandbox):
    """Each call alone is in time, all together are not."""
    sandbox.fail(EXCHANGE, delay=3.5)
    sandbox.fail(USER_INFO, delay=3.5)
    sandbox.fail("/open-apis/auth/v3/app_access_token/internal", delay=3.5, count=5)
    assert client.sign_in().status_code == 303  # the contact data was given up, the login was not
    assert sandbox.calls("/open-apis/contact/v3/users/*") == []


@pytest.mark.parametrize("path", [EXCHANGE, USER_INFO])
def test_redirects_are_not_followed(client, sandbox, path):
    sandbox.fail(path, redirect=f"{sandbox.url}/elsewhere")
    expect_refusal(client, 50300)
    assert sandbox.calls("/elsewhere") == []


def test_an_answer_too_large_is_refused(client, sandbox):
    sandbox.fail(USER_INFO, body={"code": 0, "msg": "success", "data": {**PROFILE, "name": "x" * 250_000}})
    assert client.sign_in().status_code == 303
    client.post_form("/logout")
    sandbox.fail(USER_INFO, body={"code": 0, "msg": "success", "data": {**PROFILE, "name": "x" * 300_000}})
    expect_refusal(client, 50300)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_reading_the_person_is_retried_once(client, sandbox, status):
    sandbox.fail(USER_INFO, status=status, body="busy")
    assert client.sign_in().status_code == 303
    assert len(sandbox.calls(USER_INFO)) == 2


def test_reading_the_person_is_tried_twice_at_most(client, sandbox):
    sandbox.fail(USER_INFO, count=5, status=502, body="busy")
    expect_refusal(client, 50300)
    assert len(sandbox.calls(USER_INFO)) == 2


@pytest.mark.parametrize("status", [400, 404, 500])
def test_other_failures_are_not_retried(client, sandbox, status):
    sandbox.fail(USER_INFO, count=5, status=status, body="no")
    expect_refusal(client, 50300)
    assert len(sandbox.calls(USER_INFO)) == 1


def test_proxy_variables_of_the_machine_are_ignored(client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY" if name.isupper() else "no_proxy", raising=False)
    address = client.start("FSInnerExample")
    with requests.Session() as session:
        session.trust_env = False
        back = session.get(f"{address}&person=zhangsan&action=allow", allow_redirects=False, timeout=5).headers[
            "Location"
        ]
    assert client.get(back[back.index("/login") :]).status_code == 303


def test_a_configured_proxy_is_used(elements, make_portal, sandbox):
    """The call fails because the proxy does not exist.

    Some companies need a fixed address for WeCom's trusted list.
    """
    elements.wecom(httpProxy="http://127.0.0.1:9")
    client = make_portal().test_client()
    assert client.sign_in("QywxInnerExample").status_code == 503
    assert sandbox.calls("/cgi-bin/*") == []


class TestBreaker:
    @pytest.fixture
    def element(self, portal):
        with portal.app_context():
            yield portal.getElement("auths.loginTypes.QywxInnerExample")

    def fail(self, element, times):
        for _ in range(times):
            with pytest.raises(Code) as error:
                element.getUserInfo("zhangsan")
            assert error.value.code == 50300

    def test_after_five_failures_calls_pause_for_a_while(self, element, sandbox, monkeypatch):
        element.getAccessToken()
        sandbox.forget_calls()
        sandbox.fail("/cgi-bin/user/get", count=99, status=500, body="down")
        self.fail(element, 8)
        assert len(sandbox.calls("/cgi-bin/user/get")) == 5
        real = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: real() + PAUSE + 1)
        self.fail(element, 3)
        assert len(sandbox.calls("/cgi-bin/user/get")) == 6  # one try, then left alone again
        sandbox.reset()
        monkeypatch.setattr(time, "monotonic", lambda: real() + 2 * (PAUSE + 1))
        assert element.getUserInfo("zhangsan")["name"] == "张三"

    def test_refusals_do_not_count_as_failures(self, element, sandbox):
        for _ in range(8):
            with pytest.raises(Code) as error:
                element.getUserInfo("nosuchperson")
            assert error.value.code == 60111

    def test_the_other_platform_is_not_affected(self, client, sandbox, elements, make_portal):
        elements.wecom(apiBaseUrl="http://127.0.0.1:9")
        portal = make_portal()
        broken = portal.test_client()
        assert {broken.sign_in("QywxInnerExample").status_code for _ in range(6)} == {503}
        assert broken.sign_in("FSInnerExample").status_code == 303
