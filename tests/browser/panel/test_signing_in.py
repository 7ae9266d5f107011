"""A scan in WeCom's panel signs in, without a page in between."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from support.panel_page import (
    CALLBACK,
    LINK,
    LOGIN,
    become_client,
    expect_panel,
    expect_signed_in,
    find_frame,
    get_frame,
    open_panel,
    pick,
    read_query,
    record_logins,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def test_a_scan_in_the_panel_signs_in(site, page):
    logins = record_logins(page)
    answer = open_panel(page, site)
    assert f"frame-src {site.sandbox.site_url};" in answer.headers["content-security-policy"] + ";"
    state = read_query(page)["state"]
    with page.expect_request(lambda request: urlsplit(request.url).path == CALLBACK) as callback:
        pick(page)
    assert parse_qs(urlsplit(callback.value.url).query)["state"] == [state]
    expect_signed_in(page, site)
    assert [each.post_data_json for each in logins] == [{"kind": "redirect"}]


@pytest.mark.parametrize("knob", ["panel_channel", "panel_early"])
def test_a_panel_that_offers_a_port_or_speaks_first_signs_in(site, page, knob):
    site.sandbox.app("wecom", **{knob: True})
    open_panel(page, site)
    pick(page)
    expect_signed_in(page, site)


def test_a_scan_leads_to_the_page_in_next(site, page):
    open_panel(page, site, "/login?via=QywxInnerExample&next=/account?from=panel")
    pick(page)
    expect_signed_in(page, site, path="/account?from=panel")


def test_a_refusal_in_the_panel_shows_that_the_sign_in_was_cancelled(site, page, watch):
    watch.expect(400, CALLBACK)
    open_panel(page, site)
    pick(page, button="Refuse")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in cancelled")


def test_a_code_with_the_state_of_another_browser_is_refused(site, page, browse, watch):
    watch.expect(400, CALLBACK)
    other = browse()
    open_panel(other, site)
    foreign = read_query(other)["state"]
    open_panel(page, site)
    code = site.sandbox.code("wecom", "bob", redirect_uri=site.url + CALLBACK)
    find_frame(page).evaluate(
        "(address) => { top.location.href = address; }", f"{site.url}{CALLBACK}?code={code}&state={foreign}"
    )
    expect(page.get_by_text("40300")).to_be_attached()
    assert page.request.get(f"{site.url}/api/session").status == 401


def test_the_link_below_the_panel_signs_in_too(site, page):
    open_panel(page, site)
    page.get_by_role("link", name=LINK).click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site)


def test_an_element_without_the_panel_has_the_link_alone(many, page):
    answer = page.goto(f"{many.url}/login?via=LinkOnly")
    assert "frame-src" not in answer.headers["content-security-policy"]
    expect(page.get_by_role("link", name="Sign in with WeCom")).to_be_visible()
    expect(page.locator("#panel")).to_have_count(0)


def test_a_person_who_is_signed_in_to_the_client_is_asked_to_confirm_there(site, page):
    become_client(page, site.sandbox)
    page.goto(site.url + LOGIN)
    expect_panel(page, "WeCom is open on this computer. Confirm above, or scan.")
    get_frame(page).get_by_role("button", name="Open in WeCom").click()
    expect_panel(page, "Continue in WeCom.")
    get_frame(page).get_by_role("button", name="Allow").click()
    expect_signed_in(page, site, "Carol Reyes")
