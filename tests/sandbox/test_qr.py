"""The pretend QR code: the SDK's stand-in, the frame, the phone; by HTTP and in Chromium, embedded by another site."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.embedder import serve_embedder

pytest_plugins = ["support.chromium"]

SDK = "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-{}.js"
FRAME = "/suite/passport/sso/qr"
CALLBACK = "http://127.0.0.1:9/callback"
LISTEN = """() => addEventListener("message", ({ data, origin, source }) => {
  window.message = { data, origin };
  if (source === document.querySelector("iframe").contentWindow) document.querySelector("#told").textContent += origin;
})"""


@pytest.fixture
def embedder(sandbox):
    with serve_embedder(sandbox) as embedder:
        yield embedder


@pytest.fixture
def widget(page, embedder):
    """Return a function that shows the QR code on a page: `widget("1.0.3", id="qr")`; it returns what the SDK did."""

    def show(version="1.0.3", **options):
        embedder.embed(SDK.format(version), frame_src=embedder.sandbox.site_url)
        page.goto(embedder.url)
        options = {"id": "qr", "goto": embedder.goto(), "width": "260", "height": "260", **options}
        given = page.evaluate("(options) => { window.given = QRLogin(options); return Object.keys(given) }", options)
        if options["id"] == "qr":
            page.evaluate(LISTEN)
        return given

    return show


def goto(sandbox, path="/suite/passport/oauth/authorize", **query):
    mine = {"client_id": sandbox.FEISHU["app_id"], "redirect_uri": CALLBACK, "response_type": "code", "state": "s1"}
    return f"{sandbox.url}{path}?{urlencode({**mine, **query})}"


def open_frame(sandbox, address=None):
    query = {"goto": address or goto(sandbox), "sdk_version": "1.0.3"}
    return requests.get(sandbox.url + FRAME, params=query, timeout=10)


def status(sandbox, ticket):
    return requests.get(f"{sandbox.url}/_sandbox/qr/{ticket}/status", timeout=10).json()


def tap(sandbox, ticket, **fields):
    answer = requests.post(f"{sandbox.url}/phone/{ticket}", data=fields, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/phone/{ticket}")


def said(page):
    """Return what the frame says at the moment."""
    return page.frame_locator("iframe").get_by_role("status").locator("p:visible")


# By HTTP


def test_a_phone_scans_confirms_and_the_code_belongs_to_its_owner(sandbox):
    open_frame(sandbox)
    [ticket] = sandbox.qr_tickets()
    seen = [status(sandbox, ticket["ticket"])["state"]]
    tap(sandbox, ticket["ticket"], action="scan", person="alice")
    seen.append(status(sandbox, ticket["ticket"])["state"])
    tap(sandbox, ticket["ticket"], action="confirm")
    done = status(sandbox, ticket["ticket"])

    back = requests.get(f"{goto(sandbox)}&tmp_code={done['tmp_code']}", allow_redirects=False, timeout=10)

    query = {name: values[0] for name, values in parse_qs(urlsplit(back.headers["Location"]).query).items()}
    assert [*seen, done["state"]] == ["waiting", "scanned", "confirmed"]
    assert done["name"] == "Alice Johnson"
    assert (query["state"], sandbox.redeem_code("feishu", query["code"])) == ("s1", "alice")
    assert sandbox.qr_tickets() == []


@pytest.mark.parametrize(
    ("taps", "reached"),
    [
        ([{"action": "scan", "person": "alice"}], "scanned"),
        ([{"action": "scan", "person": "alice"}, {"action": "refuse"}], "refused"),
        ([{"action": "refuse", "person": "alice"}], "refused"),
        ([{"action": "confirm", "person": "alice"}], "confirmed"),
        ([{"action": "confirm", "person": "alice"}, {"action": "refuse"}], "confirmed"),
        ([{"action": "refuse", "person": "alice"}, {"action": "confirm"}], "refused"),
        ([{"action": "scan", "person": "alice"}, {"action": "scan", "person": "bob"}], "scanned"),
        ([{"action": "confirm"}], "waiting"),
        ([{"action": "scan", "person": "nobody"}], "waiting"),
        ([{"action": "expire"}, {"action": "confirm", "person": "alice"}], "expired"),
        ([{}], "waiting"),
    ],
)
def test_what_a_phone_can_do(sandbox, taps, reached):
    open_frame(sandbox)
    ticket = sandbox.qr_tickets()[0]["ticket"]

    for fields in taps:
        tap(sandbox, ticket, **fields)

    assert status(sandbox, ticket)["state"] == reached
    assert bool(status(sandbox, ticket)["tmp_code"]) == (reached == "confirmed")


def test_a_code_expires_after_two_minutes_scanned_or_not(sandbox):
    open_frame(sandbox)
    open_frame(sandbox)
    newer, older = [each["ticket"] for each in sandbox.qr_tickets()]
    sandbox.qr("scan", "alice")
    sandbox.clock(119)
    before = [status(sandbox, ticket)["state"] for ticket in (newer, older)]
    sandbox.clock(1)

    after = [status(sandbox, ticket)["state"] for ticket in (newer, older)]

    assert (before, after) == (["scanned", "waiting"], ["expired", "expired"])
    with pytest.raises(ValueError, match="cannot confirm a QR code that is expired"):
        sandbox.qr("confirm")


def test_the_knob_turns_the_newest_or_the_one_named(sandbox):
    open_frame(sandbox)
    older = sandbox.qr_tickets()[0]["ticket"]
    open_frame(sandbox)

    assert sandbox.qr("scan", "alice") == "scanned"
    assert sandbox.qr("refuse", "bob", ticket=older) == "refused"
    assert [(each["state"], each["person"]) for each in sandbox.qr_tickets()] == [("scanned", "alice")]
    assert sandbox.qr("expire") == "expired"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"action": "scan", "person": "nobody"}, "no such person: nobody"),
        ({"action": "jump"}, "cannot jump"),
        ({"action": "confirm", "ticket": "none"}, "no such QR code"),
    ],
)
def test_the_knob_says_what_is_wrong(sandbox, words, why):
    open_frame(sandbox)

    with pytest.raises(ValueError, match=why):
        sandbox.qr(**words)


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"client_id": "cli_0000000000000000"}, 4401),
        ({"path": "/open-apis/authen/v1/authorize"}, 4401),  # a scan means nothing to the newer page
        ({"redirect_uri": "https://evil.example/"}, 20029),
    ],
)
def test_the_frame_shows_what_is_wrong_with_the_address(sandbox, wrong, number):
    answer = open_frame(sandbox, goto(sandbox, **wrong))

    assert f"<code>{number}</code>" in answer.text
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert sandbox.qr_tickets() == []


def test_the_frame_needs_no_cookie_and_lets_nothing_foreign_in(sandbox):
    answer = open_frame(sandbox)

    assert "Set-Cookie" not in answer.headers
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("frame-ancestors") == "*"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert re.findall(r"<script[^>]*>[^<]", answer.text) == []


def test_the_picture_is_drawn_from_the_address(sandbox):
    def picture(ticket):
        return requests.get(f"{sandbox.url}/_sandbox/qr/{ticket}/picture.svg", timeout=10)

    assert picture("a").headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert picture("a").text == picture("a").text
    assert picture("a").text != picture("b").text
    assert 'width="250" height="250"' in picture("a").text


def test_a_code_nobody_knows_is_expired(sandbox):
    answer = requests.get(f"{sandbox.url}/phone/gone", allow_redirects=False, timeout=10)

    assert status(sandbox, "gone") == {"state": "expired"}
    assert (answer.status_code, answer.headers["Location"]) == (303, "/phone")


def test_polling_is_not_among_the_calls(sandbox):
    open_frame(sandbox)
    status(sandbox, "last")

    assert [call["path"] for call in sandbox.calls()] == [FRAME]
    assert sandbox.connections() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/obj/static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.1.js",
        "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.2.js",
        "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
        "/obj/lark-static-us/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
    ],
)
def test_the_sdk_is_at_the_paths_of_feishu_and_lark(sandbox, path):
    answer = requests.get(sandbox.url + path, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert f'version = "{path[-8:-3]}"' in answer.text


# In Chromium


@pytest.mark.browser
def test_a_confirmed_scan_reaches_the_page_and_leads_to_a_code(page, embedder, sandbox, widget):
    assert widget("1.0.3") == ["matchOrigin", "matchData"]
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()
    expect(said(page)).to_have_count(0)
    sandbox.qr("scan", "bob")
    expect(said(page)).to_contain_text("Scanned")
    expect(said(page)).to_contain_text("Bob Miller")
    sandbox.qr("confirm")

    expect(page.locator("#told")).to_have_text(sandbox.site_url)

    message = page.evaluate("message")
    assert message["origin"] == sandbox.site_url
    assert message["data"].keys() == {"source", "tmp_code"}
    assert message["data"]["source"] == "qrcode"
    assert page.evaluate("given.matchOrigin(message.origin) && given.matchData(message.data)") is True
    page.goto(f"{embedder.goto()}&tmp_code={message['data']['tmp_code']}")
    assert page.url.startswith(f"{embedder.callback}?code=")
    assert page.url.endswith("&state=s1")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    assert sandbox.redeem_code("feishu", code) == "bob"


@pytest.mark.browser
@pytest.mark.parametrize("version", ["1.0.1", "1.0.2"])
def test_the_older_sdk_passes_a_bare_string_on(page, sandbox, widget, version):
    assert widget(version) == ["matchOrigin"]
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()
    sandbox.qr("confirm", "bob")

    expect(page.locator("#told")).to_have_text(sandbox.site_url)

    message = page.evaluate("message")
    assert re.fullmatch("[0-9a-f]{32}", message["data"])
    assert "sdk_version" not in page.locator("iframe").get_attribute("src")


@pytest.mark.browser
@pytest.mark.parametrize(("action", "text"), [("refuse", "Refused"), ("expire", "Expired")])
def test_an_ended_code_is_made_anew_inside_the_frame(page, sandbox, widget, action, text):
    widget()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_alt_text("QR code")).to_be_visible()
    first = sandbox.qr_tickets()[0]["ticket"]
    sandbox.qr(action, "bob")
    expect(said(page)).to_contain_text(text)

    frame.get_by_role("link", name="Refresh").click()

    expect(said(page)).to_have_count(0)
    expect(frame.get_by_role("link", name="Open the pretend phone")).to_be_visible()
    [second] = sandbox.qr_tickets()
    assert second["ticket"] != first
    expect(page.locator("#told")).to_be_empty()
    sandbox.qr("confirm", "bob")
    expect(page.locator("#told")).to_have_text(sandbox.site_url)
    assert page.evaluate("given.matchData(message.data)") is True


@pytest.mark.browser
@pytest.mark.parametrize(("action", "text"), [("confirm", "Confirmed"), ("refuse", "Refused"), ("expire", "Expired")])
def test_nothing_more_is_asked_about_an_ended_code(page, sandbox, widget, action, text):
    page.clock.install()
    widget()
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()
    sandbox.qr(action, "bob")
    expect(said(page)).to_contain_text(text)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.clock.run_for(60_000)

    page.evaluate("1")  # what was asked has been reported before this answer
    assert asked == []


@pytest.mark.browser
def test_a_code_expires_on_the_screen(page, sandbox, widget):
    widget()
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()

    sandbox.clock(120)

    expect(said(page)).to_contain_text("Expired")


@pytest.mark.browser
def test_the_phone_opens_from_the_frame_without_third_party_cookies(page, embedder, sandbox, widget):
    secure = {"url": sandbox.site_url.replace("http:", "https:"), "sameSite": "None", "secure": True}
    page.context.add_cookies([{"name": "third", "value": "1", **secure}])
    page.goto(f"{sandbox.site_url}{FRAME}?{urlencode({'goto': embedder.goto()})}")
    widget()
    with page.context.expect_page() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Open the pretend phone").click()
    phone = opened.value
    phone.locator('input[value="carol"]').check()
    phone.get_by_role("button", name="Scan").click()
    expect(said(page)).to_contain_text("Carol Reyes")
    phone.get_by_role("button", name="Confirm").click()

    expect(page.locator("#told")).to_have_text(sandbox.site_url)

    expect(phone.get_by_role("heading")).to_contain_text("Confirmed")
    top_level, embedded = sandbox.calls(FRAME)
    assert top_level["headers"]["Cookie"] == "third=1"
    assert "Cookie" not in embedded["headers"]  # this browser blocks them


@pytest.mark.browser
def test_the_stand_in_has_the_faults_of_the_genuine_sdk(page, embedder, sandbox, widget):
    widget(id="missing")
    assert page.locator("iframe").count() == 0  # a missing container is ignored
    widget()
    page.evaluate("(goto) => { QRLogin({ id: 'qr', goto }) }", embedder.goto())
    assert page.locator("iframe").count() == 2  # nobody takes the first one away
    feishu = "QRLogin({ id: 'none', goto: 'https://passport.feishu.cn/suite/passport/oauth/authorize' })"
    genuine = f"(origin) => {feishu}.matchOrigin(origin)"
    assert page.evaluate(genuine, "https://feishu.cn.evil.example") is True
    assert page.evaluate(genuine, "http://passport.feishu.cn") is False
    assert page.evaluate("(origin) => given.matchOrigin(origin)", f"{sandbox.site_url}9") is True
    assert page.evaluate("given.matchOrigin('http://evil.example')") is False
    assert page.evaluate("given.matchOrigin('https://evil.example')") is True  # goto is not at Feishu
    assert page.evaluate("LarkSSOSDKWebQRCode.QRLogin === QRLogin")
    assert page.evaluate("() => { try { QRLogin({ id: 'qr', goto: '/x' }) } catch (error) { return error.message } }")


@pytest.mark.browser
def test_what_is_not_given_becomes_the_word_undefined(page, widget, embedder):
    widget()
    page.evaluate("(goto) => { QRLogin({ id: 'qr', goto }) }", embedder.goto())
    frame = page.locator("iframe").nth(1)
    assert [frame.get_attribute(name) for name in ("width", "height", "style")] == ["undefined"] * 3


@pytest.mark.browser
def test_a_style_is_what_a_strict_policy_drops(page, watch, widget):
    widget(style="border: 0")

    assert set(page.locator("iframe").evaluate("(frame) => frame.getAttributeNames()")) == {
        "width",
        "height",
        "src",
        "style",
    }
    assert page.locator("iframe").evaluate("(frame) => frame.style.length") == 0
    assert len(watch.styles) == 1
