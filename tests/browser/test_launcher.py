"""The launcher in browsers and inside the platforms' clients."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete
from support.admin_client import open_database
from support.axe import check_page
from support.in_app_page import CLIENT, HOME, on_both

import app as portal_app
from portal.database import db
from portal.models import Application

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

LONG = "一个标题特别特别特别特别特别特别特别特别特别特别长的报表中心"


@pytest.fixture(scope="module")
def portal(site):
    portal = portal_app.create_app(site.settings)
    yield portal
    with portal.app_context():
        db.engine.dispose()


@pytest.fixture
def add_applications(portal, site):
    """Return a function that replaces the applications by this many.

    They open at the portal itself.
    """

    def add(number):
        titles = [LONG, *(f"Tool {place}" for place in range(1, number))][:number]
        with open_database(portal) as session:
            session.execute(delete(Application))
            for place, title in enumerate(titles):
                place = {"name": f"tool{place}", "launch_url": f"{site.url}/healthz?{place}"}
                session.add(Application(title=title, open_to_all=True, **place))
            session.commit()

    return add


@pytest.fixture(autouse=True)
def bob(sandbox_process):
    sandbox_process.reset()
    for provider in ("feishu", "wecom"):
        sandbox_process.client(provider, "bob")


def sign_in(page, site):
    """Sign in as Bob."""
    page.goto(f"{site.url}/login/FSInnerExample?next=/apps")
    site.at_platform(page)
    site.answer(page, "bob")
    expect(page).to_have_url(f"{site.url}/apps")


def list_tiles(page):
    return page.locator(".apps li:visible")


@on_both
def test_the_workbench_opens_it_without_click_or_code(site, browse, add_applications, platform):
    add_applications(2)
    page = browse(user_agent=CLIENT[platform])
    page.goto(f"{site.url}{HOME[platform]}?next=/apps")
    expect(page).to_have_url(re.compile(f"^{re.escape(site.url)}/apps(#wechat_redirect)?$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Applications")
    page.get_by_role("link", name="Tool 1").click()
    expect(page).to_have_url(f"{site.url}/healthz?1")
    assert len(page.context.pages) == 1


@on_both
def test_the_plain_address_signs_in_inside_a_client(site, browse, add_applications, platform):
    add_applications(2)
    page = browse(user_agent=CLIENT[platform])
    page.goto(f"{site.url}/apps")
    expect(page).to_have_url(re.compile(f"^{re.escape(site.url)}/apps(#wechat_redirect)?$"))
    expect(list_tiles(page)).to_have_count(2)


def test_a_browser_opens_a_tile_in_a_new_tab(site, page, add_applications):
    add_applications(2)
    sign_in(page, site)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Tool 1").click()
    opened.value.wait_for_url(f"{site.url}/healthz?1")
    expect(page).to_have_url(f"{site.url}/apps")


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
def test_many_are_found_by_typing(site, browse, add_applications, java_script_enabled):
    add_applications(60)
    page = browse(java_script_enabled=java_script_enabled)
    sign_in(page, site)
    expect(list_tiles(page)).to_have_count(60)
    page.get_by_role("searchbox").fill("tool 59")
    if not java_script_enabled:
        page.get_by_role("button", name="Search").click()
    expect(list_tiles(page)).to_have_count(1)
    page.get_by_role("searchbox").fill("nothing")
    if not java_script_enabled:
        page.get_by_role("button", name="Search").click()
    expect(list_tiles(page)).to_have_count(0)
    expect(page.locator("main").get_by_text("No results")).to_be_visible()


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_it_is_accessible_and_never_scrolls_sideways(site, browse, axe, add_applications, locale):
    page = browse(locale=locale)
    add_applications(1)
    sign_in(page, site)
    for number, path in ((0, "/apps"), (3, "/apps"), (60, "/apps"), (60, "/apps?q=no+such"), (3, "/account")):
        add_applications(number)
        page.goto(site.url + path)
        check_page(page, axe)
