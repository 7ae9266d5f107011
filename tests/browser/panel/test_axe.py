"""Every state of WeCom's panel under axe-core and at every width, in both languages."""

import pytest
from playwright.sync_api import expect
from support.axe import check_page
from support.panel_page import (
    CONFIG,
    LOGIN,
    LOGIN_LIFETIME,
    become_client,
    expect_panel,
    get_frame,
    set_hidden,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def open_login(page, site):
    page.goto(site.url + LOGIN)


def open_loading(page, site):
    page.route(f"**{CONFIG}", lambda route: None)
    open_login(page, site)


def open_in_client(page, site):
    become_client(page, site.sandbox)
    open_login(page, site)


def go_on_in_client(page, site):
    open_in_client(page, site)
    get_frame(page).locator("#open").click()


def open_in_last_minute(page, site):
    page.clock.install()
    open_login(page, site)
    expect(get_frame(page).locator("fieldset")).to_be_visible()
    page.clock.fast_forward(LOGIN_LIFETIME - 30_000)


def open_expired(page, site):
    page.clock.install()
    open_login(page, site)
    expect(get_frame(page).locator("fieldset")).to_be_visible()
    for _ in range(3):
        set_hidden(page, True)
        page.clock.fast_forward(LOGIN_LIFETIME)
        set_hidden(page, False)
        expect(get_frame(page).locator("fieldset")).to_be_visible()
    page.clock.fast_forward(LOGIN_LIFETIME)


def open_refused(page, site):
    site.sandbox.app("wecom", panel_failure={"errCode": 50001, "errMsg": "wrong domain"})
    open_login(page, site)


STATES = {
    "loading": open_loading,
    "waiting": open_login,
    "here": open_in_client,
    "elsewhere": go_on_in_client,
    "ending": open_in_last_minute,
    "expired": open_expired,
    "refused": open_refused,
}


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(site, browse, axe, state, locale):
    page = browse(locale=locale, reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    STATES[state](page, site)
    expect(page.locator(f"[data-when={state}]").last).to_be_visible()
    check_page(page, axe)


def test_the_panel_is_named_for_screen_readers(site, page):
    open_login(page, site)
    expect_panel(page)
    title = page.locator("#panel-frame iframe").get_attribute("title")
    assert title == "Scan with the WeCom app, then confirm on your phone."
