"""What a visitor sends to pose as another, behind each proxy."""

import itertools

import pytest
from support.gate_visitors import PAGE, SCRIPT

IDENTITY = ("Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "Remote-Subject")
WAYS = {
    "as it is": lambda name: [(name, "admin")],
    "lower case": lambda name: [(name.lower(), "admin")],
    "upper case": lambda name: [(name.upper(), "admin")],
    "underscore": lambda name: [(name.replace("-", "_"), "admin")],
    "underscore, lower case": lambda name: [(name.replace("-", "_").lower(), "admin")],
    "dot": lambda name: [(name.replace("-", "."), "admin")],
    "repeated": lambda name: [(name, "admin"), (name, "root")],
    "named by Connection": lambda name: [(name, "admin"), ("Connection", name)],
    "only named by Connection": lambda name: [("Connection", name)],
    "named by Connection, with an upgrade": lambda name: [("Connection", f"Upgrade, {name}"), ("Upgrade", "other")],
}
REQUEST_HEADERS = {
    "X-Original-URL": "http://wiki.localhost/public",
    "X-Original-Method": "OPTIONS",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Uri": "/public",
    "X-Forwarded-Method": "OPTIONS",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "127.0.0.1",
    "X-Rewrite-URL": "/public",
    "Forwarded": "host=evil.example;proto=https",
}
HEALTH_CHECKERS = ("kube-probe/1.29", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Prometheus/2.0")
ODD_PATHS = ("/public/../admin", "/admin;/public", "/admin%2fpublic", "/admin#/public", "/?x=/public", "//admin")


@pytest.fixture(scope="module")
def inside(gate):
    """A visitor in the wiki, and what the wiki is told about the person."""
    visitor = gate.visit("zhangsan")
    return visitor, visitor.ask(f"{gate.wiki}/").list_identity()


@pytest.mark.parametrize("way", WAYS)
def test_no_word_of_a_visitor_about_who_it_is_arrives(gate, inside, way):
    """Envoy refuses names with _, and upgrades that it does not know."""
    visitor, told = inside
    for name in IDENTITY:
        answer = visitor.ask(f"{gate.wiki}/", (*PAGE, *WAYS[way](name)))
        if gate.title == "Envoy" and ("underscore" in way or "upgrade" in way):
            assert answer.status in (400, 403), name
        else:
            assert (answer.status, answer.list_identity()) == (200, told), name


@pytest.mark.parametrize("way", WAYS)
def test_no_such_word_lets_a_visitor_in(gate, way):
    for name in IDENTITY:
        answer = gate.visit().ask(f"{gate.wiki}/", (*SCRIPT, *WAYS[way](name)))
        assert answer.status in (400, 401, 403), name


@pytest.mark.parametrize("name", ["Cookie", "Accept", "Accept-Language", "X-Requested-With"])
def test_a_hundred_lines_of_a_header_let_nobody_in(gate, name):
    """A script in HAProxy would hand all of them on, and HAProxy 2.6 ends at a question with more than a hundred."""
    for lines in (70, 96, 97, 98, 99):
        answer = gate.visit().ask(f"{gate.wiki}/", (*SCRIPT, *[(name, f"a{number}=b") for number in range(lines)]))
        assert answer.status in (303, 400, 401, 431, 503), lines
    assert gate.visit().ask(f"{gate.wiki}/", SCRIPT).status == 401


def test_a_value_that_the_gate_does_not_send_is_not_filled_in(gate):
    """The person has no address that the company administers."""
    visitor = gate.visit("bob")
    told = visitor.ask(f"{gate.wiki}/", (*PAGE, ("Remote-Email", "admin@example.com"))).get_told("remote-email")
    assert told == []


@pytest.mark.parametrize("name", REQUEST_HEADERS)
def test_what_a_visitor_says_of_its_request_changes_no_verdict(gate, inside, name):
    spoof = (name, REQUEST_HEADERS[name])
    outside, (visitor, told) = gate.visit(), inside
    refused = outside.ask(f"{gate.wiki}/admin", (*SCRIPT, spoof))
    assert refused.status == 401
    assert refused.json["signInUrl"] == f"{gate.wiki}/_portal/{gate.name}/start?to=/"
    led = outside.ask(f"{gate.wiki}/admin", (*PAGE, spoof))
    assert (led.status, led.location) == (303, f"{gate.wiki}/_portal/{gate.name}/start?to=/admin")
    passed = visitor.ask(f"{gate.wiki}/admin", (*PAGE, spoof))
    assert (passed.status, passed.list_identity()) == (200, told)


@pytest.mark.parametrize("agent", HEALTH_CHECKERS)
def test_no_user_agent_is_let_in(gate, agent):
    assert gate.visit().ask(f"{gate.wiki}/", (*SCRIPT, ("User-Agent", agent))).status == 401


@pytest.mark.parametrize("path", ODD_PATHS)
def test_no_path_is_let_in(gate, inside, path):
    """Some proxies refuse such a path for everyone."""
    visitor, _ = inside
    refused, passed = gate.visit().ask(gate.wiki, SCRIPT, target=path), visitor.ask(gate.wiki, target=path)
    assert (refused.status, passed.status) in ((401, 200), (400, 400), (404, 404))


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "é" * 40, "a" * 8000, "%00", '"', "; portal"],
    ids=["empty", "short", "raw", "8 kB", "nul", "quote", "two"],
)
def test_a_wrong_cookie_counts_like_none(gate, cookie):
    visitor = gate.visit()
    visitor.cookies["wiki.localhost"] = {f"portal_{gate.name}": cookie.encode().decode("latin-1")}
    assert visitor.ask(f"{gate.wiki}/", SCRIPT).status in (400, 401)


def test_no_method_is_let_in(gate):
    for method, headers in itertools.product(("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"), (SCRIPT, PAGE)):
        answer = gate.visit().ask(f"{gate.wiki}/", headers, method)
        assert answer.status in (303, 401), method
