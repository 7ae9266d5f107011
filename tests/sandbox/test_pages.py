"""The sandbox's pages, by plain HTTP."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

CALLBACK = "http://127.0.0.1:9/callback?kept=1"
FEISHU_PAGES = ["/open-apis/authen/v1/authorize", "/open-apis/authen/v1/index", "/suite/passport/oauth/authorize"]
WEB_LOGIN_PAGES = ["/wwlogin/sso/login", "/wwlogin/sso/login/", "/wwopen/sso/qrConnect"]
OAUTH_PAGE = "/connect/oauth2/authorize"
FEISHU_CLIENT = {"User-Agent": "Mozilla/5.0 Chrome/120 Safari/537.36 Lark/7.12.7 LarkLocale/zh_CN ChannelName/Feishu"}
WECOM_CLIENT = {"User-Agent": "Mozilla/5.0 Mobile/15E148 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh"}
V2 = "/open-apis/authen/v2/oauth/token"


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


class Markup(HTMLParser):
    """Collects the names of a page's tags and attributes."""

    @classmethod
    def of(cls, text):
        self = cls()
        self.tags, self.attributes = set(), set()
        self.feed(text)
        return self.tags, self.attributes

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def address(sandbox, path, **query):
    """Return the address of an authorize page, complete for the page's platform."""
    if path.startswith("/ww"):
        mine = {"login_type": "CorpApp", "appid": sandbox.WECOM["corpid"], "agentid": sandbox.WECOM["agentid"]}
    elif path == OAUTH_PAGE:
        mine = {"appid": sandbox.WECOM["corpid"], "agentid": sandbox.WECOM["agentid"], "scope": "snsapi_base"}
    else:
        mine = {"client_id": sandbox.FEISHU["app_id"]}
    common = {"response_type": "code", "redirect_uri": CALLBACK, "state": "S t&ate"}
    query = {name: value for name, value in {**common, **mine, **query}.items() if value is not None}
    return f"{sandbox.url}{path}?{urlencode(query)}"


def visit(browser, url, **words):
    return browser.get(url, allow_redirects=False, timeout=10, **words)


def landed(answer):
    """Return the query with which the browser was sent back."""
    assert answer.status_code == 302, answer.text
    target = answer.headers["Location"]
    assert target.startswith("http://127.0.0.1:9/callback?kept=1&")
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def feishu_person(sandbox, code, **words):
    app = {"client_id": sandbox.FEISHU["app_id"], "client_secret": sandbox.FEISHU["app_secret"]}
    fields = {"grant_type": "authorization_code", **app, "code": code, **words}
    token = requests.post(sandbox.url + V2, json=fields, timeout=10).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{sandbox.url}/open-apis/authen/v1/user_info", headers=headers, timeout=10).json()["data"]


def wecom_person(sandbox, code):
    query = {"corpid": sandbox.WECOM["corpid"], "corpsecret": sandbox.WECOM["corpsecret"]}
    token = requests.get(f"{sandbox.url}/cgi-bin/gettoken", params=query, timeout=10).json()["access_token"]
    query = {"access_token": token, "code": code}
    return requests.get(f"{sandbox.url}/cgi-bin/auth/getuserinfo", params=query, timeout=10).json()


# The pretend phone


@pytest.mark.parametrize("path", [*FEISHU_PAGES, *WEB_LOGIN_PAGES])
def test_page_is_a_form_that_answers_with_a_code(sandbox, browser, path):
    url = address(sandbox, path)
    page = visit(browser, url)

    answer = browser.post(url, {"person": "alice", "action": "allow"}, allow_redirects=False, timeout=10)

    assert '<form method="post">' in page.text
    assert 'name="person" value="alice"' in page.text
    assert re.findall(r'name="action" value="(\w+)"', page.text) == ["allow", "deny"]
    assert landed(answer)["state"] == "S t&ate"
    assert landed(answer)["code"]


@pytest.mark.parametrize("path", FEISHU_PAGES)
def test_feishu_code_belongs_to_who_was_picked(sandbox, browser, path):
    code = landed(visit(browser, address(sandbox, path, person="alice", action="allow")))["code"]

    assert feishu_person(sandbox, code, redirect_uri=CALLBACK)["user_id"] == "alice"


@pytest.mark.parametrize("path", [*WEB_LOGIN_PAGES, OAUTH_PAGE])
def test_wecom_code_belongs_to_who_was_picked(sandbox, browser, path):
    code = landed(visit(browser, address(sandbox, path, person="alice", action="allow")))["code"]

    assert wecom_person(sandbox, code)["userid"] == "alice"


@pytest.mark.parametrize("path", FEISHU_PAGES)
def test_feishu_refusal(sandbox, browser, path):
    answer = visit(browser, address(sandbox, path, person="alice", action="deny"))

    assert landed(answer) == {"kept": "1", "error": "access_denied", "state": "S t&ate"}


@pytest.mark.parametrize("path", [*WEB_LOGIN_PAGES, OAUTH_PAGE])
def test_wecom_refusal_brings_the_state_only(sandbox, browser, path):
    answer = visit(browser, address(sandbox, path, person="alice", action="deny"))

    assert landed(answer) == {"kept": "1", "state": "S t&ate"}


def test_state_is_not_invented(sandbox, browser):
    answer = visit(browser, address(sandbox, FEISHU_PAGES[0], state=None, person="alice", action="allow"))

    assert landed(answer).keys() == {"kept", "code"}


def test_fragment_stays_last(sandbox, browser):
    url = address(sandbox, FEISHU_PAGES[0], redirect_uri="http://127.0.0.1:9/#/home", person="alice", action="allow")

    target = visit(browser, url).headers["Location"]

    assert re.fullmatch(r"http://127\.0\.0\.1:9/\?code=[\w-]+&state=S%20t%26ate#/home", target)


def test_last_choice_is_picked_again(sandbox, browser):
    url = address(sandbox, FEISHU_PAGES[0])
    browser.post(url, {"person": "bob", "action": "allow"}, allow_redirects=False, timeout=10)

    page = visit(browser, url).text

    assert re.findall(r'value="(\w+)" checked', page) == ["bob"]
    assert browser.cookies.keys() == ["sandbox_person"]


@pytest.mark.parametrize("path", ["/", *FEISHU_PAGES, *WEB_LOGIN_PAGES])
def test_pages_hold_no_markup_of_people_and_nothing_inline(sandbox, browser, path):
    answer = visit(browser, sandbox.url + "/" if path == "/" else address(sandbox, path))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in answer.text
    tags, attributes = Markup.of(answer.text)
    assert not tags & {"script", "style", "img", "svg", "iframe", "object"}
    assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")]
    assert "\0" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "form-action" not in answer.headers["Content-Security-Policy"]  # the form ends at the portal


def test_avatar_and_favicon_are_pictures(sandbox, browser):
    for path in ("/favicon.ico", "/_sandbox/avatar/zhangsan.svg", "/_sandbox/avatar/hostile.svg"):
        answer = visit(browser, sandbox.url + path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
        assert "<script" not in answer.text


# Inside the clients


@pytest.mark.parametrize("path", FEISHU_PAGES)
def test_feishu_client_answers_at_once(sandbox, browser, path):
    sandbox.client("feishu", "carol")

    code = landed(visit(browser, address(sandbox, path), headers=FEISHU_CLIENT))["code"]

    assert feishu_person(sandbox, code)["user_id"] == "carol"


def test_feishu_client_asks_where_consent_is_demanded(sandbox, browser):
    answer = visit(browser, address(sandbox, FEISHU_PAGES[0], prompt="consent"), headers=FEISHU_CLIENT)

    assert (answer.status_code, "<form" in answer.text) == (200, True)


def test_client_prefers_who_was_picked_before(sandbox, browser):
    visit(browser, address(sandbox, FEISHU_PAGES[0], person="bob", action="allow"))

    code = landed(visit(browser, address(sandbox, FEISHU_PAGES[0]), headers=FEISHU_CLIENT))["code"]

    assert feishu_person(sandbox, code)["user_id"] == "bob"


@pytest.mark.parametrize("path", [OAUTH_PAGE, WEB_LOGIN_PAGES[0]])
def test_wecom_client_answers_at_once(sandbox, browser, path):
    sandbox.client("wecom", "carol")

    code = landed(visit(browser, address(sandbox, path), headers=WECOM_CLIENT))["code"]

    assert wecom_person(sandbox, code)["userid"] == "carol"


def test_oauth_page_wants_the_client(sandbox, browser):
    visit(browser, address(sandbox, WEB_LOGIN_PAGES[0], person="bob", action="allow"))  # a scan is no client

    page = visit(browser, address(sandbox, OAUTH_PAGE))

    assert page.status_code == 200
    assert "请在企业微信客户端打开链接" in page.text


def test_browser_can_be_made_a_pretend_client(sandbox, browser):
    url = address(sandbox, OAUTH_PAGE)
    browser.post(url, {"person": "bob", "action": "allow"}, allow_redirects=False, timeout=10)

    code = landed(visit(browser, url))["code"]

    assert wecom_person(sandbox, code)["userid"] == "bob"


def test_consent_is_asked_for_once(sandbox, browser):
    url = address(sandbox, OAUTH_PAGE, scope="snsapi_privateinfo")
    asked = visit(browser, url, headers=WECOM_CLIENT)
    answer = {"person": "zhangsan", "action": "allow"}
    first = browser.post(url, answer, headers=WECOM_CLIENT, allow_redirects=False, timeout=10)

    second = visit(browser, url, headers=WECOM_CLIENT)

    assert ">mobile</code>" in asked.text
    assert "user_ticket" in wecom_person(sandbox, landed(first)["code"])
    assert "user_ticket" in wecom_person(sandbox, landed(second)["code"])


# Refusals that stay on the platform's page


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({"client_id": "cli_0000000000000000"}, 4401),
        ({"redirect_uri": "https://evil.example/callback"}, 20029),
        ({"redirect_uri": "http://127.0.0.1@evil.example/"}, 20029),
        ({"redirect_uri": "http://evil.example\\@127.0.0.1/"}, 20029),
        ({"redirect_uri": "javascript:alert(1)"}, 20029),
        ({"redirect_uri": None}, 20029),
        ({"scope": "calendar:calendar"}, 20027),
    ],
)
def test_feishu_error_page(sandbox, browser, query, number):
    answer = visit(browser, address(sandbox, FEISHU_PAGES[0], person="alice", action="allow", **query))

    assert answer.status_code == 200
    assert f"<code>{number}</code>" in answer.text


def test_feishus_error_pages_speak_its_words(sandbox, browser):
    page = address(sandbox, FEISHU_PAGES[0], redirect_uri="https://evil.example/callback")
    unknown_address = visit(browser, page).text
    page = address(sandbox, FEISHU_PAGES[0], scope="calendar:calendar auth:user.id:read drive:drive")
    unknown_scope = visit(browser, page).text

    assert "错误码：20029 redirect_uri 请求不合法" in unknown_address
    assert "Error code: 20029 redirect_uri request is invalid." in unknown_address
    assert "错误码：20027 当前应用未申请 calendar:calendar drive:drive 相关权限，无法授权" in unknown_scope
    assert re.search(r"Log ID: 20\d{12}[0-9A-F]{18}", unknown_address)


def test_registered_feishu_addresses_are_compared_by_path(sandbox, browser):
    sandbox.app("feishu", redirect_uris=["https://portal.example.test/cb"])
    allow = {"person": "alice", "action": "allow"}

    def number(uri):
        page = visit(browser, address(sandbox, FEISHU_PAGES[0], redirect_uri=uri, **allow)).text
        found = re.search(r"<code>(\d+)</code>", page)
        return found and int(found[1])

    assert number("https://portal.example.test/cb?more=1#x") is None
    assert number("https://portal.example.test/cb/") == 20029
    assert number("http://portal.example.test/cb") == 20029
    assert number("https://portal.example.test:8443/cb") == 20029
    assert number(CALLBACK) == 20029


@pytest.mark.parametrize(
    ("path", "query", "number"),
    [
        (WEB_LOGIN_PAGES[0], {"appid": "wwnobody"}, 40013),
        (WEB_LOGIN_PAGES[0], {"agentid": "1"}, 40056),
        (WEB_LOGIN_PAGES[0], {"login_type": "ServiceApp"}, 40035),
        (WEB_LOGIN_PAGES[0], {"login_type": None, "agentid": None}, 40056),
        (WEB_LOGIN_PAGES[0], {"redirect_uri": "https://evil.example/"}, 50001),
        (WEB_LOGIN_PAGES[0], {"person": "zhengshi"}, 50002),
        (OAUTH_PAGE, {"response_type": None}, 40035),
        (OAUTH_PAGE, {"redirect_uri": "https://evil.example/"}, 50001),
        (OAUTH_PAGE, {"scope": "snsapi_privateinfo", "agentid": None}, 41011),
        (OAUTH_PAGE, {"scope": "snsapi_privateinfo", "person": "zhengshi"}, 50002),
    ],
)
def test_wecom_error_page(sandbox, browser, path, query, number):
    answer = visit(browser, address(sandbox, path, **{"person": "alice", "action": "allow", **query}))

    assert answer.status_code == 200
    assert f"<code>{number}</code>" in answer.text


@pytest.mark.parametrize(("path", "kind"), [*((path, None) for path in WEB_LOGIN_PAGES), (WEB_LOGIN_PAGES[2], "jssdk")])
def test_a_web_login_needs_no_login_type_and_the_old_page_takes_any(sandbox, browser, path, kind):
    answer = visit(browser, address(sandbox, path, login_type=kind, person="alice", action="allow"))

    assert wecom_person(sandbox, landed(answer)["code"])["userid"] == "alice"


def test_trusted_domain_counts_host_and_port(sandbox, browser):
    sandbox.app("wecom", trusted_domain="portal.example.test:8443")
    allow = {"person": "alice", "action": "allow"}

    def status(uri):
        return visit(browser, address(sandbox, WEB_LOGIN_PAGES[0], redirect_uri=uri, **allow)).status_code

    assert status("https://portal.example.test:8443/any/path") == 302
    assert status("https://portal.example.test/any/path") == 200
    assert status("https://www.portal.example.test:8443/any/path") == 200


def test_a_web_login_has_a_domain_of_its_own_besides(sandbox, browser):
    sandbox.app("wecom", trusted_domain="portal.example.test", callback_domain="portal.example.test:8443")
    words = {"redirect_uri": "https://portal.example.test:8443/cb", "person": "alice", "action": "allow"}

    answer = visit(browser, address(sandbox, WEB_LOGIN_PAGES[0], **words))
    inside = visit(browser, address(sandbox, OAUTH_PAGE, **words))

    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    assert wecom_person(sandbox, code)["userid"] == "alice"
    assert "<code>50001</code>" in inside.text


def test_scanned_code_works_once(sandbox, browser):
    url = address(sandbox, FEISHU_PAGES[2], tmp_code=sandbox.tmp_code("alice"))

    code = landed(visit(browser, url))["code"]
    again = visit(browser, url)

    assert feishu_person(sandbox, code)["user_id"] == "alice"
    assert again.status_code == 200


def test_the_same_pages_are_reached_as_localhost(sandbox, browser):
    assert visit(browser, f"{sandbox.site_url}/").status_code == 200
