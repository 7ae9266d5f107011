"""The search for a person answers while one types.

Without script, its button does.
"""

import pytest
from playwright.sync_api import expect
from support.rows import add_account, add_person

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
FIELD = "Name, account, employee number or ID"
BINDING = "SELECT username FROM identity JOIN account ON account.id = account_id WHERE user_id = ?"


@script
def test_results_follow_what_is_typed(office, desk, store, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"t{int(java_script_enabled)}"
    with store():
        own = add_account(f"own.{mark}").id
        for number in range(3):
            add_person(f"pick{mark}{number}", name=f"韩{mark}{number}")
    page.goto(f"{office.url}/admin/bindings/bind?account={own}")
    field = page.get_by_role("search").get_by_label(FIELD)
    status = page.locator("#results-count")
    for typed, count in ((f"韩{mark}", "3 results"), (f"韩{mark}1", "1 result")):
        field.fill(typed)
        if not java_script_enabled:
            page.get_by_role("button", name="Search").click()
        expect(status).to_have_text(count)
    expect(status).to_have_attribute("role", "status")
    expect(field).to_have_value(f"韩{mark}1")
    if java_script_enabled:
        expect(field).to_be_focused()
    page.reload()
    page.get_by_role("link", name=f"Compare 韩{mark}1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Bind 韩{mark}1 to own.{mark}?")


@script
def test_an_account_is_created_from_a_person_and_bound(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"n{int(java_script_enabled)}"
    with store():
        who = add_person(f"new{mark}", name=f"新人{mark}", employee_number=f"E{mark}").id
    page.goto(f"{office.url}/admin/bindings/bind?identity={who}")
    page.get_by_role("link", name="Create account").click()
    expect(page.get_by_label("Username")).to_have_value(f"new{mark}")
    expect(page.get_by_label("Employee number")).to_have_value(f"E{mark}")
    page.get_by_role("button", name="Create and bind").click()
    expect(page.get_by_role("status").get_by_text(f"新人{mark} now has the account new{mark}.")).to_be_visible()
    assert rows(BINDING, f"new{mark}") == [(f"new{mark}",)]
