"""What all pages share: header, menu, skip link, sizes, forced colours and paper."""

import re

import pytest
from playwright.sync_api import expect
from support.axe import check_page
from support.large_company import fill_company
from support.page_checks import FINGER

import app as portal_app
from portal.database import write

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

MOUSE = 36  # pixels
PHONE = {"viewport": {"width": 375, "height": 760}, "has_touch": True, "is_mobile": True}
LONG_NAME = "阿卜杜热西提·买买提江·吐尔逊古丽" * 12
PAGES = ("bindings", "queue", "accounts", "directory", "applications", "elements", "audit")
CONTROLS = "header .quiet:visible, .pages a, main button:visible, main select:visible, main input[type=search]"
COLOURS = """(node) => {
  const { color, backgroundColor, borderBottomColor } = getComputedStyle(node);
  return { color, backgroundColor, borderBottomColor };
}"""
SYSTEM_COLOUR = """(name) => {
  const probe = document.createElement("i");
  probe.style.color = name;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}"""
FOCUSED_IN = "(place) => document.activeElement.closest(place) !== null"
SIZE_OF_MARK = """(kind) => {
  const state = document.createElement("span");
  state.className = `state state-${kind}`;
  document.querySelector("main").append(state);
  const style = getComputedStyle(state, "::before");
  const sides = [style.width, style.borderLeftWidth, style.borderRightWidth].map(parseFloat);
  return style.boxSizing === "border-box" ? Math.max(sides[0], sides[1] + sides[2]) : sides.reduce((a, b) => a + b);
}"""


@pytest.fixture(scope="module")
def company(office):
    """A company of 300 people in the office's portal."""
    with portal_app.create_app(office.settings).app_context(), write() as session:
        fill_company(session, people=300, strong=20, weak=5, conflicts=2, waiting=12, departed=3)


def bottom_of(page, selector):
    return page.locator(selector).evaluate("(node) => node.getBoundingClientRect().bottom")


def top_of(page, selector):
    return page.locator(selector).evaluate("(node) => node.getBoundingClientRect().top")


def has_no_sideways_scrolling(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# The menu


@pytest.mark.parametrize("name", PAGES)
def test_the_skip_link_leads_past_the_menu(office, desk, name):
    page = desk()
    page.goto(f"{office.url}/admin/{name}")
    expect(page.locator(".pages nav")).to_be_visible()
    expect(page.locator("main .pages")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED_IN, "main")


def test_a_person_belongs_to_the_bindings(office, desk, company):
    page = desk()
    page.goto(f"{office.url}/admin/people/10000")
    expect(page.locator(".pages [aria-current]")).to_have_text("Bindings")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_header_and_menu_are_two_lines_on_a_phone(office, desk, company, name, script):
    page = desk(java_script_enabled=script, **PHONE)
    page.goto(f"{office.url}/admin/{name}")
    assert bottom_of(page, ".pages") <= 110
    assert has_no_sideways_scrolling(page)
    current = page.locator(".pages [aria-current]").bounding_box()
    assert current["x"] > -1 and current["x"] + current["width"] <= PHONE["viewport"]["width"]


def test_the_account_menu_opens_and_closes_without_a_script(office, desk):
    page = desk(java_script_enabled=False, **PHONE)
    page.goto(f"{office.url}/admin/accounts")
    sign_out = page.get_by_role("banner").get_by_role("button", name="Sign out")
    menu = page.get_by_role("banner").locator("summary")
    expect(sign_out).to_be_hidden()
    menu.tap()
    expect(sign_out).to_be_visible()
    for name in ("root", "Administration"):
        expect(page.get_by_role("banner").get_by_role("link", name=name)).to_be_visible()
    menu.tap()
    expect(sign_out).to_be_hidden()
    menu.tap()
    page.get_by_role("banner").get_by_role("button", name="中文").tap()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


@pytest.mark.parametrize("width", [320, 375, 800, 1280, 1600])
def test_a_long_name_stays_on_one_line(office, desk, rows, width):
    page = desk(viewport={"width": width, "height": 800})
    page.goto(f"{office.url}/admin/accounts")
    height = bottom_of(page, "header")
    rows("UPDATE account SET name = ? WHERE username = 'root'", LONG_NAME)
    page.reload()
    assert bottom_of(page, "header") == height
    assert has_no_sideways_scrolling(page)
    expect(page.locator("header .own-name")).to_have_attribute("title", LONG_NAME)
    rows("UPDATE account SET name = '' WHERE username = 'root'")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("width", [1024, 1280])
def test_the_whole_menu_is_in_sight_on_a_computer(office, desk, company, width, locale):
    page = desk(locale=locale, viewport={"width": width, "height": 800})
    page.goto(f"{office.url}/admin/accounts")
    assert page.locator(".pages ul").evaluate("(list) => list.scrollWidth <= list.clientWidth")


# Sizes


@pytest.mark.parametrize(("options", "least"), [({}, MOUSE), (PHONE, FINGER)], ids=["mouse", "finger"])
def test_controls_fit_what_points_at_them(office, desk, company, options, least):
    page = desk(**options)
    page.goto(f"{office.url}/admin/accounts")
    heights = {round(node.bounding_box()["height"]) for node in page.locator(CONTROLS).locator("visible=true").all()}
    assert min(heights) == least
    assert max(heights) <= least + 3  # the menu's entries have a line below them


def test_a_line_of_two_rows_is_54_pixels_high_and_keeps_words_whole(office, desk, rows, company):
    page = desk(locale="zh-CN", viewport={"width": 1280, "height": 860})
    rows("UPDATE account SET name = ? WHERE id = 10000", LONG_NAME)
    page.goto(f"{office.url}/admin/accounts")
    heights = [round(row.bounding_box()["height"]) for row in page.locator("tbody tr").all()[2:20]]
    assert max(heights) <= 55
    words = page.locator("tbody td .row-link, tbody td .state, tbody td time").all()
    assert [word.inner_text() for word in words if word.evaluate("(node) => node.getClientRects().length") > 1] == []
    assert has_no_sideways_scrolling(page)
    rows("UPDATE account SET name = '' WHERE id = 10000")


def test_marks_of_states_have_one_size(office, desk):
    page = desk()
    page.goto(f"{office.url}/admin/accounts")
    sizes = [page.evaluate(SIZE_OF_MARK, kind) for kind in ("good", "wait", "bad", "off", "maybe", "no")]
    assert max(sizes) - min(sizes) < 2 and min(sizes) >= 9


# Filters


def test_filters_fold_on_a_phone_and_tell_how_many_are_set(office, desk, company):
    page = desk(java_script_enabled=False, **PHONE)
    page.goto(f"{office.url}/admin/accounts?role=admin&state=active")
    expect(page.locator(".more-filters summary")).to_contain_text("Filters 2")
    expect(page.get_by_label("Username, name or employee number")).to_be_visible()
    expect(page.get_by_label("Role")).to_be_hidden()
    page.locator(".more-filters summary").tap()
    page.get_by_label("Role").select_option("user")
    page.get_by_role("button", name="Filter").tap()
    expect(page).to_have_url(re.compile("role=user"))


@pytest.mark.parametrize("name", ["accounts", "audit"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_filters_are_one_line_and_say_what_they_are(office, desk, company, name, locale):
    page = desk(locale=locale, viewport={"width": 1280, "height": 860})
    page.goto(f"{office.url}/admin/{name}")
    assert page.locator(".filters").bounding_box()["height"] == MOUSE
    for choice in page.locator(".filters select").all():
        assert re.fullmatch("[^:：]+(: any|：不限)", choice.evaluate("(node) => node.options[0].text"))
    expect(page.locator(".filters input[type=search]")).to_have_attribute("placeholder", re.compile("."))


# Under axe-core


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("name", ["accounts", "audit"])
def test_axe_finds_nothing_with_menu_and_filters_open(office, desk, company, axe, name, locale):
    page = desk(locale=locale, viewport=PHONE["viewport"], reduced_motion="reduce")
    page.goto(f"{office.url}/admin/{name}")
    page.locator("header summary").click()
    page.locator(".more-filters summary").click()
    check_page(page, axe)


# Messages and confirmations


def test_a_message_stands_below_the_heading(office, desk, company):
    page = desk()
    page.goto(f"{office.url}/admin/accounts/10000/disable")
    page.get_by_role("button", name="Disable account").click()
    expect(page.get_by_role("status")).to_contain_text("disabled")
    menu = top_of(page, ".pages")
    assert top_of(page, "[role=status]") > bottom_of(page, "h1")
    page.reload()
    expect(page.get_by_role("status")).to_have_count(0)
    assert top_of(page, ".pages") == menu


@pytest.mark.parametrize("path", ["accounts/10001/disable", "bindings/10051/unbind"])
def test_a_confirmation_names_the_act_first_and_focuses_nothing(office, desk, company, path):
    page = desk()
    page.goto(f"{office.url}/admin/{path}")
    act, way_out = page.locator(".decision .toolbar").locator("button, a").all()
    assert act.bounding_box()["x"] < way_out.bounding_box()["x"]
    assert "button-danger" in act.get_attribute("class")
    assert page.evaluate("document.activeElement === document.body")
    card = page.locator(".decision").bounding_box()
    assert abs(card["x"] + card["width"] / 2 - page.viewport_size["width"] / 2) < 10


# Colours that the system dictates


@pytest.mark.parametrize(
    ("current", "other"),
    [
        (".pages [aria-current]", ".pages a:not([aria-current]) >> nth=0"),
        (".counters [aria-current]", ".counters a:not([aria-current]) >> nth=0"),
        ("header [aria-pressed=true]", "header [aria-pressed=false]"),
    ],
    ids=["menu", "counters", "language"],
)
def test_what_is_chosen_is_told_in_forced_colours(office, desk, company, current, other):
    page = desk()
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    page.goto(f"{office.url}/admin/accounts")
    chosen, rest = (page.locator(which).evaluate(COLOURS) for which in (current, other))
    highlight = page.evaluate(SYSTEM_COLOUR, "Highlight")
    assert chosen["backgroundColor"] == highlight != rest["backgroundColor"]
    assert chosen["color"] == page.evaluate(SYSTEM_COLOUR, "HighlightText")


def test_forced_colours_underline_no_other_entry(office, desk):
    page = desk()
    page.emulate_media(forced_colors="active")
    page.goto(f"{office.url}/admin/accounts")
    ground = page.locator("body").evaluate(COLOURS)["backgroundColor"]
    for entry in page.locator(".pages a:not([aria-current])").all():
        assert entry.evaluate(COLOURS)["borderBottomColor"] == ground


# Paper


def test_fifty_people_are_four_sheets_of_paper(office, desk, company):
    page = desk(color_scheme="dark")
    page.goto(f"{office.url}/admin/bindings")
    expect(page.locator("tbody tr")).to_have_count(50)
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 1 <= sheets <= 4
    page.emulate_media(media="print")
    for chrome in ("header", ".pages", ".filters", ".counters", "main button"):
        assert [node for node in page.locator(chrome).all() if node.is_visible()] == [], chrome
    expect(page.locator("h1")).to_be_visible()
    assert page.locator("thead").evaluate("(node) => getComputedStyle(node).display") == "table-header-group"
    assert page.locator("body").evaluate(COLOURS) | {"borderBottomColor": ""} == {
        **{"color": "rgb(0, 0, 0)", "backgroundColor": "rgb(255, 255, 255)", "borderBottomColor": ""}
    }


# Search engines


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_login_page_describes_itself(office, browse, locale):
    page = browse(locale=locale)
    page.goto(f"{office.url}/login?via=QywxInnerExample")
    expect(page.locator("meta[name=description]")).to_have_attribute("content", re.compile(r"\S{5}"))
