"""Two applications on two domains over https, and the portal behind its own nginx."""

import pytest
from playwright.sync_api import expect
from support.authority import Authority
from support.deployment import Nginx
from support.gate_proxies import NginxGate
from support.gate_site import run_gate_site
from support.gate_visitors import Visitor
from support.postgres import find_free_port

pytest_plugins = ["support.chromium"]
pytestmark = [pytest.mark.browser, pytest.mark.nginx]

WIKI, DOCS = "https://wiki.example.com", "https://docs.example.net"
ATTRIBUTES = {"path": "/", "secure": True, "httpOnly": True, "sameSite": "Lax"}


@pytest.fixture(scope="module")
def gate_site(tmp_path_factory, sandbox_process, browser):
    """The portal behind nginx as it is shipped, and an nginx with the two snippets."""
    from support.chromium import SiteElements  # a plugin, which pytest must be the first to import

    folder, port = tmp_path_factory.mktemp("gate"), find_free_port()
    database = f"sqlite:///{folder / 'portal.db'}"
    url = f"https://127.0.0.1:{port}"
    certificate = Authority(folder).certify()
    (folder / "front").mkdir()
    options = {"elements": SiteElements, "url": url, "PORTAL_TRUSTED_PROXIES": "1"}
    with run_gate_site(folder, sandbox_process, database, **options) as site:
        front = Nginx(folder / "front", [site.portal.port], certificate, port)
        try:
            front.start(find_free_port())
            site.proxies["nginx"] = NginxGate(folder / "nginx", certificate)
            site.serve(site.proxies["nginx"], {"wiki": WIKI, "docs": DOCS})
            yield site
        finally:
            front.stop()


@pytest.fixture
def page(gate_site, open_mapped, watch, sandbox_process):
    """A page of a browser for which both domains are here.

    The sandbox has no https, and Chromium says so of the picture in its QR frame.
    """
    watch.tolerated = (f"Mixed Content: The page at '{sandbox_process.site_url}/",)
    return open_mapped("*.example.*", gate_site.proxies["nginx"].port)


def enter(page, gate_site, address, person="zhangsan"):
    """Open an application, sign in on the way, and wait until it answers."""
    page.goto(address)
    page.get_by_role("link", name="Open the Feishu sign-in page").click()
    page.wait_for_url(f"{gate_site.sandbox.site_url}/**")
    page.locator(f'input[name="person"][value="{person}"]').check()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(address)


def get_cookies(page, host):
    """Return the cookies that a browser would send to a host, by name."""
    return {cookie["name"]: cookie for cookie in page.context.cookies(f"https://{host}/")}


def test_each_application_has_a_cookie_of_its_own_host(gate_site, page):
    enter(page, gate_site, f"{WIKI}/form?a=1&b=%20")
    page.goto(f"{DOCS}/form")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    for host, name in (("wiki.example.com", "nginx-wiki"), ("docs.example.net", "nginx-docs")):
        held = get_cookies(page, host)
        assert set(held) == {f"__Host-portal_{name}", f"__Host-portal_{name}_start"}
        for cookie in held.values():
            assert cookie["domain"] == host
            assert {key: cookie[key] for key in ATTRIBUTES} == ATTRIBUTES
    for parent in ("example.com", "example.net", "other.example.com"):
        assert get_cookies(page, parent) == {}
    assert page.evaluate("document.cookie") == ""


def test_a_ticket_of_another_browser_signs_nobody_in(gate_site, page, watch):
    """Who follows a link of an attacker does not become the attacker."""
    watch.tolerated += ("Failed to load resource: the server responded with a status of 40",)
    attacker = Visitor(gate_site.url, gate_site.proxies["nginx"].port)
    attacker.sign_in("zhangsan")
    start = attacker.ask(f"{WIKI}/form").location
    ticket = attacker.ask(attacker.ask(start).location).location
    assert ticket.startswith(f"{WIKI}/_portal/nginx-wiki/enter?ticket=")
    assert page.goto(ticket).status == 400
    page.goto(f"{WIKI}/form")  # the browser gets a nonce of its own
    expect(page.get_by_role("link", name="Open the Feishu sign-in page")).to_be_visible()
    assert page.goto(ticket).status == 400
    assert "__Host-portal_nginx-wiki" not in get_cookies(page, "wiki.example.com")
    assert attacker.ask(ticket).location == f"{WIKI}/form"
