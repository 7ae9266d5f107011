"""Sign-in inside the Feishu and WeCom clients: nothing to press if it can be, else one button that works."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from support.page_waits import wait_on_page
from support.portal_app import FEISHU_APP, H5_SCRIPT
from support.user_agents import DESKTOP_BROWSER, FEISHU_CLIENT, PHONE_BROWSER, WECHAT_CLIENT, WECOM_CLIENT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

HOME = {"feishu": "/login/FSInnerExample/in-app", "wecom": "/login/QywxInnerExample/in-app"}
ELEMENT = {"feishu": "FSInnerExample", "wecom": "QywxInnerExample"}
CLIENT = {"feishu": FEISHU_CLIENT["windows"], "wecom": WECOM_CLIENT["windows"]}
NAME = {"feishu": "Feishu", "wecom": "WeCom"}
CALLBACK = {"feishu": "/login/FSInnerExample/callback", "wecom": "/api/auth/qywx/callback"}
SILENT = {"feishu": "/open-apis/authen/v1/authorize", "wecom": "/connect/oauth2/authorize"}
ACCESS, AUTH_CODE = "/lark/op/jsapi/requestAccess.js", "/lark/op/jsapi/requestAuthCode.js"
WAIT = 4000  # milliseconds the page waits for the client
# With this, what ends a wait is an answer and never the time.
NO_TIME_RUNS_OUT = f"""const later = window.setTimeout;
window.setTimeout = (call, time, ...words) => (time === {WAIT} ? 0 : later(call, time, ...words));"""

on_both = pytest.mark.parametrize("platform", ["feishu", "wecom"])


def more_elements(elements):
    elements.feishu("SecondFeishu")
    elements.wecom("SecondWecom", redirectUri=f"{elements.base}/login/SecondWecom/callback")
    elements.wecom("Consent", scope="snsapi_privateinfo", redirectUri=f"{elements.base}/login/Consent/callback")


@pytest.fixture(scope="module")
def site(run_site):
    return run_site()


@pytest.fixture(scope="module")
def many(run_site):
    """A portal with several logins of each platform."""
    return run_site(add=more_elements)


@pytest.fixture(autouse=True)
def fresh(sandbox_process):
    sandbox_process.reset()
    for provider in ("feishu", "wecom"):
        sandbox_process.client(provider, "bob")


@pytest.fixture
def client(browse):
    """Return a function that opens a page in a platform's client: `client("wecom")`."""
    return lambda platform, **options: browse(user_agent=CLIENT[platform], **options)


def heading(page):
    return page.get_by_role("heading", level=1)


def expect_signed_in(page, site, name="Bob Miller", path="/account"):
    expect(page).to_have_url(re.compile(f"^{re.escape(site.url + path)}(#wechat_redirect)?$"))  # the fragment stays on
    expect(heading(page)).to_have_text(name)


def asked(site):
    """Return the ways in which the client was asked: the calls of its script, and the silent page."""
    paths = [call["path"] for call in site.sandbox.calls()]
    return [path for path in paths if path in (ACCESS, AUTH_CODE, *SILENT.values())]


def visits(page):
    """Return the pages this page goes to from now on, as paths."""
    found = []
    page.on("request", lambda each: found.append(urlsplit(each.url).path) if each.is_navigation_request() else None)
    return found


def the_button(page, platform):
    return page.locator("main").get_by_role("link", name=f"Sign in with {NAME[platform]}")


# Inside Feishu


@pytest.mark.parametrize("agent", FEISHU_CLIENT.values(), ids=FEISHU_CLIENT)
@pytest.mark.parametrize("path", [HOME["feishu"], "/login"])
def test_feishus_client_signs_in_with_nothing_to_press(site, browse, agent, path):
    page = browse(user_agent=agent)
    page.goto(site.url + path)
    expect_signed_in(page, site)
    assert asked(site) == [ACCESS]


def test_the_account_tells_a_sign_in_inside_the_app(site, client):
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
    assert asked(site) == ways


def test_who_says_no_is_not_asked_again_but_by_the_button(site, client):
    site.sandbox.jsapi("107")
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Sign-in cancelled")
    assert asked(site) == [ACCESS]
    page.goto(f"{site.url}/login")
    expect(page.get_by_text("You are not signed in.")).to_be_visible()
    assert asked(site) == [ACCESS]
    the_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_the_button_below_a_no_signs_in(site, client):
    site.sandbox.jsapi("107")
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_role("alert")).to_contain_text("Sign-in cancelled")
    the_button(page, "feishu").click()
    expect_signed_in(page, site)
    assert asked(site) == [ACCESS, SILENT["feishu"]]


def test_a_client_that_refuses_the_page_is_told_with_a_reference(site, client):
    site.sandbox.app("feishu", redirect_uris=[f"{site.url}/elsewhere"])
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Couldn't sign you in automatically")
    assert len(page.get_by_role("alert").locator("strong").inner_text()) == 7
    assert asked(site) == [ACCESS]
    site.sandbox.app("feishu", redirect_uris=None)
    the_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_a_client_whose_script_fails_to_start_is_asked_by_the_silent_page(site, client):
    site.sandbox.jsapi("error")
    page = client("feishu")
    page.add_init_script(NO_TIME_RUNS_OUT)
    page.goto(f"{site.url}{HOME['feishu']}?next=/account?x=1")
    expect_signed_in(page, site, path="/account?x=1")
    assert asked(site) == [SILENT["feishu"]]


@pytest.mark.parametrize("jsapi", ["never_ready", "silent"])
def test_a_client_that_does_not_answer_is_asked_by_the_silent_page_after_four_seconds(site, client, jsapi):
    site.sandbox.jsapi(jsapi)
    page = client("feishu")
    page.clock.install()
    page.goto(site.url + HOME["feishu"])
    wait_on_page(page, "() => window.h5sdk")
    expect(page.get_by_role("heading", name="Signing you in…")).to_be_visible()
    page.clock.fast_forward(WAIT)
    expect_signed_in(page, site)
    assert asked(site) == [SILENT["feishu"]]


def test_a_script_that_does_not_come_leaves_the_silent_page(site, client):
    page = client("feishu")
    page.clock.install()
    page.route(f"**{H5_SCRIPT}", lambda route: None)
    with page.expect_request(f"**{H5_SCRIPT}"):
        page.goto(site.url + HOME["feishu"], wait_until="commit")
    page.clock.fast_forward(WAIT)
    expect_signed_in(page, site)
    assert asked(site) == [SILENT["feishu"]]


def test_a_script_that_is_blocked_leaves_the_silent_page(site, client, watch):
    watch.expect("net::ERR_BLOCKED_BY_CLIENT", H5_SCRIPT)
    page = client("feishu")
    page.add_init_script(NO_TIME_RUNS_OUT)
    page.route(f"**{H5_SCRIPT}", lambda route: route.abort("blockedbyclient"))
    page.goto(site.url + HOME["feishu"])
    expect_signed_in(page, site)
    assert asked(site) == [SILENT["feishu"]]


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
    page.clock.fast_forward(WAIT)
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Couldn't sign you in automatically")
    assert asked(site) == [ACCESS]
    the_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_without_javascript_one_tap_signs_in(site, client):
    page = client("feishu", java_script_enabled=False)
    page.goto(site.url + HOME["feishu"])
    expect(page.get_by_text("Tap the button, and Feishu tells the portal who you are.")).to_be_visible()
    for state in ("waiting", "denied", "failed"):
        expect(page.locator(f"[data-when={state}]")).to_be_hidden()
    the_button(page, "feishu").click()
    expect_signed_in(page, site)


def test_a_way_out_into_the_browser_leads_to_the_login_page(site, client):
    site.sandbox.jsapi("107")
    page = client("feishu")
    page.goto(site.url + HOME["feishu"])
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open in browser").click()
    expect(opened.value).to_have_url(f"{site.url}/login?via=FSInnerExample")
    expect(the_button(opened.value, "feishu")).to_be_visible()


# Inside WeCom


@pytest.mark.parametrize("agent", WECOM_CLIENT.values(), ids=WECOM_CLIENT)
@pytest.mark.parametrize("path", [HOME["wecom"], "/login", "/login/QywxInnerExample"])
def test_wecoms_client_signs_in_with_nothing_to_press(site, browse, agent, path):
    page = browse(user_agent=agent)
    page.goto(f"{site.url}{path}?next=/account?x=1")
    expect_signed_in(page, site, path="/account?x=1")
    [call] = site.sandbox.calls(SILENT["wecom"])
    assert call["query"]["scope"] == "snsapi_base"
    assert site.sandbox.calls("/wwlogin/*") == []


def test_also_the_button_of_the_login_page_stays_clear_of_the_sso_page(site, client):
    page = client("wecom")
    page.goto(f"{site.url}/login?via=QywxInnerExample")
    the_button(page, "wecom").click()
    expect_signed_in(page, site)
    assert site.sandbox.calls("/wwlogin/*") == []


def test_somebody_from_elsewhere_is_refused_and_then_has_a_button(site, client, watch):
    site.sandbox.client("wecom", "outsider")
    watch.expect(403, CALLBACK["wecom"])
    page = client("wecom")
    page.goto(site.url + HOME["wecom"])
    expect(heading(page)).to_have_text("You are not a member of this company")
    page.goto(f"{site.url}/login")
    expect(the_button(page, "wecom")).to_be_visible()
    assert len(asked(site)) == 1
    site.sandbox.client("wecom", "bob")
    the_button(page, "wecom").click()
    expect_signed_in(page, site)


def test_a_consent_is_asked_for_and_its_refusal_can_be_taken_back(many, client, watch):
    watch.expect(400, "/login/Consent/callback")
    page = client("wecom")
    page.goto(f"{many.url}/login/Consent/in-app")
    many.at_platform(page)
    assert parse_qs(urlsplit(page.url).query)["scope"] == ["snsapi_privateinfo"]
    many.answer(page, "bob", button="Refuse")
    expect(heading(page)).to_have_text("Sign-in cancelled")
    page.get_by_role("link", name="Start again").click()
    many.at_platform(page)
    many.answer(page, "bob")
    expect_signed_in(page, many)
    assert many.sandbox.calls("/wwlogin/*") == []
    assert len(many.sandbox.calls("/cgi-bin/auth/getuserdetail")) == 1


# No loops


@on_both
def test_a_client_that_keeps_no_cookies_gets_one_start_again_and_no_loop(site, forgetful, watch, platform):
    page = forgetful(CLIENT[platform])
    gone_to = visits(page)
    if platform == "feishu":
        for _ in range(2):
            watch.expect(400, "/api/auths/loginTypes/FSInnerExample/getLoginConfig")
        page.goto(f"{site.url}/login")
        expect(page.get_by_role("alert").get_by_role("heading")).to_have_text("Couldn't sign you in automatically")
        assert gone_to == ["/login", HOME["feishu"]]
        watch.expect(400, CALLBACK["feishu"])
        the_button(page, "feishu").click()
    else:
        watch.expect(400, CALLBACK["wecom"])
        page.goto(f"{site.url}/login")
    expect(heading(page)).to_have_text("Please start again")
    expect(page.locator("main").get_by_role("link")).to_have_text(["Start again"])
    silent = [SILENT[platform], CALLBACK[platform]]
    on_the_way = ["/login/FSInnerExample", *silent] if platform == "feishu" else silent
    assert gone_to == ["/login", HOME[platform], *on_the_way]
    assert page.context.cookies() == []


def test_cookies_lost_on_the_way_cost_one_start_again(site, client, watch):
    page = client("wecom")
    site.sandbox.fail(SILENT["wecom"], redirect=f"{site.sandbox.site_url}/phone")
    page.goto(site.url + HOME["wecom"])
    [call] = site.sandbox.calls(SILENT["wecom"])
    page.context.clear_cookies()
    watch.expect(400, CALLBACK["wecom"])
    gone_to = visits(page)
    page.goto(f"{site.url}{CALLBACK['wecom']}?code=x&state={call['query']['state']}")
    expect(heading(page)).to_have_text("Please start again")
    expect(page.locator("main").get_by_role("link")).to_have_text(["Start again"])
    assert gone_to == [CALLBACK["wecom"]]
    page.get_by_role("link", name="Start again").click()
    expect_signed_in(page, site)


def test_cookies_lost_while_feishus_client_answers_cost_one_start_again(site, client, watch):
    page = client("feishu")
    watch.expect(400, CALLBACK["feishu"])
    page.clock.install()
    page.route("**/*jsapi=requestAccess*", lambda route: (page.context.clear_cookies(), route.continue_()))
    page.goto(site.url + HOME["feishu"])
    expect(heading(page)).to_have_text("This page has expired")
    expect(page.locator("main").get_by_role("link")).to_have_count(1)
    assert asked(site) == [ACCESS]
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
    before = asked(site)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/login")
    expect(the_button(page, platform)).to_be_visible()
    assert asked(site) == before
    page.reload()
    page.goto(site.url + HOME[platform])
    expect(page.get_by_text("You are not signed in.")).to_be_visible()
    assert asked(site) == before
    the_button(page, platform).click()
    expect_signed_in(page, site)


@on_both
def test_who_is_signed_in_goes_straight_on(site, client, platform):
    page = client(platform)
    page.goto(site.url + HOME[platform])
    expect_signed_in(page, site)
    before = asked(site)
    for path in ("/login", HOME[platform]):
        page.goto(f"{site.url}{path}?next=/account?x=1")
        expect_signed_in(page, site, path="/account?x=1")
    assert asked(site) == before


@pytest.mark.parametrize(("platform", "second"), [("feishu", "SecondFeishu"), ("wecom", "SecondWecom")])
def test_several_logins_of_a_platform_are_a_choice(many, client, platform, second):
    page = client(platform)
    page.goto(f"{many.url}/login?next=/account?x=1")
    expect(page.get_by_text("Choose how to sign in.")).to_be_visible()
    page.get_by_role("link", name=f"Sign in with {NAME[platform]} · {second}").click()
    expect_signed_in(page, many, path="/account?x=1")
    assert page.request.get(f"{many.url}/api/session").json()["identity"]["element"] == second


# Elsewhere


def test_wechat_is_told_to_open_wecom_with_the_address_to_copy(site, browse):
    page = browse(user_agent=WECHAT_CLIENT["windows"], permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.url + HOME["wecom"])
    expect(page.get_by_text("from your WeCom workbench")).to_be_visible()
    page.get_by_role("button", name="Copy address").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == site.url + HOME["wecom"]
    assert asked(site) == []


@pytest.mark.parametrize("agent", PHONE_BROWSER.values(), ids=PHONE_BROWSER)
def test_a_phone_opens_feishu_or_signs_in_by_the_plain_link(site, browse, agent):
    page = browse(user_agent=agent, viewport={"width": 390, "height": 844})
    page.goto(f"{site.url}/login?next=/account?x=1")
    link = page.get_by_role("link", name="Open in Feishu")
    address = f"https://applink.feishu.cn/client/web_app/open?appId={FEISHU_APP['appId']}"
    expect(link).to_have_attribute("href", address)
    assert page.locator("iframe").count() == 0
    page.get_by_role("link", name="Sign in here with Feishu").click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site, path="/account?x=1")


def test_a_phone_copies_the_address_for_wecoms_workbench(site, browse):
    page = browse(user_agent=PHONE_BROWSER["android"], permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{site.url}/login?via=QywxInnerExample")
    expect(page.get_by_text("open the portal from your WeCom workbench")).to_be_visible()
    page.get_by_role("button", name="Copy address").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == site.url + HOME["wecom"]


@on_both
def test_the_sandboxs_workspace_opens_the_portal_and_signs_in(site, browse, platform):
    site.sandbox.portal(site.url, **{platform: [ELEMENT[platform]]})
    page = browse(user_agent=DESKTOP_BROWSER["windows"])
    page.goto(f"{site.sandbox.site_url}/workspace/{platform}")
    page.locator('input[name="person"][value="alice"]').check()
    page.get_by_role("button", name=ELEMENT[platform]).click()
    expect_signed_in(page, site, "Alice Johnson")
    session = page.request.get(f"{site.url}/api/session").json()
    assert session["identity"]["element"] == ELEMENT[platform]
