"""The page Elements in Chromium: check an element, copy an address, with and without JavaScript."""

import pytest
from playwright.sync_api import expect
from support.axe import RUN_AXE
from support.portal_app import ROOT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

WITH_AND_WITHOUT = pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])


def open_elements(page, site):
    page.goto(site.one_time_link())
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url(f"{site.url}/account")
    page.goto(f"{site.url}/admin/elements")


def card_of(page, name):
    return page.get_by_role("region", name=name)


@WITH_AND_WITHOUT
def test_a_problem_is_found_mended_and_gone(browse, site, sandbox_process, scripts):
    sandbox_process.reset()
    sandbox_process.portal(site.url)
    sandbox_process.app("wecom", trusted_ip=False)
    page = browse(java_script_enabled=scripts)
    open_elements(page, site)
    card = card_of(page, "QywxInnerExample")
    card.get_by_role("button", name="Check", exact=True).click()
    expect(card.get_by_role("status")).to_contain_text("1 problem")
    expect(card).to_contain_text("203.0.113.7")
    sandbox_process.app("wecom", trusted_ip=True)
    card.get_by_role("button", name="Check again").click()
    expect(card.get_by_role("status")).to_contain_text("no problems")
    assert site.sandbox.calls("/cgi-bin/message/*") == []


def test_all_logins_are_checked_one_after_the_other(browse, site, sandbox_process):
    sandbox_process.reset()
    sandbox_process.portal(site.url)
    sandbox_process.app("wecom", trusted_ip=False)
    page = browse()
    open_elements(page, site)
    page.get_by_role("button", name="Check all").click()
    expect(card_of(page, "QywxInnerExample").get_by_role("status")).to_contain_text("1 problem")
    expect(card_of(page, "FSInnerExample").get_by_role("status")).to_be_visible()
    expect(page.get_by_role("button", name="Check all")).to_be_visible()
    card_of(page, "FSInnerExample").get_by_role("button", name="Check again").click()
    expect(card_of(page, "FSInnerExample").get_by_role("status")).to_be_visible()


def test_the_language_switch_after_a_check_leads_back_to_the_page(browse, site, sandbox_process):
    sandbox_process.reset()
    page = browse()
    open_elements(page, site)
    card_of(page, "FSInnerExample").get_by_role("button", name="Check", exact=True).click()
    expect(card_of(page, "FSInnerExample").get_by_role("status")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page).to_have_url(f"{site.url}/admin/elements")


def test_an_address_is_copied(browse, site, sandbox_process):
    page = browse(permissions=["clipboard-read", "clipboard-write"])
    open_elements(page, site)
    card = card_of(page, "FSInnerExample")
    card.get_by_role("button", name="Copy Callback address").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{site.url}/login/FSInnerExample/callback"


@pytest.mark.parametrize("width", [320, 375, 768, 1600])
def test_nothing_scrolls_sideways(browse, site, sandbox_process, width):
    sandbox_process.reset()
    sandbox_process.app("feishu", trusted_ip=False)
    page = browse(viewport={"width": width, "height": 800})
    open_elements(page, site)
    card_of(page, "FSInnerExample").get_by_role("button", name="Check", exact=True).click()
    expect(card_of(page, "FSInnerExample").get_by_role("status")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def troubled(run_site):
    return run_site(add=lambda elements: (elements.feishu("Broken", appId=""), elements.feishu("Off", isActive=False)))


@pytest.fixture(scope="module")
def unconfigured(run_site):
    return run_site(PORTAL_APP_DIR=str(ROOT / "docs"))


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing(browse, troubled, unconfigured, sandbox_process, axe, locale):
    page = browse(locale=locale, reduced_motion="reduce")

    def look():
        page.evaluate(axe)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert page.evaluate(RUN_AXE) == [], scheme

    open_elements(page, unconfigured)
    look()
    open_elements(page, troubled)
    look()
    sandbox_process.reset()
    sandbox_process.app("wecom", trusted_ip=False)
    page.locator('form[action*="/QywxInnerExample/"] button').click()
    expect(page.locator(".examined")).to_be_visible()
    for fold in page.locator("main summary").all():
        fold.click()
    look()
