"""Logins in a real browser: the click, the platform's page, and the way back, also by side ways."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

both_elements = pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
PLATFORM = {"FSInnerExample": "Feishu", "QywxInnerExample": "WeCom"}
CALLBACK = {"FSInnerExample": "/login/FSInnerExample/callback", "QywxInnerExample": "/api/auth/qywx/callback"}


def heading(page):
    return page.get_by_role("heading", level=1)


def visited(page):
    """Return the addresses in this tab's history."""
    devtools = page.context.new_cdp_session(page)
    return [entry["url"] for entry in devtools.send("Page.getNavigationHistory")["entries"]]


def sign_in_and_keep_callback(site, page, element="FSInnerExample"):
    """Sign in; return the callback's address, code and state included."""
    site.start(page, element)
    with page.expect_request(lambda request: urlsplit(request.url).path == CALLBACK[element]) as callback:
        site.answer(page)
    page.wait_for_url(f"{site.url}/account")
    return callback.value.url


@both_elements
def test_a_click_signs_in_and_another_signs_out(site, page, watch, element):
    page.goto(site.url)
    expect(page).to_have_url(f"{site.url}/login")
    site.choose(page, element)
    site.answer(page)
    expect(page).to_have_url(f"{site.url}/account")
    expect(heading(page)).to_have_text("张三")
    expect(page.get_by_role("row").filter(has_text="in use")).to_contain_text(PLATFORM[element])

    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/login")
    names = {cookie["name"] for cookie in page.context.cookies(site.url)}
    assert {name for name in names if not name.startswith("portal_attempt_")} == {"portal_visit"}  # of an unused code
    watch.expect(401, "/account")
    page.goto(f"{site.url}/account")
    expect(heading(page)).to_have_text("You are not signed in")


def test_the_login_leads_on_to_the_page_that_wanted_it(site, page, watch):
    watch.expect(401, "/account")
    page.goto(f"{site.url}/account")
    page.locator("main").get_by_role("link", name="Sign in").click()
    site.choose(page, "QywxInnerExample")
    site.answer(page)
    expect(page).to_have_url(f"{site.url}/account")


@both_elements
def test_who_refuses_at_the_platform_can_start_again(site, page, watch, element):
    watch.expect(400, CALLBACK[element])
    site.start(page, element)
    site.answer(page, button="Refuse")
    expect(heading(page)).to_have_text("Sign-in cancelled")
    page.get_by_role("link", name="Start again").click()
    site.at_platform(page)
    site.answer(page)
    expect(page).to_have_url(f"{site.url}/account")


@both_elements
def test_a_refusal_leaves_no_state_in_the_address_and_can_be_reloaded(site, page, watch, element):
    watch.expect(400, CALLBACK[element])
    site.start(page, element)
    site.answer(page, button="Refuse")
    page.wait_for_url(f"{site.url}/login/{element}")
    assert not [url for url in visited(page) if url.startswith(site.url) and "?" in url]
    page.reload()
    site.at_platform(page)
    site.answer(page)
    expect(page).to_have_url(f"{site.url}/account")


@both_elements
def test_a_refusal_leaves_no_code_in_the_address(site, page, browse, watch, element):
    callback = sign_in_and_keep_callback(site, page, element)
    assert "code=" in callback and "state=" in callback
    stranger = browse()
    watch.expect(400, CALLBACK[element])
    stranger.goto(callback)
    expect(heading(stranger)).to_have_text("Please start again")
    stranger.wait_for_url(re.compile(r"^[^?]*$"))
    assert not [url for url in visited(stranger) if "code=" in url or "state=" in url]
    stranger.reload()
    site.at_platform(stranger)


@pytest.mark.parametrize(
    ("second_element", "first_to_finish"), [("QywxInnerExample", 0), ("QywxInnerExample", 1), ("FSInnerExample", 1)]
)
def test_two_tabs_finish_two_logins_and_the_later_one_counts(site, page, browse, second_element, first_to_finish):
    tabs = [page, page.context.new_page()]
    site.start(tabs[0], "FSInnerExample")
    site.start(tabs[1], second_element)
    earlier, later = tabs[first_to_finish], tabs[1 - first_to_finish]

    site.answer(earlier, "bob")
    expect(heading(earlier)).to_have_text("Bob Miller")
    [first_session] = [each for each in page.context.cookies(site.url) if each["name"] == "portal_session"]
    site.answer(later, "carol")
    expect(heading(later)).to_have_text("Carol Reyes")
    earlier.reload()
    expect(heading(earlier)).to_have_text("Carol Reyes")

    elsewhere = browse()
    elsewhere.context.add_cookies([first_session])
    elsewhere.goto(f"{site.url}/login")
    expect(elsewhere).to_have_url(f"{site.url}/login")  # the session that was replaced signs nobody in any more


@both_elements
def test_going_back_after_a_login_never_meets_the_callback(site, page, element):
    page.goto(f"{site.url}/login")
    site.choose(page, element)
    site.answer(page)
    paths = [urlsplit(url).path for url in visited(page)]
    assert paths[-1] == "/account" and paths[-3] == "/login", paths
    assert CALLBACK[element] not in paths

    assert page.go_back().status == 200
    assert page.url.startswith(site.sandbox.site_url)
    assert page.go_back().status == 200
    expect(page).to_have_url(f"{site.url}/account")


def test_answering_twice_at_the_platform_leads_back_to_the_account(site, page, watch):
    site.start(page)
    site.answer(page)
    page.go_back()
    watch.expect(400, CALLBACK["FSInnerExample"])
    site.answer(page)
    page.get_by_role("link", name="Continue").click()
    expect(page).to_have_url(f"{site.url}/account")
    expect(heading(page)).to_have_text("张三")


def test_going_back_after_signing_out_shows_nothing_of_the_account(site, page, watch):
    site.sign_in(page)
    assert page.reload().header_value("Cache-Control") == "no-store"
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/login")
    watch.expect(401, "/account")
    page.go_back()
    expect(heading(page)).to_have_text("You are not signed in")
    assert "张三" not in page.content()


@both_elements
def test_everything_works_without_javascript(site, browse, watch, element):
    page = browse(java_script_enabled=False)
    page.goto(f"{site.url}/login")
    page.locator("header").get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.locator("header").get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")

    watch.expect(400, CALLBACK[element])
    site.choose(page, element)
    site.answer(page, button="Refuse")
    page.get_by_role("link", name="Start again").click()
    site.at_platform(page)
    site.answer(page)
    expect(page).to_have_url(f"{site.url}/account")
    expect(heading(page)).to_have_text("张三")
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/login")
    watch.expect(401, "/account")
    page.goto(f"{site.url}/account")


def test_a_one_time_link_shows_whose_it_is_and_signs_in_once(site, page, browse, watch):
    link = site.one_time_link("root")
    page.goto(link)
    expect(heading(page)).to_have_text("One-time sign-in")
    expect(page.locator("main").get_by_text("root", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Sign in as root").click()
    page.wait_for_url(f"{site.url}/account")
    expect(heading(page)).to_have_text("root")
    expect(page.get_by_text("You signed in with a one-time link.")).to_be_visible()

    other = browse()
    watch.expect(410, urlsplit(link).path)
    other.goto(link)
    expect(heading(other)).to_have_text("This link can't be used")


def test_of_two_who_opened_a_one_time_link_only_one_gets_in(site, browse, watch):
    link = site.one_time_link("twice")
    first, second = browse(), browse()
    for page in (first, second):
        page.goto(link)
    first.get_by_role("button", name="Sign in as twice").click()
    first.wait_for_url(f"{site.url}/account")
    watch.expect(410, urlsplit(link).path)
    second.get_by_role("button", name="Sign in as twice").click()
    expect(heading(second)).to_have_text("This link can't be used")


def test_names_from_the_platform_are_text_and_nothing_else(site, page):
    site.start(page)
    page.on("dialog", lambda dialog: pytest.fail(f"a name ran as script: {dialog.message}"))
    site.answer(page, "hostile")
    expect(page).to_have_url(f"{site.url}/account")
    expect(heading(page)).to_contain_text("<script>alert(1)</script>")
