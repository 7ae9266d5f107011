"""Every page and state under axe-core, in both languages, light and dark."""

import pytest
from playwright.sync_api import expect
from support.axe import RUN_AXE
from support.portal_app import H5_SCRIPT, QR_SCRIPT, ROOT
from support.user_agents import FEISHU_CLIENT, PHONE_BROWSER, WECHAT_CLIENT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

CONFIG = "/api/auths/loginTypes/FSInnerExample/getLoginConfig"
FRAME = "/suite/passport/sso/qr"
CALLBACK = "/login/FSInnerExample/callback"
LIFE = 600_000  # milliseconds a code lives
MARK_FRAMES = """document.addEventListener("load", ({ target }) => {
  if (target.tagName === "IFRAME") target.dataset.came = "";
}, true)"""


class Places:
    """Where the pages are: portals in several conditions, somebody signed in, a link for somebody."""

    def __init__(self, run_site, site, asking_site, browser):
        self.site, self.asking_site = site, asking_site
        self.broken = run_site(add=lambda elements: elements.feishu(appId=""))
        self.several = run_site(add=lambda elements: elements.feishu("Second"))
        self.nothing = run_site(PORTAL_APP_DIR=str(ROOT / "docs"))
        self.link = site.one_time_link("root")
        context = browser.new_context()
        site.sign_in(context.new_page(), person="bob")
        self.cookies = [cookie for cookie in context.cookies(site.url) if cookie["name"] == "portal_session"]
        context.close()


@pytest.fixture(scope="module")
def places(run_site, site, asking_site, browser):
    return Places(run_site, site, asking_site, browser)


@pytest.fixture(autouse=True)
def fresh(sandbox_process):
    sandbox_process.reset()


# How to get to each page and state. `shown` waits for the part that makes it.


def shown(page, state):
    expect(page.locator(f"[data-when={state}]").last).to_be_visible()


def code_shown(page):
    expect(page.frame_locator("#qr iframe").get_by_role("img")).to_be_visible()
    expect(page.locator("#qr iframe[data-came]")).to_have_count(1)
    shown(page, "waiting")


def open_login(page, places, path="/login"):
    page.goto(places.site.url + path)


def with_code(page, places, watch):
    open_login(page, places)
    code_shown(page)


def with_code_loading(page, places, watch):
    page.route(f"**{CONFIG}", lambda route: None)
    open_login(page, places)
    shown(page, "loading")


def with_code_ending(page, places, watch):
    page.clock.install()
    with_code(page, places, watch)
    page.clock.fast_forward(LIFE - 30_000)
    shown(page, "ending")


def with_code_expired(page, places, watch):
    page.clock.install()
    with_code(page, places, watch)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.clock.fast_forward(LIFE)
    shown(page, "expired")


def with_code_confirmed(page, places, watch):
    with_code(page, places, watch)
    page.route("**/suite/passport/oauth/authorize?*", lambda route: route.fulfill(status=204))  # the page stays
    places.site.sandbox.qr("confirm", "bob")
    shown(page, "signing-in")


def with_code_blocked(page, places, watch):
    watch.expect("net::ERR_FAILED", QR_SCRIPT)
    page.route(f"**{QR_SCRIPT}", lambda route: route.abort())
    open_login(page, places)
    shown(page, "blocked")


def with_connection_lost(page, places, watch):
    watch.expect("net::ERR_FAILED", CONFIG)
    page.route(f"**{CONFIG}", lambda route: route.abort())
    open_login(page, places)
    shown(page, "lost")


def with_code_unavailable(page, places, watch):
    watch.expect(500, CONFIG)
    page.route(f"**{CONFIG}", lambda route: route.fulfill(status=500, json={"errcode": 47001, "errmsg": "no"}))
    open_login(page, places)
    shown(page, "unavailable")


def with_link(page, places, watch):
    open_login(page, places, "/login?via=QywxInnerExample")


def with_many_tabs(page, places, watch):
    page.goto(f"{places.several.url}/login")
    code_shown(page)


def with_something_broken(page, places, watch):
    page.goto(f"{places.broken.url}/login?via=FSInnerExample")
    expect(page.locator("main .notice")).to_be_visible()


def with_nothing_set_up(page, places, watch):
    page.goto(f"{places.nothing.url}/login")
    expect(page.locator("ol.steps")).to_be_visible()


def in_app_waiting(page, places, watch):
    page.route(f"**{H5_SCRIPT}", lambda route: None)
    page.clock.install()  # and so it waits on
    page.goto(f"{places.site.url}/login/FSInnerExample/in-app", wait_until="commit")
    shown(page, "waiting")


def in_app_denied(page, places, watch):
    places.site.sandbox.jsapi("107")
    open_login(page, places)
    shown(page, "denied")


def in_app_failed(page, places, watch):
    places.site.sandbox.app("feishu", redirect_uris=[])
    open_login(page, places)
    shown(page, "failed")


def in_app_plain(page, places, watch):
    page.route("**/js/feishu-in-app.js*", lambda route: route.fulfill(content_type="text/javascript", body=""))
    page.goto(f"{places.site.url}/login/FSInnerExample/in-app")
    shown(page, "plain")


def in_app_again(page, places, watch):
    places.site.sandbox.jsapi("107")
    open_login(page, places)
    shown(page, "denied")
    open_login(page, places)
    expect(page.locator("main a.button")).to_have_count(1)


def in_app_choice(page, places, watch):
    page.goto(f"{places.several.url}/login")
    expect(page.locator("main a.button")).to_have_count(2)


def nowhere(page, places, watch):
    watch.expect(404, "/nowhere")
    page.goto(f"{places.site.url}/nowhere")


def signed_out(page, places, watch):
    watch.expect(401, "/account")
    page.goto(f"{places.site.url}/account")


def cancelled(page, places, watch):
    watch.expect(400, CALLBACK)
    page.goto(f"{places.site.url}/login/FSInnerExample")
    page.goto(f"{page.url}&person=bob&action=deny")


def refused_by_the_platform(page, places, watch):
    watch.expect(500, CALLBACK)
    places.site.sandbox.fail("/open-apis/authen/v2/oauth/token", body={"code": 20002, "error": "invalid_client"})
    page.goto(f"{places.site.url}/login/FSInnerExample")
    page.goto(f"{page.url}&person=bob&action=allow")


def waiting(page, places, watch):
    page.goto(f"{places.asking_site.url}/login/FSInnerExample")
    page.goto(f"{page.url}&person=bob&action=allow")


def account(page, places, watch):
    page.context.add_cookies(places.cookies)
    page.goto(f"{places.site.url}/account")


def one_time_link(page, places, watch):
    page.goto(places.link)


def spent_link(page, places, watch):
    watch.expect(410, "/login/once/spent")
    page.goto(f"{places.site.url}/login/once/spent")


ON_A_PC = [
    *(with_code, with_code_loading, with_code_ending, with_code_expired, with_code_confirmed, with_code_blocked),
    *(with_connection_lost, with_code_unavailable, with_link, with_many_tabs, with_something_broken),
    *(with_nothing_set_up, nowhere, signed_out, cancelled, refused_by_the_platform, waiting, account),
    *(one_time_link, spent_link),
]
IN_FEISHU = [in_app_waiting, in_app_denied, in_app_failed, in_app_plain, in_app_again, in_app_choice]


def phone_in_feishu(page, places, watch):
    open_login(page, places)


def phone_in_wecom(page, places, watch):
    open_login(page, places, "/login?via=QywxInnerExample")


STATES = [(reach, None) for reach in ON_A_PC] + [(reach, FEISHU_CLIENT["windows"]) for reach in IN_FEISHU]
STATES += [(reach, PHONE_BROWSER["android"]) for reach in (phone_in_feishu, phone_in_wecom)]
STATES += [(phone_in_wecom, WECHAT_CLIENT["android"])]
IDS = [reach.__name__ + ("_wechat" if agent == WECHAT_CLIENT["android"] else "") for reach, agent in STATES]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize(
    ("reach", "agent"),
    [pytest.param(*state, id=id) for state, id in zip(STATES, IDS, strict=True)],
)
def test_axe_finds_nothing(places, browse, watch, axe, reach, agent, locale):
    page = browse(locale=locale, user_agent=agent, reduced_motion="reduce")
    page.add_init_script(MARK_FRAMES)
    reach(page, places, watch)
    expect(page.locator("html")).to_have_attribute("lang", locale.removesuffix("-US"))
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(RUN_AXE) == [], scheme


def test_axe_sees_what_it_is_there_for(places, browse, watch, axe):
    page = browse(reduced_motion="reduce")
    page.add_init_script(MARK_FRAMES)
    with_code(page, places, watch)
    page.evaluate(axe)
    page.evaluate("document.querySelector('#qr iframe').removeAttribute('title')")
    page.evaluate("document.querySelector('.brand').replaceChildren()")
    assert {"frame-title", "link-name"} <= {id for id, nodes in page.evaluate(RUN_AXE)}
