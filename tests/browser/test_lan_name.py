"""A portal on plain http under a name of the local network: browsers say little about where a form comes from."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect
from support.portal_app import FEISHU_APP

pytest_plugins = ["support.chromium"]


@pytest.fixture(scope="module")
def lan_site(browser, run_site):
    site = run_site(host="portal.lan", PORTAL_UNKNOWN_PEOPLE="create")
    address = f"{site.url}/login/FSInnerExample/callback"
    site.sandbox.app("feishu", app_id=FEISHU_APP["appId"], redirect_uris=[address])
    return site


def sent(page, path):
    """Return what the browser says of itself with each form it posts to a path."""
    told = []
    page.on("request", lambda request: told.append(request) if request.url.endswith(path) else None)
    return told


def test_a_sign_in_that_is_too_old_is_confirmed_by_a_scan(lan_site, lan_page, watch):
    page = lan_page
    lan_site.sign_in(page)
    assert page.evaluate("isSecureContext") is False
    path = lan_site.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE login_session SET signed_in_at = '2026-01-01 00:00:00.000000'")
    watch.expect(403, "/account/bind/QywxInnerExample")
    page.get_by_role("button", name="Bind WeCom").click()
    page.get_by_role("button", name="Confirm with Feishu").click()
    lan_site.at_platform(page)
    lan_site.answer(page)
    expect(page.get_by_role("status").filter(has_text="Confirmed. You can continue.")).to_be_visible()


def test_the_language_switch_works_on_a_page_of_a_failure(lan_site, lan_page, watch):
    page = lan_page
    for _language in range(2):
        watch.expect(404, "/nowhere")
    page.goto(f"{lan_site.url}/nowhere")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    told = sent(page, "/language")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="页面不存在")).to_be_visible()
    [request] = told
    assert "sec-fetch-site" not in request.headers
