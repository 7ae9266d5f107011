"""The elements' published script on a page of somebody's own, and the `api` object it calls."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

PAGE = {"FSInnerExample": "/own/feishu", "QywxInnerExample": "/api/auth/qywx/callback"}
REAL = {"FSInnerExample": "https://passport.feishu.cn", "QywxInnerExample": "https://login.work.weixin.qq.com"}
METHOD = "/api/auths/loginTypes/{}/{}"
OUTCOME = """async ([method, name, given]) => {
  try {
    return { data: await api[method](name, given) };
  } catch (error) {
    return { isError: error instanceof Error, code: error.code, message: error.message };
  }
}"""

of_each = pytest.mark.parametrize("element", PAGE)


@pytest.fixture(scope="module")
def own(run_site):
    """A portal whose elements' redirect addresses are pages of somebody's own."""

    def add(elements):
        elements.feishu(redirectUri=f"{elements.base}{PAGE['FSInnerExample']}", ownPage=True)
        elements.wecom(ownPage=True)

    return run_site(add=add, app="support.own_page:create_app()")


@pytest.fixture(scope="module")
def site(run_site):
    return run_site()


@pytest.fixture(autouse=True)
def fresh(sandbox_process):
    sandbox_process.reset()


def lead_to_sandbox(page, own, element):
    """Let the platform's real address, which the script has written down, lead to the sandbox."""

    def there(route):
        address = route.request.url.replace(REAL[element], own.sandbox.site_url)
        route.fulfill(status=302, headers={"Location": address})

    page.route(f"{REAL[element]}/**", there)


def scripts_calls(page):
    """Return the calls to the portal's interface from now on: path's last word and status."""
    found = []

    def note(answer):
        path = urlsplit(answer.url).path
        if path.startswith("/api/") and answer.request.method != "GET" or path == "/api/csrf":
            found.append((path.rpartition("/")[2], answer.status))

    page.on("response", note)
    return found


def outcome(page, method, name="FSInnerExample", given=None):
    return page.evaluate(OUTCOME, [method, f"auths.loginTypes.{name}", given or {}])


@of_each
def test_the_published_script_signs_in(own, page, element):
    lead_to_sandbox(page, own, element)
    page.goto(own.url + PAGE[element])
    expect(page.locator("#told")).to_contain_text("https://")
    address = page.locator("#told").text_content()
    assert address.startswith(REAL[element])
    assert parse_qs(urlsplit(address).query)["redirect_uri"] == [own.url + PAGE[element]]

    page.goto(address)
    own.at_platform(page)
    own.answer(page, "bob")
    expect(page.locator("#told")).to_have_text("signed in")
    assert urlsplit(page.url).path == PAGE[element]
    session = page.request.get(f"{own.url}/api/session").json()
    assert session["identity"] == {"element": element, "userId": "bob", "name": "Bob Miller"}


@of_each
def test_what_a_login_by_script_resolves_to(own, page, element):
    lead_to_sandbox(page, own, element)
    page.goto(own.url + PAGE[element])
    expect(page.locator("#told")).to_contain_text("https://")
    config = outcome(page, "getLoginConfig", element)["data"]
    assert {"redirectUri", "state"} < set(config)
    provider = "feishu" if element == "FSInnerExample" else "wecom"
    how = {"source": "passport", "redirect_uri": config["redirectUri"]} if provider == "feishu" else {}
    given = {"authCode": own.sandbox.code(provider, "carol", **how), "state": config["state"]}
    user = outcome(page, "loginWithCode", element, given)["data"]
    assert (user["userId"], user["name"], user["status"]) == ("carol", "Carol Reyes", 1)
    assert isinstance(user["department"], list) and isinstance(user["isLeader"], bool)


# What `api` says when it fails


@pytest.mark.parametrize(
    ("method", "name", "given", "status", "code", "message"),
    [
        ("loginWithCode", "FSInnerExample", {"authCode": "x", "state": "y"}, 400, 40300, "Please start again"),
        ("loginWithCode", "FSInnerExample", {"authCode": "x"}, 400, 40300, "Please start again"),
        ("getLoginConfig", "FSInnerExample", {"kind": "dance"}, 400, 40300, "Please start again"),
        ("getLoginConfig", "Nobody", {}, 404, 47000, "This login is not set up completely"),
    ],
)
def test_a_refusal_is_an_error_with_number_and_text(site, page, watch, method, name, given, status, code, message):
    page.goto(f"{site.url}/login")
    expect(page.locator("#qr iframe")).to_be_visible()
    last = "getLoginCode" if method == "loginWithCode" else method
    watch.expect(status, METHOD.format(name, last))
    assert outcome(page, method, name, given) == {"isError": True, "code": code, "message": message}


def test_a_portal_out_of_reach_is_an_error_with_number_and_text(site, page, watch):
    page.goto(f"{site.url}/login")
    expect(page.locator("#qr iframe")).to_be_visible()
    page.route("**/api/**", lambda route: route.abort())
    watch.expect("net::ERR_FAILED", METHOD.format("FSInnerExample", "getLoginConfig"))
    told = outcome(page, "getLoginConfig")
    assert told == {"isError": True, "code": 50300, "message": "The portal can't be reached."}


def test_an_answer_that_is_no_json_is_an_error_with_number_and_text(site, page):
    page.goto(f"{site.url}/login")
    expect(page.locator("#qr iframe")).to_be_visible()
    page.route("**/api/**", lambda route: route.fulfill(content_type="text/html", body="<h1>a proxy's words</h1>"))
    told = outcome(page, "getLoginConfig")
    assert told == {"isError": True, "code": 50300, "message": "The answer makes no sense."}


def test_a_token_that_ran_out_is_renewed_once(site, page, watch):
    page.goto(f"{site.url}/login")
    expect(page.locator("#qr iframe")).to_be_visible()
    page.context.clear_cookies()
    calls = scripts_calls(page)
    watch.expect(400, METHOD.format("FSInnerExample", "getLoginConfig"))
    assert outcome(page, "getLoginConfig")["data"]["state"]
    assert calls == [("getLoginConfig", 400), ("csrf", 200), ("getLoginConfig", 200)]
    assert outcome(page, "getLoginConfig")["data"]["state"]
    assert calls[3:] == [("getLoginConfig", 200)]  # the new one is kept


def test_a_token_that_is_never_good_is_not_renewed_for_ever(site, page, watch):
    page.goto(f"{site.url}/login")
    expect(page.locator("#qr iframe")).to_be_visible()
    page.context.clear_cookies()
    page.route("**/api/csrf", lambda route: route.fulfill(json={"csrfToken": "worthless"}))
    calls = scripts_calls(page)
    page.route("**/getLoginConfig", lambda route: route.abort() if len(calls) > 9 else route.continue_())  # enough
    for _ in range(2):
        watch.expect(400, METHOD.format("FSInnerExample", "getLoginConfig"))
    told = outcome(page, "getLoginConfig")
    assert told == {"isError": True, "code": 40310, "message": "This page has expired"}
    assert calls == [("getLoginConfig", 400), ("csrf", 200), ("getLoginConfig", 400)]
