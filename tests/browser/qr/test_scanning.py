"""A scan of Feishu's QR code signs in."""

import pytest
from playwright.sync_api import expect
from support.qr_page import (
    expect_signed_in,
    get_frame,
    get_frame_message,
    get_status,
    open_login,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def test_a_scan_confirmed_on_the_phone_signs_in(site, page):
    answer = open_login(page, site)
    assert f"frame-src {site.sandbox.site_url};" in answer.headers["content-security-policy"] + ";"
    site.sandbox.qr("scan", "bob")
    expect(get_frame_message(page)).to_contain_text("Scanned")
    expect(get_frame_message(page)).to_contain_text("Bob Miller")
    site.sandbox.qr("confirm")
    expect_signed_in(page, site)
    expect(page.get_by_text("QR code").first).to_be_visible()


def test_feishus_script_gets_a_style_that_sets_nothing(site, page, watch):
    open_login(page, site)
    assert page.locator("#qr iframe").get_attribute("style") == ""
    assert len(watch.styles) == 1  # the policy refuses the empty one, too; the README says so


def test_a_refusal_on_the_phone_shows_in_the_frame_and_the_page_waits_on(site, page):
    open_login(page, site)
    site.sandbox.qr("refuse", "bob")
    expect(get_frame_message(page)).to_contain_text("Refused")
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    expect(page.get_by_role("link", name="Open the Feishu sign-in page")).to_be_visible()
    get_frame(page).get_by_role("link", name="Refresh").click()
    expect(get_frame(page).get_by_alt_text("QR code")).to_be_visible()
    expect(get_frame_message(page)).to_have_count(0)
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site)


def test_a_scan_leads_to_the_page_in_next(site, page):
    open_login(page, site, "/login?next=/account?from=qr")
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site, path="/account?from=qr")


def test_the_older_script_hands_over_a_bare_text(many, page):
    open_login(page, many, "/login?via=Older")
    assert page.evaluate("'matchData' in QRLogin({ id: 'none', goto: 'https://passport.feishu.cn/' })") is False
    many.sandbox.qr("confirm", "bob")
    expect_signed_in(page, many)


def test_each_of_several_logins_has_its_own_tab_and_code(many, page):
    open_login(page, many)
    first = page.locator("#qr iframe").get_attribute("src")
    page.get_by_text("Other ways to sign in (3)").click()
    page.get_by_role("link", name="Feishu · Second").click()
    page.wait_for_url(f"{many.url}/login?via=Second")
    expect(get_frame(page).get_by_alt_text("QR code")).to_be_visible()
    second = page.locator("#qr iframe").get_attribute("src")
    assert "FSInnerExample" in first and "FSInnerExample" not in second
    many.sandbox.qr("confirm", "bob")
    expect_signed_in(page, many)
    assert page.request.get(f"{many.url}/api/session").json()["identity"]["element"] == "Second"
