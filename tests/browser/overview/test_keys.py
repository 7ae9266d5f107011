"""Keys that lead to the search."""

import pytest
from playwright.sync_api import expect

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("key", ["/", "Control+K", "Meta+K"])
@pytest.mark.parametrize("path", ["/admin", "/admin/queue", "/admin/search?q=bob"])
def test_a_key_leads_to_the_search(office, desk, path, key):
    page = desk()
    page.goto(office.url + path)
    field = page.locator("[data-find]")
    field.blur()

    page.keyboard.press(key)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-keyshortcuts", "/ Control+K")
    page.keyboard.type("new")
    expect(field).to_have_value("new")  # what stood there was selected, and the key itself is not in it


def test_a_slash_in_a_field_is_a_slash(office, desk):
    page = desk()
    page.goto(f"{office.url}/admin/audit")
    field = page.get_by_label("Name, reference or network address")
    field.focus()

    page.keyboard.type("a/b")
    expect(field).to_have_value("a/b")
    page.keyboard.press("Control+K")
    expect(page.locator("[data-find]")).to_be_focused()
