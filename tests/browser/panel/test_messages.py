"""The login page listens to WeCom's frame only, and answers it as Tencent's own script does."""

import json

import pytest
from playwright.sync_api import expect
from support.panel_page import (
    FRAME,
    LOGIN,
    REAL,
    become_client,
    call,
    expect_link_alone,
    expect_panel,
    expect_signed_in,
    find_frame,
    get_frame,
    get_status,
    open_panel,
    pick,
    send_message,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

FAILURE = call("onLoginFail", {"errCode": 1, "errMsg": "no"})
REFUSED = "WeCom refused to sign you in here."
COLLECT = "window.got = []; addEventListener('message', ({ data }) => got.push(data));"
ASK = """(message) => new Promise((done) => {
  addEventListener("message", ({ data }) => done(JSON.parse(data)));
  parent.postMessage(message, "*");
})"""
OPEN_ANOTHER_FRAME = """(src) => new Promise((onload) => {
  document.body.append(Object.assign(document.createElement("iframe"), { src, onload }));
})"""


def expect_still_open(page, site):
    expect_panel(page)
    pick(page)
    expect_signed_in(page, site)


def test_the_frame_itself_is_heard(site, page):
    open_panel(page, site)
    send_message(page, FAILURE)
    expect_link_alone(page, REFUSED)


def test_a_message_from_another_origin_is_ignored(site, page):
    open_panel(page, site)
    here = site.sandbox.site_url
    for origin in (
        "https://evil.example",
        site.url,
        site.sandbox.url,
        "null",
        f"{here}9",
        f"{here}.evil.example",
        REAL,
    ):
        send_message(page, FAILURE, origin)
    expect_still_open(page, site)


def test_another_window_of_the_right_origin_is_ignored(site, page):
    open_panel(page, site)
    for source in ("window", "null"):
        send_message(page, FAILURE, source=source)
    page.evaluate(OPEN_ANOTHER_FRAME, f"{site.sandbox.site_url}/phone")
    other = next(frame for frame in page.frames if frame.url.endswith("/phone"))
    heard = page.evaluate_handle("({ next: new Promise((done) => addEventListener('message', () => done(true))) })")
    other.evaluate("(message) => parent.postMessage(message, '*')", FAILURE)
    assert heard.evaluate("({ next }) => next") is True
    expect_still_open(page, site)


@pytest.mark.parametrize(
    "data", [None, 7, True, "", "{", "null", [], {}, {"type": 7}, {"type": "ww-iframe-handle:call"}]
)
def test_a_message_of_another_shape_is_ignored(site, page, data):
    open_panel(page, site)
    send_message(page, data)
    send_message(page, call("toString"))
    send_message(page, json.dumps(call("onLoginSuccess", {"code": "x"})))  # only for other kinds of redirect
    expect_still_open(page, site)


def test_a_message_may_be_an_object_and_its_payload_may_be_called_data(site, page):
    open_panel(page, site)
    message = {"type": "ww-iframe-handle:call"}
    args = {"type": "call", "name": "onCheckWeComLogin", "data": {"isWeComLogin": True}}
    send_message(page, {**message, "args": args})
    expect(get_status(page)).to_contain_text("WeCom is open on this computer", use_inner_text=True)


@pytest.mark.parametrize("name", ["onCheckWeComLogin", "unknown"])
def test_a_call_with_a_number_is_answered(site, page, name):
    open_panel(page, site)
    answer = find_frame(page).evaluate(ASK, call(name, uid="u7"))
    assert answer == {"type": "ww-iframe-handle:response", "uid": "u7", "kind": "resolve"}


def test_a_call_of_an_unknown_type_is_rejected(site, page):
    open_panel(page, site)
    answer = find_frame(page).evaluate(ASK, {**call("onLoginFail", uid="u8"), "args": {"type": "odd"}})
    assert (answer["uid"], answer["kind"], set(answer["args"])) == ("u8", "reject", {"message", "stack"})
    expect_panel(page)


def test_the_page_greets_a_frame_that_has_loaded_without_a_word(site, page):
    page.add_init_script(COLLECT)
    open_panel(page, site)
    assert json.loads(find_frame(page).evaluate("got[0]")) == {"type": "ww-iframe-handle:init"}


def test_the_page_does_not_greet_a_frame_that_has_spoken(site, page):
    site.sandbox.app("wecom", panel_early=True)
    page.add_init_script(COLLECT)
    held = []
    page.route(f"**{FRAME}?*", add_slow_picture)
    page.route("**/slow.svg", lambda route: held.append(route))
    page.goto(site.url + LOGIN, wait_until="commit")
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    page.evaluate(
        "() => { window.loaded = new Promise((done) =>"
        " document.querySelector('#panel-frame iframe').addEventListener('load', () => done())); }"
    )
    held[0].fulfill(content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>')
    page.evaluate("loaded")
    page.evaluate("new Promise((done) => setTimeout(done))")
    kinds = [json.loads(each)["type"] for each in find_frame(page).evaluate("got")]
    assert "ww-iframe-handle:init" not in kinds and "ww-iframe-handle:response" in kinds


def add_slow_picture(route):
    """Serve the panel with a picture that delays the frame's load."""
    answer = route.fetch()
    body = answer.text().replace("</main>", '<img src="/slow.svg" alt=""></main>')
    route.fulfill(response=answer, body=body)


def test_a_frame_that_offers_a_port_is_heard_and_answered_there(site, page):
    become_client(page, site.sandbox)
    site.sandbox.app("wecom", panel_channel=True)
    page.add_init_script(COLLECT)
    page.goto(site.url + LOGIN)
    expect(get_status(page)).to_contain_text("WeCom is open on this computer", use_inner_text=True)
    frame = find_frame(page)
    assert "ww-iframe-handle:set-port" in frame.evaluate("got.map((each) => each.type)")
    page.evaluate("window.heard = 0; addEventListener('message', () => { heard += 1; })")
    get_frame(page).get_by_role("button", name="Open in WeCom").click()
    expect(get_status(page)).to_have_text("Continue in WeCom.", use_inner_text=True)
    assert page.evaluate("heard") == 0  # it came by the port
