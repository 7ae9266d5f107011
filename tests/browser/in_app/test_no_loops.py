"""No client is asked again and again."""

import pytest
from playwright.sync_api import expect
from support.in_app_page import (
    ACCESS,
    CALLBACK,
    CLIENT,
    HOME,
    SILENT,
    expect_signed_in,
    find_button,
    get_heading,
    list_ways_asked,
    on_both,
    record_visits,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@on_both
def test_a_client_that_keeps_no_cookies_gets_one_start_again_and_no_loop(site, forgetful, watch, platform):
    page = forgetful(CLIENT[platform])
    visits = record_visits(page)
    if platform == "feishu":
        for _ in range(2):
            watch.expect(400, "/api/auths/loginTypes/FSInnerExample/getLoginConfig")
        page.goto(f"{site.url}/login")
        expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Couldn't sign you in automatically")
        assert visits == ["/login", HOME["feishu"]]
        watch.expect(400, CALLBACK["feishu"])
        find_button(page, "feishu").click()
    else:
        watch.expect(400, CALLBACK["wecom"])
        page.goto(f"{site.url}/login")
    expect(get_heading(page)).to_have_text("Please start again")
    expect(page.locator("main").get_by_role("link")).to_have_text(["Start again"])
    silent = [SILENT[platform], CALLBACK[platform]]
    on_the_way = ["/login/FSInnerExample", *silent] if platform == "feishu" else silent
    assert visits == ["/login", HOME[platform], *on_the_way]
    assert page.context.cookies() == []


def test_cookies_lost_on_the_way_cost_one_start_again(site, client, watch):
    page = client("wecom")
    site.sandbox.fail(SILENT["wecom"], redirect=f"{site.sandbox.site_url}/phone")
    page.goto(site.url + HOME["wecom"])
    [call] = site.sandbox.calls(SILENT["wecom"])
    page.context.clear_cookies()
    watch.expect(400, CALLBACK["wecom"])
    visits = record_visits(page)
    page.goto(f"{site.url}{CALLBACK['wecom']}?code=x&state={call['query']['state']}")
    expect(get_heading(page)).to_have_text("Please start again")
    expect(page.locator("main").get_by_role("link")).to_have_text(["Start again"])
    assert visits == [CALLBACK["wecom"]]
    page.get_by_role("link", name="Start again").click()
    expect_signed_in(page, site)


def test_cookies_lost_while_feishus_client_answers_cost_one_start_again(site, client, watch):
    page = client("feishu")
    watch.expect(400, CALLBACK["feishu"])
    page.clock.install()
    page.route("**/*jsapi=requestAccess*", lambda route: (page.context.clear_cookies(), route.continue_()))
    page.goto(site.url + HOME["feishu"])
    expect(get_heading(page)).to_have_text("This page has expired")
    expect(page.locator("main").get_by_role("link")).to_have_count(1)
    assert list_ways_asked(site) == [ACCESS]
    page.unroute_all()
    page.locator("main").get_by_role("link").click()
    expect_signed_in(page, site)


def test_a_tab_whose_cookies_another_one_has_replaced_signs_in(site, client, watch):
    """Two tabs of a client without cookies: the page's form takes the token that counts now."""
    path = "/api/auths/loginTypes/FSInnerExample/getLoginConfig"
    page, another = client("feishu"), {}

    def replace(route):
        page.context.clear_cookies()
        page.context.add_cookies([another])
        route.continue_()

    later = client("feishu")
    later.goto(f"{site.url}/login?via=")
    [cookie] = [each for each in later.context.cookies() if each["name"] == "portal_visit"]
    another.update({key: cookie[key] for key in ("name", "value", "domain", "path")})
    page.route(f"**{path}", replace, times=1)
    watch.expect(400, path)
    page.goto(site.url + HOME["feishu"])
    expect_signed_in(page, site)


@on_both
def test_after_signing_out_a_button_signs_in(site, client, platform):
    page = client(platform)
    page.goto(site.url + HOME[platform])
    expect_signed_in(page, site)
    before = list_ways_asked(site)
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/login")
    expect(find_button(page, platform)).to_be_visible()
    assert list_ways_asked(site) == before
    page.reload()
    page.goto(site.url + HOME[platform])
    expect(page.get_by_text("You are not signed in.")).to_be_visible()
    assert list_ways_asked(site) == before
    find_button(page, platform).click()
    expect_signed_in(page, site)


@on_both
def test_a_signed_in_user_is_redirected_at_once(site, client, platform):
    page = client(platform)
    page.goto(site.url + HOME[platform])
    expect_signed_in(page, site)
    before = list_ways_asked(site)
    for path in ("/login", HOME[platform]):
        page.goto(f"{site.url}{path}?next=/account?x=1")
        expect_signed_in(page, site, path="/account?x=1")
    assert list_ways_asked(site) == before
