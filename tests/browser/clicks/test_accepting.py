"""Three hundred suggestions are accepted in a few clicks, in a company of 3,000 people."""

import re

import pytest
from playwright.sync_api import expect
from support.admin_client import open_database
from support.clicks import CountedClicks
from support.large_company import fill_company

import app as portal_app
from portal.database import db

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

STRONG, WEAK = 312, 40
PATIENCE = 60_000  # milliseconds
ACCEPT_ALL = re.compile("^Accept all [0-9]+ that match$")  # a namesake may be among them
RECORDED = "SELECT count(*) FROM audit_event WHERE action = 'binding.make' AND result = 0"


@pytest.fixture(scope="module")
def company(office):
    portal = portal_app.create_app(office.settings)
    with open_database(portal) as session:
        fill_company(session, strong=STRONG, weak=WEAK)
    with portal.app_context():
        db.engine.dispose()


@pytest.fixture
def suggested(company, rows):
    """Everybody with a suggestion, unbound as in the beginning."""
    rows(
        "UPDATE identity SET account_id = NULL, bound_at = NULL, bound_how = NULL WHERE id < ?", 10_000 + STRONG + WEAK
    )


def count_bound(rows, first, beyond):
    [(count,)] = rows("SELECT count(*) FROM identity WHERE account_id = id AND id >= ? AND id < ?", first, beyond)
    return count


@pytest.mark.usefixtures("suggested")
@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
def test_three_hundred_are_bound_by_suggestion_in_at_most_five_clicks(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    page.set_default_timeout(PATIENCE)
    [(before,)] = rows(RECORDED)
    page.goto(f"{office.url}/admin/bindings")
    clicks = CountedClicks(page)
    clicks.link("Suggestions", exact=False)
    clicks.button(ACCEPT_ALL)
    expect(page.get_by_role("heading", level=1)).to_have_text("Bind 312 people?", timeout=PATIENCE)
    expect(page.get_by_role("region", name="Strong suggestions").get_by_role("checkbox", checked=True)).to_have_count(
        312
    )
    weak = page.get_by_role("region", name="Weak reasons").get_by_role("checkbox")
    assert weak.count() >= WEAK and not any(box.is_checked() for box in weak.all()[:5])
    page.get_by_label("Type the number of people to confirm: 312").fill("312")
    clicks.button("Bind")
    expect(page.get_by_role("status").get_by_text("312 people are bound.")).to_be_visible(timeout=PATIENCE)
    assert clicks.count <= 5
    assert count_bound(rows, 10_000, 10_312) == 312 and count_bound(rows, 10_312, 10_352) == 0
    assert rows(RECORDED) == [(before + 312,)]
    expect(page).to_have_url(f"{office.url}/admin/bindings?status=suggested")
    expect(page.get_by_role("button", name=ACCEPT_ALL)).to_be_visible()


@pytest.mark.usefixtures("suggested")
@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
def test_selected_ones_and_a_weak_one_are_bound(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(
        f"{office.url}/admin/bindings?status=suggested&q=p1031"
    )  # two strong ones, 10310 and 10311, and weak ones
    for user_id in ("p10310", "p10311", "p10312", "p10313"):
        page.locator("tbody tr", has_text=user_id).get_by_role("checkbox").check()
    clicks = CountedClicks(page)
    clicks.button("Accept the 4 selected" if java_script_enabled else "Accept selected")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bind 2 people?")
    page.get_by_role("region", name="Weak reasons").locator("li", has_text="p10312").get_by_role("checkbox").check()
    if java_script_enabled:
        expect(page.get_by_role("heading", level=1)).to_have_text("Bind 3 people?")
    clicks.button("Bind")
    expect(page.get_by_role("status").get_by_text("3 people are bound.")).to_be_visible()
    assert count_bound(rows, 10_310, 10_313) == 3 and count_bound(rows, 10_313, 10_352) == 0
