"""People with a browser pass the gate."""

import pytest
from playwright.sync_api import expect
from support.gate_site import run_gate_site
from support.in_app_page import CLIENT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

LONG = 60_000  # milliseconds


@pytest.fixture(scope="module")
def gate_site(tmp_path_factory, sandbox_process, browser):
    """A portal whose platform's pages are another site to the browser."""
    from support.chromium import SiteElements  # a plugin, which pytest must be the first to import

    folder = tmp_path_factory.mktemp("gate")
    database, options = f"sqlite:///{folder / 'portal.db'}", {"elements": SiteElements, "PORTAL_TRUSTED_PROXIES": "1"}
    with run_gate_site(folder, sandbox_process, database, **options) as site:
        yield site


@pytest.fixture
def portal(gate, sandbox_process):
    from support.chromium import Site

    return Site(gate.site.url, sandbox_process, gate.site.settings)


def sign_in(page, portal, address):
    """Sign in on the portal's page, and wait for the application."""
    page.get_by_role("link", name="Open the Feishu sign-in page").click()
    portal.at_platform(page)
    page.locator('input[name="person"][value="zhangsan"]').check()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(address)


def test_a_form_sent_after_the_sign_in_has_ended_is_not_lost(gate, portal, page, watch):
    address = f"{gate.wiki}/form/{gate.title}"
    page.goto(address)
    sign_in(page, portal, address)
    page.get_by_role("textbox").fill("long text")
    gate.site.sql("DELETE FROM login_session WHERE identity_id IS NOT NULL")
    watch.tolerated = ("Failed to load resource: the server responded with a status of 401 ",)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("What you sent was not lost.")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    sign_in(opened.value, portal, f"{gate.wiki}/")
    page.reload()
    expect(page.get_by_text("text=long+text")).to_be_visible()
    assert gate.site.echo.count("POST", f"/form/{gate.title}") == 1


def test_inside_the_client_an_application_opens_with_nothing_to_press(gate, portal, browse, sandbox_process):
    """The page inside the client sends a form, and its policy names the application's host."""
    sandbox_process.client("feishu", "bob")
    page = browse(user_agent=CLIENT["feishu"])
    page.goto(f"{gate.wiki}/form/inside")
    page.wait_for_url(f"{gate.wiki}/form/inside")
    expect(page.get_by_role("textbox")).to_be_visible()


def test_twenty_tabs_that_open_together_all_arrive(gate, portal, page, watch):
    """Those whose nonce another one has replaced start again by themselves."""
    watch.tolerated = ("Failed to load resource: the server responded with a status of 400 ",)
    page.goto(f"{gate.wiki}/form")
    sign_in(page, portal, f"{gate.wiki}/form")
    page.context.clear_cookies(domain="wiki.localhost")
    tabs = [page.context.new_page() for _ in range(20)]
    for number, tab in enumerate(tabs):
        tab.evaluate(f"location.href = '{gate.wiki}/form?tab={number}'")
    for number, tab in enumerate(tabs):
        tab.wait_for_url(f"{gate.wiki}/form?tab={number}", timeout=LONG)
        expect(tab.get_by_role("button", name="Send")).to_be_visible(timeout=LONG)


def test_another_applications_door_is_no_cookie_of_this_one(gate, portal, page):
    for origin in (gate.wiki, gate.docs):
        page.goto(f"{origin}/form")
        if origin == gate.wiki:
            sign_in(page, portal, f"{origin}/form")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
    for short, host in (("wiki", "wiki.localhost"), ("docs", "docs.localhost")):
        held = [cookie for cookie in page.context.cookies() if cookie["domain"].endswith(host)]
        names = {cookie["name"] for cookie in held if gate.title.lower() in cookie["name"]}
        assert {f"portal_{gate.title.lower()}-{short}"} <= names
        assert {cookie["domain"] for cookie in held} == {host}
        assert {(cookie["httpOnly"], cookie["sameSite"]) for cookie in held} == {(True, "Lax")}
