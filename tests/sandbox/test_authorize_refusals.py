"""The platforms' authorize pages refuse wrong links."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from support.authorize_pages import (
    CALLBACK,
    FEISHU_PAGES,
    OAUTH_PAGE,
    WEB_LOGIN_PAGES,
    find_wecom_person,
    make_address,
    read_callback,
    visit,
)


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


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
def test_feishu_shows_an_error_page(sandbox, browser, query, number):
    answer = visit(browser, make_address(sandbox, FEISHU_PAGES[0], person="alice", action="allow", **query))

    assert answer.status_code == 200
    assert f"<code>{number}</code>" in answer.text


def test_feishus_error_pages_use_its_own_words(sandbox, browser):
    page = make_address(sandbox, FEISHU_PAGES[0], redirect_uri="https://evil.example/callback")
    unknown_address = visit(browser, page).text
    page = make_address(sandbox, FEISHU_PAGES[0], scope="calendar:calendar auth:user.id:read drive:drive")
    unknown_scope = visit(browser, page).text

    assert "错误码：20029 redirect_uri 请求不合法" in unknown_address
    assert "Error code: 20029 redirect_uri request is invalid." in unknown_address
    assert "错误码：20027 当前应用未申请 calendar:calendar drive:drive 相关权限，无法授权" in unknown_scope
    assert re.search(r"Log ID: 20\d{12}[0-9A-F]{18}", unknown_address)


def test_registered_feishu_addresses_are_compared_by_path(sandbox, browser):
    sandbox.app("feishu", redirect_uris=["https://portal.example.test/cb"])
    allow = {"person": "alice", "action": "allow"}

    def number(uri):
        page = visit(browser, make_address(sandbox, FEISHU_PAGES[0], redirect_uri=uri, **allow)).text
        match = re.search(r"<code>(\d+)</code>", page)
        return match and int(match[1])

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
def test_wecom_shows_an_error_page(sandbox, browser, path, query, number):
    answer = visit(browser, make_address(sandbox, path, **{"person": "alice", "action": "allow", **query}))

    assert answer.status_code == 200
    assert f"<code>{number}</code>" in answer.text


@pytest.mark.parametrize(("path", "kind"), [*((path, None) for path in WEB_LOGIN_PAGES), (WEB_LOGIN_PAGES[2], "jssdk")])
def test_a_web_login_needs_no_login_type_and_the_old_page_takes_any(sandbox, browser, path, kind):
    answer = visit(browser, make_address(sandbox, path, login_type=kind, person="alice", action="allow"))

    assert find_wecom_person(sandbox, read_callback(answer)["code"])["userid"] == "alice"


def test_a_trusted_domain_is_compared_by_host_and_port(sandbox, browser):
    sandbox.app("wecom", trusted_domain="portal.example.test:8443")
    allow = {"person": "alice", "action": "allow"}

    def status(uri):
        return visit(browser, make_address(sandbox, WEB_LOGIN_PAGES[0], redirect_uri=uri, **allow)).status_code

    assert status("https://portal.example.test:8443/any/path") == 302
    assert status("https://portal.example.test/any/path") == 200
    assert status("https://www.portal.example.test:8443/any/path") == 200


def test_a_web_login_takes_a_second_domain(sandbox, browser):
    sandbox.app("wecom", trusted_domain="portal.example.test", callback_domain="portal.example.test:8443")
    words = {"redirect_uri": "https://portal.example.test:8443/cb", "person": "alice", "action": "allow"}

    answer = visit(browser, make_address(sandbox, WEB_LOGIN_PAGES[0], **words))
    inside = visit(browser, make_address(sandbox, OAUTH_PAGE, **words))

    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    assert find_wecom_person(sandbox, code)["userid"] == "alice"
    assert "<code>50001</code>" in inside.text
