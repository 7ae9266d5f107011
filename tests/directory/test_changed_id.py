"""Somebody whose id at the platform has changed: the account they had is suggested, and nobody is let in by it."""

import pytest
from support.admin_client import sign_in_administrator, strip_markup
from support.portal_app import both_databases
from support.syncs import FEISHU, PROVIDERS, WECOM, find_person, run_sync

from portal.models import LEFT

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])
REASON = "a departed person of this name and department had it"


@pytest.fixture
def renamed(make_portal, sandbox, name):
    """Return the portal after Li Si, who had signed in, has got another id; and a function that adds namesakes."""
    assert make_portal().test_client().sign_in(name, "lisi").status_code == 303
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
    run_sync(portal, name)
    sandbox.person(PROVIDERS[name], "lisi", resign=True)
    run_sync(portal, name)
    old = find_person(portal, name, "lisi")
    assert (old.status, old.account_id) == (LEFT, None)

    def scan(key, **facts):
        facts = {"name": "李四", "departments": ["2"], **facts}
        sandbox.person(PROVIDERS[name], key, add=True, **facts)
        browser = portal.test_client()
        browser.wait(name, key)
        return browser

    return portal, scan


@both_databases
@both_platforms
def test_their_account_is_suggested_with_the_reason(renamed, name):
    portal, scan = renamed
    browser = scan("lisi.new")
    page = strip_markup(sign_in_administrator(portal).get("/admin/queue").text)
    assert f"lisi {REASON}" in page
    browser.wait(name, "lisi.new")


@both_platforms
@pytest.mark.parametrize("facts", [{"name": "李司"}, {"departments": ["3"]}])
def test_another_name_or_department_is_somebody_else(renamed, name, facts):
    portal, scan = renamed
    scan("lisi.new", **facts)
    assert "No matching account." in strip_markup(sign_in_administrator(portal).get("/admin/queue").text)
