"""The pages as people meet them: on a phone, by keyboard, in the dark, and in their language."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from support.page_checks import FINGER, PALE_TEXT, TOO_LOW_FOR_A_FINGER, WIDER_THAN_THE_SCREEN
from support.panel_page import expect_panel

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

PHONE = {"width": 320, "height": 640}

FOCUS = """() => {
  const node = document.activeElement, style = getComputedStyle(node), box = node.getBoundingClientRect();
  return {
    number: [...document.querySelectorAll("*")].indexOf(node),
    tag: node.tagName, href: node.getAttribute("href"), text: node.innerText,
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    seen: box.left >= 0 && box.right <= innerWidth && box.top >= 0 && Math.floor(box.bottom) <= innerHeight,
  };
}"""

# How to get to each page


def login(page, pages, watch):
    page.goto(f"{pages.site.url}/login")
    expect(page.frame_locator("iframe").get_by_role("img")).to_be_visible()


def login_by_link(page, pages, watch):
    page.goto(f"{pages.site.url}/login?via=QywxInnerExample")
    if page.evaluate("innerWidth") > 800:  # a phone has no panel
        expect_panel(page)


def nothing_here(page, pages, watch):
    watch.expect(404, "/nowhere")
    page.goto(f"{pages.site.url}/nowhere")


def cancelled(page, pages, watch):
    watch.expect(400, "/login/FSInnerExample/callback")
    page.goto(f"{pages.site.url}/login/FSInnerExample")
    page.goto(f"{page.url}&person=zhangsan&action=deny")


def waiting(page, pages, watch):
    page.goto(f"{pages.asking_site.url}/login/FSInnerExample")
    page.goto(f"{page.url}&person=hostile&action=allow")


def account(page, pages, watch):
    page.context.add_cookies(pages.cookies)
    page.goto(f"{pages.site.url}/account")


def one_time_link(page, pages, watch):
    page.goto(pages.link)


def spent_link(page, pages, watch):
    watch.expect(410, "/login/once/spent")
    page.goto(f"{pages.site.url}/login/once/spent")


class Pages:
    """What it takes to get to each page without a detour: two portals, somebody signed in, a link for somebody."""

    def __init__(self, site, asking_site, browser):
        self.site, self.asking_site = site, asking_site
        self.link = site.one_time_link("an-administrator-with-a-name-as-long-as-a-username-may-be-which-is-64"[:64])
        context = browser.new_context()
        site.sign_in(context.new_page(), person="hostile")
        self.cookies = [cookie for cookie in context.cookies(site.url) if cookie["name"] == "portal_session"]
        context.close()


@pytest.fixture(scope="module")
def pages(site, asking_site, browser):
    return Pages(site, asking_site, browser)


def on_each(*pages):
    return pytest.mark.parametrize("reach", pages, ids=lambda page: page.__name__)


every_page = on_each(login, login_by_link, nothing_here, cancelled, waiting, account, one_time_link, spent_link)


REFUSED = {nothing_here: (404, "/nowhere"), spent_link: (410, "/login/once/spent")}  # a page -> how it is answered


def expect_language(page, lang):
    """Wait for the page in that language, with the switch saying the same where there is one."""
    expect(page.locator("html")).to_have_attribute("lang", lang)
    if page.locator("header .languages").count():
        expect(page.locator("header [aria-pressed=true]")).to_have_attribute("value", lang[:2])


# On a phone


@every_page
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_narrow_screen_is_wide_enough_and_a_finger_hits_everything(pages, browse, watch, reach, locale):
    page = browse(locale=locale, viewport=PHONE)
    reach(page, pages, watch)
    expect_language(page, locale.removesuffix("-US"))
    for fold in page.locator("summary").all():
        fold.click()
    assert page.evaluate(WIDER_THAN_THE_SCREEN) == []
    assert page.evaluate(TOO_LOW_FOR_A_FINGER, FINGER) == []


# By keyboard


@every_page
def test_the_keyboard_reaches_everything_and_shows_where_it_is(pages, browse, watch, reach):
    page = browse()
    reach(page, pages, watch)
    to_reach = page.locator("a:visible, button:visible, summary:visible, input:visible").count()
    stops = []
    while len(stops) < to_reach:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop["tag"] != "IFRAME":  # what is in the platform's frame, the platform shows
            stops.append(stop)
    assert len({stop["number"] for stop in stops}) == to_reach
    assert [stop for stop in stops if stop["tag"] == "BODY" or stop["outline"] < 2 or not stop["seen"]] == []
    assert stops[0]["href"] == "#main"


def follow_by_keyboard(page, href):
    for _ in range(40):  # the platform's frame has stops of its own
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS)["href"] == href:
            return page.keyboard.press("Enter")
    raise AssertionError(f"the key Tab does not lead to {href}")


def test_a_login_begins_by_keyboard_alone(site, page):
    page.goto(f"{site.url}/login")
    follow_by_keyboard(page, "/login?via=QywxInnerExample")
    page.wait_for_url(f"{site.url}/login?via=QywxInnerExample")
    follow_by_keyboard(page, "/login/QywxInnerExample")
    site.at_platform(page)
    assert urlsplit(page.url).path == "/wwlogin/sso/login"


# Light and dark


@pytest.mark.parametrize(("scheme", "brightness"), [("light", range(230, 256)), ("dark", range(0, 50))])
def test_the_pages_are_as_light_or_dark_as_the_system(site, browse, scheme, brightness):
    page = browse(color_scheme=scheme)
    page.goto(f"{site.url}/login")
    for node in ("body", ".card"):
        ground = page.locator(node).evaluate("(node) => getComputedStyle(node).backgroundColor")
        assert all(int(part) in brightness for part in re.findall(r"\d+", ground)), (node, ground)


@every_page
def test_every_text_stands_out_from_its_ground(pages, page, watch, reach):
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    reach(page, pages, watch)
    assert page.evaluate(PALE_TEXT) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate(PALE_TEXT) == []


# Language


@pytest.mark.parametrize(("locale", "lang"), [("zh-CN", "zh-CN"), ("zh-TW", "zh-CN"), ("en-GB", "en"), ("fr-FR", "en")])
def test_the_pages_speak_the_browsers_language(site, browse, locale, lang):
    page = browse(locale=locale)
    page.goto(f"{site.url}/login")
    expect_language(page, lang)


@pytest.mark.parametrize(("locale", "choice", "lang"), [("zh-CN", "English", "en"), ("en-US", "中文", "zh-CN")])
def test_the_chosen_language_stays(site, browse, locale, choice, lang):
    page = browse(locale=locale)
    page.goto(f"{site.url}/login")
    expect_language(page, locale.removesuffix("-US"))
    page.locator("header").get_by_role("button", name=choice).click()
    expect_language(page, lang)
    expect(page).to_have_url(f"{site.url}/login")
    site.sign_in(page, "QywxInnerExample", "lisi")
    expect_language(page, lang)
    page.locator("header form").last.get_by_role("button").click()
    page.wait_for_url(f"{site.url}/login")
    expect_language(page, lang)
    another_tab = page.context.new_page()
    another_tab.goto(f"{site.url}/login")
    expect_language(another_tab, lang)


@on_each(nothing_here, waiting, account, one_time_link, spent_link)
def test_changing_the_language_keeps_the_page(pages, browse, watch, reach):
    page = browse(locale="zh-CN")
    reach(page, pages, watch)
    before = page.url
    if reach in REFUSED:
        watch.expect(*REFUSED[reach])
    page.locator("header").get_by_role("button", name="English").click()
    expect_language(page, "en")
    expect(page).to_have_url(before)


def test_a_refusal_that_cannot_be_opened_again_has_no_switch(pages, browse, watch):
    page = browse(locale="zh-CN")
    cancelled(page, pages, watch)
    expect_language(page, "zh-CN")
    expect(page.locator("header .languages")).to_have_count(0)
