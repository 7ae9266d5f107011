"""Too many tries of a browser or an address are turned away."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.admin_client import count_rows
from support.portal_app import FEISHU, WECOM, both_databases
from support.postgres import find_free_port

from portal.models import AuditEvent, LoginAttempt
from portal.pages import limits

BAD_CALLBACK = f"/login/{FEISHU}/callback?code=x&state="
JSON_CALL = f"/api/auths/loginTypes/{FEISHU}"


def refuse(browser, times, address="192.0.2.7", start=0):
    """Return the statuses of callbacks with states that nobody knows."""
    numbers = range(start, start + times)
    environ = {"REMOTE_ADDR": address}
    return [browser.get(f"{BAD_CALLBACK}{number:032}", environ_overrides=environ).status_code for number in numbers]


def try_links(browser, times, address="192.0.2.7"):
    """Return the statuses of wrong one-time links."""
    environ = {"REMOTE_ADDR": address}
    return [browser.get(f"/login/once/w{number}", environ_overrides=environ).status_code for number in range(times)]


# Refused callbacks


@both_databases
def test_a_browser_is_refused_twenty_times_and_then_turned_away(portal, client):
    client.get("/login")
    client.get("/api/csrf")
    client.start(WECOM)  # from here on it has an id
    assert refuse(client, 22) == [400] * 20 + [429] * 2
    assert count_rows(portal, AuditEvent) == 20


def test_another_browser_of_the_address_is_not_turned_away(portal):
    first, second = portal.test_client(), portal.test_client()
    first.start(WECOM), second.start(WECOM)
    assert refuse(first, 21)[-1] == 429
    assert refuse(second, 1) == [400]


@both_databases
def test_an_address_is_refused_three_hundred_times(portal):
    """A client that keeps no cookies has no browser id to count by."""
    statuses = [refuse(portal.test_client(use_cookies=False), 1, start=number)[0] for number in range(303)]
    assert statuses == [400] * 300 + [429] * 3
    assert count_rows(portal, AuditEvent) == 300
    assert refuse(portal.test_client(), 1, address="192.0.2.8") == [400]


def test_all_addresses_of_one_ipv6_network_count_as_one(portal):
    browser = portal.test_client()
    statuses = [try_links(browser, 1, address=f"2001:db8::{number:x}")[0] for number in range(1, 12)]
    assert statuses == [410] * 10 + [429]
    assert try_links(browser, 1, address="2001:db8:0:1::1") == [410]


def test_a_login_that_works_is_never_turned_away(client):
    client.start(FEISHU)
    assert refuse(client, 25, address="127.0.0.1")[-1] == 429
    assert client.sign_in().status_code == 303


@pytest.mark.parametrize("path", ["/api/auth/qywx/callback?code=x&state=y", f"/login/{FEISHU}/callback?code=x"])
def test_shared_callbacks_and_missing_states_count_too(client, path):
    client.start(FEISHU)
    assert [client.get(path).status_code for _ in range(21)] == [400] * 20 + [429]


def test_the_json_calls_are_limited_too(client):
    token = {"X-CSRFToken": client.get("/api/csrf").json["csrfToken"]}
    client.start(FEISHU)
    for number in range(20):
        sent = {"state": f"{number}", "authCode": "x"}
        assert client.post(f"{JSON_CALL}/getLoginCode", json=sent, headers=token).json["errcode"] == 40300
    answer = client.post(f"{JSON_CALL}/getLoginCode", json={"state": "x", "authCode": "x"}, headers=token)
    assert (answer.status_code, answer.json["errcode"]) == (429, 42900)
    assert 0 < int(answer.headers["Retry-After"]) <= 300


def test_a_failing_platform_turns_no_browser_away(client, sandbox):
    sandbox.fail("/open-apis/authen/v2/oauth/token", status=500, count=1000)
    assert {client.sign_in().status_code for _ in range(21)} <= {502, 503}
    assert refuse(client, 1) == [400]


# New attempts and one-time links


@both_databases
def test_an_address_begins_six_hundred_logins(portal, client):
    statuses = [client.get(f"/login/{FEISHU}").status_code for _ in range(602)]
    assert statuses == [302] * 600 + [429] * 2
    token = {"X-CSRFToken": client.get("/api/csrf").json["csrfToken"]}
    answer = client.post(f"{JSON_CALL}/getLoginConfig", json={}, headers=token)
    assert (answer.status_code, answer.json["errcode"]) == (429, 42900)
    before = count_rows(portal, LoginAttempt)
    client.get(f"/login/{FEISHU}")
    assert count_rows(portal, LoginAttempt) == before
    assert client.get(f"/login/{FEISHU}", environ_overrides={"REMOTE_ADDR": "192.0.2.8"}).status_code == 302


def test_the_page_says_when_to_try_again(client):
    for number in range(10):
        client.get(f"/login/once/wrong{number}")
    answer = client.get("/login/once/wrong")
    assert "Too many attempts" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 300


# The store


@pytest.fixture
def no_pause(monkeypatch):
    monkeypatch.setattr(limits, "REDIS_PAUSE", 0.0)


@pytest.fixture
def endless_pause(monkeypatch):
    monkeypatch.setattr(limits, "REDIS_PAUSE", 3600.0)


@pytest.fixture
def warnings(caplog):
    """Return a function that counts the warnings about Redis."""
    return lambda: len([line for line in caplog.messages if "Redis fails" in line])


def test_portals_with_one_redis_count_together(make_portal, redis):
    first, second = (make_portal(PORTAL_REDIS_URL=redis.url).test_client() for _ in range(2))
    assert try_links(first, 6) + try_links(second, 6) == [410] * 10 + [429] * 2


def test_portals_without_redis_count_alone(make_portal):
    first, second = (make_portal().test_client() for _ in range(2))
    assert try_links(first, 11) + try_links(second, 11) == ([410] * 10 + [429]) * 2


def test_workers_with_one_redis_count_together(serve, redis):
    server = serve(workers=2, PORTAL_REDIS_URL=redis.url)

    def try_link(number):
        return requests.get(f"{server.url}/login/once/wrong{number}", timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(try_link, range(40)))
    assert statuses == [410] * 10 + [429] * 30, server.output()


def test_a_portal_starts_and_counts_without_its_redis(make_portal, warnings, endless_pause):
    browser = make_portal(PORTAL_REDIS_URL=f"redis://127.0.0.1:{find_free_port()}/0").test_client()
    assert try_links(browser, 12) == [410] * 10 + [429] * 2
    assert browser.sign_in().status_code == 303
    assert warnings() == 1


def test_a_killed_redis_leaves_the_limit_in_place(make_portal, redis, warnings, endless_pause):
    browser = make_portal(PORTAL_REDIS_URL=redis.url).test_client()
    assert try_links(browser, 5) == [410] * 5
    redis.stop()
    assert try_links(browser, 12) == [410] * 10 + [429] * 2
    assert warnings() == 1


def test_a_paused_redis_is_waited_for_once(make_portal, redis, warnings, endless_pause):
    browser = make_portal(PORTAL_REDIS_URL=redis.url).test_client()
    try_links(browser, 1)
    with redis.paused():
        assert try_links(browser, 12) == [410] * 10 + [429] * 2
        assert browser.sign_in().status_code == 303
    assert warnings() == 1


def test_a_redis_that_answers_again_counts_again(make_portal, redis, no_pause):
    portal, other = (make_portal(PORTAL_REDIS_URL=redis.url) for _ in range(2))
    browser = portal.test_client()
    assert try_links(browser, 11)[-1] == 429
    redis.stop()
    assert try_links(browser, 1) == [410]  # this process has counted none so far
    redis.start()
    assert try_links(browser, 6) + try_links(other.test_client(), 6) == [410] * 10 + [429] * 2


def test_limits_are_no_work_for_other_pages(make_portal, redis):
    """Redis is not asked where nothing is counted."""
    browser = make_portal(PORTAL_REDIS_URL=redis.url).test_client()
    redis.stop()
    for path in ("/login", "/healthz", "/api/csrf", "/static/css/portal.css"):
        browser.get(path)
    assert browser.application.extensions["limits"].paused_until is None
