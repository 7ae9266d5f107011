"""Addresses of the portal at an application's host.

Behind each proxy, visitors reach three of its pages and nothing else.
"""

import pytest
from support.gate_visitors import PAGE, SCRIPT

CHECKS = ("auth-request", "forward-auth", "ext-authz", "ext-authz/", "ext-authz/page")
CLOSED = (
    *(f"/_portal/{{name}}/{page}" for page in (*CHECKS, "signed-out", "no-access", "other", "")),
    *(f"/_portal/{{name}}/{page}" for page in ("auth-request/", "forward-auth/", "start/", "enter/page", "sign-outs")),
    *("/_portal/other/start", "/_portal/other/forward-auth", "/_portal/start", "/_portal/"),
)
ODD = (
    *("/%5fportal/{name}/forward-auth", "/_portal/{name}/%66orward-auth", "/_portal%2f{name}%2fforward-auth"),
    *("//_portal/{name}/forward-auth", "/_portal//{name}/forward-auth", "/_PORTAL/{name}/forward-auth"),
    *("/./_portal/{name}/forward-auth", "/page/../_portal/{name}/forward-auth", "/..;/_portal/{name}/forward-auth"),
    *("/_portal/{name}/start/../forward-auth", "/_portal/{name}/start%2f..%2fforward-auth"),
    *("/_portal/{name}/start;/../forward-auth", "/_portal/{name}/start%0a", "/_portal/{name}/start%3f"),
)
AS_PROXIES_ASK = (  # a question with all it needs
    *(("X-Original-URL", "http://wiki.localhost/"), ("X-Original-Method", "GET")),
    *(("X-Forwarded-Uri", "/"), ("X-Forwarded-Method", "GET")),
)
PROBLEMS = """
SELECT kind, detail FROM proxy_problem
WHERE application_id = (SELECT id FROM application WHERE name = :name)
"""
NOT_FOUND = {("proxy", 404)}


@pytest.fixture(scope="module")
def inside(gate):
    return gate.visit("zhangsan")


@pytest.fixture
def ask(gate, inside):
    """A function that returns who answers at a path.

    First to a visitor outside, then to one inside.
    """

    def ask_as_all(path):
        target, ways = path.format(name=gate.name), (PAGE, SCRIPT, AS_PROXIES_ASK)
        visitors = (gate.visit(), inside)
        return [{tell_source(who.ask(gate.wiki, way, target=target)) for way in ways} for who in visitors]

    yield ask_as_all
    assert gate.site.sql(PROBLEMS, name=gate.name) == []


def tell_source(answer):
    """Return who answers, with the status.

    Answers of the portal have a content policy, or headers about the person.
    """
    if answer.headers.get_content_type() == "application/json" and "headers" in answer.json:
        return "application", answer.status
    told = [name for name in answer.headers if name.lower().startswith("remote-")]
    return ("portal" if "Content-Security-Policy" in answer.headers or told else "proxy"), answer.status


@pytest.mark.parametrize("path", CLOSED)
def test_the_proxy_itself_answers_404(ask, path):
    assert ask(path) == [NOT_FOUND, NOT_FOUND]


@pytest.mark.parametrize("path", ODD)
def test_an_odd_spelling_is_refused_or_asked_about(ask, path):
    """Proxies differ in what they take for the same address."""
    outside, inside = ask(path)
    if inside == {("application", 200)}:
        assert {status for source, status in outside} == {303, 401}
    else:
        assert outside == inside
        assert inside in (NOT_FOUND, {("portal", 404)})
