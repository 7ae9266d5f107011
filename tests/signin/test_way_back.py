"""The way back leads to the page of before.

It never leads off this portal.
"""

import re
from html import unescape

from support.admin_client import sign_in_administrator
from support.portal_app import parse_query

PATHS = [
    "/admin/bindings?status=bound&q=zhang",
    "/admin/bindings?q=Li%20Ming",
    "/admin/bindings?q=Li+Ming&sort=-name",
    "/admin/accounts?q=%E5%BC%A0%5C%22",
    "/admin/audit?text=a%26b%3Dc&from=2026-11-01",
    "/admin/people/17",
    "/account/bind/confirm",
]
UNSAFE = ["javascript:x", "//evil.example", "https://evil.example/", "/\\evil.example", "/a//b", "account", "", "/\x00"]


def find_link(page, text):
    """Return the target of the link with this text."""
    [target] = re.findall(rf'<a [^>]*href="([^"]*)"[^>]*>{text}</a>', page)
    return unescape(target)


def test_signing_in_leads_to_the_page_asked_for(portal):
    for path in PATHS:
        client = portal.test_client()
        refusal = client.get(path)
        assert refusal.status_code == 401
        login = find_link(refusal.text, "Sign in")
        assert parse_query(login)["next"] == path
        start = find_link(client.get(login).text, "Open the Feishu sign-in page")
        assert client.get(client.scan(next=parse_query(start)["next"])).location == path


def test_the_language_switch_shows_the_same_search_again(portal):
    browser = sign_in_administrator(portal)
    page = browser.get("/admin/bindings?q=Li%20Ming&status=bound").text
    [here] = re.findall(r'action="/language".*?name="next" value="([^"]*)"', page, re.S)
    answer = browser.post_form("/language", language="zh", next=unescape(here))
    assert answer.location == "/admin/bindings?q=Li%20Ming&status=bound"


def test_bytes_that_are_no_text_are_returned_unchanged(portal):
    page = sign_in_administrator(portal).get("/admin/bindings?q=%ff%FEa")
    assert page.status_code == 200
    assert 'value="/admin/bindings?q=%ff%FEa"' in page.text


def test_starting_again_after_a_cancelled_login_leads_on_to_the_same_page(client):
    page = client.get(client.scan(action="deny", next="/admin/bindings?q=a%20b")).text
    assert parse_query(find_link(page, "Start again"))["next"] == "/admin/bindings?q=a%20b"


def test_a_form_that_names_an_unsafe_way_back_leads_to_its_own_page(portal, client):
    client.sign_in(person="zhangsan")
    browser = sign_in_administrator(portal)
    for unsafe in UNSAFE:
        assert browser.post_form("/admin/bindings/many", back=unsafe).location == "/admin/bindings"
        assert browser.post_form("/language", next=unsafe).location == "/"
        shown = browser.post_form("/admin/reveal", kind="account", id="1", field="email", next=unsafe).text
        assert find_link(shown, "Hide") == "/admin/accounts"
        page = browser.post_form("/admin/bindings/many", do="unbind", person="1-1", back=unsafe).text
        assert find_link(page, "Cancel") == "/admin/bindings"
        assert 'name="back" value="/admin/bindings"' in page


def test_a_binding_with_an_unsafe_way_back_leads_to_the_person(portal, client):
    client.sign_in(person="zhangsan")
    browser = sign_in_administrator(portal)
    for unsafe in UNSAFE:
        browser.post_form("/admin/bindings/1/unbind", seen="1")
        answer = browser.post_form("/admin/bindings/bind", identity="1", account="1", back=unsafe)
        assert (answer.status_code, answer.location) == (303, "/admin/people/1"), unsafe
