"""Where no panel can be shown, the link takes its place."""

import json
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.panel_page import (
    BLANK,
    CONFIG,
    FRAME,
    LINK,
    LOGIN,
    expect_link_alone,
    expect_panel,
    expect_signed_in,
    get_status,
    open_panel,
    pick,
    read_query,
    record_logins,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

SILENT = "The sign-in panel of WeCom does not answer. It may be blocked, or not set up for this address."
LOST = "Connection lost. Check your network."
MARK_LOAD = """window.loaded = new Promise((done) => document.addEventListener("load", ({ target }) => {
  if (target.tagName === "IFRAME") setTimeout(done);
}, true))"""
UNAVAILABLE = "The QR code can't be shown right now."


def sign_in_by_link(page, site):
    page.get_by_role("link", name=LINK).click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site)


def test_a_login_that_does_not_begin_gives_way_to_the_link_after_six_seconds(site, page):
    page.clock.install()
    page.route(f"**{CONFIG}", lambda route: None)
    with page.expect_request(f"**{CONFIG}"):
        page.goto(site.url + LOGIN)
    page.clock.fast_forward(BLANK)
    expect_link_alone(page, LOST)
    sign_in_by_link(page, site)


def test_a_blank_frame_gives_way_to_the_link_after_six_seconds(site, page):
    page.clock.install()
    site.sandbox.fail(FRAME, hold=2)
    with page.expect_request(lambda request: urlsplit(request.url).path == FRAME):
        page.goto(site.url + LOGIN, wait_until="commit")
    expect(page.locator("#panel-frame iframe")).to_have_count(1)
    page.clock.fast_forward(BLANK - 1000)
    expect(get_status(page)).to_have_text("Loading QR code…", use_inner_text=True)
    page.clock.fast_forward(1000)
    try:
        expect_link_alone(page, SILENT)
        sign_in_by_link(page, site)
    finally:
        requests.get(site.sandbox.url + FRAME, timeout=10)  # lets the held one go


def expect_silence(page):
    """Wait until the frame has loaded, and then for six seconds of the page's clock."""
    page.evaluate("window.loaded")
    page.clock.fast_forward(BLANK)
    expect_link_alone(page, SILENT)


def test_an_unreachable_host_gives_way_to_the_link(many, page, watch):
    watch.tolerated = ("Failed to execute 'postMessage'",)  # the greeting meets the browser's own error page
    page.clock.install()
    page.add_init_script(MARK_LOAD)
    page.goto(f"{many.url}/login?via=Unreachable")
    expect(page.locator("#panel-frame iframe")).to_have_count(1)
    page.clock.run_for(100)
    expect_silence(page)


def test_a_wrong_domain_gives_way_to_the_link(site, page):
    site.sandbox.app("wecom", trusted_domain="portal.example.com")
    page.clock.install()
    page.add_init_script(MARK_LOAD)
    page.goto(site.url + LOGIN)
    expect(page.frame_locator("#panel-frame iframe").get_by_text("50001")).to_be_visible()
    page.clock.run_for(100)
    expect_silence(page)


def test_a_failure_that_the_panel_tells_gives_way_to_the_link(site, page):
    site.sandbox.app("wecom", panel_failure={"errCode": 50001, "errMsg": "wrong domain"})
    page.goto(site.url + LOGIN)
    expect_link_alone(page, "WeCom refused to sign you in here.")
    expect(page.get_by_text("wrong domain")).to_have_count(0)


def test_a_panel_that_has_come_stays(site, page):
    page.clock.install()
    open_panel(page, site)
    page.clock.fast_forward(60_000)
    expect_panel(page)


def test_a_frame_forbidden_by_the_content_policy_gives_way_to_the_link(site, page, watch):
    site.sandbox.fail(FRAME, redirect=f"{site.sandbox.url}/phone")  # to another host
    page.goto(site.url + LOGIN)
    expect_link_alone(page, SILENT)
    complaints = watch.take()
    assert any("frame-src" in each for each in complaints)
    assert all("frame-src" in each or "postMessage" in each for each in complaints), complaints


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, {"errcode": 47001, "errmsg": "no", "requestId": "x", "data": None}, UNAVAILABLE),
        (503, {"errcode": 50300, "errmsg": "no", "requestId": "x", "data": None}, LOST),
        (502, "<h1>a proxy's words</h1>", LOST),
    ],
)
def test_a_login_that_fails_to_begin_gives_way_to_the_link(site, page, watch, status, body, reason):
    watch.expect(status, CONFIG)
    text = body if isinstance(body, str) else json.dumps(body)
    page.route(f"**{CONFIG}", lambda route: route.fulfill(status=status, content_type="text/html", body=text))
    page.goto(site.url + LOGIN)
    expect_link_alone(page, reason)


def test_a_lost_connection_is_shown_and_a_new_panel_follows_it(site, page):
    open_panel(page, site)
    before = read_query(page)["state"]
    page.context.set_offline(True)
    expect_link_alone(page, LOST)
    page.context.set_offline(False)
    expect_panel(page)
    expect(page.locator("#no-panel")).to_be_hidden()
    assert read_query(page)["state"] != before
    pick(page)
    expect_signed_in(page, site)


def test_without_a_script_the_link_is_there(site, browse):
    page = browse(java_script_enabled=False)
    page.goto(site.url + LOGIN)
    expect(page.locator("#panel")).to_be_hidden()
    sign_in_by_link(page, site)


@pytest.mark.parametrize("script", ["api.js", "wecom-panel.js"])
def test_a_script_that_cannot_be_read_leaves_notice_and_link(site, page, watch, script):
    unreadable = "let token; token ???= 1;"
    page.route(f"**/static/js/{script}*", lambda route: route.fulfill(body=unreadable, content_type="text/javascript"))
    logins = record_logins(page)
    page.goto(site.url + LOGIN)
    expect(page.locator("#no-panel")).to_be_visible(timeout=30_000)
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    assert logins == []
    complaints = watch.take()
    assert len(complaints) == 1 and "Unexpected token" in complaints[0]
