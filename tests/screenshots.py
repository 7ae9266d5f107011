"""Pictures of every page for `docs/`: `make screenshots`. English, light and wide; Chinese, dark and narrow."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from chromium import ARGUMENTS, CHROMIUM
from conftest import H5_SCRIPT, QR_SCRIPT, ROOT, Elements, base_settings, make_tables, portals
from playwright.sync_api import sync_playwright
from postgres import free_port
from sandbox_server import SandboxServer

DOCS = ROOT / "docs"
CONNECT = "form[action*='/account/bind/'] button"
LOOKS = {
    "": {"locale": "en", "color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "-zh": {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": 375, "height": 760}},
}


def login(page, site):
    page.goto(f"{site.url}/login")
    page.frame_locator("#qr iframe").locator("img").first.wait_for()


def login_wecom(page, site):
    page.goto(f"{site.url}/login?via=QywxInnerExample")


def in_app(page, site):
    page.goto(f"{site.url}/login/QywxInnerExample/in-app?next=/account")
    page.goto(f"{site.url}/login/QywxInnerExample/in-app?next=/account")


def account(page, site):
    page.goto(f"{site.url}/login/FSInnerExample")
    answer(page)


def account_bind(page, site):
    account(page, site)
    connect(page)


def account_unbind(page, site):
    page.goto(f"{site.url}/login/FSInnerExample")
    answer(page, "lisi")
    if page.locator(CONNECT).count():
        connect(page, "lisi")
        page.locator("main form button").click()
        page.wait_for_url(f"{site.url}/account")
    page.locator("main a[href$='/unbind']").last.click()
    page.locator("main form").wait_for()


def connect(page, person="zhangsan"):
    page.locator(CONNECT).click()
    page.locator('input[name="person"]').first.wait_for()
    answer(page, person)


def cancelled(page, site):
    page.goto(f"{site.url}/login/FSInnerExample")
    answer(page, button="Refuse")


def waiting(page, site):
    page.goto(f"{site.asking}/login/FSInnerExample")
    answer(page)


def one_time_link(page, site):
    command = [sys.executable, "-m", "flask", "create-admin", "wang.fang"]
    done = subprocess.run(command, cwd=ROOT, env=site.settings, check=True, capture_output=True, text=True)
    page.goto(done.stdout.strip())


def answer(page, person="zhangsan", button="Allow"):
    page.locator(f'input[name="person"][value="{person}"]').check()
    page.get_by_role("button", name=button).click()
    page.locator("main h1").wait_for()


PAGES = (login, login_wecom, in_app, account, account_bind, account_unbind, cancelled, waiting, one_time_link)


def run(folder: Path, sandbox, **more):
    """Start a portal of its own; return its address and settings."""
    url = f"http://127.0.0.1:{free_port()}"
    database = f"sqlite:///{folder / 'portal.db'}"
    elements = Elements(folder / "app", sandbox, url)
    there = sandbox.site_url
    hosts = dict.fromkeys(("accountsBaseUrl", "passportBaseUrl"), there)
    elements.feishu(**hosts, qrSdkUrl=there + QR_SCRIPT, h5SdkUrl=there + H5_SCRIPT)
    elements.wecom(loginBaseUrl=there, oauthBaseUrl=there)
    make_tables(database, folder)
    return url, {**base_settings(database, folder / "app", url), "PORTAL_TITLE": "Spruce Works", **more}


def main():
    folder = Path(tempfile.mkdtemp())
    (folder / "asking").mkdir()
    sandbox = SandboxServer.start()
    url, settings = run(folder, sandbox)
    asking, asking_settings = run(folder / "asking", sandbox, PORTAL_UNKNOWN_PEOPLE="queue")
    DOCS.mkdir(exist_ok=True)
    try:
        with portals(settings, folder) as start, portals(asking_settings, folder / "asking") as start_asking:
            start(workers=1)
            start_asking(workers=1)
            site = SimpleNamespace(url=url, asking=asking, settings=settings)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                for ending, look in LOOKS.items():
                    for show in PAGES:
                        page = browser.new_context(**look).new_page()
                        show(page, site)
                        name = f"{show.__name__.replace('_', '-')}{ending}.png"
                        page.screenshot(path=DOCS / name)
                        page.context.close()
                        print(f"docs/{name}")
                browser.close()
    finally:
        sandbox.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
