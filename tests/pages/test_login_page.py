"""The login page is rendered once for visitors who see the same, and never holds another's values."""

import re

import pytest

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 Safari/604.1"
WECHAT = "Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.1"


def read_tokens(page):
    return set(TOKEN.findall(page)) | set(re.findall(r'name="csrf-token" content="([^"]+)"', page))


def test_each_visitor_gets_a_form_token_that_works(portal):
    for _ in range(2):
        visitor = portal.test_client()
        [token] = read_tokens(visitor.get("/login").text)
        assert visitor.post("/language", data={"csrf_token": token, "language": "zh"}).status_code == 303
        other = portal.test_client()
        other.get("/login")
        assert other.post("/language", data={"csrf_token": token}).status_code == 400


def test_a_page_keeps_its_own_way_back(portal):
    for goal in ("/account?a=1", "/account?a=2"):
        page = portal.test_client().get("/login", query_string={"next": goal}).text
        assert f"next={goal.replace('=', '%3D').replace('?', '%3F')}" in page or goal.replace("=", "%3D") in page
    assert "a%3D" not in portal.test_client().get("/login").text


def test_a_page_that_is_only_asked_for_by_head_leaves_no_other_way_back(portal):
    portal.test_client().head("/login?next=/account")
    assert 'name="next" value="/login?next=/account"' in portal.test_client().get("/login?next=/account").text


@pytest.mark.parametrize("first", ["zh-CN", "en"])
def test_languages_have_pages_of_their_own(portal, first):
    second = {"zh-CN": "en", "en": "zh-CN"}[first]
    for language in (first, second, first):
        page = portal.test_client().get("/login", headers={"Accept-Language": language}).text
        assert f'<html lang="{language}">' in page


def test_devices_have_pages_of_their_own(portal):
    pages = [portal.test_client().get("/login", headers={"User-Agent": agent}).text for agent in ("", PHONE, WECHAT)]
    assert len(set(map(mask_tokens, pages))) == 3


def test_the_login_used_last_comes_first_for_its_user_only(portal, client):
    client.sign_in("QywxInnerExample")
    client.post_form("/logout")
    for visitor, name in ((client, "QywxInnerExample"), (portal.test_client(), "FSInnerExample")):
        chosen = re.search(r'href="/login\?via=(\w+)" aria-current="true"', visitor.get("/login").text)
        assert chosen[1] == name


def test_a_message_is_shown_to_its_reader_alone_and_once(portal, client):
    with client.session_transaction() as visit:
        visit["_flashes"] = [("good", "for one reader")]
    assert "for one reader" in client.get("/login").text
    assert "for one reader" not in client.get("/login").text
    assert "for one reader" not in portal.test_client().get("/login").text


def mask_tokens(page):
    for token in read_tokens(page):
        page = page.replace(token, "")
    return page
