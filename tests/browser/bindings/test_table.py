"""The table of three thousand people in Chromium: nine on the first screen, faces, and a bar for the selected ones."""

import pytest
from playwright.sync_api import expect
from support.axe import check_page
from support.large_company import fill_company
from support.rows import add_account, add_person

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

COUNT_ROWS = """() => [...document.querySelectorAll("tbody tr")].map((row) => row.getBoundingClientRect())
  .filter((box) => box.top >= 0 && box.bottom <= innerHeight).length"""
SEEN_PICTURE = "(picture) => picture.complete && picture.naturalWidth > 0"
ADDRESSES = {
    "table": "/admin/bindings",
    "suggestions": "/admin/bindings?status=suggested",
    "conflicts": "/admin/bindings?status=conflict",
    "person": "/admin/people/10001?at=2&status=suggested",
}


@pytest.fixture(scope="module")
def company(store):
    """Three thousand people."""
    with store() as session:
        fill_company(session)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("status", ["", "suggested"])
def test_nine_people_are_on_the_first_screen(office, desk, company, locale, status):
    page = desk(locale=locale, viewport={"width": 1280, "height": 860})
    page.goto(f"{office.url}/admin/bindings?status={status}")
    assert page.evaluate(COUNT_ROWS) >= 9
    first, second = (page.locator("tbody tr").nth(number).bounding_box() for number in (0, 1))
    assert first["y"] <= 360
    assert second["y"] - first["y"] <= 56


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("state", ADDRESSES)
def test_axe_finds_nothing_at_three_thousand_people(office, desk, axe, company, state, locale):
    page = desk(locale=locale, reduced_motion="reduce")
    page.goto(office.url + ADDRESSES[state])
    if state in ("table", "suggestions"):
        page.locator("tbody input[type=checkbox]").first.check()
        expect(page.locator(".bulk")).to_be_visible()
    check_page(page, axe)


def test_the_bar_appears_with_the_first_tick_and_stays_in_sight(office, desk, company):
    page = desk(viewport={"width": 1280, "height": 860})
    page.goto(f"{office.url}/admin/bindings")
    bar = page.locator(".bulk")
    expect(bar).to_be_hidden()
    page.locator("tbody input[type=checkbox]").first.check()
    expect(bar).to_be_in_viewport(ratio=1)
    page.get_by_label("Select page").check()
    expect(bar).to_contain_text("50 selected:")
    page.get_by_label("Select page").uncheck()
    expect(bar).to_be_hidden()


def test_without_script_the_bar_is_there(office, desk, company):
    page = desk(java_script_enabled=False)
    page.goto(f"{office.url}/admin/bindings")
    expect(page.locator(".bulk")).to_be_in_viewport(ratio=1)


def test_a_face_covers_the_initial_and_leaves_it_where_it_can_not_be_loaded(office, desk, store):
    with store():
        there = f"{office.sandbox.url}/_sandbox/avatar"
        add_person("face.good", name="甲", avatar=f"{there}/zhangsan.svg")
        add_person("face.gone", name="乙", avatar=f"{there}/nobody.svg")
    page = desk()
    page.goto(f"{office.url}/admin/bindings?q=face.&sort=-name")
    good, gone = page.locator("tr", has_text="face.good"), page.locator("tr", has_text="face.gone")
    expect(good.locator(".initial img")).to_have_js_property("complete", True)
    assert good.locator(".initial img").evaluate(SEEN_PICTURE)
    expect(gone.locator(".initial img")).to_have_count(0)
    expect(gone.locator(".initial")).to_have_text("乙")


def test_first_steps_in_one_line_are_closed(office, desk, store):
    with store():
        add_person("steps", account=add_account("steps"))
    page = desk(java_script_enabled=False)
    page.goto(f"{office.url}/admin/bindings?q=steps")
    expect(page.locator(".steps-line")).to_contain_text("left:")
    page.get_by_role("button", name="Hide first steps").click()
    expect(page).to_have_url(f"{office.url}/admin/bindings?q=steps")
    expect(page.locator(".steps-line")).to_have_count(0)
