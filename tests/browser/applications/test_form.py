"""The form of an application in Chromium, with script and without."""

import pytest
from playwright.sync_api import expect
from support.application_rows import add_application, add_group
from support.rows import add_account, add_person

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])


@pytest.fixture(scope="module")
def groups(store):
    with store():
        for number in range(20):
            add_group(f"team-{number}", f"Team {number}")
        add_group("dev", "Developers")


@script
def test_an_application_is_registered_tried_and_switched_off(office, desk, rows, groups, java_script_enabled):
    name = f"wiki-{java_script_enabled}".lower()
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/applications/create")
    page.get_by_label("Title", exact=True).fill(f"Wiki {java_script_enabled}")
    page.get_by_label("Addresses behind your proxy").fill(f"https://{name}.example.com")
    page.get_by_label("Developers").check()
    page.get_by_role("button", name="Create application").click()
    page.wait_for_url(f"**/admin/applications/{name}")
    expect(page.get_by_role("link", name="Try it")).to_have_attribute("href", f"https://{name}.example.com")
    expect(page.locator("#snippet-1")).to_contain_text(f"/_portal/{name}/")
    page.get_by_role("link", name="Switch off…").click()
    page.get_by_role("button", name="Switch off", exact=True).click()
    page.wait_for_url(f"**/admin/applications/{name}")
    assert rows("SELECT active FROM application WHERE name = ?", name) == [(0,)]
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("link", name="Try it")).to_be_visible()
    assert rows("SELECT active FROM application WHERE name = ?", name) == [(1,)]


def test_the_name_follows_the_title_until_one_is_typed(office, desk):
    page = desk()
    page.goto(f"{office.url}/admin/applications/create")
    title, name = page.locator("#title"), page.locator("#name")
    title.press_sequentially("Company Wiki 2!")
    expect(name).to_have_value("company-wiki-2")
    name.fill("kb")
    title.press("End")
    title.press_sequentially(" more")
    expect(name).to_have_value("kb")
    name.fill("")
    title.press("End")
    title.press_sequentially(".")
    expect(name).to_have_value("company-wiki-2-more")


def test_a_group_is_found_among_many(office, desk, groups):
    page = desk()
    page.goto(f"{office.url}/admin/applications/create")
    entries = page.locator(".group-list li:visible")
    expect(entries).to_have_count(21)
    page.get_by_label("Find group…").fill("devel")
    expect(entries).to_have_count(1)
    page.get_by_label("Find group…").press("Enter")
    assert page.url.endswith("/create")
    page.get_by_label("Developers").check()
    page.get_by_label("Find group…").fill("none of these")
    expect(page.locator(".group-list [data-none]")).to_have_text("No results")


@script
def test_an_account_is_picked_for_the_preview(office, desk, store, java_script_enabled):
    with store():
        if java_script_enabled:
            own = add_account("preview.zw", name="预览张伟")
            add_person("preview.zw", account=own)
            add_application("shown", open_to_all=True)
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/applications/shown/preview")
    page.locator("#q").fill("preview.z")
    if not java_script_enabled:
        page.get_by_role("button", name="Search").click()
    page.locator("#results").get_by_role("link", name="预览张伟").click()
    expect(page.get_by_text("Remote-User")).to_be_visible()
    expect(page.locator(".sent")).to_contain_text("preview.zw")
