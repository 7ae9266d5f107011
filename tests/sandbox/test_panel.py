"""WeCom's login panel in a frame.

Tencent's own script runs in Chromium. The panel hands over the outcome by messages, by the top page, or by the frame.
"""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.embedder import serve_embedder
from support.groups import report_missing
from support.page_waits import wait_on_page
from support.panel_page import become_client
from support.portal_app import ROOT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

REAL = "https://login.work.weixin.qq.com"
PAGE, OLD_PAGE = "/wwlogin/sso/login", "/wwopen/sso/qrConnect"
SDK = ROOT / "node_modules" / "@wecom" / "jssdk" / "dist" / "wecom.global.prod.js"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; frame-src"
OPEN_PANEL = """(params) => {
  window.heard = [];
  const hear = (name) => (words) => { heard.push([name, words]); };
  const events = ["onCheckWeComLogin", "onLoginSuccess", "onLoginFail", "onOpenInWecom"];
  const callbacks = Object.fromEntries(events.map((name) => [name, hear(name)]));
  const { el } = ww.createWWLoginPanel({ el: "#qr", params, ...callbacks });
  el.addEventListener("load", () => { window.loaded = true; });
}"""
OWN_PAGE = """(address) => {
  window.heard = [];
  const frame = Object.assign(document.createElement("iframe"), { src: address, width: 480, height: 416 });
  addEventListener("message", ({ data, origin, source }) => {
    if (source === frame.contentWindow) heard.push([typeof data, JSON.parse(data), origin]);
  });
  frame.addEventListener("load", () => { window.loaded = true; });
  document.querySelector("#qr").append(frame);
}"""


@pytest.fixture
def embedder(sandbox):
    with serve_embedder(sandbox) as embedder:
        embedder.policy = f"{POLICY} {sandbox.site_url} {REAL}"
        yield embedder


@pytest.fixture
def params(embedder, sandbox):
    """The parameters that a page gives to Tencent's script."""
    app = {"login_type": "CorpApp", "appid": sandbox.WECOM["corpid"], "agentid": sandbox.WECOM["agentid"]}
    return {**app, "redirect_uri": embedder.callback, "state": "s1"}


@pytest.fixture
def open_panel(page, embedder, sandbox, params):
    """Return a function that opens a page with Tencent's panel.

    The sandbox plays the frame's host.
    """
    if not SDK.exists():
        report_missing("browser", "@wecom/jssdk is not installed")

    def play(route):
        there = route.request.url.replace(REAL, sandbox.url, 1)
        route.fulfill(response=route.fetch(url=there, max_redirects=0))

    def show(home=None, **more):
        embedder.scripts = ["/wecom.js"]
        page.route("**/wecom.js", lambda route: route.fulfill(path=SDK))
        page.route(f"{REAL}/**", play)
        page.goto(home or embedder.url)
        page.evaluate(OPEN_PANEL, {**params, **more})
        expect_shown(page)

    return show


@pytest.fixture
def open_frame(page, embedder, sandbox, params):
    """Return a function that opens our page around the frame."""

    def show(path=PAGE, **more):
        page.goto(embedder.url)
        query = {key: value for key, value in {**params, **more}.items() if value is not None}
        page.evaluate(OWN_PAGE, f"{sandbox.site_url}{path}?{urlencode(query)}")

    return show


def find_frame(page):
    return page.frame_locator("#qr iframe")


def expect_shown(page):
    """Wait until the frame and its script have loaded."""
    wait_on_page(page, "() => window.loaded === true")
    expect(find_frame(page).get_by_role("button", name="Allow")).to_be_visible()


def pick(page, person="bob", button="Allow"):
    find_frame(page).locator(f'input[value="{person}"]').check()
    find_frame(page).get_by_role("button", name=button).click()


def wait_for_messages(page, count):
    wait_on_page(page, "(count) => heard.length >= count", count)
    return page.evaluate("heard")


def expect_callback(page, embedder, sandbox, person="bob"):
    """Check that the callback got state and code."""
    page.wait_for_url(f"{embedder.callback}?*")
    query = parse_qs(urlsplit(page.url).query)
    assert query["state"] == ["s1"]
    assert sandbox.redeem_code("wecom", query["code"][0]) == person


def greet(page, sandbox):
    wait_on_page(page, "() => window.loaded === true")
    page.evaluate(
        "(origin) => document.querySelector('#qr iframe').contentWindow.postMessage("
        "JSON.stringify({ type: 'ww-iframe-handle:init' }), origin)",
        sandbox.site_url,
    )


# Tencent's own script


@pytest.mark.parametrize("channel", [False, True])
def test_callback_hands_the_code_to_tencents_script(page, sandbox, open_panel, channel):
    sandbox.app("wecom", panel_channel=channel)
    open_panel(redirect_type="callback")
    assert wait_for_messages(page, 1) == [["onCheckWeComLogin", {"isWeComLogin": False}]]
    pick(page)
    name, words = wait_for_messages(page, 2)[1]
    assert (name, set(words)) == ("onLoginSuccess", {"code"})
    assert sandbox.redeem_code("wecom", words["code"]) == "bob"


def test_tencents_script_hears_of_a_refusal(page, open_panel):
    open_panel(redirect_type="callback")
    pick(page, button="Refuse")
    name, words = wait_for_messages(page, 2)[1]
    assert (name, set(words)) == ("onLoginFail", {"errCode", "errMsg"})


@pytest.mark.parametrize("kind", [{}, {"redirect_type": "top"}])
def test_the_top_page_is_redirected_to_the_callback(page, embedder, sandbox, open_panel, kind):
    open_panel(**kind)
    assert page.locator("#qr iframe").get_attribute("sandbox") is None
    pick(page)
    expect_callback(page, embedder, sandbox)


def test_a_sandboxed_frame_redirects_the_top_page_of_another_origin(page, embedder, sandbox, open_panel):
    open_panel(home=embedder.url.replace("127.0.0.1", "localhost"), redirect_type="top")
    assert "allow-forms" not in page.locator("#qr iframe").get_attribute("sandbox")
    pick(page)
    expect_callback(page, embedder, sandbox)


def test_self_redirects_the_frame(page, embedder, sandbox, open_frame):
    embedder.policy += f" {embedder.url}"
    open_frame(redirect_type="self")
    pick(page)
    expect(find_frame(page).locator("#told")).to_be_attached()
    inner = next(frame for frame in page.frames if frame.url.startswith(embedder.callback))
    assert parse_qs(urlsplit(inner.url).query)["state"] == ["s1"]
    assert page.url == f"{embedder.url}/"


@pytest.mark.parametrize("kind", ["callback", "self", "top"])
def test_tencents_script_hears_whether_the_client_is_signed_in(page, open_panel, kind):
    open_panel(redirect_type=kind)
    assert wait_for_messages(page, 1) == [["onCheckWeComLogin", {"isWeComLogin": False}]]


def test_a_panel_that_says_ready_first_introduces_itself_once(page, sandbox, open_panel):
    sandbox.app("wecom", panel_early=True)
    open_panel(redirect_type="callback")
    pick(page)
    assert [name for name, _ in wait_for_messages(page, 2)] == ["onCheckWeComLogin", "onLoginSuccess"]
    page.evaluate("new Promise((done) => setTimeout(done))")
    assert len(page.evaluate("heard")) == 2


def test_tencents_script_hears_of_a_failure_without_a_scan(page, sandbox, open_panel):
    failure = {"errCode": 50001, "errMsg": "wrong domain"}
    sandbox.app("wecom", panel_failure=failure)
    open_panel(redirect_type="top")
    assert wait_for_messages(page, 2)[1] == ["onLoginFail", failure]


def test_tencents_script_hears_that_the_person_goes_on_in_the_client(page, sandbox, open_panel):
    become_client(page, sandbox)
    open_panel(redirect_type="top")
    assert wait_for_messages(page, 1) == [["onCheckWeComLogin", {"isWeComLogin": True}]]
    find_frame(page).get_by_role("button", name="Open in WeCom").click()
    assert wait_for_messages(page, 2)[1][0] == "onOpenInWecom"


def test_the_panel_refuses_a_member_out_of_range(page, open_panel):
    open_panel(redirect_type="callback")
    pick(page, "zhengshi")
    expect(find_frame(page).get_by_text("50002")).to_be_visible()
    assert len(page.evaluate("heard")) == 1


# A page of our own


def test_the_frame_sends_nothing_before_it_is_greeted(page, sandbox, open_frame):
    open_frame(redirect_type="callback")
    expect_shown(page)
    pick(page)
    assert page.evaluate("heard") == []
    greet(page, sandbox)
    heard = wait_for_messages(page, 3)
    assert [(kind, origin) for kind, _, origin in heard] == [("string", sandbox.site_url)] * 3
    messages = [message for _, message, _ in heard]
    assert messages[0] == {"type": "ww-iframe-handle:ready"}
    assert [message["args"]["name"] for message in messages[1:]] == ["onCheckWeComLogin", "onLoginSuccess"]
    assert [message["type"] for message in messages[1:]] == ["ww-iframe-handle:call"] * 2
    assert [message["uid"] for message in messages[1:]] == ["1", "2"]
    assert sandbox.redeem_code("wecom", messages[2]["args"]["payload"]["code"]) == "bob"


def test_an_answer_in_the_address_waits_for_the_greeting(page, sandbox, open_frame):
    open_frame(redirect_type="callback", person="alice", action="allow")
    expect(find_frame(page).get_by_role("status")).to_contain_text("Signing in")
    assert page.evaluate("heard") == []
    greet(page, sandbox)
    assert sandbox.redeem_code("wecom", wait_for_messages(page, 3)[2][1]["args"]["payload"]["code"]) == "alice"


def test_an_answer_in_the_address_redirects_the_top_page(page, embedder, sandbox, open_frame):
    open_frame(person="alice", action="allow")
    expect_callback(page, embedder, sandbox, "alice")


@pytest.mark.parametrize(("path", "kind"), [(PAGE, "CorpApp"), (OLD_PAGE, "jssdk")])
def test_a_click_in_a_plain_frame_redirects_the_top_page(page, embedder, sandbox, open_frame, path, kind):
    open_frame(path, login_type=kind)
    expect_shown(page)
    pick(page)
    expect_callback(page, embedder, sandbox)


def test_a_page_of_another_origin_hears_nothing(page, embedder, sandbox, open_frame, watch):
    open_frame(redirect_type="callback", redirect_uri=f"{sandbox.site_url}/phone")
    expect_shown(page)
    greet(page, sandbox)
    pick(page)
    page.evaluate("new Promise((done) => setTimeout(done))")
    assert page.evaluate("heard") == []


def test_the_frame_refuses_a_wrong_domain(page, open_frame):
    open_frame(redirect_type="callback", redirect_uri="https://portal.example.test/callback")
    expect(find_frame(page).get_by_text("50001")).to_be_visible()
    assert page.evaluate("heard") == []


def test_the_panel_says_whether_the_client_is_signed_in(page, sandbox, open_frame):
    become_client(page, sandbox)
    open_frame(redirect_type="callback")
    expect_shown(page)
    greet(page, sandbox)
    assert wait_for_messages(page, 2)[1][1]["args"]["payload"] == {"isWeComLogin": True}


@pytest.mark.parametrize(
    ("query", "button", "look", "language"),
    [
        ({}, "Allow", "scheme-auto panel-middle", "en"),
        ({"lang": "zh", "panel_size": "small", "color_scheme": "dark"}, "允许", "scheme-dark panel-small", "zh"),
        ({"lang": "en", "panel_size": "middle", "color_scheme": "light"}, "Allow", "scheme-light panel-middle", "en"),
        ({"lang": "fr", "panel_size": "huge", "color_scheme": "red"}, "Allow", "scheme-auto panel-middle", "en"),
    ],
)
def test_the_address_sets_the_panels_look(page, open_frame, query, button, look, language):
    open_frame(**query)
    frame = find_frame(page)
    expect(frame.get_by_role("button", name=button)).to_be_visible()
    scheme, size = look.split()
    assert frame.locator("html").get_attribute("class") == scheme
    assert frame.locator("html").get_attribute("lang") == language
    assert size in frame.locator("main").get_attribute("class").split()


def test_a_panel_expires_and_is_refreshed_inside_its_frame(page, embedder, sandbox, open_frame):
    page.clock.install()
    open_frame()
    expect_shown(page)
    page.clock.fast_forward(300_000)
    expect(find_frame(page).get_by_text("The QR code has expired.")).to_be_visible()
    expect(find_frame(page).get_by_role("button", name="Allow")).to_be_hidden()
    find_frame(page).get_by_role("link", name="Refresh").click()
    pick(page)
    expect_callback(page, embedder, sandbox)


# Without a script


@pytest.mark.parametrize("kind", [None, "top", "self"])
def test_a_window_of_its_own_is_redirected_back(sandbox, params, kind):
    query = {**params, "person": "bob", "action": "allow"} | ({"redirect_type": kind} if kind else {})
    answer = requests.get(sandbox.url + PAGE, params=query, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"].startswith(params["redirect_uri"])) == (302, True)


def test_the_panels_script_gets_the_outcome_as_data(sandbox, params):
    query = {**params, "redirect_type": "callback", "person": "bob", "action": "allow"}
    answer = requests.get(
        sandbox.url + PAGE, params=query, headers={"Accept": "application/json"}, allow_redirects=False, timeout=10
    )
    name, words = json.loads(answer.text)["call"]
    assert (name, sandbox.redeem_code("wecom", words["code"])) == ("onLoginSuccess", "bob")
