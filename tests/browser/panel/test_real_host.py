"""The panel under WeCom's real host name, which leads to the sandbox: Tencent's own script, and ours.

Chromium maps the name and takes the sandbox's certificate. What goes to the host is compared with literal values.
"""

import pytest
from playwright.sync_api import expect
from support.authority import Authority, serve_https
from support.embedder import serve_embedder
from support.groups import report_missing
from support.page_waits import wait_on_page
from support.panel_page import CALLBACK, LOGIN, REAL, expect_signed_in, find_frame, open_panel, read_query
from support.portal_app import ROOT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

SDK = ROOT / "node_modules" / "@wecom" / "jssdk" / "dist" / "wecom.global.prod.js"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; frame-src"
OPEN_TENCENTS_PANEL = """(params) => {
  window.heard = [];
  const hear = (name) => (words) => { heard.push([name, words]); };
  const events = ["onCheckWeComLogin", "onLoginSuccess", "onLoginFail", "onOpenInWecom"];
  ww.createWWLoginPanel({ el: "#qr", params, ...Object.fromEntries(events.map((name) => [name, hear(name)])) });
}"""
ATTRIBUTES = """(frame) => ({
  allow: frame.allow, referrerPolicy: frame.referrerPolicy, sandbox: frame.getAttribute("sandbox"),
  path: frame.src.split("?")[0],
})"""


@pytest.fixture(scope="module")
def site(run_site):
    return run_site(add=lambda elements: elements.wecom(loginBaseUrl=REAL))


@pytest.fixture(autouse=True)
def clean_sandbox(sandbox_process):
    sandbox_process.reset()


@pytest.fixture
def page(open_mapped, sandbox_process, tmp_path):
    """A page to which WeCom's login host is the sandbox."""
    with serve_https(sandbox_process.port, Authority(tmp_path).certify()) as front:
        yield open_mapped("login.work.weixin.qq.com", front.rpartition(":")[2])


@pytest.fixture
def open_tencents_panel(page, sandbox_process):
    """Return a function that opens a page with Tencent's own script under a strict content policy."""
    if not SDK.exists():
        report_missing("browser", "@wecom/jssdk is not installed")
    with serve_embedder(sandbox_process) as embedder:
        embedder.policy, embedder.scripts = f"{POLICY} {REAL} {embedder.url}", ["/wecom.js"]
        app = {"appid": sandbox_process.WECOM["corpid"], "agentid": sandbox_process.WECOM["agentid"]}
        params = {"login_type": "CorpApp", **app, "redirect_uri": embedder.callback, "state": "s1"}

        def show(**more):
            page.route("**/wecom.js", lambda route: route.fulfill(path=SDK))
            page.goto(embedder.url)
            page.evaluate(OPEN_TENCENTS_PANEL, {**params, **more})
            expect(page.frame_locator("#qr iframe").locator("fieldset")).to_be_visible()
            return embedder

        yield show


def allow(page, person="bob"):
    frame = page.frame_locator("iframe")
    frame.locator(f'input[value="{person}"]').check()
    frame.get_by_role("button", name="Allow").click()


def test_the_address_of_our_panel_is_literally_right(site, page):
    answer = open_panel(page, site)
    assert "; frame-src https://login.work.weixin.qq.com" in answer.headers["content-security-policy"]
    query = read_query(page)
    state = query.pop("state")
    assert len(bytes.fromhex(state)) == 37
    assert query == {
        "login_type": "CorpApp",
        "appid": "wwsandbox00000001",
        "agentid": "1000002",
        "redirect_uri": f"{site.url}{CALLBACK}",
        "redirect_type": "top",
        "panel_size": "middle",
        "lang": "en",
        "color_scheme": "light",
        "version": "2.4.4",
    }
    assert page.locator("#panel-frame iframe").evaluate(ATTRIBUTES) == {
        "allow": "local-network-access",
        "referrerPolicy": "origin",
        "sandbox": None,
        "path": "https://login.work.weixin.qq.com/wwlogin/sso/login",
    }


def test_a_scan_in_our_panel_signs_in(site, page):
    open_panel(page, site, LOGIN)
    assert find_frame(page).url.startswith(f"{REAL}/")
    allow(page)
    expect_signed_in(page, site)


def test_tencents_panel_has_the_same_frame_as_ours(site, page, open_tencents_panel):
    open_tencents_panel(redirect_type="top", panel_size="middle", lang="en", color_scheme="light")
    theirs = page.locator("#qr iframe")
    attributes, box = theirs.evaluate(ATTRIBUTES), theirs.bounding_box()
    keys = theirs.evaluate("(frame) => [...new URL(frame.src).searchParams.keys()].sort()")
    open_panel(page, site)
    ours = page.locator("#panel-frame iframe")
    assert ours.evaluate(ATTRIBUTES) == attributes
    assert (ours.bounding_box()["width"], ours.bounding_box()["height"]) == (box["width"], box["height"])
    assert ours.evaluate("(frame) => [...new URL(frame.src).searchParams.keys()].sort()") == keys


@pytest.mark.parametrize("channel", [False, True])
def test_tencents_script_hears_all_that_the_panel_tells(page, sandbox_process, open_tencents_panel, channel):
    sandbox_process.app("wecom", panel_channel=channel)
    open_tencents_panel(redirect_type="callback")
    allow(page)
    wait_on_page(page, "() => heard.length === 2")
    (checked, client), (name, words) = page.evaluate("heard")
    assert (checked, client, name) == ("onCheckWeComLogin", {"isWeComLogin": False}, "onLoginSuccess")
    assert sandbox_process.redeem_code("wecom", words["code"]) == "bob"


def test_tencents_script_hears_of_a_refusal(page, open_tencents_panel):
    open_tencents_panel(redirect_type="callback")
    page.frame_locator("iframe").get_by_role("button", name="Refuse").click()
    wait_on_page(page, "() => heard.length === 2")
    assert page.evaluate("heard[1][0]") == "onLoginFail"


@pytest.mark.parametrize("kind", ["top", "self"])
def test_tencents_panel_redirects_the_page_or_the_frame(page, open_tencents_panel, kind):
    embedder = open_tencents_panel(redirect_type=kind)
    embedder.scripts = []  # the callback needs none
    with page.expect_request(f"{embedder.callback}?code=*&state=s1") as callback:
        allow(page)
    frame = callback.value.frame
    frame.wait_for_url(f"{embedder.callback}?*")
    assert (frame == page.main_frame) is (kind == "top")
