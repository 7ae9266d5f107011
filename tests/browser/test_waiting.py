"""An unknown person scans, an administrator approves elsewhere, and the page of the scan signs in."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from support.axe import RUN_AXE
from support.page_checks import WIDER_THAN_THE_SCREEN

pytest_plugins = ["support.chromium", "support.administrator_site"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
POLL = 10_000  # milliseconds between two questions
NEXT = "/account?from=waiting"
BIND = "UPDATE identity SET account_id = (SELECT id FROM account WHERE username = 'root') WHERE user_id = ?"
UNBIND = "UPDATE identity SET account_id = NULL, last_account_id = NULL"


@pytest.fixture(autouse=True)
def fresh(office, rows):
    office.sandbox.reset()
    rows(UNBIND)
    rows("DELETE FROM binding_request")


@pytest.fixture
def wait(office, browse):
    """Return a function that scans as an unknown person, whose page's clock the test moves on."""

    def scan(user_id="bob", **options):
        page = browse(**options)
        if options.get("java_script_enabled", True):
            page.clock.install()
        page.goto(f"{office.url}/login/QywxInnerExample?next={quote(NEXT)}")
        office.answer(page, user_id)
        page.wait_for_url(f"{office.url}/login/waiting")
        return page

    return scan


def get_heading(page):
    return page.get_by_role("heading", level=1)


@script
def test_the_page_signs_in_after_the_approval(office, desk, wait, java_script_enabled):
    visitor = wait("bob" if java_script_enabled else "carol", java_script_enabled=java_script_enabled)
    expect(get_heading(visitor)).to_have_text("Waiting for approval")
    visitor.locator("header").get_by_role("button", name="中文").click()
    expect(get_heading(visitor)).to_have_text("待审批")
    expect(visitor).to_have_url(f"{office.url}/login/waiting")

    page = desk()
    page.goto(f"{office.url}/admin/queue")
    page.locator("main").get_by_role("button", name="Create account", exact=False).first.click()
    expect(page.get_by_role("status").get_by_text("now has the account")).to_be_visible()

    if java_script_enabled:
        visitor.clock.fast_forward(POLL)
    else:
        visitor.get_by_role("link", name="刷新状态").click()
        expect(get_heading(visitor)).to_have_text("申请已通过")
        visitor.locator("main").get_by_role("button", name="登录").click()
    visitor.wait_for_url(office.url + NEXT)


def test_a_refusal_is_shown_with_its_reason(rows, wait):
    page = wait()
    rows("UPDATE binding_request SET state = 'refused', reason = 'Ask your own team.'")
    page.clock.fast_forward(POLL)
    expect(page.get_by_text("Ask your own team.")).to_be_visible()


def test_a_lost_connection_is_told_and_overcome(rows, wait, watch):
    page = wait()
    status = page.get_by_role("status")
    watch.tolerated = ("Failed to load resource: net::ERR_INTERNET_DISCONNECTED",)
    page.context.set_offline(True)
    page.clock.fast_forward(POLL)
    expect(status.get_by_text("Connection lost.")).to_be_visible()
    page.context.set_offline(False)
    page.clock.fast_forward(POLL)
    expect(status.get_by_text("This page checks by itself")).to_be_visible()
    rows(BIND, "bob")
    page.clock.fast_forward(POLL)
    page.wait_for_url(f"**{NEXT}")


def test_an_unseen_page_asks_nothing(wait):
    page = wait()
    asked = []
    page.on("request", lambda request: "favicon" in request.url or asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.fast_forward(10 * POLL)
    assert asked == []
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'visible' })")
    with page.expect_response("**/api/waiting**"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("why", ["too old", "replaced"])
def test_the_end_is_told(wait, why):
    page = wait()
    if why == "replaced":
        page.context.clear_cookies(name="portal_waiting")
    page.clock.fast_forward(POLL if why == "replaced" else 31 * 60_000)
    expect(get_heading(page)).to_have_text("Please scan again")
    asked = []
    page.on("request", lambda request: "favicon" in request.url or asked.append(request.url))
    page.clock.fast_forward(10 * POLL)
    assert asked == []
    page.get_by_role("link", name="Other ways to sign in").click()
    page.wait_for_url("**/login?next=**")


def test_the_reference_is_copied_by_a_click(wait, rows):
    page = wait(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == rows("SELECT reference FROM binding_request")[0][0]


def approved(page, rows):
    rows(BIND, "bob")
    page.reload()


def refused(page, rows):
    rows("UPDATE binding_request SET state = 'refused', reason = 'Ask your own team.'")
    page.reload()


def ended(page, rows):
    page.clock.fast_forward(31 * 60_000)


def waiting(page, rows):
    pass


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("reach", [waiting, approved, refused, ended], ids=lambda reach: reach.__name__)
def test_every_state_is_accessible_and_fits(wait, rows, axe, locale, reach):
    page = wait(locale=locale, reduced_motion="reduce")
    reach(page, rows)
    expect(get_heading(page)).to_have_count(1)
    for width in (320, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(WIDER_THAN_THE_SCREEN) == []
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(RUN_AXE) == [], scheme
