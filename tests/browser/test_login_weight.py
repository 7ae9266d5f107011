"""What the login page weighs, and which hosts it waits for."""

import gzip
import re
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import expect
from support.page_waits import wait_on_page
from support.portal_app import QR_SCRIPT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

FRAME = "/suite/passport/sso/qr"


def weigh(url, path="/login"):
    """Return the login page's own files: the page first, and each as text."""
    page = requests.get(url + path, timeout=10)
    files = re.findall(r'<(?:script src|link rel="stylesheet" href)="(/static/[^"]+)"', page.text)
    return {"/login": page.content, **{path: requests.get(url + path, timeout=10).content for path in files}}


@pytest.mark.parametrize(
    ("path", "script"), [("/login", "feishu-qr.js"), ("/login?via=QywxInnerExample", "wecom-panel.js")]
)
def test_the_login_page_is_light(site, path, script):
    files = weigh(site.url, path)
    assert {path.partition("?")[0].rpartition("/")[2] for path in files} == {
        *("login", "tokens.css", "portal.css", "login.css", "api.js", script)
    }
    assert sum(len(gzip.compress(content)) for content in files.values()) < 30_000
    assert sum(len(content) for path, content in files.items() if ".js" not in path) < 50_000


@pytest.mark.parametrize("path", ["/login", "/login?via=QywxInnerExample"])
def test_the_login_page_asks_nobody_else_but_for_the_code(site, page, path):
    foreign = []
    page.on("request", lambda each: foreign.append(urlsplit(each.url).path) if site.url not in each.url else None)
    page.goto(site.url + path)
    if path == "/login":
        expect(page.frame_locator("#qr iframe").get_by_role("img")).to_be_visible()
        assert foreign[:2] == [QR_SCRIPT, FRAME]
    else:
        expect(page.frame_locator("#panel-frame iframe").locator("fieldset")).to_be_visible()
        assert foreign[0] == "/wwlogin/sso/login"


def test_the_page_is_painted_before_any_foreign_host_has_answered(site, page):
    site.sandbox.fail("*", hold=2)
    answered = []
    page.on("response", lambda each: answered.append(each.url) if site.url not in each.url else None)
    with page.expect_request(f"**{QR_SCRIPT}"):
        page.goto(f"{site.url}/login", wait_until="domcontentloaded")
    wait_on_page(page, "() => performance.getEntriesByName('first-contentful-paint').length === 1")
    expect(page.get_by_role("link", name="Open the Feishu sign-in page")).to_be_visible()
    assert answered == []
    requests.get(site.sandbox.url + QR_SCRIPT, timeout=10)  # lets the held one go
    expect(page.frame_locator("#qr iframe").get_by_role("img")).to_be_visible()
