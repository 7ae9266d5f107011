"""Every page and state of applications under axe-core."""

import pytest
from playwright.sync_api import expect
from support.application_rows import (
    add_application,
    add_door,
    add_event,
    add_group,
    add_problem,
    add_secret,
)
from support.axe import RUN_AXE, check_page
from support.rows import HOSTILE, add_account, add_person

from portal.clocks import now

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

CREATE = "/admin/applications/create"
LONG = "a-name-of-forty-letters-that-can-not-bre"


@pytest.fixture(scope="module")
def shelf(store):
    """Applications in every state.

    It gives the addresses of the pages about them.
    """
    with store():
        groups = [add_group(f"team-{number}", f"Team {number}") for number in range(12)]
        staff = add_group("staff", HOSTILE, everybody=True)
        wiki = add_application(
            "wiki",
            [staff, *groups[:4]],
            title="公司维基",
            hosts=["https://wiki.example.com", "https://a-very-long-host-name-of-a-wiki.department.example.com"],
            username_from="employee_number",
            fresh_minutes=30,
        )
        uris = ["https://grafana.example.com/login/generic_oauth"]
        client = add_application("grafana", groups[:1], hosts=[], redirect_uris=uris, refresh=True)
        add_application(LONG, title=HOSTILE * 2, hosts=[])
        add_application("vault", redirect_uris=uris)
        add_application("old", active=False)
        own, gone = add_account("zhang.wei", name="张伟"), add_account("gone", active=False)
        person = add_person("zw", account=own, name="张伟")
        other = add_person("zw2", account=own, provider="feishu", tenant="t1", name="Zhang Wei")
        add_door(wiki, own), add_door(wiki, gone, ended_at=now()), add_door(client, gone, ended_at=now())
        for days in (0, 1, 1, 3):
            add_event("application.enter", wiki, own, days=days)
        add_event("application.refuse", wiki, own, result=40306)
        add_problem(wiki, "incomplete", "X-Original-URL"), add_problem(wiki, "host", "https://wiki3.example.com")
        add_problem(wiki, "forged", "Remote-User")
        add_secret(client), add_secret(client, expires_at=now())
        preview = "/admin/applications/wiki/preview"
        return {
            "list": "/admin/applications",
            "no results": "/admin/applications?q=nothing-of-that-name&kind=gate",
            "page": "/admin/applications/wiki",
            "client": "/admin/applications/grafana",
            "bare": f"/admin/applications/{LONG}",
            "switched off": "/admin/applications/old",
            "create": CREATE,
            "edit": "/admin/applications/wiki/edit",
            "edit client": "/admin/applications/grafana/edit",
            "switch": "/admin/applications/wiki/switch",
            "choose": preview,
            "accounts found": f"{preview}?q=zhang",
            "no accounts": f"{preview}?q=nobody-of-that-name",
            "preview": f"{preview}?account={own.id}&identity={other.id}",
            "refused": f"{preview}?account={gone.id}",
            "account": f"/admin/accounts/{own.id}",
            "leaver": f"/admin/accounts/{gone.id}",
            "person": f"/admin/people/{person.id}",
            "off-board": f"/admin/accounts/{own.id}/offboard",
        }


def open_all_folds(page, office, watch):
    page.goto(f"{office.url}/admin/applications/wiki/edit")
    page.locator(".more-fields > summary").first.click()


def open_all_snippets(page, office, watch):
    page.goto(f"{office.url}/admin/applications/wiki")
    page.locator(".snippet").evaluate_all("(folds) => folds.forEach((fold) => { fold.open = true; })")


def open_faults(page, office, watch):
    watch.expect(422, CREATE)
    page.goto(office.url + CREATE)
    page.locator("#title").fill("!")
    page.locator("#hosts").fill("wiki")
    page.locator("main form .button").first.click()
    expect(page.get_by_role("alert")).to_be_visible()


def open_secret(page, office, watch):
    page.goto(f"{office.url}/admin/applications/vault")
    page.locator("form[action$='/secret'] button").click()
    expect(page.locator("#secret")).to_be_visible()


STATES = {"folds": open_all_folds, "snippets": open_all_snippets, "faults": open_faults, "secret": open_secret}
PAGES = [
    *("list", "no results", "page", "client", "bare", "switched off", "create", "edit", "edit client", "switch"),
    *("choose", "accounts found", "no accounts", "preview", "refused", "account", "leaver", "person", "off-board"),
]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("state", [*PAGES, *STATES])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(office, desk, watch, axe, shelf, state, locale):
    page = desk(locale=locale, reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    if state in shelf:
        page.goto(office.url + shelf[state])
    else:
        STATES[state](page, office, watch)
    check_page(page, axe)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing_in_the_first_run(run_site, browse, axe, locale):
    fresh = run_site()
    page = browse(locale=locale)
    page.goto(fresh.one_time_link("root"))
    page.locator("main form button").click()
    page.wait_for_url("**/account")
    page.goto(f"{fresh.url}/admin/applications")
    expect(page.locator(".empty .button")).to_have_count(1)
    page.evaluate(axe)
    assert page.evaluate(RUN_AXE) == []
