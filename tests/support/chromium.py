"""Chromium for the tests, with one browser a session and one portal a module.

A test module asks for this by `pytest_plugins = ["support.chromium"]`. The sandbox is reached as `localhost`, the
portal as `127.0.0.1`, so that to the browser they are different sites.
"""

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright
from support.groups import report_missing
from support.portal_app import H5_SCRIPT, PORTAL, QR_SCRIPT, ROOT, Elements, make_settings, run_portals
from support.postgres import find_free_port

pytest_plugins = ["support.browser_watch", "support.administrator_site"]

CHROMIUM = Path("/usr/bin/chromium")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 10_000  # milliseconds
WAYS = {  # element: its tab on the login page, and the link to the platform below it
    "FSInnerExample": ("Feishu", "Open the Feishu sign-in page"),
    "QywxInnerExample": ("WeCom", "Open the WeCom sign-in page"),
}


@pytest.fixture(scope="session")
def playwright():
    if not CHROMIUM.exists():
        report_missing("browser", "Chromium is not installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core."""
    if not AXE.exists():
        report_missing("browser", "axe-core is not installed")
    return AXE.read_text()


@pytest.fixture
def forgetful(playwright, watch, tmp_path):
    """A page of a browser that keeps no cookies; with a user agent: `forgetful("… wxwork/5.0")`."""
    opened = []
    (tmp_path / "profile" / "Default").mkdir(parents=True)
    preferences = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "profile" / "Default" / "Preferences").write_text(json.dumps(preferences))

    def open_(user_agent):
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=CHROMIUM, args=ARGUMENTS, user_agent=user_agent, locale="en-US"
        )
        context.set_default_timeout(PATIENCE)
        watch.follow(context)
        opened.append(context)
        return context.new_page()

    yield open_
    for context in opened:
        context.close()


@pytest.fixture
def browse(browser, watch):
    """Return a function that opens a page in a browser of its own: `browse(locale="zh-CN")`, as of `new_context`."""
    contexts = []

    def open_(**options):
        context = browser.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(PATIENCE)
        watch.follow(context)
        contexts.append(context)
        return context.new_page()

    yield open_
    for context in contexts:
        for page in context.pages:
            page.title()  # what the page has reported until here arrives before this answer
        context.close()


@pytest.fixture
def page(browse):
    return browse()


@pytest.fixture
def lan_page(playwright, watch):
    """A page of a browser that finds `portal.lan` on this machine: an origin it does not take for trustworthy."""
    rules = "--host-resolver-rules=MAP portal.lan 127.0.0.1"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, rules])
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(PATIENCE)
    watch.follow(context)
    yield context.new_page()
    browser.close()


@pytest.fixture
def open_mapped(playwright, watch):
    """Return a function that opens a page to which a host name is a port here, whatever its certificate."""
    browsers = []

    def open_(host, port):
        rules = [f"--host-resolver-rules=MAP {host} 127.0.0.1:{port}", "--ignore-certificate-errors"]
        browsers.append(playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *rules]))
        context = browsers[-1].new_context(locale="en-US")
        context.set_default_timeout(PATIENCE)
        watch.follow(context)
        return context.new_page()

    yield open_
    for browser in browsers:
        for page in browser.contexts[0].pages:
            page.title()  # what the page has reported until here arrives before this answer
        browser.close()


class SiteElements(Elements):
    """Elements whose pages and scripts are at the sandbox under its other name."""

    def feishu(self, name="FSInnerExample", **settings):
        there = self.sandbox.site_url
        pages = dict.fromkeys(("accountsBaseUrl", "passportBaseUrl"), there)
        scripts = {"qrSdkUrl": there + QR_SCRIPT, "h5SdkUrl": there + H5_SCRIPT}
        return super().feishu(name, **{**pages, **scripts, **settings})

    def wecom(self, name="QywxInnerExample", **settings):
        pages = dict.fromkeys(("loginBaseUrl", "oauthBaseUrl"), self.sandbox.site_url)
        return super().wecom(name, **{**pages, **settings})


class Site:
    """A running portal, and what people do there."""

    def __init__(self, url, sandbox, settings):
        self.url, self.sandbox, self.settings = url, sandbox, settings

    def start(self, page, element="FSInnerExample"):
        """Begin a login, without the click on the login page; the platform's page comes."""
        page.goto(f"{self.url}/login/{element}")
        self.at_platform(page)

    def choose(self, page, element="FSInnerExample"):
        """On the login page, take the element's tab and its link to the platform; the platform's page comes."""
        tab, link = WAYS[element]
        page.get_by_role("navigation", name="Ways to sign in").get_by_role("link", name=tab).click()
        page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("via") == [element])
        page.get_by_role("link", name=link).click()
        self.at_platform(page)

    def at_platform(self, page):
        page.wait_for_url(f"{self.sandbox.site_url}/**")

    def answer(self, page, person="zhangsan", button="Allow"):
        """Say on the platform's page who one is, and yes or no; wait until the portal has answered."""
        page.locator(f'input[name="person"][value="{person}"]').check()
        page.get_by_role("button", name=button).click()
        page.wait_for_url(f"{self.url}/**")

    def sign_in(self, page, element="FSInnerExample", person="zhangsan"):
        self.start(page, element)
        self.answer(page, person)
        page.wait_for_url(f"{self.url}/account")

    def one_time_link(self, name="root"):
        """Return the link that the operator's command prints."""
        command = [sys.executable, "-m", "flask", "create-admin", name]
        done = subprocess.run(command, cwd=ROOT, env=self.settings, check=True, capture_output=True, text=True)
        return done.stdout.strip()


@pytest.fixture(scope="module")
def run_site(tmp_path_factory, sqlite_template, sandbox_process):
    """Return a function that runs a portal until the module ends: `run_site(**settings)`.

    It takes further elements by `add`, a function of `Elements`, and another WSGI application by `app`.
    """
    with ExitStack() as running:

        def run(tls=None, add=None, app=PORTAL, host="127.0.0.1", **more):
            folder = tmp_path_factory.mktemp("site")
            url = f"{'https' if tls else 'http'}://{host}:{find_free_port()}"
            shutil.copy(sqlite_template, folder / "portal.db")
            elements = SiteElements(folder / "app", sandbox_process, url)
            elements.feishu()
            elements.wecom()
            if add:
                add(elements)
            settings = {**make_settings(f"sqlite:///{folder / 'portal.db'}", folder / "app", url), **more}
            start = running.enter_context(run_portals(settings, folder))
            sandbox_process.reset()
            start(workers=2, tls=tls, app=app, path="/healthz")  # some sites have no usable login
            return Site(url, sandbox_process, settings)

        yield run


@pytest.fixture(scope="module")
def site(browser, run_site):
    """A portal where everybody gets an account at the first scan."""
    return run_site(PORTAL_UNKNOWN_PEOPLE="create")


@pytest.fixture(scope="module")
def asking_site(browser, run_site):
    """A portal where an administrator decides who gets in."""
    return run_site(PORTAL_UNKNOWN_PEOPLE="queue")
