"""Inside Feishu's client a user signs in with nothing to press."""

import pytest
from playwright.sync_api import expect
from support.in_app_page import (
    ACCESS,
    AUTH_CODE,
    CLIENT_DEADLINE,
    HOME,
    SILENT,
    WITHOUT_DEADLINE,
    expect_signed_in,
    find_button,
    list_ways_asked,
)
from support.page_waits import wait_on_page
from support.portal_app import H5_SCRIPT
from support.user_agents import FEISHU_CLIENT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("agent", FEISHU_CLIENT.values(), ids=FEISHU_CLIENT)
@pytest.mark.parametrize("path", [HOME["feishu"], "/login"])
def test_feishus_client_signs_in_with_nothing_to_press(site, browse, agent, path):
    page = browse(user_agent=agent)
    page.goto(site.url + path)
    expect_signed_in(page, site)
    assert list_ways_asked(site) == [ACCESS]


def test_the_account_page_shows_a_sign_in_inside_the_app(site, client):
    page = client("feishu")
    page.goto(f"{site.url}{HOME['feishu']}?next=/account?x=1")
    expect_signed_in(page, site, path="/account?x=1")
    expect(page.get_by_text("inside the app").first).to_be_visible()


@pytest.mark.parametrize(("jsapi", "ways"), [("103", [ACCESS, AUTH_CODE]), ("no_request_access", [AUTH_CODE])])
def test_an_older_client_is_asked_the_older_way(site, client, jsapi, ways):
    site.sandbox.jsapi(jsapi)
    page = client("feishu")
    page.goto(f"{site.url}{HOME['feishu']}?next=/account?x=1")
    expect_signed_in(page, site, path="/account?x=1")
    assert list_ways_asked(site) == ways


def test_after_a_refusal_the_client_is_asked_only_by_the_button(site, client):
    site.sandbox.jsapi("107")
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Sign-in cancelled")
    assert list_ways_asked(site) == [ACCESS]
    page.goto(f"{site.url}/login")
    expect(page.get_by_text("You are not signed in.")).to_be_visible()
    assert list_ways_asked(site) == [ACCESS]
    find_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_the_button_below_a_refusal_signs_in(site, client):
    site.sandbox.jsapi("107")
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_role("alert")).to_contain_text("Sign-in cancelled")
    find_button(page, "feishu").click()
    expect_signed_in(page, site)
    assert list_ways_asked(site) == [ACCESS, SILENT["feishu"]]


def test_a_refusing_client_leads_to_a_message_with_a_reference(site, client):
    site.sandbox.app("feishu", redirect_uris=[f"{site.url}/elsewhere"])
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Couldn't sign you in automatically")
    assert len(page.get_by_role("alert").locator("strong").inner_text()) == 7
    assert list_ways_asked(site) == [ACCESS]
    site.sandbox.app("feishu", redirect_uris=None)
    find_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_a_client_whose_script_fails_to_start_is_asked_by_the_silent_page(site, client):
    site.sandbox.jsapi("error")
    page = client("feishu")
    page.add_init_script(WITHOUT_DEADLINE)
    page.goto(f"{site.url}{HOME['feishu']}?next=/account?x=1")
    expect_signed_in(page, site, path="/account?x=1")
    assert list_ways_asked(site) == [SILENT["feishu"]]


@pytest.mark.parametrize("jsapi", ["never_ready", "silent"])
def test_a_client_that_does_not_answer_is_asked_by_the_silent_page_after_four_seconds(site, client, jsapi):
    site.sandbox.jsapi(jsapi)
    page = client("feishu")
    page.clock.install()
    page.goto(site.url + HOME["feishu"])
    wait_on_page(page, "() => window.h5sdk")
    expect(page.get_by_role("heading", name="Signing you in…")).to_be_visible()
    page.clock.fast_forward(CLIENT_DEADLINE)
    expect_signed_in(page, site)
    assert list_ways_asked(site) == [SILENT["feishu"]]


def test_a_script_that_does_not_come_leaves_the_silent_page(site, client):
    page = client("feishu")
    page.clock.install()
    page.route(f"**{H5_SCRIPT}", lambda route: None)
    with page.expect_request(f"**{H5_SCRIPT}"):
        page.goto(site.url + HOME["feishu"], wait_until="commit")
    page.clock.fast_forward(CLIENT_DEADLINE)
    expect_signed_in(page, site)
    assert list_ways_asked(site) == [SILENT["feishu"]]


def test_a_script_that_is_blocked_leaves_the_silent_page(site, client, watch):
    watch.expect("net::ERR_BLOCKED_BY_CLIENT", H5_SCRIPT)
    page = client("feishu")
    page.add_init_script(WITHOUT_DEADLINE)
    page.route(f"**{H5_SCRIPT}", lambda route: route.abort("blockedbyclient"))
    page.goto(site.url + HOME["feishu"])
    expect_signed_in(page, site)
    assert list_ways_asked(site) == [SILENT["feishu"]]


@pytest.mark.parametrize("way_out", ["error", "silence"])
def test_after_two_ways_it_takes_a_tap(site, client, watch, way_out):
    site.sandbox.jsapi("103")
    page = client("feishu")
    page.clock.install()
    if way_out == "error":
        watch.expect("net::ERR_FAILED", H5_SCRIPT)
    page.route("**/*jsapi=requestAuthCode*", lambda route: route.abort() if way_out == "error" else None)
    with page.expect_request("**/*jsapi=requestAuthCode*"):
        page.goto(site.url + HOME["feishu"])
    page.clock.fast_forward(CLIENT_DEADLINE)
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Couldn't sign you in automatically")
    assert list_ways_asked(site) == [ACCESS]
    find_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_without_javascript_one_tap_signs_in(site, client):
    page = client("feishu", java_script_enabled=False)
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_text("Tap the button, and Feishu tells the portal who you are.")).to_be_visible()
    for state in ("waiting", "denied", "failed"):
        expect(page.locator(f"[data-when={state}]")).to_be_hidden()
    find_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_a_way_out_into_the_browser_leads_to_the_login_page(site, client):
    site.sandbox.jsapi("107")
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open in browser").click()
    expect(opened.value).to_have_url(f"{site.url}/login?via=FSInnerExample")
    expect(find_button(opened.value, "feishu")).to_be_visible()
