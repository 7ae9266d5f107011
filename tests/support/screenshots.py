"""Draw every page, as `make screenshots` does.

Each page is drawn in English and Chinese, light and wide, and in Chinese once more, dark and narrow.

Wide pictures that a page of the docs shows go to `docs/pictures`, all others to the folder given as argument, which is
`instance/screenshots` by default and no part of the repository.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import requests
from playwright.sync_api import sync_playwright
from sqlalchemy import select
from support.chromium import ARGUMENTS, CHROMIUM
from support.portal_app import (
    H5_SCRIPT,
    QR_SCRIPT,
    ROOT,
    Elements,
    answer_platform,
    make_settings,
    make_tables,
    run_portals,
)
from support.postgres import find_free_port
from support.sandbox_server import SandboxServer

import app as portal_app
from portal import models
from portal.clocks import now
from portal.database import write

STAFF = b"username,employee number,platform\nlisi,E0002,feishu\nnew.one,E0001,feishu\nbob,E9999,feishu\n"
PICTURES = ROOT / "docs" / "pictures"
OTHERS = ROOT / "instance" / "screenshots"
CONNECT = "form[action*='/account/bind/'] button"
WIDE = {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}}
NARROW = {"color_scheme": "dark", "viewport": {"width": 375, "height": 760}}
LOOKS = {
    "": {"locale": "en", **WIDE},
    "-zh": {"locale": "zh-CN", **WIDE},
    "-narrow": {"locale": "zh-CN", **NARROW},
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


# The administrators' pages, in a company where people are bound, suggested, waiting and gone


def bindings(page, site):
    office(page, site, "/admin/bindings")


def bind(page, site):
    office(page, site, "/admin/queue")
    page.get_by_role("link", name="李四").first.click()
    page.locator("main a[href*='/bindings/bind?']").first.click()
    page.locator("main h1").wait_for()


def person(page, site):
    office(page, site, "/admin/bindings?status=bound")
    page.get_by_role("link", name="Alice Johnson").first.click()
    page.locator("main h1").wait_for()


def conflict(page, site):
    office(page, site, "/admin/bindings?status=conflict")
    page.locator("main a[href$='/conflict']").first.click()
    page.locator("main h1").wait_for()


def queue(page, site):
    office(page, site, "/admin/queue")


def accounts(page, site):
    office(page, site, "/admin/accounts")


def account_card(page, site):
    office(page, site, "/admin/accounts")
    page.get_by_role("link", name="bob", exact=True).click()
    page.locator("main h1").wait_for()


def directory(page, site):
    office(page, site, "/admin/directory")


def elements(page, site):
    office(page, site, "/admin/elements")
    page.locator("main form[data-check] button").first.click()
    page.locator("main h1").wait_for()


def audit(page, site):
    office(page, site, "/admin/audit")


def bindings_import(page, site):
    office(page, site, "/admin/bindings/import")
    page.locator("input[type=file]").set_input_files({"name": "staff.csv", "mimeType": "text/csv", "buffer": STAFF})
    page.locator("form:has(input[type=file]) button").click()
    page.locator("table").wait_for()


def office(page, site, path):
    """Open a page as the administrator wang.fang."""
    one_time_link(page, SimpleNamespace(settings=site.office_settings))
    page.locator("main form button").first.click()
    page.wait_for_url(f"{site.office}/account")
    page.goto(site.office + path)


@contextmanager
def worker(settings):
    """Run a worker that has nothing to do."""
    command = [sys.executable, "-m", "flask", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env={**settings, "PORTAL_SYNC_EVERY": "0"})
    yield
    process.terminate()
    process.wait()


def furnish(settings, url):
    """Fill the database with people in every state.

    Some are bound, some wait, and a bound one has left.
    """
    subprocess.run([sys.executable, "-m", "flask", "sync"], cwd=ROOT, env=settings, check=True, capture_output=True)
    with portal_app.create_app(settings).app_context(), write() as session:
        people = {(one.provider, one.user_id): one for one in session.scalars(select(models.Identity))}
        for key, number in (("alice", ""), ("bob", ""), ("carol", ""), ("wangwu", ""), ("lisi", "E0002")):
            account = models.Account(username=key, name=people["wecom", key].name, employee_number=number or None)
            session.add(account)
            if not number:
                person = people["wecom", key]
                person.account, person.bound_how = account, "administrator"
                person.bound_at = person.signed_in_at = now()
                person.signed_in_how = "qr"
        people["wecom", "wangwu"].status = models.LEFT
        # Two accounts that may both be 周八's.
        for username in ("zhou.ba", "zhouba"):
            session.add(models.Account(username=username, name="周八", email="zhouba@example.com"))
    for key in ("lisi", "zhangsan"):
        browser = requests.Session()
        start = browser.get(f"{url}/login/FSInnerExample", allow_redirects=False)
        browser.get(url + answer_platform(start.headers["Location"], key))


PAGES = {
    "login": login,
    "login-wecom": login_wecom,
    "in-app": in_app,
    "account": account,
    "account-bind": account_bind,
    "account-unbind": account_unbind,
    "cancelled": cancelled,
    "waiting": waiting,
    "one-time-link": one_time_link,
    "bindings": bindings,
    "person": person,
    "bind": bind,
    "conflict": conflict,
    "queue": queue,
    "accounts": accounts,
    "account-card": account_card,
    "directory": directory,
    "elements": elements,
    "audit": audit,
    "import": bindings_import,
}


def shown_pictures() -> set[str]:
    """Return the names of the pictures that the docs show."""
    texts = (path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    files = {name for text in texts for name in re.findall(r"pictures/([\w-]+)\.png", text)}
    return {name.removesuffix("-zh") for name in files}


def run(folder: Path, sandbox, **more):
    """Start another portal and return its address and settings."""
    url = f"http://127.0.0.1:{find_free_port()}"
    database = f"sqlite:///{folder / 'portal.db'}"
    elements = Elements(folder / "app", sandbox, url)
    there = sandbox.site_url
    hosts = dict.fromkeys(("accountsBaseUrl", "passportBaseUrl"), there)
    elements.feishu(**hosts, qrSdkUrl=there + QR_SCRIPT, h5SdkUrl=there + H5_SCRIPT)
    elements.wecom(loginBaseUrl=there, oauthBaseUrl=there)
    make_tables(database, folder)
    return url, {**make_settings(database, folder / "app", url), "PORTAL_TITLE": "Spruce Works", **more}


def main(others: Path):
    shown = shown_pictures()
    folder = Path(tempfile.mkdtemp())
    (folder / "asking").mkdir()
    (folder / "office").mkdir()
    sandbox = SandboxServer.start()
    url, settings = run(folder, sandbox)
    asking, asking_settings = run(folder / "asking", sandbox, PORTAL_UNKNOWN_PEOPLE="queue")
    office, office_settings = run(folder / "office", sandbox, PORTAL_UNKNOWN_PEOPLE="queue")
    for target in (PICTURES, others):
        target.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as running:
            for each in (settings, asking_settings, office_settings):
                running.enter_context(run_portals(each, folder))(workers=1)
            running.enter_context(worker(office_settings))
            furnish(office_settings, office)
            addresses = {"url": url, "asking": asking, "office": office}
            site = SimpleNamespace(**addresses, settings=settings, office_settings=office_settings)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                for ending, look in LOOKS.items():
                    for name, show in PAGES.items():
                        page = browser.new_context(**look).new_page()
                        show(page, site)
                        in_docs = name in shown and ending != "-narrow"
                        path = (PICTURES if in_docs else others) / f"{name}{ending}.png"
                        page.screenshot(path=path)
                        page.context.close()
                        print(path)
                browser.close()
    finally:
        sandbox.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OTHERS)
