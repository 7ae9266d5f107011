"""Signing in at nine in the morning, by clicks."""

import re

import pytest
from playwright.sync_api import expect
from support.clicks import CountedClicks
from support.qr_page import open_login
from support.user_agents import FEISHU_CLIENT, WECOM_CLIENT
from support.workplace import run_workplace

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, run_site):
    """Yield a portal whose people work at another address, and that address."""
    with run_workplace(tmp_path_factory.mktemp("authority")) as home:
        yield run_site(PORTAL_HOME_URL=home, PORTAL_UNKNOWN_PEOPLE="create"), home


@pytest.fixture
def page(browse):
    return browse(ignore_https_errors=True)


def test_with_feishu_one_scans_without_a_click_and_is_at_work(workplace, page):
    site, home = workplace
    clicks = CountedClicks(page)
    open_login(page, site)
    site.sandbox.qr("confirm", "bob")
    expect(page).to_have_url(home)
    assert clicks.count == 0


def test_the_start_page_leads_to_work_while_signed_in(workplace, page):
    site, home = workplace
    open_login(page, site)
    site.sandbox.qr("confirm", "bob")
    expect(page).to_have_url(home)
    page.goto(site.url)
    expect(page).to_have_url(home)


@pytest.mark.parametrize(("platform", "agents"), [("feishu", FEISHU_CLIENT), ("wecom", WECOM_CLIENT)])
def test_inside_a_client_one_is_at_work_without_a_click(workplace, browse, platform, agents):
    site, home = workplace
    site.sandbox.client(platform, "bob")
    page = browse(ignore_https_errors=True, user_agent=agents["windows"])
    page.goto(f"{site.url}/login")
    expect(page).to_have_url(re.compile(f"^{re.escape(home)}(#.*)?$"))


def test_a_one_time_link_leads_to_work_by_one_click(workplace, page):
    site, home = workplace
    clicks = CountedClicks(page)
    page.goto(site.one_time_link("root"))
    clicks.button("Sign in as root")
    expect(page).to_have_url(home)
    assert clicks.count == 1
