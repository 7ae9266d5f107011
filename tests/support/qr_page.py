"""Feishu's QR code on the login page, as tests find it."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

FRAME = "/suite/passport/sso/qr"
AUTHORIZE = "/suite/passport/oauth/authorize"
CONFIG = "/api/auths/loginTypes/FSInnerExample/getLoginConfig"
CODE_LIFETIME = 600_000  # milliseconds a code lives
POST_TO_PARENT = "(messages) => messages.forEach((each) => parent.postMessage(each, '*'))"
REAL = "https://passport.feishu.cn"
MARK_LOADED_FRAMES = """document.addEventListener("load", ({ target }) => {
  if (target.tagName === "IFRAME") target.dataset.loaded = "";
}, true)"""


def get_status(page):
    return page.locator("#scan").get_by_role("status")


def get_frame(page):
    return page.frame_locator("#qr iframe")


def get_frame_message(page):
    """Return the message that the frame shows now."""
    return get_frame(page).get_by_role("status").locator("p:visible")


def open_login(page, site, path="/login"):
    """Open the login page and wait for its code."""
    page.add_init_script(MARK_LOADED_FRAMES)
    answer = page.goto(site.url + path)
    expect_code(page)
    return answer


def expect_code(page):
    expect(page.locator("#qr iframe[data-loaded]")).to_have_count(1)
    expect(get_frame(page).get_by_alt_text("QR code")).to_be_visible()
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)


def record_logins(page, path=CONFIG):
    """Return a list that collects the requests by which the page begins logins."""
    found = []
    page.on("request", lambda request: found.append(request) if urlsplit(request.url).path == path else None)
    return found


def read_state(page):
    """Return the state in the address that the frame shows a code for."""
    goto = parse_qs(urlsplit(page.locator("#qr iframe").get_attribute("src")).query)["goto"][0]
    return parse_qs(urlsplit(goto).query)["state"][0]


def find_frame(page):
    return page.locator("#qr iframe").element_handle().content_frame()


def expect_signed_in(page, site, name="Bob Miller", path="/account"):
    expect(page).to_have_url(site.url + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def send_message(page, data, origin=None, source="document.querySelector('#qr iframe').contentWindow"):
    """Dispatch a message to the page, by default from the frame and its origin."""
    origin = origin or "/".join(page.locator("#qr iframe").get_attribute("src").split("/")[:3])
    script = (
        f"([data, origin]) => {{ dispatchEvent(new MessageEvent('message', {{ data, origin, source: {source} }})) }}"
    )
    page.evaluate(script, [data, origin])


def post_from(frame, *messages):
    """Post messages from a frame to its page, and wait until the page has them."""
    heard = "(count) => { window.heard = new Promise((done) => addEventListener('message', () => --count || done())) }"
    page = frame.page
    page.evaluate(heard, len(messages))
    frame.evaluate(POST_TO_PARENT, list(messages))
    page.evaluate("heard")
