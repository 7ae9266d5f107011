"""The platforms' authorize pages ask, and answer with a code."""

import re
from html.parser import HTMLParser

import pytest
import requests
from support.authorize_pages import (
    CALLBACK,
    FEISHU_PAGES,
    OAUTH_PAGE,
    WEB_LOGIN_PAGES,
    find_feishu_person,
    find_wecom_person,
    make_address,
    read_callback,
    visit,
)

FEISHU_CLIENT = {"User-Agent": "Mozilla/5.0 Chrome/120 Safari/537.36 Lark/7.12.7 LarkLocale/zh_CN ChannelName/Feishu"}
WECOM_CLIENT = {"User-Agent": "Mozilla/5.0 Mobile/15E148 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh"}


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


class Markup(HTMLParser):
    """Collects the names of a page's tags and attributes."""

    @classmethod
    def read(cls, text):
        self = cls()
        self.tags, self.attributes = set(), set()
        self.feed(text)
        return self.tags, self.attributes

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


# The pretend phone


@pytest.mark.parametrize("path", [*FEISHU_PAGES, *WEB_LOGIN_PAGES])
def test_a_page_is_a_form_that_answers_with_a_code(sandbox, browser, path):
    url = make_address(sandbox, path)
    page = visit(browser, url)

    answer = browser.post(url, {"person": "alice", "action": "allow"}, allow_redirects=False, timeout=10)

    assert '<form method="post">' in page.text
    assert 'name="person" value="alice"' in page.text
    assert re.findall(r'name="action" value="(\w+)"', page.text) == ["allow", "deny"]
    assert read_callback(answer)["state"] == "S t&ate"
    assert read_callback(answer)["code"]


@pytest.mark.parametrize("path", FEISHU_PAGES)
def test_a_feishu_code_belongs_to_the_person_picked(sandbox, browser, path):
    code = read_callback(visit(browser, make_address(sandbox, path, person="alice", action="allow")))["code"]

    assert find_feishu_person(sandbox, code, redirect_uri=CALLBACK)["user_id"] == "alice"


@pytest.mark.parametrize("path", [*WEB_LOGIN_PAGES, OAUTH_PAGE])
def test_a_wecom_code_belongs_to_the_person_picked(sandbox, browser, path):
    code = read_callback(visit(browser, make_address(sandbox, path, person="alice", action="allow")))["code"]

    assert find_wecom_person(sandbox, code)["userid"] == "alice"


@pytest.mark.parametrize("path", FEISHU_PAGES)
def test_a_refusal_at_feishu_returns_an_error(sandbox, browser, path):
    answer = visit(browser, make_address(sandbox, path, person="alice", action="deny"))

    assert read_callback(answer) == {"kept": "1", "error": "access_denied", "state": "S t&ate"}


@pytest.mark.parametrize("path", [*WEB_LOGIN_PAGES, OAUTH_PAGE])
def test_a_refusal_at_wecom_returns_the_state_only(sandbox, browser, path):
    answer = visit(browser, make_address(sandbox, path, person="alice", action="deny"))

    assert read_callback(answer) == {"kept": "1", "state": "S t&ate"}


def test_a_missing_state_stays_missing(sandbox, browser):
    answer = visit(browser, make_address(sandbox, FEISHU_PAGES[0], state=None, person="alice", action="allow"))

    assert read_callback(answer).keys() == {"kept", "code"}


def test_the_fragment_stays_last(sandbox, browser):
    url = make_address(
        sandbox, FEISHU_PAGES[0], redirect_uri="http://127.0.0.1:9/#/home", person="alice", action="allow"
    )

    target = visit(browser, url).headers["Location"]

    assert re.fullmatch(r"http://127\.0\.0\.1:9/\?code=[\w-]+&state=S%20t%26ate#/home", target)


def test_the_last_person_is_picked_again(sandbox, browser):
    url = make_address(sandbox, FEISHU_PAGES[0])
    browser.post(url, {"person": "bob", "action": "allow"}, allow_redirects=False, timeout=10)

    page = visit(browser, url).text

    assert re.findall(r'value="(\w+)" checked', page) == ["bob"]
    assert browser.cookies.keys() == ["sandbox_person"]


@pytest.mark.parametrize("path", ["/", *FEISHU_PAGES, *WEB_LOGIN_PAGES])
def test_pages_escape_names_and_have_nothing_inline(sandbox, browser, path):
    answer = visit(browser, sandbox.url + "/" if path == "/" else make_address(sandbox, path))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in answer.text
    tags, attributes = Markup.read(answer.text)
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
def test_the_feishu_client_answers_at_once(sandbox, browser, path):
    sandbox.client("feishu", "carol")

    code = read_callback(visit(browser, make_address(sandbox, path), headers=FEISHU_CLIENT))["code"]

    assert find_feishu_person(sandbox, code)["user_id"] == "carol"


def test_the_feishu_client_asks_where_consent_is_required(sandbox, browser):
    answer = visit(browser, make_address(sandbox, FEISHU_PAGES[0], prompt="consent"), headers=FEISHU_CLIENT)

    assert (answer.status_code, "<form" in answer.text) == (200, True)


def test_a_client_prefers_the_person_picked_before(sandbox, browser):
    visit(browser, make_address(sandbox, FEISHU_PAGES[0], person="bob", action="allow"))

    code = read_callback(visit(browser, make_address(sandbox, FEISHU_PAGES[0]), headers=FEISHU_CLIENT))["code"]

    assert find_feishu_person(sandbox, code)["user_id"] == "bob"


@pytest.mark.parametrize("path", [OAUTH_PAGE, WEB_LOGIN_PAGES[0]])
def test_the_wecom_client_answers_at_once(sandbox, browser, path):
    sandbox.client("wecom", "carol")

    code = read_callback(visit(browser, make_address(sandbox, path), headers=WECOM_CLIENT))["code"]

    assert find_wecom_person(sandbox, code)["userid"] == "carol"


def test_the_oauth_page_needs_the_client(sandbox, browser):
    visit(browser, make_address(sandbox, WEB_LOGIN_PAGES[0], person="bob", action="allow"))  # a scan makes no client

    page = visit(browser, make_address(sandbox, OAUTH_PAGE))

    assert page.status_code == 200
    assert "请在企业微信客户端打开链接" in page.text


def test_a_browser_can_become_a_pretend_client(sandbox, browser):
    url = make_address(sandbox, OAUTH_PAGE)
    browser.post(url, {"person": "bob", "action": "allow"}, allow_redirects=False, timeout=10)

    code = read_callback(visit(browser, url))["code"]

    assert find_wecom_person(sandbox, code)["userid"] == "bob"


def test_consent_is_asked_for_once(sandbox, browser):
    url = make_address(sandbox, OAUTH_PAGE, scope="snsapi_privateinfo")
    asked = visit(browser, url, headers=WECOM_CLIENT)
    answer = {"person": "zhangsan", "action": "allow"}
    first = browser.post(url, answer, headers=WECOM_CLIENT, allow_redirects=False, timeout=10)

    second = visit(browser, url, headers=WECOM_CLIENT)

    assert ">mobile</code>" in asked.text
    assert "user_ticket" in find_wecom_person(sandbox, read_callback(first)["code"])
    assert "user_ticket" in find_wecom_person(sandbox, read_callback(second)["code"])


def test_a_scanned_code_works_once(sandbox, browser):
    url = make_address(sandbox, FEISHU_PAGES[2], tmp_code=sandbox.tmp_code("alice"))

    code = read_callback(visit(browser, url))["code"]
    again = visit(browser, url)

    assert find_feishu_person(sandbox, code)["user_id"] == "alice"
    assert again.status_code == 200


def test_the_same_pages_are_reached_as_localhost(sandbox, browser):
    assert visit(browser, f"{sandbox.site_url}/").status_code == 200
