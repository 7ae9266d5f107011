"""One's own account in Chromium: connect, confirm, disconnect and sign out elsewhere, with and without JavaScript."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from support.axe import RUN_AXE
from support.page_checks import FINGER, PALE_TEXT, TOO_LOW_FOR_A_FINGER, WIDER_THAN_THE_SCREEN
from support.sql import open_sql

from portal.clocks import now

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

BIND = "/account/bind/QywxInnerExample"
CALLBACK = "/api/auth/qywx/callback"
scripted = pytest.mark.parametrize("scripted", [True, False], ids=["with-javascript", "without"])


@pytest.fixture
def sql(site):
    """Return a function that runs a statement on the site's database."""
    with open_sql(site.settings["PORTAL_DATABASE_URL"]) as run:
        yield run


@pytest.fixture(autouse=True)
def fresh(site, sql):
    """Nobody is connected with WeCom and nobody signed in, whatever the test before has left."""
    site.sandbox.reset()
    sql("DELETE FROM login_attempt")
    sql("DELETE FROM login_session")
    sql("DELETE FROM identity WHERE provider = 'wecom'")


@pytest.fixture
def age(sql):
    """Let all sign-ins be of eleven minutes ago."""
    then = (now() - timedelta(minutes=11)).strftime("%Y-%m-%d %H:%M:%S.%f")
    return lambda: sql("UPDATE login_session SET signed_in_at = :then", then=then)


def press(page, name):
    page.locator("main").get_by_role("button", name=name).click()


def row_of(page, words):
    return page.locator("main tr", has_text=words)


def at(page, site, path):
    page.wait_for_url(site.url + path)


def connect(page, site, person):
    """From the account page to the one that asks whether this person shall be connected."""
    press(page, "Bind WeCom")
    site.at_platform(page)
    site.answer(page, person)


@scripted
def test_connecting_and_disconnecting(site, browse, sql, scripted):
    page = browse(java_script_enabled=scripted)
    site.sign_in(page, person="bob")
    expect(page.get_by_role("region", name="Sign-in methods")).to_contain_text(
        "Your only sign-in method. Bind another one first."
    )
    expect(row_of(page, "Feishu").get_by_role("link", name="Unbind")).to_have_count(0)
    connect(page, site, "carol")
    at(page, site, "/account/bind/confirm")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bind this person to your account?")
    expect(page.locator("main")).to_contain_text("carol")
    who = "SELECT username, bound_how FROM identity JOIN account ON account.id = account_id WHERE provider = 'wecom'"
    assert sql(who) == []
    press(page, "Bind")
    at(page, site, "/account")
    expect(page.get_by_role("status")).to_contain_text("can now sign in to this account")
    assert sql(who) == [("bob", "self")]
    row_of(page, "WeCom").get_by_role("link", name="Unbind").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unbind WeCom?")
    press(page, "Unbind")
    at(page, site, "/account")
    expect(page.get_by_role("status")).to_contain_text("Unbound.")
    assert sql(who) == []


@scripted
def test_an_old_sign_in_is_confirmed_by_a_scan_and_leads_back(site, browse, watch, sql, age, scripted):
    page = browse(java_script_enabled=scripted)
    site.sign_in(page, person="bob")
    age()
    watch.expect(403, BIND)
    press(page, "Bind WeCom")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    press(page, "Confirm with Feishu")
    site.at_platform(page)
    site.answer(page, "bob")
    at(page, site, "/account")
    expect(page.get_by_role("status")).to_contain_text("Confirmed.")
    connect(page, site, "bob")
    at(page, site, "/account/bind/confirm")
    assert sql("SELECT ended_why FROM login_session ORDER BY id") == [("signed in anew",), (None,)]


def test_somebody_elses_scan_confirms_nothing(site, page, watch, age, sql):
    site.sign_in(page, person="bob")
    age()
    watch.expect(403, BIND)
    press(page, "Bind WeCom")
    press(page, "Confirm with Feishu")
    site.at_platform(page)
    watch.expect(403, "/login/FSInnerExample/callback")
    site.answer(page, "zhangsan")
    expect(page.get_by_role("heading", level=1)).to_have_text("That was another person")
    assert urlsplit(page.url).query == ""
    page.get_by_role("link", name="Back to your account").click()
    at(page, site, "/account")
    assert sql("SELECT count(*) FROM login_session") == [(1,)]


def test_somebody_bound_elsewhere_is_not_taken_over(site, page, browse, watch, sql):
    site.sign_in(browse(), "QywxInnerExample", "lisi")
    site.sign_in(page, person="bob")
    press(page, "Bind WeCom")
    site.at_platform(page)
    watch.expect(409, CALLBACK)
    site.answer(page, "lisi")
    expect(page.get_by_role("heading", level=1)).to_have_text("This person is bound to another account")
    assert sql("SELECT username FROM identity JOIN account ON account.id = account_id WHERE provider = 'wecom'") == [
        ("lisi",)
    ]


@scripted
def test_sessions_elsewhere_are_ended_one_or_all(site, browse, watch, scripted):
    here, *others = [browse(java_script_enabled=scripted) for _ in range(3)]
    for page in (here, *others):
        site.sign_in(page, person="bob")
    here.reload()
    mine = here.locator("section", has=here.locator("#sessions"))
    expect(mine.locator("tbody tr")).to_have_count(3)
    mine.get_by_role("button", name="Sign out Chrome").first.click()
    expect(here.get_by_role("status")).to_contain_text("Signed out on that device.")
    expect(mine.locator("tbody tr")).to_have_count(2)
    press(here, "Sign out everywhere else")
    expect(here.get_by_role("status")).to_contain_text("Signed out on 1 other device.")
    expect(mine.locator("tbody tr")).to_have_count(1)
    for page in others:
        watch.expect(401, "/account")
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    press(here, "Sign out")
    at(here, site, "/login")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_every_page_can_be_read_and_used_by_everybody(site, browse, watch, age, axe, locale):
    page = browse(locale=locale, reduced_motion="reduce")
    site.sign_in(page, person="bob")
    bind = page.locator(f"form[action='{BIND}'] button")
    looked_at = set()

    def look():
        page.evaluate(axe)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert page.evaluate(RUN_AXE) == [], (page.url, scheme)
            assert page.evaluate(PALE_TEXT) == [], (page.url, scheme)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 720})
            assert page.evaluate(WIDER_THAN_THE_SCREEN) == [], (page.url, width)
        assert page.evaluate(TOO_LOW_FOR_A_FINGER, FINGER) == [], page.url
        looked_at.add(page.locator("h1").inner_text())

    look()  # one way in
    bind.click()
    site.at_platform(page)
    site.answer(page, "carol")
    look()  # connect this person?
    page.goto(f"{site.url}/account")
    look()  # a scan left undecided
    page.goto(f"{site.url}/account/bind/confirm")
    page.locator("main form button").click()
    at(page, site, "/account")
    look()  # two ways in, and a message
    page.locator("main a[href$='/unbind']").last.click()
    look()  # disconnect?
    age()
    watch.expect(403, urlsplit(page.url).path)
    page.reload()
    look()  # first show that it is you
    assert len(looked_at) == 4
