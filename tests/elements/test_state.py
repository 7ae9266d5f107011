"""A login with a wrong state is refused.

The platform is not called.
"""

import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import update
from support.portal_app import parse_query

from jit.errcode import Code
from portal.clocks import now
from portal.database import db
from portal.models import LoginAttempt

PLATFORM = ("/open-apis/*", "/cgi-bin/*")


def callback(client, element="FSInnerExample", **query):
    return client.get(f"/login/{element}/callback", query_string=query)


def assert_refused(answer, client, sandbox):
    assert answer.status_code == 400
    assert "Please start again" in answer.text
    assert client.session().status_code == 401
    calls = [call for path in PLATFORM for call in sandbox.calls(path) if "authorize" not in call["path"]]
    assert calls == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: "",
        lambda state: None,
        lambda state: "x",
        lambda state: state[:-1],
        lambda state: state + "0",
        lambda state: state[:-2] + ("00" if state[-2:] != "00" else "11"),
        lambda state: "ff" + state[2:],
        lambda state: state.upper(),
        lambda state: f" {state}",
        lambda state: "a" * 10_000,
        lambda state: "状态" * 20,
        lambda state: "\x00" + state,
        lambda state: [state, state],
        lambda state: [state, "other"],
    ],
)
def test_a_changed_state_is_refused(client, sandbox, damage):
    query = parse_query(client.scan())
    state = damage(query["state"])
    given = {} if state is None else {"state": state}
    assert_refused(callback(client, code=query["code"], **given), client, sandbox)


@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_a_state_of_another_browser_is_refused(portal, sandbox, element):
    first, other = portal.test_client(), portal.test_client()
    other.start(element)
    assert_refused(other.get(first.scan(element)), other, sandbox)


def test_a_browser_that_lost_its_cookies_is_refused_with_one_start_again(portal, sandbox):
    address = portal.test_client().scan()
    fresh = portal.test_client()
    answer = fresh.get(address)
    assert_refused(answer, fresh, sandbox)
    main = answer.text.partition("<main")[2]
    assert re.findall(r'<a class="button[^"]*" href="([^"]+)">([^<]+)', main) == [
        ("/login/FSInnerExample", "Start again")
    ]


def test_a_state_works_once(client, portal):
    address = client.scan()
    assert client.get(address).status_code == 303
    client.post_form("/logout")
    assert client.get(address).status_code == 400


def test_a_state_is_used_up_when_the_person_refuses(client, sandbox):
    denied = client.scan(action="deny")
    state = parse_query(denied)["state"]
    assert client.get(denied).status_code == 400
    code = sandbox.code("feishu", "zhangsan")
    assert_refused(callback(client, code=code, state=state), client, sandbox)


def test_a_state_is_used_up_before_the_code_is_sent(client, sandbox):
    address = client.scan()
    sandbox.fail("/open-apis/authen/v2/oauth/token", status=500, body="down")
    assert client.get(address).status_code == 503
    sandbox.reset()
    assert_refused(client.get(address), client, sandbox)


def test_a_state_of_another_element_is_refused(elements, make_portal, sandbox):
    elements.feishu("Other")
    client = make_portal().test_client()
    query = parse_query(client.scan("FSInnerExample"))
    assert_refused(callback(client, "Other", **query), client, sandbox)


def test_an_attempt_lives_ten_minutes(client, portal, sandbox):
    address = client.scan()
    with portal.app_context():
        left = db.session.scalars(db.select(LoginAttempt.expires_at)).one() - now()
        assert timedelta(minutes=9) < left <= timedelta(minutes=10)
        db.session.execute(update(LoginAttempt).values(expires_at=now() - timedelta(seconds=1)))
        db.session.commit()
    assert_refused(client.get(address), client, sandbox)


def test_a_state_made_in_python_never_passes_on_the_web(client, portal, sandbox):
    client.start("FSInnerExample")
    with portal.app_context():
        state = portal.getElement("auths.loginTypes.FSInnerExample").getLoginConfig()["state"]
    code = sandbox.code("feishu", "zhangsan")
    assert_refused(callback(client, code=code, state=state), client, sandbox)


def test_a_head_request_consumes_nothing(client, portal):
    address = client.scan()
    assert client.head(address).status_code == 200
    assert client.head("/login/FSInnerExample").status_code == 200
    with portal.app_context():
        assert db.session.query(LoginAttempt).count() == 1
    assert client.get(address).status_code == 303


def test_the_eleventh_open_login_of_a_browser_drops_the_first(client):
    callbacks = [client.scan() for _ in range(11)]
    assert client.get(callbacks[0]).status_code == 400
    assert [client.get(address).status_code for address in callbacks[1:]] == [303] * 10


def test_a_state_is_random_letters_and_digits_and_stored_as_a_hash(client, portal):
    states = {parse_query(client.start("QywxInnerExample"))["state"] for _ in range(5)}
    assert len(states) == 5
    assert all(re.fullmatch(r"[a-zA-Z0-9]{32,128}", state) for state in states)
    with portal.app_context():
        stored = {row.state_hash for row in db.session.query(LoginAttempt)}
    assert not stored & {state.encode() for state in states}
    assert all(len(value) == 32 for value in stored)


class TestFromPython:
    """For `getLoginCode()` a state is optional but must be genuine."""

    @pytest.fixture
    def element(self, portal):
        with portal.app_context():
            yield portal.getElement("auths.loginTypes.FSInnerExample")

    def expect_refusal(self, element, state, sandbox, calls=0):
        with pytest.raises(Code) as error:
            element.getLoginCode(sandbox.code("feishu", "zhangsan"), state)
        assert error.value.code == 40300
        assert str(error.value).startswith("40300")
        assert len(sandbox.calls("/open-apis/authen/v2/oauth/token")) == calls

    def test_a_state_may_be_left_out(self, element, sandbox):
        code = sandbox.code("feishu", "zhangsan", redirect_uri=element.redirectUri)
        assert element.getLoginCode(code)["name"] == "张三"

    def test_a_genuine_state_works_more_than_once(self, element, sandbox):
        state = element.getLoginConfig()["state"]
        for person in ("zhangsan", "lisi"):
            code = sandbox.code("feishu", person, redirect_uri=element.redirectUri)
            assert element.getLoginCode(code, state)["userId"] == person

    @pytest.mark.parametrize("state", ["", "x", "00" * 38, 5, "é" * 76])
    def test_a_foreign_state_is_refused(self, element, sandbox, state):
        self.expect_refusal(element, state, sandbox)

    def test_a_state_of_another_element_is_refused_in_python(self, element, sandbox, elements, make_portal):
        elements.feishu("Other")
        other = make_portal().getElement("auths.loginTypes.Other")
        self.expect_refusal(element, other.getLoginConfig()["state"], sandbox)

    def test_a_state_of_another_portal_is_refused(self, element, sandbox, make_portal):
        stranger = make_portal(PORTAL_SECRET_KEY="another secret key, just as long as it has to be")
        state = stranger.getElement("auths.loginTypes.FSInnerExample").getLoginConfig()["state"]
        self.expect_refusal(element, state, sandbox)

    def test_a_state_that_is_too_old_is_refused(self, element, sandbox, monkeypatch):
        state, real = element.getLoginConfig()["state"], time.time
        monkeypatch.setattr(time, "time", lambda: real() + 601)
        self.expect_refusal(element, state, sandbox)

    def test_a_state_of_a_fast_clock_is_taken(self, element, sandbox, monkeypatch):
        state, real = element.getLoginConfig()["state"], time.time
        code = sandbox.code("feishu", "zhangsan", redirect_uri=element.redirectUri)
        monkeypatch.setattr(time, "time", lambda: real() - 50)
        assert element.getLoginCode(code, state)["userId"] == "zhangsan"
        monkeypatch.setattr(time, "time", lambda: real() - 70)
        self.expect_refusal(element, state, sandbox, calls=1)

    def test_an_unknown_kind_has_no_config(self, element):
        with pytest.raises(ValueError, match="kind must be one of redirect, qr, in_app, auth_code"):
            element.getLoginConfig(kind="carrier pigeon")
