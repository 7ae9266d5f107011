"""Simultaneous tabs without cookies can all sign in."""

import re

import pytest
from support.portal_app import answer_platform, parse_query

ELEMENTS = ("FSInnerExample", "QywxInnerExample")
IN_TURN, REVERSED = (0, 1), (1, 0)


def open_cold_tabs(portal, send):
    """Send a request from each of two tabs without cookies.

    Return both answers, and the browser that has received them.
    """
    answers = [send(portal.test_client()), send(portal.test_client())]
    browser = portal.test_client()
    for answer in answers:
        store_cookies(browser, answer)
    return answers, browser


def store_cookies(browser, answer):
    for cookie in answer.headers.getlist("Set-Cookie"):
        name, _, value = cookie.partition(";")[0].partition("=")
        browser.set_portal_cookie(value, name)


def list_attempt_cookies(answer):
    return [cookie for cookie in answer.headers.getlist("Set-Cookie") if "portal_attempt_" in cookie]


@pytest.mark.parametrize("order", [IN_TURN, REVERSED])
@pytest.mark.parametrize("element", ELEMENTS)
def test_both_tabs_sign_in(portal, element, order):
    starts, browser = open_cold_tabs(portal, lambda tab: tab.get(f"/login/{element}?next=/account"))
    for number in order:
        answer = browser.get(answer_platform(starts[number].location))
        assert (answer.status_code, answer.location) == (303, "/account")
        assert browser.session().json["identity"]["userId"] == "zhangsan"


def test_both_tabs_sign_in_by_script(portal, sandbox):
    def begin(tab):
        token = tab.get("/api/csrf").json["csrfToken"]
        path = "/api/auths/loginTypes/FSInnerExample/getLoginConfig"
        return tab.post(path, json={"kind": "redirect"}, headers={"X-CSRFToken": token})

    configs, browser = open_cold_tabs(portal, begin)
    for answer in configs:
        assert browser.get(answer_platform(answer.json["data"]["authorizeUrl"])).status_code == 303


def test_a_login_of_another_browser_still_cannot_be_finished(portal):
    starts, _ = open_cold_tabs(portal, lambda tab: tab.get("/login/FSInnerExample"))
    _, browser = open_cold_tabs(portal, lambda tab: tab.get("/login/FSInnerExample"))
    for start in starts:
        assert browser.get(answer_platform(start.location)).status_code == 400
    assert browser.session().status_code == 401


def test_the_cookie_of_a_login_finishes_that_login_alone(portal):
    starts, browser = open_cold_tabs(portal, lambda tab: tab.get("/login/FSInnerExample"))
    [first] = list_attempt_cookies(starts[0])
    foreign = portal.test_client().get("/login/FSInnerExample")
    [name] = [cookie.partition("=")[0] for cookie in list_attempt_cookies(foreign)]
    browser.set_portal_cookie(first.partition(";")[0].partition("=")[2], name)
    assert browser.get(answer_platform(foreign.location)).status_code == 400


def test_the_cookie_of_a_login_is_short_lived_and_set_once(portal):
    browser = portal.test_client()
    first = browser.get("/login/FSInnerExample")
    [cookie] = list_attempt_cookies(first)
    assert "Max-Age=600" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert parse_query(first.location)["state"] not in cookie
    assert list_attempt_cookies(browser.get("/login/FSInnerExample")) == []
    [gone] = list_attempt_cookies(browser.get(answer_platform(first.location)))
    assert "Max-Age=0" in gone


def read_csrf_token(page):
    [token] = re.findall(r'name="csrf-token" content="([^"]+)"', page.text)
    return token


def test_three_tabs_that_began_on_the_login_page_sign_in(portal):
    """Each tab leaves before the others' answers arrive."""

    def walk(tab):
        tab.pages = [tab.get("/login")]
        tab.pages.append(tab.get("/login/FSInnerExample"))
        return tab

    tabs = [walk(portal.test_client()) for _ in range(3)]
    browser = portal.test_client()
    for answers in zip(*(tab.pages for tab in tabs), strict=True):
        for answer in answers:
            store_cookies(browser, answer)
    for tab in tabs:
        assert browser.get(answer_platform(tab.pages[-1].location)).status_code == 303


def test_a_script_continues_with_the_token_of_the_last_tab(portal):
    """The first tab's form token has lost its cookie.

    `api.js` asks for the token that counts now.
    """
    pages, browser = open_cold_tabs(portal, lambda tab: tab.get("/login"))
    path = "/api/auths/loginTypes/FSInnerExample/getLoginConfig"

    def begin(token):
        return browser.post(path, json={"kind": "redirect"}, headers={"X-CSRFToken": token}).json

    assert begin(read_csrf_token(pages[0]))["errcode"] == 40310
    begun = begin(browser.get("/api/csrf").json["csrfToken"])
    assert begin(read_csrf_token(pages[1]))["errcode"] == 0
    assert browser.get(answer_platform(begun["data"]["authorizeUrl"])).status_code == 303
