"""Overview and search under axe-core, in forced colours and at all widths."""

import pytest
from playwright.sync_api import expect
from support.axe import RUN_AXE, check_page
from support.large_company import fill_company
from support.rows import HOSTILE, add_department, add_person, add_request

from portal.database import db

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

LONG = "a-very-long-name-without-any-blank-in-it-that-has-to-be-broken-somewhere"
PAGES = {
    "overview": "/admin",
    "nothing asked": "/admin/search",
    "nothing found": "/admin/search?q=nobody-of-that-name",
    "all kinds": "/admin/search?q=a-very",
    "hostile": "/admin/search?q=script",
    "reference": "/admin/search?q=7F3K-2Q",
}


@pytest.fixture(scope="module")
def company(store):
    with store():
        fill_company(db.session)
        seat = add_department("long", f"{LONG}-department")
        for number in range(6):
            add_person(f"long{number}", name=LONG, departments=[seat])
        add_request(add_person("hostile", name=HOSTILE), reference="7F3K-2Q")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("state", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(office, desk, axe, company, state, locale):
    page = desk(locale=locale, reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    page.goto(office.url + PAGES[state])
    for fold in page.locator("main details").all():
        fold.locator("summary").click()
    check_page(page, axe)


def test_charts_can_be_told_apart_in_forced_colours(office, desk, company):
    page = desk(forced_colors="active", viewport={"width": 1280, "height": 800})
    page.goto(f"{office.url}/admin")

    def fill(selector):
        return page.locator(selector).first.evaluate("part => getComputedStyle(part).fill")

    ground = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert len({fill(".bars .good"), fill(".bars .bad"), ground}) == 3
    assert fill(".share-part") != fill(".share-all")
    assert page.locator(".squares .failed").first.evaluate("part => getComputedStyle(part).stroke") != ground


def test_a_bar_and_its_row_lead_to_the_audit_log_of_that_day(office, desk, company):
    page = desk(viewport={"width": 1280, "height": 800})
    page.goto(f"{office.url}/admin")
    page.get_by_text("Show as table Sign-ins, 30 days").click()
    address = (
        page.locator("#sign-ins").locator("xpath=ancestor::section").locator("tbody a").nth(1).get_attribute("href")
    )

    bar = page.locator(".bars a").nth(-2)
    assert bar.get_attribute("href") == address
    bar.locator(".hit").click(position={"x": 3, "y": 3})
    page.wait_for_url(f"**{address}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit log")


def test_the_charts_add_no_stops_for_the_keyboard(office, desk, company):
    page = desk()
    page.goto(f"{office.url}/admin")
    assert page.locator("svg a:not([tabindex='-1'])").count() == 0
    assert page.locator("svg:not([aria-hidden=true], [aria-hidden=true] *)").count() == 0


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing_in_an_empty_portal(run_site, browse, axe, locale):
    fresh = run_site()
    page = browse(locale=locale, reduced_motion="reduce")
    page.goto(fresh.one_time_link("root"))
    page.locator("main form button").click()
    page.wait_for_url("**/account")
    page.goto(f"{fresh.url}/admin")
    expect(page.locator(".empty")).to_be_visible()
    page.evaluate(axe)
    assert page.evaluate(RUN_AXE) == []
