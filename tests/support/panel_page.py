"""WeCom's login panel on the login page, as tests find it."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

LOGIN = "/login?via=QywxInnerExample"
CONFIG = "/api/auths/loginTypes/QywxInnerExample/getLoginConfig"
CALLBACK = "/api/auth/qywx/callback"
FRAME = "/wwlogin/sso/login"
LOGIN_LIFETIME = 600_000  # milliseconds a login stays open
BLANK, AWAY = 6_000, 60_000  # milliseconds to wait for the panel; until a hidden page gives its frame up
REAL = "https://login.work.weixin.qq.com"
LINK = "Open the WeCom sign-in page"
WAITING = "Waiting for your scan"


def get_status(page):
    return page.locator("#panel").get_by_role("status")


def get_frame(page):
    return page.frame_locator("#panel-frame iframe")


def find_frame(page):
    return page.locator("#panel-frame iframe").element_handle().content_frame()


def open_panel(page, site, path=LOGIN):
    """Open WeCom's tab and wait for its panel."""
    answer = page.goto(site.url + path)
    expect_panel(page)
    return answer


def expect_panel(page, status=WAITING):
    expect(get_status(page)).to_have_text(status, use_inner_text=True)
    expect(get_frame(page).locator("fieldset")).to_be_visible()


def expect_link_alone(page, reason=None):
    """Check that the link has taken the panel's place."""
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    expect(page.locator("#panel-frame iframe")).to_have_count(0)
    if reason:
        expect(page.locator("#no-panel")).to_have_text(f"{reason} Use the button below.", use_inner_text=True)
    else:
        expect(page.locator("#no-panel")).to_be_hidden()


def pick(page, person="bob", button="Allow"):
    get_frame(page).locator(f'input[value="{person}"]').check()
    get_frame(page).get_by_role("button", name=button).click()


def expect_signed_in(page, site, name="Bob Miller", path="/account"):
    expect(page).to_have_url(site.url + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def record_logins(page):
    """Return a list that collects the requests by which the page begins logins."""
    found = []
    page.on("request", lambda request: found.append(request) if urlsplit(request.url).path == CONFIG else None)
    return found


def read_query(page):
    """Return the parameters of the frame's address."""
    address = page.locator("#panel-frame iframe").get_attribute("src")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def set_hidden(page, hidden):
    """Make the page believe that its tab is hidden, or is not."""
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def become_client(page, sandbox):
    """Make the browser carol's client of WeCom."""
    page.goto(f"{sandbox.site_url}/workspace/wecom")
    page.locator('input[value="carol"]').check()
    page.route("**/login/*/in-app", lambda route: route.fulfill(content_type="text/html", body="<title>Portal</title>"))
    page.locator('button[name="open"]').first.click()
    page.wait_for_url("**/login/*/in-app")


def call(name, payload=None, **words):
    """Return a message by which the frame calls the page."""
    args = {"type": "call", "name": name, "payload": payload or {}}
    return {"type": "ww-iframe-handle:call", "args": args, **words}


def send_message(page, data, origin=None, source="document.querySelector('#panel-frame iframe').contentWindow"):
    """Dispatch a message to the page, by default from the frame and its origin."""
    origin = origin or "/".join(page.locator("#panel-frame iframe").get_attribute("src").split("/")[:3])
    script = (
        f"([data, origin]) => {{ dispatchEvent(new MessageEvent('message', {{ data, origin, source: {source} }})) }}"
    )
    page.evaluate(script, [data, origin])
