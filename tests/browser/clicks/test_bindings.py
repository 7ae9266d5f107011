"""How many clicks it takes to bind people in a company of three thousand."""

import re

import pytest
from playwright.sync_api import expect
from support.clicks import CountedClicks
from support.large_company import fill_company

import app as portal_app
from portal.database import db

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
ACCOUNT_OF = "SELECT account_id FROM identity WHERE id = ?"


@pytest.fixture(scope="module", autouse=True)
def company(office):
    """Three thousand people."""
    portal = portal_app.create_app(office.settings)
    with portal.app_context():
        fill_company(db.session)
        db.engine.dispose()


@script
def test_a_suggestion_is_accepted_from_the_table(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    clicks = CountedClicks(page)
    page.goto(f"{office.url}/admin/bindings")
    clicks.on(page.locator(".counters").get_by_role("link", name="Suggestions"))
    button = page.locator("tbody").get_by_role("button", name="Accept").first
    person, account = map(int, button.get_attribute("value").split(":"))
    clicks.on(button)
    expect(page.get_by_role("status").get_by_text("1 person is bound.")).to_be_visible()
    expect(page).to_have_url(f"{office.url}/admin/bindings?status=suggested")
    assert rows(ACCOUNT_OF, person) == [(account,)]
    assert clicks.count <= 2


@script
def test_a_person_without_a_suggestion_is_found_and_bound(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    clicks, number = CountedClicks(page), int(java_script_enabled)
    (person, user_id), (account, username) = (
        rows("SELECT id, user_id FROM identity WHERE account_id IS NULL AND id > 11500")[number],
        rows(
            "SELECT id, username FROM account WHERE id NOT IN (SELECT account_id FROM identity WHERE account_id > 0)"
            " AND id > 10352"
        )[number],
    )
    page.goto(f"{office.url}/admin/bindings?status=unbound")
    page.locator("main").get_by_role("searchbox").fill(user_id)
    page.locator("main").get_by_role("searchbox").press("Enter")
    clicks.on(page.locator("tbody").get_by_role("link", name="Bind…"))
    page.locator("main").get_by_role("searchbox").fill(username)
    page.locator("main").get_by_role("searchbox").press("Enter")
    clicks.link(f"Compare {username}")
    clicks.button(f"Bind to {username}")
    expect(page.get_by_role("status").get_by_text(f"can now sign in to {username}.")).to_be_visible()
    assert rows(ACCOUNT_OF, person) == [(account,)]
    expect(page).to_have_url(re.compile(rf"/admin/bindings\?q={user_id}&.*status=unbound"))
    assert clicks.count <= 3
