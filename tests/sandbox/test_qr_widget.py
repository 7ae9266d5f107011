"""The pretend QR code in Chromium, embedded by another site."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect
from support.embedder import serve_embedder

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

SDK = "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-{}.js"
FRAME = "/suite/passport/sso/qr"
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
    """Return a function that shows the QR code.

    It takes the SDK's version and options, and returns the names that the SDK gives.
    """

    def show(version="1.0.3", **options):
        embedder.embed(SDK.format(version), frame_src=embedder.sandbox.site_url)
        page.goto(embedder.url)
        options = {"id": "qr", "goto": embedder.goto(), "width": "260", "height": "260", **options}
        given = page.evaluate("(options) => { window.given = QRLogin(options); return Object.keys(given) }", options)
        if options["id"] == "qr":
            page.evaluate(LISTEN)
        return given

    return show


def read_message(page):
    """Return the message that the frame shows now."""
    return page.frame_locator("iframe").get_by_role("status").locator("p:visible")


def test_a_confirmed_scan_reaches_the_page_and_gives_a_code(page, embedder, sandbox, widget):
    assert widget("1.0.3") == ["matchOrigin", "matchData"]
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()
    expect(read_message(page)).to_have_count(0)
    sandbox.qr("scan", "bob")
    expect(read_message(page)).to_contain_text("Scanned")
    expect(read_message(page)).to_contain_text("Bob Miller")
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


@pytest.mark.parametrize("version", ["1.0.1", "1.0.2"])
def test_the_older_sdk_passes_a_bare_string_on(page, sandbox, widget, version):
    assert widget(version) == ["matchOrigin"]
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()
    sandbox.qr("confirm", "bob")

    expect(page.locator("#told")).to_have_text(sandbox.site_url)

    message = page.evaluate("message")
    assert re.fullmatch("[0-9a-f]{32}", message["data"])
    assert "sdk_version" not in page.locator("iframe").get_attribute("src")


@pytest.mark.parametrize(("action", "text"), [("refuse", "Refused"), ("expire", "Expired")])
def test_an_ended_code_can_be_renewed_in_the_frame(page, sandbox, widget, action, text):
    widget()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_alt_text("QR code")).to_be_visible()
    first = sandbox.qr_tickets()[0]["ticket"]
    sandbox.qr(action, "bob")
    expect(read_message(page)).to_contain_text(text)

    frame.get_by_role("link", name="Refresh").click()

    expect(read_message(page)).to_have_count(0)
    expect(frame.get_by_role("link", name="Open the pretend phone")).to_be_visible()
    [second] = sandbox.qr_tickets()
    assert second["ticket"] != first
    expect(page.locator("#told")).to_be_empty()
    sandbox.qr("confirm", "bob")
    expect(page.locator("#told")).to_have_text(sandbox.site_url)
    assert page.evaluate("given.matchData(message.data)") is True


@pytest.mark.parametrize(("action", "text"), [("confirm", "Confirmed"), ("refuse", "Refused"), ("expire", "Expired")])
def test_an_ended_code_is_not_polled(page, sandbox, widget, action, text):
    page.clock.install()
    widget()
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()
    sandbox.qr(action, "bob")
    expect(read_message(page)).to_contain_text(text)
    requests = []
    page.on("request", lambda request: requests.append(request.url))

    page.clock.run_for(60_000)

    page.evaluate("1")  # requests are reported before this answer
    assert requests == []


def test_a_code_expires_on_the_screen(page, sandbox, widget):
    widget()
    expect(page.frame_locator("iframe").get_by_alt_text("QR code")).to_be_visible()

    sandbox.clock(120)

    expect(read_message(page)).to_contain_text("Expired")


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
    expect(read_message(page)).to_contain_text("Carol Reyes")
    phone.get_by_role("button", name="Confirm").click()

    expect(page.locator("#told")).to_have_text(sandbox.site_url)

    expect(phone.get_by_role("heading")).to_contain_text("Confirmed")
    top_level, embedded = sandbox.calls(FRAME)
    assert top_level["headers"]["Cookie"] == "third=1"
    assert "Cookie" not in embedded["headers"]  # this browser blocks them


def test_the_substitute_has_the_faults_of_the_genuine_sdk(page, embedder, sandbox, widget):
    widget(id="missing")
    assert page.locator("iframe").count() == 0  # a missing container is ignored
    widget()
    page.evaluate("(goto) => { QRLogin({ id: 'qr', goto }) }", embedder.goto())
    assert page.locator("iframe").count() == 2  # the first one stays
    feishu = "QRLogin({ id: 'none', goto: 'https://passport.feishu.cn/suite/passport/oauth/authorize' })"
    genuine = f"(origin) => {feishu}.matchOrigin(origin)"
    assert page.evaluate(genuine, "https://feishu.cn.evil.example") is True
    assert page.evaluate(genuine, "http://passport.feishu.cn") is False
    assert page.evaluate("(origin) => given.matchOrigin(origin)", f"{sandbox.site_url}9") is True
    assert page.evaluate("given.matchOrigin('http://evil.example')") is False
    assert page.evaluate("given.matchOrigin('https://evil.example')") is True  # goto is not at Feishu
    assert page.evaluate("LarkSSOSDKWebQRCode.QRLogin === QRLogin")
    assert page.evaluate("() => { try { QRLogin({ id: 'qr', goto: '/x' }) } catch (error) { return error.message } }")


def test_a_missing_option_becomes_the_word_undefined(page, widget, embedder):
    widget()
    page.evaluate("(goto) => { QRLogin({ id: 'qr', goto }) }", embedder.goto())
    frame = page.locator("iframe").nth(1)
    assert [frame.get_attribute(name) for name in ("width", "height", "style")] == ["undefined"] * 3


def test_a_strict_policy_drops_the_style(page, watch, widget):
    widget(style="border: 0")

    assert set(page.locator("iframe").evaluate("(frame) => frame.getAttributeNames()")) == {
        "width",
        "height",
        "src",
        "style",
    }
    assert page.locator("iframe").evaluate("(frame) => frame.style.length") == 0
    assert len(watch.styles) == 1
