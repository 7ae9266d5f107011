"""The page of a proxy's check, and the pretend wiki, pass axe-core and fit every screen."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect
from support.axe import check_page
from support.local_sites import serve_site
from support.postgres import find_free_port
from support.proxies_at_the_gate import LeakyGate

import app as portal_app
from portal.applications import catalogue
from portal.audit import Actor
from portal.database import db
from sandbox.gate import Gate
from sandbox.wiki import create_app

pytest_plugins = ["support.chromium", "support.administrator_site"]
pytestmark = pytest.mark.browser

POST_FORM = """async (path) => {
  const answer = await (await fetch("/api/csrf")).json();
  const form = Object.assign(document.createElement("form"), { method: "post", action: path });
  form.append(Object.assign(document.createElement("input"), { name: "csrf_token", value: answer.csrfToken }));
  document.body.append(form);
  setTimeout(() => form.submit());
}"""


@pytest.fixture(scope="module")
def wiki(office):
    """An application with three hosts: a right proxy, one with a fault, and one that does not run."""
    with ExitStack() as sites:
        proxies = (Gate(create_app(), "wiki", office.url), LeakyGate(create_app(), "wiki", office.url))
        hosts = [sites.enter_context(serve_site(proxy)) for proxy in proxies]
        hosts.append(f"http://127.0.0.1:{find_free_port()}")
        portal = portal_app.create_app(office.settings)
        with portal.app_context():
            values = {"name": "wiki", "title": "Wiki 百科", "hosts": hosts, "open_to_all": True}
            catalogue.create_application(values, by=Actor())
            db.session.remove()
            db.engine.dispose()
        yield hosts[0]


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_the_page_of_a_check_is_accessible(office, desk, wiki, axe, locale):
    page = desk(locale=locale)
    page.goto(f"{office.url}/admin/elements")
    page.evaluate(POST_FORM, "/admin/applications/wiki/check")
    page.wait_for_url("**/check")
    expect(page.locator(".finding-problem")).to_have_count(2)
    check_page(page, axe)


def test_the_pages_of_the_wiki_are_accessible(desk, wiki, axe):
    page = desk()
    for path in ("/", "/pages/first-day", "/notes"):
        page.goto(wiki + path)
        expect(page.get_by_role("link", name="Sign out")).to_be_visible()
        check_page(page, axe)
