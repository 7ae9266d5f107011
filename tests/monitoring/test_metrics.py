"""The figures tell what happened, without a word of any person or visitor."""

import logging

import pytest
from support.admin_client import open_database
from support.portal_app import FEISHU, WECOM, both_databases
from support.postgres import find_free_port
from support.scrapes import find_figure, parse_figures

from portal import metrics
from portal.models import Identity
from portal.providers import http
from portal.signin import administrator_links


@pytest.fixture
def read(client):
    """Return a function that reads the figures."""

    def read_figures(browser=client):
        answer = browser.get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain; version=0.0.4")
        return parse_figures(answer.text)

    return read_figures


@pytest.fixture
def count(read):
    """Return a function that tells by how much a figure has risen in this test."""
    before = read()

    def count_since(name, **labels):
        return (find_figure(read(), name, **labels) or 0) - (find_figure(before, name, **labels) or 0)

    return count_since


def test_sign_ins_by_element_and_outcome(client, make_portal, sandbox, count):
    client.sign_in(FEISHU)
    client.get(client.scan(FEISHU, action="deny"))
    client.sign_in(WECOM, "outsider")
    queued = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    queued.sign_in(WECOM, "lisi")
    sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": -1, "errmsg": "busy"})
    client.sign_in(WECOM)
    for element, outcome in (
        (FEISHU, "signed_in"),
        (FEISHU, "cancelled"),
        (WECOM, "refused"),
        (WECOM, "waiting"),
        (WECOM, "failed"),
    ):
        assert count("portal_sign_ins_total", element=element, outcome=outcome) == 1, outcome
    assert count("portal_sign_ins_total") == 5


def test_one_time_links_count_as_once(client, portal, count):
    with portal.app_context():
        token = administrator_links.make_administrator("root").token
    for _ in range(2):
        client.post_form(f"/login/once/{token}")
    assert count("portal_sign_ins_total", element="once", outcome="signed_in") == 1
    assert count("portal_sign_ins_total", element="once", outcome="refused") == 1


def test_refusals_by_number(client, count):
    client.get("/login/no-such-login")
    client.get("/api/session")
    assert count("portal_refusals_total", number="40400") == 1
    assert count("portal_refusals_total", number="40100") + count("portal_refusals_total", number="40101") == 1
    assert count("portal_refusals_total") == 2


def test_calls_by_outcome(client, sandbox, count):
    path = "/cgi-bin/auth/getuserinfo"
    for how, outcome in (
        ({"body": {"errcode": 40029, "errmsg": "x"}}, "refused"),
        ({"body": {"errcode": 45009, "errmsg": "x"}}, "busy"),
        ({"body": "no JSON"}, "failed"),
        ({"drop": True}, "unreachable"),
        ({}, "ok"),
    ):
        if how:
            sandbox.fail(path, **how)
        client.sign_in(WECOM)
        calls = {"platform": "wecom", "call": path, "outcome": outcome}
        assert count("portal_platform_call_seconds_count", **calls) == 1, outcome


def test_no_id_is_part_of_a_call(client, portal, read):
    client.sign_in(FEISHU)
    with portal.app_context():
        portal.getElement(f"auths.loginTypes.{FEISHU}").syncUserInfo("zhangsan", forceUpdate=True)
        portal.getElement(f"auths.loginTypes.{FEISHU}").syncDepartmentInfo("7")
    calls = {dict(labels)["call"] for name, labels in read() if name == "portal_platform_call_seconds_count"}
    assert {"/open-apis/contact/v3/users/{id}", "/open-apis/contact/v3/departments/{id}"} <= calls
    assert not [call for call in calls if call.endswith(("/zhangsan", "/7")) or "/on_" in call or "/ou_" in call]


def test_a_breaker_that_opens_and_closes(client, sandbox, read, caplog):
    caplog.set_level(logging.INFO)
    sandbox.fail("/cgi-bin/auth/getuserinfo", count=10, drop=True)
    for _ in range(5):
        client.sign_in(WECOM)
    assert find_figure(read(), "portal_breaker_open", address=sandbox.url) == 1
    client.sign_in(WECOM)
    paused = {"call": "/cgi-bin/auth/getuserinfo", "outcome": "paused"}
    assert find_figure(read(), "portal_platform_call_seconds_count", **paused) >= 1
    sandbox.reset()
    http.transport_to(sandbox.url, None)._breaker._paused_until = 0.0  # as if the pause were over
    assert client.sign_in(WECOM).status_code == 303
    assert find_figure(read(), "portal_breaker_open", address=sandbox.url) == 0
    events = [record.event for record in caplog.records if getattr(record, "event", "").startswith("platform_")]
    assert events.count("platform_paused") == 1 and events.count("platform_back") == 1


def test_a_limit_that_is_hit(client, count):
    for _ in range(12):
        client.get("/login/once/no-such-link")
    assert count("portal_limits_hit_total", limit="wrong_links") == 2


@both_databases
def test_gauges_of_the_database(client, make_portal, read):
    client.sign_in(FEISHU)
    queued = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    queued.sign_in(WECOM, "lisi")
    figures = read()
    assert find_figure(figures, "portal_database_up") == 1
    assert find_figure(figures, "portal_open_sessions") == 1
    assert find_figure(figures, "portal_waiting_requests") == 1
    assert find_figure(figures, "portal_broken_elements") == 0
    assert find_figure(figures, "portal_redis_up") is None
    assert find_figure(figures, "portal_ready") == 1


def test_a_database_that_is_down(make_portal, read):
    url = f"postgresql+psycopg://nobody@127.0.0.1:{find_free_port()}/none"
    figures = read(make_portal(PORTAL_DATABASE_URL=url).test_client())
    assert find_figure(figures, "portal_database_up") == 0
    assert find_figure(figures, "portal_ready") == 0
    assert find_figure(figures, "portal_open_sessions") is None


def test_redis_up_and_down(make_portal, redis, read):
    browser = make_portal(PORTAL_REDIS_URL=redis.url).test_client()
    assert find_figure(read(browser), "portal_redis_up") == 1
    redis.stop()
    assert find_figure(read(browser), "portal_redis_up") == 0
    redis.start()
    assert find_figure(read(browser), "portal_redis_up") == 1


def test_a_portal_without_a_login_is_not_ready(tmp_path, make_portal, read):
    figures = read(make_portal(PORTAL_APP_DIR=str(tmp_path / "empty")).test_client())
    assert find_figure(figures, "portal_ready") == 0
    assert find_figure(figures, "portal_database_up") == 1
    assert find_figure(figures, "portal_open_sessions") == 0


def test_the_time_between_syncs(make_portal, read):
    for every, figure in (("600", 600), ("0", None)):
        figures = read(make_portal(PORTAL_SYNC_EVERY=every).test_client())
        assert find_figure(figures, "portal_sync_every_seconds") == figure


def test_broken_logins_are_counted(elements, make_portal, read):
    elements.add("Wrong", "FSInnerType", {})
    assert find_figure(read(make_portal().test_client()), "portal_broken_elements") == 1


def test_no_figure_names_a_person_or_repeats_a_visitor(client, portal):
    client.sign_in(FEISHU)
    client.sign_in(WECOM)
    client.get("/login/canary-name")
    client.get("/canary-path?canary-query", headers={"User-Agent": "canary-agent"})
    client.get(f"/login/{WECOM}/callback?state=canary-state&code=canary-code")
    text = client.get("/metrics").text
    assert "canary" not in text
    with open_database(portal) as session:
        for person in session.query(Identity):
            values = (person.name, person.user_id, person.subject, person.shown_name)
            assert not [value for value in values if value and value in text]


def test_calls_of_any_number_stay_few():
    for number in range(2 * metrics.MOST_CALLS):
        metrics.observe_call("odd", f"/person/{number}", "ok", 0.1)
    samples = [sample for family in metrics.get_counted().collect() for sample in family.samples]
    calls = {sample.labels["call"] for sample in samples if sample.labels.get("platform") == "odd"}
    assert len(calls) <= metrics.MOST_CALLS + 1
    assert metrics.OTHER_CALL in calls
