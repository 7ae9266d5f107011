"""The company on the login page: its logo, its name, and whom to ask."""

import re

import pytest
from flask import g
from support.many_logins import add_logins, set_title
from support.portal_app import WECOM
from support.user_agents import WECHAT_CLIENT

from portal.directory import access
from portal.models import FROZEN, LEFT, Identity
from portal.pages.error_pages import show_error

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def logo(tmp_path):
    file = tmp_path / "logo.svg"
    file.write_text(SVG)
    return str(file)


def list_tabs(page):
    """Return the tabs' elements in order, and the chosen one."""
    tabs = re.search(r'<nav class="tabs".*?</nav>', page, re.DOTALL)[0]
    return re.findall(r"via=(\w+)", tabs), re.search(r'via=(\w+)[^"]*" aria-current', tabs)[1]


def test_a_logo_can_run_no_script(make_portal, logo):
    answer = make_portal(PORTAL_LOGO=logo).test_client().get("/logo")
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "image/svg+xml", SVG)
    rules = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} < set(rules)
    assert not [rule for rule in rules if rule.startswith("script-src")]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_logo_is_kept_as_long_as_it_stays_the_same(make_portal, logo):
    client = make_portal(PORTAL_LOGO=logo).test_client()
    [address] = re.findall(r'<img class="logo" src="([^"]+)"', client.get("/login").text)
    answer = client.get(address)
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    for other in ("/logo", "/logo?v=0"):
        assert client.get(other).headers["Cache-Control"] == "no-cache"


def test_without_a_logo_there_is_none(client):
    assert client.get("/logo").status_code == 404
    assert client.get("/logo").headers["Cache-Control"] == "no-store"
    assert 'class="logo"' not in client.get("/login").text


@pytest.mark.parametrize(
    ("settings", "language", "heading", "name"),
    [
        ({"PORTAL_TITLE": "Spruce Works"}, "en", "Sign in to Spruce Works", "Sign in · Spruce Works"),
        ({"PORTAL_TITLE": "云杉科技"}, "zh", "登录云杉科技", "登录 · 云杉科技"),
        ({}, "en", "Sign in", "Sign in"),
        ({}, "zh", "登录", "登录 · 统一登录"),
    ],
)
def test_the_heading_has_the_companys_name(make_portal, settings, language, heading, name):
    page = make_portal(**settings).test_client().get("/login", headers={"Accept-Language": language}).text
    assert f"<h1>{heading}</h1>" in page
    assert f"<title>{name}</title>" in page


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("IT <desk>", "IT &lt;desk&gt;"),
        ("it@example.com", '<a href="mailto:it@example.com">it@example.com</a>'),
        ("https://help.example.com/", '<a href="https://help.example.com/">https://help.example.com/</a>'),
    ],
)
def test_the_contact_is_shown_where_people_are_stuck(make_portal, contact, shown):
    client = make_portal(PORTAL_CONTACT=contact, PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    stuck = [client.get("/login"), client.get("/nowhere"), client.get("/login/once/spent"), client.wait()]
    assert [answer.status_code for answer in stuck] == [200, 404, 410, 200]
    for answer in stuck:
        assert shown in answer.text


def test_without_a_contact_nothing_is_promised(client):
    assert "Need help?" not in client.get("/login").text + client.get("/nowhere").text


def test_signing_out_is_told_once(client):
    client.sign_in()
    assert client.post_form("/logout").location == "/login"
    assert "You are signed out." in client.get("/login").text
    assert "You are signed out." not in client.get("/login").text


# Which logins stand in sight


def test_tabs_keep_their_order_and_the_last_one_is_open(client):
    order = list_tabs(client.get("/login").text)[0]
    client.sign_in(WECOM)
    client.post_form("/logout")
    page = client.get("/login").text
    assert list_tabs(page) == (order, WECOM)
    assert page.count(">Last used<") == 1
    other = client.get(f"/login?via={order[0]}").text
    assert list_tabs(other) == (order, order[0])
    assert other.count(">Last used<") == 1


def test_numbers_in_titles_count_as_numbers(elements, make_portal):
    for name, title in (("Aa", "Office 11"), ("Bb", "Office 2"), ("FSInnerExample", "Office 1")):
        elements.feishu(name)
        set_title(elements, name, title)
    assert list_tabs(make_portal().test_client().get("/login").text)[0] == ["FSInnerExample", "Bb", "Aa", WECOM]


@pytest.mark.parametrize(("count", "tabs"), [(4, 4), (5, 3), (50, 3)])
def test_more_than_four_logins_stand_behind_a_fold(elements, make_portal, count, tabs):
    add_logins(count)(elements)
    page = make_portal().test_client().get("/login").text
    assert len(list_tabs(page)[0]) == tabs
    assert (f"Other ways to sign in ({count - tabs})" in page) == (count > tabs)
    assert len(set(re.findall(r"/login\?via=(\w+)", page))) == count


def test_of_many_the_chosen_one_and_the_last_one_are_in_sight(elements, make_portal):
    add_logins(50)(elements)
    client = make_portal().test_client()
    client.sign_in("W48")
    client.post_form("/logout")
    assert list_tabs(client.get("/login").text) == (["W48", "FSInnerExample", "F1"], "W48")
    assert list_tabs(client.get("/login?via=F47").text) == (["F47", "W48", "FSInnerExample"], "F47")


# Marks and words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_platform_has_its_picture(client, language):
    page = client.get("/login", headers={"Accept-Language": language}).text
    pictures = re.findall(r'<img class="badge[^>]* src="(/static/marks/\w+\.svg\?v=\w+)"', page)
    assert {client.get(picture).mimetype for picture in pictures} == {"image/svg+xml"}
    assert len(set(pictures)) == 2
    assert not re.search(r'class="badge[^>]*>\s*[\u4e00-\u9fff]', page)


def test_an_element_may_have_a_mark_of_its_own(elements, make_portal):
    elements.feishu(mark="B")
    page = make_portal().test_client().get("/login").text
    assert '<span class="badge badge-blue" aria-hidden="true">B</span>' in page


def test_a_mark_that_does_not_fit_breaks_its_login_by_name(elements, make_portal):
    elements.feishu(mark="Berlin")
    [login] = [each for each in make_portal().elements.list_shown() if each.name == "FSInnerExample"]
    assert login.problem.reason.endswith("mark must have at most 2 characters")


def test_wecoms_page_warns_of_wechat(client):
    assert "Use the WeCom app, not WeChat." in client.get(f"/login?via={WECOM}").text
    chinese = client.get(f"/login?via={WECOM}", headers={"Accept-Language": "zh"}).text
    assert "请使用企业微信（不是微信）扫码" in chinese
    assert "not WeChat" not in client.get("/login").text


def test_in_wechat_one_reads_where_the_link_opens(client):
    page = client.get(f"/login?via={WECOM}", headers={"User-Agent": WECHAT_CLIENT["android"]}).text
    assert "Copy this link, send it to any chat in WeCom and open it there." in " ".join(page.split())


@pytest.mark.parametrize(("status", "word"), [(LEFT, "departed"), (FROZEN, "disabled")])
def test_people_who_left_or_are_frozen_read_which_it_is(portal, status, word):
    with portal.test_request_context():
        g.element, g.reference = portal.elements.find_active(WECOM), "7F3K-2Q"
        page, number = show_error(access.refuse_absent(Identity(status=status)))
    assert number == 403
    assert f"Your status in WeCom is “{word}”." in page
