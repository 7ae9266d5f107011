"""The pages of groups in Chromium, in a company of 3,000 people, with script and without."""

import pytest
from playwright.sync_api import expect
from support.axe import check_page
from support.large_company import fill_company
from support.rows import HOSTILE

from portal.models import Application, Group, GroupMember

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

NAME = "a-name-of-forty-letters-which-is-the-most"[:40]


@pytest.fixture(scope="module")
def company(cookies, store):
    """A company with groups that applications use."""
    with store() as session:
        fill_company(session)
        everybody = Group(name="all", title="全体员工", members=[GroupMember(kind="everybody")])
        members = [GroupMember(kind="department", value="10001", below=True), GroupMember(kind="role", value="admin")]
        odd = Group(name=NAME, title=f"{HOSTILE} {'x' * 60}", members=members)
        session.add_all([everybody, odd])
        wikis = [Application(name=f"wiki{number}", title=f"Wiki {number}", groups=[everybody]) for number in range(8)]
        session.add_all(wikis)
        session.commit()


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
def test_a_group_from_its_making_to_its_end(office, desk, rows, company, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    name = f"team-{java_script_enabled}".lower()
    page.goto(f"{office.url}/admin/groups")
    page.get_by_role("link", name="New group").click()
    page.get_by_label("Title").fill(name.replace("-", " ").title())
    page.get_by_label("Department or account").fill("第43")
    page.get_by_label("Department or account").press("Enter")
    page.get_by_role("button", name="Add 第43部门").first.click()
    expect(page.locator(".rules li")).to_have_count(1)
    page.get_by_label("Department or account").fill("p10501")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("button", name="Add p10501", exact=True).click()
    expect(page.locator(".rules li")).to_have_count(2)
    expect(page.get_by_label("Title")).to_have_value(name.replace("-", " ").title())
    page.get_by_role("button", name="Create group").click()

    expect(page).to_have_url(f"{office.url}/admin/groups/{name}/edit")
    expect(page.get_by_role("heading", name="Present members")).to_be_visible()
    query = 'SELECT kind FROM group_member JOIN "group" g ON g.id = group_id WHERE name = ? ORDER BY kind'
    assert rows(query, name) == [("account",), ("department",)]
    page.get_by_role("button", name="Remove account p10501").click()
    expect(page.get_by_text("after saving")).to_be_visible()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Delete Team").click()
    expect(page).to_have_url(f"{office.url}/admin/groups")
    assert rows('SELECT id FROM "group" WHERE name = ?', name) == []


def test_the_tree_leads_down_and_up(office, desk, company):
    page = desk()
    page.goto(f"{office.url}/admin/groups/create")
    page.locator("button[name=open]").first.click()
    page.locator(".choices-list button[name=open]", has_text="第1部门").click()
    expect(page.locator(".way")).to_have_text("云杉科技 第1部门", use_inner_text=True)
    page.get_by_role("button", name="Add with those below 第1部门").click()
    expect(page.locator(".rules li")).to_contain_text("and the departments below it")
    page.locator(".way").get_by_role("button", name="云杉科技").click()
    expect(page.locator(".rules li")).to_have_count(1)
    expect(page.locator(".choices-list .is-open")).to_contain_text("云杉科技")


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_they_are_accessible_and_never_scroll_sideways(office, desk, axe, company, watch, locale):
    page = desk(locale=locale)
    paths = ("", "/create", "/all/edit", f"/{NAME}/edit", "/all/edit?who=no-such-person")
    for path in paths:
        page.goto(f"{office.url}/admin/groups{path}")
        check_page(page, axe)
    page.locator("summary").last.click()
    page.locator("#members").fill(f"nonsense\naccount {'y' * 200}\neverybody")
    watch.expect(422, "/admin/groups/all/edit")
    page.locator("button[name=save]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_page(page, axe)
    page.locator("#q").fill("第1")
    page.locator("#q").press("Enter")
    expect(page.locator(".choices-list li").first).to_be_visible()
    check_page(page, axe)
