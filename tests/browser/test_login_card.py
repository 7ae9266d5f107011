"""The card of the login page stays where it is, and everything on it is in sight."""

import pytest
from playwright.sync_api import expect
from support.many_logins import add_logins
from support.portal_app import QR_SCRIPT
from support.qr_page import get_frame, open_login

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><path d="M0 0h90v30z"/></svg>'
RECORD_SHIFTS = """window.shifts = 0;
new PerformanceObserver((list) => list.getEntries().forEach((each) => { shifts += each.value; }))
  .observe({ type: "layout-shift", buffered: true });"""
SIZES = [(1280, 860), (1366, 640), (1280, 560), (1000, 800), (375, 760)]


@pytest.fixture(scope="module")
def site(run_site, tmp_path_factory):
    """A portal with a logo."""
    logo = tmp_path_factory.mktemp("logo") / "logo.svg"
    logo.write_text(SVG)
    return run_site(PORTAL_LOGO=str(logo), PORTAL_TITLE="Spruce Works", PORTAL_UNKNOWN_PEOPLE="create")


@pytest.fixture(scope="module")
def crowded(run_site):
    """A portal with fifty logins."""
    return run_site(add=add_logins(50))


@pytest.fixture(autouse=True)
def clean_sandbox(sandbox_process):
    sandbox_process.reset()


def place_of(page, selector):
    """Return where a part of the page is, without its size."""
    box = page.locator(selector).bounding_box()
    return round(box["x"]), round(box["y"])


def find_bottom(page, selector):
    box = page.locator(selector).bounding_box()
    return box["y"] + box["height"]


@pytest.mark.parametrize("size", SIZES)
def test_the_tabs_stay_under_the_pointer(site, browse, watch, size):
    page = browse(viewport=dict(zip(("width", "height"), size, strict=True)))
    open_login(page, site)
    with_code = place_of(page, "nav.tabs"), place_of(page, "nav.tabs a:last-child")
    page.locator("nav.tabs a:last-child").click()
    expect(page.locator("nav.tabs a:last-child")).to_have_attribute("aria-current", "true")
    assert (place_of(page, "nav.tabs"), place_of(page, "nav.tabs a:last-child")) == with_code
    watch.expect("net::ERR_BLOCKED_BY_CLIENT", QR_SCRIPT)
    page.route(f"**{QR_SCRIPT}", lambda route: route.abort("blockedbyclient"))
    page.goto(f"{site.url}/login?via=FSInnerExample")
    expect(page.locator("#no-code [data-when=blocked]")).to_be_visible()
    assert (place_of(page, "nav.tabs"), place_of(page, "nav.tabs a:last-child")) == with_code


@pytest.mark.parametrize("size", [(1366, 640), (1280, 860)])
def test_nothing_moves_while_the_code_comes(site, browse, size):
    page = browse(viewport=dict(zip(("width", "height"), size, strict=True)))
    page.add_init_script(RECORD_SHIFTS)
    open_login(page, site)
    assert page.evaluate("shifts") == 0


def test_both_tabs_have_cards_of_one_height(site, browse):
    page = browse(viewport={"width": 1280, "height": 860})
    open_login(page, site)
    with_code = page.locator(".card").bounding_box()
    page.goto(f"{site.url}/login?via=QywxInnerExample")
    assert page.locator(".card").bounding_box() == with_code


@pytest.mark.parametrize("path", ["/login", "/login?via=QywxInnerExample"])
def test_everything_is_in_sight_on_a_low_screen(site, browse, path):
    page = browse(viewport={"width": 1280, "height": 560}, locale="zh-CN")
    page.goto(site.url + path)
    assert page.evaluate("document.documentElement.scrollHeight") <= 560


def test_the_words_stand_right_of_the_code(site, browse):
    page = browse(viewport={"width": 1280, "height": 860})
    open_login(page, site)
    code, words = page.locator(".scan-box").bounding_box(), page.locator(".scan-words").bounding_box()
    assert code["x"] + code["width"] < words["x"]
    page.set_viewport_size({"width": 880, "height": 860})
    assert find_bottom(page, ".scan-box") < page.locator(".scan-words").bounding_box()["y"]


@pytest.mark.parametrize("size", [(1280, 860), (375, 760)])
@pytest.mark.parametrize("path", ["/login", "/login?via=F47"])
def test_with_fifty_logins_the_code_is_on_the_first_screen(crowded, browse, size, path):
    page = browse(viewport=dict(zip(("width", "height"), size, strict=True)))
    open_login(page, crowded, path)
    assert find_bottom(page, ".scan-box") <= size[1]
    expect(page.locator("nav.tabs a")).to_have_count(3)
    assert find_bottom(page, "nav.tabs [aria-current]") <= size[1]


def test_the_others_of_fifty_are_found_by_a_word(crowded, page):
    page.goto(f"{crowded.url}/login")
    page.get_by_text("Other ways to sign in (47)").click()
    field = page.get_by_role("searchbox", name="Filter the list")
    entries = page.locator(".other-ways li:visible")
    expect(entries).to_have_count(47)
    field.fill("office 11")
    expect(entries).to_have_count(1)
    field.fill("feishu office 2")
    expect(page.locator(".other-ways [data-group]:visible")).to_have_count(1)
    field.fill("nothing like it")
    expect(page.get_by_text("No results")).to_be_visible()
    field.fill("office 11")
    entries.get_by_role("link").click()
    expect(page.locator("nav.tabs a").first).to_have_text("Feishu · Office 11")
    expect(page.locator("nav.tabs a").first).to_have_attribute("aria-current", "true")
    expect(get_frame(page).get_by_alt_text("QR code")).to_be_visible()


def test_the_others_are_a_plain_list_without_a_script(crowded, browse):
    page = browse(java_script_enabled=False)
    page.goto(f"{crowded.url}/login")
    page.get_by_text("Other ways to sign in (47)").click()
    expect(page.locator("main").get_by_role("searchbox")).to_be_hidden()
    page.locator(".other-ways").get_by_role("link", name="Office 47").click()
    expect(page.locator("nav.tabs a").first).to_have_text("Feishu · Office 47")


def test_signing_out_is_told_and_moves_nothing(site, browse):
    page = browse(viewport={"width": 1280, "height": 860})
    open_login(page, site)
    there = place_of(page, ".card")
    site.sandbox.qr("confirm", "bob")
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status").filter(has_text="You are signed out.")).to_be_visible()
    assert place_of(page, ".card") == there
    page.reload()
    expect(page.get_by_text("You are signed out.")).to_have_count(0)
