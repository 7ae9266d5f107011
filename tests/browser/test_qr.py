"""Feishu's QR code in the login page: scanning, its end, what gets in its way, and who may speak to the page."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.page_waits import wait_on_page
from support.portal_app import QR_SCRIPT
from support.postgres import find_free_port

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

FRAME = "/suite/passport/sso/qr"
AUTHORIZE = "/suite/passport/oauth/authorize"
CONFIG = "/api/auths/loginTypes/FSInnerExample/getLoginConfig"
LIFE = 600_000  # milliseconds a code lives
SAY = "(messages) => messages.forEach((each) => parent.postMessage(each, '*'))"
BLOCKED = "The QR code can't be shown. Something blocks the script or frame of Feishu."
LOST = "Connection lost. Check your network."
REAL = "https://passport.feishu.cn"
MARK_FRAMES = """document.addEventListener("load", ({ target }) => {
  if (target.tagName === "IFRAME") target.dataset.came = "";
}, true)"""


def more_elements(elements):
    script = f"{elements.sandbox.site_url}{QR_SCRIPT}"
    elements.feishu("Older", qrSdkUrl=script.replace("1.0.3", "1.0.2"))
    elements.feishu("Second")
    elements.feishu("Unreachable", qrSdkUrl=f"http://localhost:{find_free_port()}/sdk.js")
    elements.feishu("Real", passportBaseUrl=REAL)


@pytest.fixture(scope="module")
def site(run_site):
    return run_site()


@pytest.fixture(scope="module")
def many(run_site):
    """A portal with several Feishu logins."""
    return run_site(add=more_elements)


@pytest.fixture(autouse=True)
def fresh(sandbox_process):
    sandbox_process.reset()


def status(page):
    return page.locator("#scan").get_by_role("status")


def code(page):
    return page.frame_locator("#qr iframe")


def said(page):
    """Return what the frame says at the moment."""
    return code(page).get_by_role("status").locator("p:visible")


def open_login(page, site, path="/login"):
    """Open the login page and wait for its code."""
    page.add_init_script(MARK_FRAMES)
    answer = page.goto(site.url + path)
    expect_code(page)
    return answer


def expect_code(page):
    expect(page.locator("#qr iframe[data-came]")).to_have_count(1)
    expect(code(page).get_by_alt_text("QR code")).to_be_visible()
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)


def begun(page, path=CONFIG):
    """Return the logins that the page begins from now on, as requests."""
    found = []
    page.on("request", lambda request: found.append(request) if urlsplit(request.url).path == path else None)
    return found


def state_of(page):
    """Return the state in the address that the frame shows a code for."""
    goto = parse_qs(urlsplit(page.locator("#qr iframe").get_attribute("src")).query)["goto"][0]
    return parse_qs(urlsplit(goto).query)["state"][0]


def frame_of(page):
    return page.locator("#qr iframe").element_handle().content_frame()


def expect_signed_in(page, site, name="Bob Miller", path="/account"):
    expect(page).to_have_url(site.url + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def expect_gave_way(page, site, reason):
    """See that the frame is gone, the reason is told, and the button works."""
    expect(page.locator("#no-code")).to_have_text(f"{reason} Use the button below.", use_inner_text=True)
    expect(page.locator("#scan")).to_be_hidden()
    assert page.locator("iframe").count() == 0
    page.get_by_role("link", name="Open the Feishu sign-in page").click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site)


# Scanning


def test_a_scan_confirmed_on_the_phone_signs_in(site, page):
    answer = open_login(page, site)
    assert f"frame-src {site.sandbox.site_url};" in answer.headers["content-security-policy"] + ";"
    site.sandbox.qr("scan", "bob")
    expect(said(page)).to_contain_text("Scanned")
    expect(said(page)).to_contain_text("Bob Miller")
    site.sandbox.qr("confirm")
    expect_signed_in(page, site)
    expect(page.get_by_text("QR code").first).to_be_visible()


def test_feishus_script_is_given_a_style_that_sets_nothing(site, page, watch):
    open_login(page, site)
    assert page.locator("#qr iframe").get_attribute("style") == ""
    assert len(watch.styles) == 1  # the policy refuses the empty one, too; the README says so


def test_refusing_on_the_phone_shows_in_the_frame_and_the_page_goes_on(site, page):
    open_login(page, site)
    site.sandbox.qr("refuse", "bob")
    expect(said(page)).to_contain_text("Refused")
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    expect(page.get_by_role("link", name="Open the Feishu sign-in page")).to_be_visible()
    code(page).get_by_role("link", name="Refresh").click()
    expect(code(page).get_by_alt_text("QR code")).to_be_visible()
    expect(said(page)).to_have_count(0)
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site)


def test_a_scan_leads_on_to_the_page_that_wanted_it(site, page):
    open_login(page, site, "/login?next=/account?from=qr")
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site, path="/account?from=qr")


def test_the_older_script_hands_over_a_bare_text(many, page):
    open_login(page, many, "/login?via=Older")
    assert page.evaluate("'matchData' in QRLogin({ id: 'none', goto: 'https://passport.feishu.cn/' })") is False
    many.sandbox.qr("confirm", "bob")
    expect_signed_in(page, many)


def test_each_of_several_logins_has_its_own_tab_and_code(many, page):
    open_login(page, many)
    first = page.locator("#qr iframe").get_attribute("src")
    page.get_by_role("link", name="Feishu · Second").click()
    page.wait_for_url(f"{many.url}/login?via=Second")
    expect(code(page).get_by_alt_text("QR code")).to_be_visible()
    second = page.locator("#qr iframe").get_attribute("src")
    assert "FSInnerExample" in first and "FSInnerExample" not in second
    many.sandbox.qr("confirm", "bob")
    expect_signed_in(page, many)
    assert page.request.get(f"{many.url}/api/session").json()["identity"]["element"] == "Second"


# Its end


def test_the_last_minute_counts_down(site, page):
    page.clock.install()
    open_login(page, site)
    page.clock.fast_forward(LIFE - 90_000)
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    page.clock.fast_forward(45_000)
    expect(status(page)).to_contain_text("This code expires in less than a minute", use_inner_text=True)
    seconds = page.locator("#seconds")
    left = int(seconds.text_content())
    assert 0 < left <= 45
    page.clock.fast_forward(10_000)
    expect(seconds).not_to_have_text(str(left))
    assert 0 < int(seconds.text_content()) <= left - 10
    expect(seconds).to_have_attribute("aria-hidden", "true")  # nobody wants to hear it counted


def test_a_code_is_renewed_three_times_and_then_by_a_button(site, page):
    page.clock.install()
    logins = begun(page)
    open_login(page, site)
    button = page.get_by_role("button", name="Refresh code")
    states = [state_of(page)]
    for renewals in (1, 2, 3):
        with page.expect_response(lambda answer: urlsplit(answer.url).path == CONFIG):
            page.clock.fast_forward(LIFE)
        wait_on_page(page, "(before) => !document.querySelector('#qr iframe')?.src.includes(before)", states[-1])
        expect_code(page)
        expect(button).to_be_hidden()
        states.append(state_of(page))
        assert (len(logins), len(set(states)), page.locator("iframe").count()) == (1 + renewals, 1 + renewals, 1)
    page.clock.fast_forward(LIFE)
    expect(status(page)).to_have_text("This code has expired.", use_inner_text=True)
    page.clock.fast_forward(LIFE)
    expect(button).to_be_visible()
    assert len(logins) == 4

    button.click()
    expect_code(page)
    expect(button).to_be_hidden()
    states.append(state_of(page))
    page.clock.fast_forward(LIFE)  # and again three times by itself
    wait_on_page(page, "(before) => !document.querySelector('#qr iframe')?.src.includes(before)", states[-1])
    expect_code(page)
    assert (len(logins), len({*states, state_of(page)})) == (6, 6)
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site)


def test_an_ended_code_takes_no_scan_and_no_focus_any_more(site, page):
    page.clock.install()
    open_login(page, site)
    assert page.locator("#qr").evaluate("(box) => box.inert") is False
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.clock.fast_forward(LIFE)
    expect(status(page)).to_have_text("This code has expired.", use_inner_text=True)
    assert page.locator("#qr").evaluate("(box) => box.inert") is True
    say(page, {"source": "qrcode", "tmp_code": site.sandbox.tmp_code("bob")})
    expect(status(page)).to_have_text("This code has expired.", use_inner_text=True)


def test_nothing_is_renewed_while_nobody_looks(site, page):
    page.clock.install()
    logins = begun(page)
    open_login(page, site)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.clock.fast_forward(LIFE)
    expect(status(page)).to_have_text("This code has expired.", use_inner_text=True)
    page.clock.fast_forward(LIFE)
    assert len(logins) == 1
    page.get_by_role("button", name="Refresh code").click()
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    assert len(logins) == 2


# What gets in its way


def test_a_blocked_script_gives_way_to_the_button(site, page, watch):
    watch.expect("net::ERR_BLOCKED_BY_CLIENT", QR_SCRIPT)
    page.route(f"**{QR_SCRIPT}", lambda route: route.abort("blockedbyclient"))
    page.goto(f"{site.url}/login")
    expect_gave_way(page, site, BLOCKED)


def test_a_script_that_is_something_else_gives_way_to_the_button(site, page):
    page.route(f"**{QR_SCRIPT}", lambda route: route.fulfill(content_type="text/javascript", body="// a proxy's words"))
    page.goto(f"{site.url}/login")
    expect_gave_way(page, site, BLOCKED)


def test_an_unreachable_script_gives_way_to_the_button(many, page, watch):
    watch.expect("net::ERR_CONNECTION_REFUSED", "/sdk.js")
    page.goto(f"{many.url}/login?via=Unreachable")
    expect_gave_way(page, many, BLOCKED)


def test_a_script_that_does_not_come_gives_way_to_the_button_after_six_seconds(site, page):
    page.clock.install()
    page.route(f"**{QR_SCRIPT}", lambda route: None)
    with page.expect_request(f"**{QR_SCRIPT}"):
        page.goto(f"{site.url}/login", wait_until="commit")
    page.clock.fast_forward(6000)
    expect_gave_way(page, site, BLOCKED)


def test_a_login_that_does_not_begin_gives_way_to_the_button_after_six_seconds(site, page):
    page.clock.install()
    page.route(f"**{CONFIG}", lambda route: None)
    with page.expect_request(f"**{CONFIG}"):
        page.goto(f"{site.url}/login")
    page.clock.fast_forward(6000)
    expect_gave_way(page, site, LOST)


def test_a_blank_frame_gives_way_to_the_button_after_six_seconds(site, page):
    page.clock.install()
    site.sandbox.fail(FRAME, hold=2)
    with page.expect_request(lambda request: urlsplit(request.url).path == FRAME):
        page.goto(f"{site.url}/login", wait_until="commit")
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    page.clock.fast_forward(6000)
    try:
        expect_gave_way(page, site, BLOCKED)
    finally:
        requests.get(site.sandbox.url + FRAME, timeout=10)  # lets the held one go


def test_a_frame_that_has_come_stays(site, page):
    page.clock.install()
    open_login(page, site)
    page.clock.fast_forward(60_000)
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    expect(code(page).get_by_alt_text("QR code")).to_be_visible()


def test_a_frame_forbidden_by_the_content_policy_gives_way_to_the_button(site, page, watch):
    site.sandbox.fail(FRAME, redirect=f"{site.sandbox.url}/phone")  # to another host
    page.goto(f"{site.url}/login")
    expect_gave_way(page, site, BLOCKED)
    complaints = watch.take()
    assert complaints and all("frame-src" in text for text in complaints), complaints


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            500,
            {"errcode": 47001, "errmsg": "no", "requestId": "x", "data": None},
            "The QR code can't be shown right now.",
        ),
        (503, {"errcode": 50300, "errmsg": "no", "requestId": "x", "data": None}, LOST),
        (502, "<h1>a proxy's words</h1>", LOST),
    ],
)
def test_a_login_that_fails_to_begin_gives_way_to_the_button(site, page, watch, status, body, reason):
    watch.expect(status, CONFIG)
    text = body if isinstance(body, str) else json.dumps(body)
    page.route(f"**{CONFIG}", lambda route: route.fulfill(status=status, content_type="text/html", body=text))
    page.goto(f"{site.url}/login")
    expect_gave_way(page, site, reason)


def test_going_offline_is_told_and_coming_back_brings_a_new_code(site, page, watch):
    open_login(page, site)
    before = state_of(page)
    page.context.set_offline(True)
    expect(page.locator("#no-code")).to_have_text(f"{LOST} Use the button below.", use_inner_text=True)
    expect(page.locator("#scan")).to_be_hidden()
    page.context.set_offline(False)
    expect(page.locator("#no-code")).to_be_hidden()
    expect(code(page).get_by_alt_text("QR code")).to_be_visible()
    assert state_of(page) != before
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site)
    complaints = watch.take()  # of the frame's own questions
    assert all("ERR_INTERNET_DISCONNECTED" in text and "/_sandbox/qr/" in text for text in complaints), complaints


def test_a_login_begun_before_the_connection_was_lost_shows_nothing_afterwards(site, page):
    held = []
    page.route(f"**{CONFIG}", lambda route: held.append(route))
    with page.expect_request(f"**{CONFIG}"):
        page.goto(f"{site.url}/login")
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#no-code")).to_contain_text(LOST, use_inner_text=True)
    with page.expect_response(f"**{CONFIG}") as answer:
        held[0].continue_()
    answer.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done))")  # whatever waited for it has gone on
    expect(page.locator("#no-code")).to_contain_text(LOST, use_inner_text=True)
    assert page.locator("iframe").count() == 0


def test_without_javascript_the_link_is_there_and_no_empty_box(site, browse):
    page = browse(java_script_enabled=False)
    page.goto(f"{site.url}/login")
    for empty in ("#scan", "#no-code", "[data-with-code]"):
        expect(page.locator(empty)).to_be_hidden()
    page.get_by_role("link", name="Open the Feishu sign-in page").click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site)


# Who may speak to the page


def say(page, data, origin=None, source="document.querySelector('#qr iframe').contentWindow"):
    """Let the page hear a message, from the frame and its origin unless told otherwise."""
    origin = origin or "/".join(page.locator("#qr iframe").get_attribute("src").split("/")[:3])
    script = (
        f"([data, origin]) => {{ dispatchEvent(new MessageEvent('message', {{ data, origin, source: {source} }})) }}"
    )
    page.evaluate(script, [data, origin])


def say_from(frame, *messages):
    """Let a frame speak to the page around it, and wait until that has heard it."""
    heard = "(count) => { window.heard = new Promise((done) => addEventListener('message', () => --count || done())) }"
    page = frame.page
    page.evaluate(heard, len(messages))
    frame.evaluate(SAY, list(messages))
    page.evaluate("heard")


@pytest.fixture
def genuine(site):
    return {"source": "qrcode", "tmp_code": site.sandbox.tmp_code("bob")}


def expect_still_waiting(page, site):
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    site.sandbox.qr("confirm", "alice")
    expect_signed_in(page, site, "Alice Johnson")


def test_a_message_from_another_origin_is_ignored(site, page, genuine):
    open_login(page, site)
    here = site.sandbox.site_url
    for origin in ("https://evil.example", site.url, site.sandbox.url, "null", here.replace("http:", "https:")):
        say(page, genuine, origin)
    expect_still_waiting(page, site)


def test_an_origin_that_only_begins_like_the_platforms_is_ignored(site, page, genuine):
    open_login(page, site)
    for origin in (f"{site.sandbox.site_url}9", f"{site.sandbox.site_url}.evil.example"):
        theirs = "([goto, origin]) => QRLogin({ id: 'none', goto }).matchOrigin(origin)"
        assert page.evaluate(theirs, [site.sandbox.site_url + AUTHORIZE, origin]) is True
        say(page, genuine, origin)
    expect_still_waiting(page, site)


def test_with_the_real_platform_only_its_one_origin_counts(many, page, genuine):
    page.route(f"{REAL}/**", lambda route: route.fulfill(content_type="text/html", body="<title>Feishu</title>"))
    page.goto(f"{many.url}/login?via=Real")
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    evil = ["https://feishu.cn.evil.example", "https://passport.feishu.cn.evil.example", "https://accounts.feishu.cn"]
    for origin in evil:
        assert page.evaluate("([goto, origin]) => QRLogin({ id: 'none', goto }).matchOrigin(origin)", [REAL, origin])
        say(page, genuine, origin)
        expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    say(page, genuine, REAL)
    page.wait_for_url(f"{REAL}{AUTHORIZE}?*&tmp_code={genuine['tmp_code']}")


def test_another_window_of_the_right_origin_is_ignored(site, page, genuine):
    open_login(page, site)
    for source in ("window", "null"):
        say(page, genuine, source=source)
    page.evaluate(
        """(src) => new Promise((onload) => {
          document.body.append(Object.assign(document.createElement("iframe"), { src, onload }));
        })""",
        f"{site.sandbox.site_url}/phone",
    )
    other = next(frame for frame in page.frames if urlsplit(frame.url).path == "/phone")
    say_from(other, genuine)
    expect_still_waiting(page, site)


def test_a_message_of_another_shape_is_ignored(site, page):
    open_login(page, site)
    source = {"source": "qrcode"}
    shapes = [{}, source, {**source, "tmp_code": ""}, {**source, "tmp_code": 7}, {**source, "tmp_code": "x" * 2000}]
    shapes += [{**source, "tmp_code": ["x"]}, {**source, "code": "x"}, {"tmp_code": "x"}, 7, "", "x" * 2000, None, True]
    say_from(frame_of(page), *shapes, ["x"])
    expect_still_waiting(page, site)


def test_the_first_message_counts_and_no_other(site, page, genuine):
    second = {**genuine, "tmp_code": site.sandbox.tmp_code("carol")}
    open_login(page, site)
    asked = begun(page, AUTHORIZE)
    # All in one go, and without waiting until they are heard: the first leads the page away.
    frame_of(page).evaluate(SAY, [genuine, second, second])
    expect_signed_in(page, site)
    assert [parse_qs(urlsplit(each.url).query)["tmp_code"] for each in asked] == [[genuine["tmp_code"]]]


def test_what_a_message_holds_goes_to_the_platform_as_one_parameter(many, page):
    page.route(f"{REAL}/**", lambda route: route.fulfill(content_type="text/html", body="<title>Feishu</title>"))
    page.goto(f"{many.url}/login?via=Real")
    expect(status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    with page.expect_request(f"{REAL}{AUTHORIZE}*") as asked:
        say(page, {"source": "qrcode", "tmp_code": "a&redirect_uri=https://evil.example#/../ü"})
    query = parse_qs(urlsplit(asked.value.url).query)
    assert query["tmp_code"] == ["a&redirect_uri=https://evil.example#/../ü"]
    assert query["redirect_uri"] == [f"{many.url}/login/Real/callback"]
