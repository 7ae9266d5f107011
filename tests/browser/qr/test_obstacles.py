"""Where no QR code can be shown, a button takes its place."""

import json
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.portal_app import QR_SCRIPT
from support.qr_page import (
    CONFIG,
    FRAME,
    expect_signed_in,
    get_frame,
    get_status,
    open_login,
    read_state,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

BLOCKED = "The QR code can't be shown. Something blocks the script or frame of Feishu."
LOST = "Connection lost. Check your network."


def expect_button_instead(page, site, reason):
    """See that the frame is gone, the reason is told, and the button works."""
    expect(page.locator("#no-code")).to_have_text(f"{reason} Use the button below.", use_inner_text=True)
    expect(page.locator("#scan")).to_be_hidden()
    assert page.locator("iframe").count() == 0
    page.get_by_role("link", name="Open the Feishu sign-in page").click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site)


def test_a_blocked_script_gives_way_to_the_button(site, page, watch):
    watch.expect("net::ERR_BLOCKED_BY_CLIENT", QR_SCRIPT)
    page.route(f"**{QR_SCRIPT}", lambda route: route.abort("blockedbyclient"))
    page.goto(f"{site.url}/login")
    expect_button_instead(page, site, BLOCKED)


def test_a_script_of_other_content_gives_way_to_the_button(site, page):
    page.route(f"**{QR_SCRIPT}", lambda route: route.fulfill(content_type="text/javascript", body="// a proxy's words"))
    page.goto(f"{site.url}/login")
    expect_button_instead(page, site, BLOCKED)


def test_an_unreachable_script_gives_way_to_the_button(many, page, watch):
    watch.expect("net::ERR_CONNECTION_REFUSED", "/sdk.js")
    page.goto(f"{many.url}/login?via=Unreachable")
    expect_button_instead(page, many, BLOCKED)


def test_a_script_that_does_not_come_gives_way_to_the_button_after_six_seconds(site, page):
    page.clock.install()
    page.route(f"**{QR_SCRIPT}", lambda route: None)
    with page.expect_request(f"**{QR_SCRIPT}"):
        page.goto(f"{site.url}/login", wait_until="commit")
    page.clock.fast_forward(6000)
    expect_button_instead(page, site, BLOCKED)


def test_a_login_that_does_not_begin_gives_way_to_the_button_after_six_seconds(site, page):
    page.clock.install()
    page.route(f"**{CONFIG}", lambda route: None)
    with page.expect_request(f"**{CONFIG}"):
        page.goto(f"{site.url}/login")
    page.clock.fast_forward(6000)
    expect_button_instead(page, site, LOST)


def test_a_blank_frame_gives_way_to_the_button_after_six_seconds(site, page):
    page.clock.install()
    site.sandbox.fail(FRAME, hold=2)
    with page.expect_request(lambda request: urlsplit(request.url).path == FRAME):
        page.goto(f"{site.url}/login", wait_until="commit")
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    page.clock.fast_forward(6000)
    try:
        expect_button_instead(page, site, BLOCKED)
    finally:
        requests.get(site.sandbox.url + FRAME, timeout=10)  # lets the held one go


def test_a_frame_that_has_come_stays(site, page):
    page.clock.install()
    open_login(page, site)
    page.clock.fast_forward(60_000)
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    expect(get_frame(page).get_by_alt_text("QR code")).to_be_visible()


def test_a_frame_forbidden_by_the_content_policy_gives_way_to_the_button(site, page, watch):
    site.sandbox.fail(FRAME, redirect=f"{site.sandbox.url}/phone")  # to another host
    page.goto(f"{site.url}/login")
    expect_button_instead(page, site, BLOCKED)
    complaints = watch.take()
    assert complaints and all("frame-src" in text for text in complaints), complaints


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            500,
            {"errcode": 47001, "errmsg": "no", "requestId": "x", "data": None},
            "The QR code can't be shown right now.",
        ),
        (503, {"errcode": 50300, "errmsg": "no", "requestId": "x", "data": None}, LOST),
        (502, "<h1>a proxy's words</h1>", LOST),
    ],
)
def test_a_login_that_fails_to_begin_gives_way_to_the_button(site, page, watch, status, body, reason):
    watch.expect(status, CONFIG)
    text = body if isinstance(body, str) else json.dumps(body)
    page.route(f"**{CONFIG}", lambda route: route.fulfill(status=status, content_type="text/html", body=text))
    page.goto(f"{site.url}/login")
    expect_button_instead(page, site, reason)


def test_a_lost_connection_is_shown_and_a_new_code_follows_it(site, page, watch):
    open_login(page, site)
    before = read_state(page)
    page.context.set_offline(True)
    expect(page.locator("#no-code")).to_have_text(f"{LOST} Use the button below.", use_inner_text=True)
    expect(page.locator("#scan")).to_be_hidden()
    page.context.set_offline(False)
    expect(page.locator("#no-code")).to_be_hidden()
    expect(get_frame(page).get_by_alt_text("QR code")).to_be_visible()
    assert read_state(page) != before
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site)
    complaints = watch.take()  # of the frame's own questions
    assert all("ERR_INTERNET_DISCONNECTED" in text and "/_sandbox/qr/" in text for text in complaints), complaints


def test_a_login_begun_before_a_lost_connection_shows_no_code(site, page):
    held = []
    page.route(f"**{CONFIG}", lambda route: held.append(route))
    with page.expect_request(f"**{CONFIG}"):
        page.goto(f"{site.url}/login")
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#no-code")).to_contain_text(LOST, use_inner_text=True)
    with page.expect_response(f"**{CONFIG}") as answer:
        held[0].continue_()
    answer.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done))")  # whatever waited for it has gone on
    expect(page.locator("#no-code")).to_contain_text(LOST, use_inner_text=True)
    assert page.locator("iframe").count() == 0


def test_without_javascript_the_link_is_there_and_no_empty_box(site, browse):
    page = browse(java_script_enabled=False)
    page.goto(f"{site.url}/login")
    for empty in ("#scan", "#no-code", "[data-with-code]"):
        expect(page.locator(empty)).to_be_hidden()
    page.get_by_role("link", name="Open the Feishu sign-in page").click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site)
