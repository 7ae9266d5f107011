"""Proxies that are not set up correctly, as checks see them."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from support.gate_browser import HOST, PAGE, add_application, change_rows
from support.portal_app import both_databases

from portal.applications import catalogue, proxy_problems
from portal.audit import Actor
from portal.clocks import now
from portal.models import ProxyProblem


def read_problems(portal):
    with portal.app_context():
        return [(problem.kind, problem.detail) for problem in proxy_problems.list_problems(1)]


@pytest.fixture
def problems(portal):
    """Let each problem be noted, as if a minute had passed."""
    proxy_problems._noted.clear()
    yield lambda: read_problems(portal)
    proxy_problems._noted.clear()


def test_an_unknown_application_is_refused(visitor, problems, caplog):
    for name in ("nothing", "Wiki", "a b", "x" * 300):
        assert visitor.check(name=name).status_code == 403
    assert "a proxy asks for application nothing, which is not here" in caplog.text


def test_a_check_without_its_headers_is_refused(portal, inside, problems, caplog):
    answer = inside.get("/_portal/wiki/auth-request", headers=PAGE, base_url=HOST)
    assert (answer.status_code, answer.location) == (403, None)
    assert "the snippet of wiki is incomplete: X-Original-URL is missing" in caplog.text
    assert problems() == [("incomplete", "X-Original-URL")]
    proxy_problems._noted.clear()
    assert inside.get("/_portal/wiki/forward-auth", headers=PAGE, base_url=HOST).status_code == 403
    assert problems() == [("incomplete", "X-Forwarded-Host")]


@pytest.mark.parametrize(
    "host",
    ["http://wiki2.localhost:9000", "http://wiki.localhost:9001", "http://wiki.localhost:9000@evil.example"],
)
def test_a_host_that_is_not_registered_is_refused(inside, problems, caplog, host):
    sent = {"X-Original-URL": f"{host}/", "X-Original-Method": "GET", **PAGE}
    answer = inside.get("/_portal/wiki/auth-request", headers=sent, base_url=HOST)
    assert (answer.status_code, answer.location) == (403, None)
    asked = host.removeprefix("http://")
    assert problems() == [("host", f"http://{asked}")]
    assert f"asked for http://{asked}: add it or correct the proxy" in caplog.text


def test_visitors_of_the_portal_note_nothing(portal, inside, problems):
    """There is no proxy of an application in front."""
    for path in ("auth-request", "forward-auth"):
        assert inside.get(f"/_portal/wiki/{path}", headers={"Remote-User": "x"}).status_code == 403
    sent = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/"}
    assert inside.get("/_portal/wiki/forward-auth", headers=sent).status_code == 403
    assert problems() == []


def test_made_up_names_are_one_line_a_minute(visitor, problems, caplog):
    for number in range(20):
        visitor.check(name=f"made-up-{number}" + "x" * 5000)
    assert caplog.text.count("which is not here") == 1
    assert len(caplog.text) < 300


@both_databases
def test_a_name_that_no_application_can_have_is_refused(visitor):
    for name in ("a\0b", "é", "..", "%00", "A", "-a"):
        for path in ("forward-auth", "auth-request", "ext-authz/x"):
            answer = visitor.get(f"/_portal/{quote(name)}/{path}", headers=PAGE)
            assert answer.status_code == 403, (name, path)


@pytest.mark.parametrize("url", ["http://[/", "", "/x", "//", "http://", "\x80", "http://wiki.localhost:x/"])
def test_an_address_that_is_none_is_refused(inside, url):
    sent = {"X-Original-URL": url, "X-Original-Method": "GET", **PAGE}
    assert inside.get("/_portal/wiki/auth-request", headers=sent, base_url=HOST).status_code == 403


def test_a_problem_is_forgotten_after_a_day(portal, inside, problems):
    inside.get("/_portal/wiki/auth-request", headers=PAGE, base_url=HOST)
    change_rows(portal, ProxyProblem, seen_at=now() - timedelta(hours=25))
    assert problems() == []


def test_new_hosts_let_a_problem_be_forgotten(portal, inside, problems):
    inside.get("/_portal/wiki/auth-request", headers=PAGE, base_url=HOST)
    with portal.app_context():
        catalogue.edit_application("wiki", {"hosts": [HOST, "http://wiki2.localhost:9000"]}, 1, by=Actor())
    assert problems() == []


def test_a_forged_header_that_arrives_is_noted(inside, problems):
    assert inside.forward(**{"Remote-User": "admin"}).headers["Remote-User"] == "zhangsan"
    assert problems() == [("forged", "Remote-User")]


def test_the_query_of_a_check_says_nothing(inside):
    """Caddy adds that of the client."""
    address = "/_portal/wiki/auth-request?to=/&name=x&host=http://evil.example&X-Original-URL=http://evil.example/"
    sent = {"X-Original-URL": f"{HOST}/", "X-Original-Method": "GET", **PAGE}
    assert inside.get(address, headers=sent, base_url=HOST).status_code == 200


def test_a_standard_port_may_stand_in_the_host(portal, visitor):
    add_application(portal, hosts=["https://wiki.example.com"])
    for host in ("https://wiki.example.com:443", "https://WIKI.example.com"):
        assert visitor.check(host=host).location == "https://wiki.example.com/_portal/wiki/start?to=/"
