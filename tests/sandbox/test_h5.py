"""The substitute H5 SDK on another site's strict page."""

import json

import pytest
import requests
from playwright.sync_api import expect
from support.embedder import serve_embedder

pytest_plugins = ["support.chromium"]

SDK = "/lark/op/h5-js-sdk-1.5.44.js"
CALLS = "/lark/op/jsapi/*"
CLIENT = "Mozilla/5.0 (KHTML, like Gecko) Lark/7.12.7 Chrome/120.0 Safari/537.36 LarkLocale/zh_CN ChannelName/Feishu"
CALL = """([call, options]) => {
  const told = [];
  const tell = (name) => (result) => {
    told.push([name, result]);
    if (name === "complete") document.querySelector("#told").textContent = JSON.stringify(told);
  };
  tt[call]({ ...options, success: tell("success"), fail: tell("fail"), complete: tell("complete") });
}"""
START = """() => {
  const tell = (...told) => { document.querySelector("#told").textContent = JSON.stringify(told); };
  h5sdk.config({});
  h5sdk.ready(() => tell("ready"));
  h5sdk.error((error) => tell("error", error));
}"""
LISTEN = """() => {
  window.heard = [];
  const hear = (name) => () => heard.push(name);
  h5sdk.ready(hear("ready"));
  h5sdk.error(hear("error"));
  const options = { success: hear("success"), fail: hear("fail"), complete: hear("complete") };
  tt.requestAccess({ appID: "cli_5a4db0c5a4db0c01", scopeList: [], ...options });
  tt.requestAuthCode({ appId: "cli_5a4db0c5a4db0c01", ...options });
}"""
LOAD = """(src) => new Promise((done, failed) => {
  const script = Object.assign(document.createElement("script"), { src, onload: () => done(), onerror: failed });
  document.head.append(script);
})"""


@pytest.fixture
def embedder(sandbox):
    with serve_embedder(sandbox) as embedder:
        embedder.embed(SDK)
        yield embedder


@pytest.fixture
def lark(browse, embedder):
    """Return a function that opens the page in the client.

    It is called as `lark("103")` or `lark(path="/home?x=1")`.
    """

    def open_(jsapi="ok", path="/", user_agent=CLIENT):
        embedder.sandbox.jsapi(jsapi)
        page = browse(user_agent=user_agent)
        page.goto(embedder.url + path)
        return page

    return open_


def read_result(page, script, words=None):
    """Run a script and return the result it writes down."""
    page.locator("#told").evaluate("(place) => place.replaceChildren()")
    page.evaluate(script, words)
    expect(page.locator("#told")).not_to_be_empty()
    return json.loads(page.locator("#told").text_content())


def request_access(page, **options):
    """Call requestAccess and return the callback and its argument.

    Check that `complete` got the same argument.
    """
    words = ["requestAccess", {"appID": "cli_5a4db0c5a4db0c01", "scopeList": [], **options}]
    first, *rest = read_result(page, CALL, words)
    assert rest == [["complete", first[1]]]
    return first


def request_auth_code(page, **options):
    first, *rest = read_result(page, CALL, ["requestAuthCode", {"appId": "cli_5a4db0c5a4db0c01", **options}])
    assert rest == [["complete", first[1]]]
    return first


# By HTTP


@pytest.mark.parametrize("path", [SDK, f"/obj/lark-static-sgsaas{SDK}"], ids=["Feishu", "Lark"])
def test_outside_the_client_the_script_is_empty(sandbox, path):
    ordinary = requests.get(sandbox.url + path, timeout=10)
    client = requests.get(sandbox.url + path, headers={"User-Agent": CLIENT}, timeout=10)

    assert "window" not in ordinary.text
    assert "window.tt" in client.text
    for answer in (ordinary, client):
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"


def test_outside_the_client_there_is_no_code(sandbox):
    query = {"app_id": sandbox.FEISHU["app_id"], "scope": "", "page": "http://127.0.0.1:9/"}

    answer = requests.get(f"{sandbox.url}/lark/op/jsapi/requestAccess.js", params=query, timeout=10)

    assert answer.text == 'document.currentScript.answer({"errno":101,"errString":"internal error"});\n'


def test_an_unknown_switch_is_refused(sandbox):
    with pytest.raises(ValueError, match="jsapi must be one of ok, 103"):
        sandbox.jsapi("108")


def test_the_switch_and_the_person_stay_until_changed(sandbox):
    sandbox.client("feishu", "bob")
    sandbox.jsapi("silent")
    sandbox.client("feishu", "carol")

    text = requests.get(sandbox.url + SDK, headers={"User-Agent": CLIENT}, timeout=10).text

    assert 'const jsapi = "silent"' in text
    sandbox.reset()
    assert 'const jsapi = "ok"' in requests.get(sandbox.url + SDK, headers={"User-Agent": CLIENT}, timeout=10).text


def test_codes_live_three_and_five_minutes(sandbox):
    short, long = (sandbox.code("feishu", "bob", source=source) for source in ("requestAccess", "requestAuthCode"))
    sandbox.clock(180)

    assert sandbox.exchange(short)["code"] == 20004
    assert sandbox.exchange(long)["code"] == 0


# In Chromium


@pytest.mark.browser
def test_request_access_gives_a_code_of_the_person_signed_in(lark, sandbox):
    sandbox.client("feishu", "carol")
    page = lark(path="/home?x=1#y")

    name, result = request_access(page, state="S t&ate")

    assert read_result(page, START) == ["ready"]
    assert name == "success"
    assert result == {"code": result["code"], "state": "S t&ate", "errMsg": "requestAccess:ok"}
    assert sandbox.redeem_code("feishu", result["code"]) == "carol"
    assert sandbox.exchange(result["code"])["code"] == 20065


@pytest.mark.browser
def test_without_a_state_none_is_returned(lark):
    name, result = request_access(lark())

    assert (name, result.keys()) == ("success", {"code", "errMsg"})


@pytest.mark.browser
def test_request_auth_code_gives_a_bare_code(lark, sandbox):
    name, result = request_auth_code(lark())

    assert (name, result.keys()) == ("success", {"code"})
    assert sandbox.redeem_code("feishu", result["code"]) == "zhangsan"


@pytest.mark.browser
def test_the_code_has_no_redirect_address(lark, sandbox):
    code = request_access(lark())[1]["code"]

    assert sandbox.exchange(code, redirect_uri="http://127.0.0.1:9/callback")["code"] == 20071


@pytest.mark.browser
def test_an_old_client_knows_the_older_call_only(lark):
    page = lark("103")

    assert request_access(page) == ["fail", {"errno": 103, "errString": "feature is not supported"}]
    assert request_auth_code(page)[0] == "success"


@pytest.mark.browser
def test_a_client_may_lack_the_newer_call(lark):
    page = lark("no_request_access")

    assert page.evaluate("[typeof tt.requestAccess, typeof tt.requestAuthCode]") == ["undefined", "function"]
    assert request_auth_code(page)[0] == "success"


@pytest.mark.browser
def test_a_refusal_reaches_the_page(lark):
    page = lark("107")

    assert request_access(page) == ["fail", {"errno": 107, "errString": "user denied"}]
    assert request_auth_code(page) == ["fail", {"errno": 107, "errString": "user denied"}]


@pytest.mark.browser
def test_a_client_may_fail_to_start(lark):
    page = lark("error")

    assert read_result(page, START) == ["error", {"errorCode": 101, "errorMsg": "internal error"}]
    assert request_access(page) == ["fail", {"errno": 101, "errString": "internal error"}]


@pytest.mark.browser
@pytest.mark.parametrize(("jsapi", "heard"), [("silent", ["ready"]), ("never_ready", [])])
def test_a_client_may_never_answer(lark, sandbox, jsapi, heard):
    page = lark(jsapi)
    page.evaluate(LISTEN)
    page.evaluate(LOAD, f"{sandbox.site_url}{SDK}")  # an answer would have arrived before this one

    assert page.evaluate("heard") == heard
    assert sandbox.calls(CALLS) == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({"appID": "cli_0000000000000000"}, 104),
        ({"appID": None}, 104),
        ({"scopeList": None}, 104),
        ({"scopeList": ["calendar:calendar"]}, 104),
    ],
)
def test_request_access_needs_an_app_and_its_scopes(lark, options, number):
    name, result = request_access(lark(), **options)

    assert (name, result["errno"], result.keys()) == ("fail", number, {"errno", "errString"})


@pytest.mark.browser
def test_scopes_are_granted_with_the_code(lark, sandbox):
    code = request_access(lark(), scopeList=["contact:user.email:readonly"])[1]["code"]

    assert "contact:user.email:readonly" in sandbox.exchange(code)["scope"].split()


@pytest.mark.browser
def test_request_auth_code_needs_an_app(lark):
    name, result = request_auth_code(lark(), appId="cli_0000000000000000")

    assert (name, result) == ("fail", {"errCode": 10200, "errString": "invalid appid"})


@pytest.mark.browser
def test_the_page_itself_has_to_be_in_the_redirect_list(lark, embedder, sandbox):
    sandbox.app("feishu", redirect_uris=[f"{embedder.url}/home"])

    listed, elsewhere = lark(path="/home?code=1#x"), lark(path="/")

    assert request_access(listed)[0] == "success"
    assert request_access(elsewhere)[1]["errno"] == 10236
    assert request_auth_code(elsewhere)[1]["errCode"] == 10236


@pytest.mark.browser
def test_a_lost_connection_is_a_failure(lark, sandbox, watch):
    page = lark()
    sandbox.fail(CALLS, status=502, body="Bad gateway")
    watch.expect(502, "/lark/op/jsapi/requestAccess.js")

    assert request_access(page) == ["fail", {"errno": 303, "errString": "offline"}]


@pytest.mark.browser
def test_closing_the_window_returns_to_the_workspace(lark, sandbox):
    page = lark()

    page.evaluate("tt.closeWindow()")

    page.wait_for_url(f"{sandbox.site_url}/workspace/feishu")


@pytest.mark.browser
def test_an_ordinary_browser_has_no_client(page, embedder):
    page.goto(embedder.url)

    assert page.evaluate("[typeof window.tt, typeof window.h5sdk]") == ["undefined", "undefined"]
