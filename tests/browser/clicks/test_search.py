"""A reference read out on the phone leads to the person in one click."""

import re

import pytest
from playwright.sync_api import expect
from support.clicks import CountedClicks
from support.large_company import fill_company
from support.rows import add_person, add_request

from portal.database import db

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

REFERENCE = "7F3K-2Q"


@pytest.fixture(scope="module")
def request_id(store):
    """A company of 3,000 people, one of whom is on the phone."""
    with store():
        fill_company(db.session)
        return add_request(add_person("phone", name="李四"), reference=REFERENCE).id


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
def test_from_any_page_to_the_person_on_the_phone(office, desk, request_id, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    clicks = CountedClicks(page)
    page.goto(f"{office.url}/admin/accounts")

    if java_script_enabled:
        page.keyboard.press("/")
    else:
        clicks.on(page.get_by_role("searchbox", name="Search everything"))
    page.keyboard.type("7f3k2q")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="李四 asked for an account")).to_be_visible()
    expect(page.get_by_text("they are waiting in the queue")).to_be_visible()
    clicks.link("Go to request")
    page.wait_for_url(re.compile(rf"/admin/queue\?q=7F3K-2Q#request-{request_id}$"))
    expect(page.locator(f"#request-{request_id}")).to_be_in_viewport()
    assert clicks.count == (1 if java_script_enabled else 2)  # without script, a click puts the cursor into the field


def test_results_appear_while_one_types(office, desk, request_id):
    page = desk()
    page.goto(f"{office.url}/admin/search")
    field = page.get_by_role("searchbox")
    expect(field).to_be_focused()

    page.keyboard.type("李四")
    expect(page.get_by_role("link", name="李四", exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(re.compile("^1 result$"))
    expect(page).to_have_url(re.compile(r"q=%E6%9D%8E%E5%9B%9B$"))
    expect(field).to_be_focused()
    page.keyboard.type("xyz")
    expect(page.get_by_role("status")).to_have_text("No results")

    page.reload()
    expect(field).to_have_value("李四xyz")
