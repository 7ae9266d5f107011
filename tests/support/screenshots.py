"""Draw every page, as `make screenshots` does.

Each page is drawn in English and Chinese, light and wide, and in Chinese once more, dark and narrow. The
administrators' pages are drawn in every look, too: of a company of ten people and of one of 3,000.

Wide pictures that a page of the docs shows go to `docs/pictures`, all others to the folder given as argument, which is
`instance/screenshots` by default and no part of the repository.
"""

import itertools
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
from support.large_company import fill_company
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
from support.screenshot_pages import ADMIN_PATHS, PAGES, open_as_administrator

import app as portal_app
from portal import models
from portal.clocks import now
from portal.database import write

PICTURES = ROOT / "docs" / "pictures"
OTHERS = ROOT / "instance" / "screenshots"
WIDE = {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}}
NARROW = {"color_scheme": "dark", "viewport": {"width": 375, "height": 760}}
LOOKS = {
    "": {"locale": "en", **WIDE},
    "-zh": {"locale": "zh-CN", **WIDE},
    "-narrow": {"locale": "zh-CN", **NARROW},
}
ADMIN_LOOKS = {
    f"-{locale[:2]}-{scheme}-{size['width']}": {"locale": locale, "color_scheme": scheme, "viewport": size}
    for locale, scheme, size in itertools.product(
        ("en", "zh-CN"), ("light", "dark"), (WIDE["viewport"], NARROW["viewport"])
    )
}
APPLICATIONS = {  # name -> title, and the groups that may open it
    "wiki": ("Wiki", ["all"]),
    "gitlab": ("GitLab", ["developers"]),
    "grafana": ("Grafana", ["developers", "all"]),
    "reports": ("报表中心", ["all"]),
    "notebooks": ("Jupyter Notebooks", ["developers"]),
}
COMPANIES = {
    "few": {"people": 10, "strong": 2, "weak": 1, "conflicts": 1, "waiting": 2, "departed": 1},
    "many": {"people": 3_000},
}


@contextmanager
def run_worker(settings):
    """Run a worker that has nothing to do."""
    command = [sys.executable, "-m", "flask", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env={**settings, "PORTAL_SYNC_EVERY": "0"})
    yield
    process.terminate()
    process.wait()


def fill_database(settings, url):
    """Fill the database with people in every state.

    Some are bound, some wait, and a bound one has left.
    """
    subprocess.run([sys.executable, "-m", "flask", "sync"], cwd=ROOT, env=settings, check=True, capture_output=True)
    with portal_app.create_app(settings).app_context(), write() as session:
        people = {(row.provider, row.user_id): row for row in session.scalars(select(models.Identity))}
        for key, number in (("alice", ""), ("bob", ""), ("carol", ""), ("wangwu", ""), ("lisi", "E0002")):
            account = models.Account(username=key, name=people["wecom", key].name, employee_number=number or None)
            session.add(account)
            if not number:
                person = people["wecom", key]
                person.account, person.bound_how = account, "administrator"
                person.bound_at = person.signed_in_at = now()
                person.signed_in_how = "qr"
        people["wecom", "wangwu"].status = models.LEFT
        add_applications(session)
        # Two accounts that may both be 周八's.
        for username in ("zhou.ba", "zhouba"):
            session.add(models.Account(username=username, name="周八", email="zhouba@example.com"))
    for key in ("lisi", "zhangsan"):
        browser = requests.Session()
        start = browser.get(f"{url}/login/FSInnerExample", allow_redirects=False)
        browser.get(url + answer_platform(start.headers["Location"], key))


def add_applications(session):
    """Store two groups, and some applications they may open."""
    first = session.scalars(select(models.Department).order_by(models.Department.id)).first()
    members = [
        models.GroupMember(kind="role", value="admin"),
        models.GroupMember(kind="department", value=str(first.id), below=True),
    ]
    developers = models.Group(name="developers", title="Developers", members=members)
    everybody = models.Group(name="all", title="全体员工", members=[models.GroupMember(kind="everybody")])
    groups = {"developers": developers, "all": everybody}
    for name, (title, chosen) in APPLICATIONS.items():
        hosts = [f"https://{name}.example.com"]
        session.add(models.Application(name=name, title=title, hosts=hosts, groups=[groups[key] for key in chosen]))


def draw_company(browser, name: str, site, others: Path):
    """Draw the administrators' pages of a company in every look.

    :param site: its portal, as `office` and `office_settings`.
    """
    with portal_app.create_app(site.office_settings).app_context(), write() as session:
        fill_company(session, **COMPANIES[name])
        add_applications(session)
    context = browser.new_context()
    open_as_administrator(context.new_page(), site, "/admin")
    state = context.storage_state()
    context.close()
    for ending, look in ADMIN_LOOKS.items():
        touch = {"has_touch": True, "is_mobile": True} if look["viewport"] == NARROW["viewport"] else {}
        context = browser.new_context(storage_state=state, **look, **touch)
        page = context.new_page()
        for kind, path in ADMIN_PATHS.items():
            page.goto(site.office + path)
            target = others / f"{name}-{kind}{ending}.png"
            page.screenshot(path=target)
            print(target)
        context.close()


def list_shown_pictures() -> set[str]:
    """Return the names of the pictures that the docs show."""
    texts = (path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    files = {name for text in texts for name in re.findall(r"pictures/([\w-]+)\.png", text)}
    return {name.removesuffix("-zh") for name in files}


def prepare_portal(folder: Path, sandbox, **more):
    """Write a portal's files and return its address and settings."""
    url = f"http://127.0.0.1:{find_free_port()}"
    database = f"sqlite:///{folder / 'portal.db'}"
    elements = Elements(folder / "app", sandbox, url)
    there = sandbox.site_url
    hosts = dict.fromkeys(("accountsBaseUrl", "passportBaseUrl"), there)
    elements.feishu(**hosts, qrSdkUrl=there + QR_SCRIPT, h5SdkUrl=there + H5_SCRIPT)
    elements.wecom(loginBaseUrl=there, oauthBaseUrl=there)
    make_tables(database, folder)
    return url, {**make_settings(database, folder / "app", url), "PORTAL_TITLE": "Spruce Works", **more}


def draw_pages(others: Path):
    """Draw all pages.

    :param others: the folder of the pictures that the docs do not show.
    """
    shown = list_shown_pictures()
    folder = Path(tempfile.mkdtemp())
    (folder / "asking").mkdir()
    (folder / "office").mkdir()
    companies = {}
    sandbox = SandboxServer.start()
    url, settings = prepare_portal(folder, sandbox)
    asking, asking_settings = prepare_portal(folder / "asking", sandbox, PORTAL_UNKNOWN_PEOPLE="queue")
    office, office_settings = prepare_portal(folder / "office", sandbox, PORTAL_UNKNOWN_PEOPLE="queue")
    for target in (PICTURES, others):
        target.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as running:
            for environ in (settings, asking_settings, office_settings):
                running.enter_context(run_portals(environ, folder))(workers=1)
            for name in COMPANIES:
                (folder / name).mkdir()
                address, environ = prepare_portal(folder / name, sandbox, PORTAL_UNKNOWN_PEOPLE="queue")
                running.enter_context(run_portals(environ, folder))(workers=1)
                companies[name] = SimpleNamespace(office=address, office_settings=environ)
            running.enter_context(run_worker(office_settings))
            fill_database(office_settings, office)
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
                for name, company in companies.items():
                    draw_company(browser, name, company, others)
                browser.close()
    finally:
        sandbox.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    draw_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else OTHERS)
