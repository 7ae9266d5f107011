"""The pretend workspaces, their clients, and the start page."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.embedder import serve_embedder
from support.sandbox_server import SandboxServer

pytest_plugins = ["support.chromium"]

CALLBACK = "http://127.0.0.1:9/callback"
AUTHORIZE = "/open-apis/authen/v1/authorize"
PASSPORT = "/suite/passport/oauth/authorize"
OAUTH = "/connect/oauth2/authorize"
WEB_LOGIN = "/wwlogin/sso/login"
SDK = "/lark/op/h5-js-sdk-1.5.44.js"
TILES = {"feishu": "FSInnerExample", "wecom": "QywxInnerExample"}
ACCESS = """() => {
  const tell = (result) => { document.querySelector("#told").textContent = result.code ?? result.errString; };
  tt.requestAccess({ appID: "cli_5a4db0c5a4db0c01", scopeList: [], success: tell, fail: tell });
}"""


@pytest.fixture
def visitor():
    """A browser with cookies and its own user agent."""
    with requests.Session() as session:
        session.headers["User-Agent"] = "one"
        yield session


def post(sandbox, visitor, platform, **fields):
    return visitor.post(f"{sandbox.url}/workspace/{platform}", data=fields, allow_redirects=False, timeout=10)


def enter(sandbox, visitor, platform="feishu", person="alice"):
    answer = post(sandbox, visitor, platform, person=person, open=TILES[platform])
    assert answer.headers["Location"].endswith("/in-app")


def get(sandbox, visitor, path, **query):
    common = {"redirect_uri": CALLBACK, "response_type": "code", "state": "s1"}
    feishu = {"client_id": sandbox.FEISHU["app_id"]}
    wecom = {"appid": sandbox.WECOM["corpid"], "agentid": sandbox.WECOM["agentid"], "login_type": "CorpApp"}
    app = feishu if path in (AUTHORIZE, PASSPORT) else wecom
    address = f"{sandbox.url}{path}?{urlencode({**common, **app, **query})}"
    return visitor.get(address, allow_redirects=False, timeout=10)


def read_code(answer):
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


# By HTTP


@pytest.mark.parametrize(("platform", "tile"), TILES.items())
def test_a_tile_opens_the_portals_in_app_page(sandbox, visitor, platform, tile):
    page = visitor.get(f"{sandbox.url}/workspace/{platform}", timeout=10).text

    answer = post(sandbox, visitor, platform, person="bob", open=tile)

    assert re.findall(r'name="open" value="(\w+)"', page) == [tile]
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:8000/login/{tile}/in-app"


def test_the_knob_says_where_the_portal_is_and_reset_forgets_it(sandbox, visitor):
    sandbox.portal("https://portal.example.test/", feishu=["One", "Two"])

    answer = post(sandbox, visitor, "feishu", person="bob", open="Two")
    page = visitor.get(sandbox.url, timeout=10).text

    assert answer.headers["Location"] == "https://portal.example.test/login/Two/in-app"
    assert 'href="https://portal.example.test/login"' in page
    sandbox.reset()
    assert 'href="http://127.0.0.1:8000/login"' in visitor.get(sandbox.url, timeout=10).text


@pytest.mark.parametrize("words", [{"url": "javascript:alert(1)"}, {"url": "http://127.0.0.1:1", "dingtalk": []}])
def test_the_knob_refuses_a_wrong_portal(sandbox, words):
    with pytest.raises(ValueError, match="error"):
        sandbox.portal(**words)


def test_the_options_say_where_the_portal_is(visitor):
    options = ["--portal", "http://127.0.0.1:1", "--feishu-element", "MyFeishu", "--wecom-element", "MyWecom"]
    server = SandboxServer.start(options=options)
    try:
        places = [
            post(server, visitor, platform, person="bob", open=tile).headers["Location"]
            for platform, tile in (("feishu", "MyFeishu"), ("wecom", "MyWecom"))
        ]
    finally:
        server.stop()

    assert places == ["http://127.0.0.1:1/login/MyFeishu/in-app", "http://127.0.0.1:1/login/MyWecom/in-app"]


@pytest.mark.parametrize(("person", "tile"), [("nobody", "FSInnerExample"), ("bob", "Other"), (None, None)])
def test_a_client_needs_a_person_and_a_tile(sandbox, visitor, person, tile):
    answer = post(sandbox, visitor, "feishu", person=person, open=tile)

    assert answer.headers["Location"] == "/workspace/feishu"
    assert get(sandbox, visitor, AUTHORIZE).status_code == 200


@pytest.mark.parametrize("path", [AUTHORIZE, PASSPORT])
def test_feishu_answers_the_workspaces_browser_as_a_client(sandbox, visitor, path):
    before = get(sandbox, visitor, path)
    enter(sandbox, visitor, person="alice")

    after = get(sandbox, visitor, path)

    assert "<form" in before.text
    assert sandbox.redeem_code("feishu", read_code(after)) == "alice"
    assert "<form" in get(sandbox, visitor, AUTHORIZE, prompt="consent").text


def test_wecom_answers_the_workspaces_browser_as_a_client(sandbox, visitor):
    before = get(sandbox, visitor, OAUTH, scope="snsapi_base")
    enter(sandbox, visitor, "wecom", person="alice")

    after = get(sandbox, visitor, OAUTH, scope="snsapi_base")

    assert "请在企业微信客户端打开链接" in before.text
    assert sandbox.redeem_code("wecom", read_code(after)) == "alice"
    assert "请在企业微信客户端打开链接" not in get(sandbox, visitor, OAUTH, scope="snsapi_privateinfo").text
    assert "<form" in get(sandbox, visitor, WEB_LOGIN).text  # a scan stays a scan


def test_the_workspace_overrides_an_earlier_choice(sandbox, visitor):
    get(sandbox, visitor, AUTHORIZE, person="bob", action="allow")
    get(sandbox, visitor, OAUTH, scope="snsapi_base", person="bob", action="allow")
    enter(sandbox, visitor, "feishu", person="alice")
    enter(sandbox, visitor, "wecom", person="carol")

    assert sandbox.redeem_code("feishu", read_code(get(sandbox, visitor, AUTHORIZE))) == "alice"
    assert sandbox.redeem_code("wecom", read_code(get(sandbox, visitor, OAUTH, scope="snsapi_base"))) == "carol"


def test_each_platform_has_a_workspace_of_its_own(sandbox, visitor):
    enter(sandbox, visitor, "feishu")

    assert "请在企业微信客户端打开链接" in get(sandbox, visitor, OAUTH, scope="snsapi_base").text


def test_a_browser_is_recognised_without_cookies(sandbox, visitor):
    enter(sandbox, visitor)
    visitor.cookies.clear()

    same = get(sandbox, visitor, AUTHORIZE)
    visitor.headers["User-Agent"] = "another"
    other = get(sandbox, visitor, AUTHORIZE)

    assert (same.status_code, other.status_code) == (302, 200)


def test_a_client_lasts_five_minutes(sandbox, visitor):
    enter(sandbox, visitor)
    sandbox.clock(299)
    before = get(sandbox, visitor, AUTHORIZE).status_code
    sandbox.clock(1)

    assert (before, get(sandbox, visitor, AUTHORIZE).status_code) == (302, 200)


def test_leaving_makes_it_an_ordinary_browser_again(sandbox, visitor):
    enter(sandbox, visitor, "feishu")
    enter(sandbox, visitor, "wecom")
    shown = visitor.get(f"{sandbox.url}/workspace/feishu", timeout=10).text

    post(sandbox, visitor, "feishu", leave="1")

    assert 'name="leave"' in shown
    assert 'name="leave"' not in visitor.get(f"{sandbox.url}/workspace/feishu", timeout=10).text
    assert get(sandbox, visitor, AUTHORIZE).status_code == 200
    assert get(sandbox, visitor, OAUTH, scope="snsapi_base").status_code == 302


def test_the_script_works_in_the_workspaces_browser_only(sandbox, visitor):
    before = visitor.get(sandbox.url + SDK, timeout=10).text
    enter(sandbox, visitor)

    after = visitor.get(sandbox.url + SDK, timeout=10).text

    assert ("window.tt" in before, "window.tt" in after) == (False, True)


def test_own_pages_are_not_recorded_as_calls(sandbox, visitor):
    for path in ("/", "/phone", "/workspace/feishu", "/workspace/wecom"):
        assert visitor.get(sandbox.url + path, timeout=10).status_code == 200

    assert sandbox.calls() == []


# In Chromium


@pytest.mark.browser
def test_a_tile_leads_to_a_page_that_gets_a_code(page, sandbox):
    with serve_embedder(sandbox) as portal:
        portal.embed(SDK)
        sandbox.portal(portal.url)
        page.goto(f"{sandbox.url}/workspace/feishu")
        page.locator('input[value="carol"]').check()
        page.get_by_role("button", name="FSInnerExample").click()
        page.wait_for_url(f"{portal.url}/login/FSInnerExample/in-app")

        page.evaluate(ACCESS)

        expect(page.locator("#told")).not_to_be_empty()
        assert sandbox.redeem_code("feishu", page.locator("#told").text_content()) == "carol"
        page.goto(f"{sandbox.url}/workspace/feishu")
        expect(page.get_by_text("this browser is Carol Reyes’s Feishu client")).to_be_visible()
        expect(page.locator('input[value="carol"]')).to_be_checked()
        page.get_by_role("button", name="Leave").click()
        expect(page.get_by_role("button", name="Leave")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_own_pages_fit_every_screen(browse, sandbox, width, scheme):
    page = browse(viewport={"width": width, "height": 700}, color_scheme=scheme)

    for path in ("/", "/phone", "/workspace/feishu", "/workspace/wecom"):
        page.goto(sandbox.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.browser
def test_a_person_leaves_and_returns_by_a_button_of_the_start_page(page, sandbox):
    page.goto(sandbox.url)
    row = page.get_by_role("listitem").filter(has=page.get_by_text("wangwu", exact=True))
    for button, words in (("Leave", "resigned"), ("Return", None)):
        row.get_by_role("button", name=f"{button}: wangwu").click()
        page.wait_for_url(f"{sandbox.url}/#people")
        expect(row.locator(".badge")).to_have_text([f"离职 {words}"] if words else [])


@pytest.mark.parametrize(("path", "state", "status"), [("wangwu", "frozen", 400), ("nobody", "resigned", 404)])
def test_the_button_knows_two_states_and_the_companys_people(sandbox, visitor, path, state, status):
    assert visitor.post(f"{sandbox.url}/people/{path}", data={"state": state}).status_code == status


@pytest.mark.browser
def test_the_start_page_links_to_everything(page, sandbox):
    page.goto(sandbox.url)
    [login, *others] = page.get_by_role("navigation").get_by_role("link").all()
    assert login.get_attribute("href") == "http://127.0.0.1:8000/login"
    places = [link.get_attribute("href") for link in others]

    for place in places:
        page.goto(sandbox.url)
        page.get_by_role("navigation").locator(f'a[href="{place}"]').click()
        page.wait_for_url(sandbox.url + place)
        page.get_by_role("link", name="Sandbox").click()
        page.wait_for_url(f"{sandbox.url}/")

    assert places == ["/phone", "/workspace/feishu", "/workspace/wecom"]
    page.get_by_text("All knobs").click()
    expect(page.get_by_text("POST qr")).to_be_visible()
