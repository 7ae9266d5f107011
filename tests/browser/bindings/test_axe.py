"""Every page and state of bindings and queue under axe-core."""

import pytest
from playwright.sync_api import expect
from support.axe import RUN_AXE, check_page
from support.portal_app import ROOT
from support.rows import HOSTILE, add_account, add_department, add_person, add_request

from portal.clocks import now
from portal.models import LEFT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def crowd(store):
    """People in every state; return the addresses of the pages about them."""
    with store():
        seats = [
            add_department("x1", HOSTILE),
            add_department("x2", "一个名字特别特别特别特别特别特别特别特别长的部门", parent="x1"),
        ]
        taken = add_account("taken", employee_number="X1", role="admin", name="王芳")
        bound = add_person(
            "x.bound", account=taken, departments=seats, signed_in_at=now(), signed_in_how="qr", bound_how="self"
        )
        claims = add_person(
            "x.claims", employee_number="X1", mobile="13812345678", email="a@example.com", departments=seats
        )
        add_account("x.one", email="twin@example.com"), add_account("x.two", email="twin@example.com")
        twin = add_person("x.twin", email="twin@example.com")
        add_person("x.left", account=add_account("x.left"), status=LEFT)
        add_request(add_person("x.refused", name=HOSTILE), "refused", reason="Not here.")
        fits = add_account("x.fits", employee_number="X2")
        waits = add_person(
            "x.waits",
            name="a-very-long-name-without-any-blank-in-it-that-has-to-be-broken-somewhere",
            employee_number="X2",
        )
        boss = add_account("x.boss", role="admin", email="boss@corp.example")
        add_request(waits), add_request(claims), add_request(add_person("x.stranger", name=HOSTILE, email=boss.email))
        for number in range(21):
            add_account(f"x.many{number}", employee_number=f"X.many{number}")
            add_person(f"x.many{number}", employee_number=f"X.many{number}")
        return {
            "table": "/admin/bindings",
            "no results": "/admin/bindings?q=nobody-of-that-name&status=bound",
            "bound": f"/admin/people/{bound.id}",
            "waiting": f"/admin/people/{waits.id}",
            "unbind": f"/admin/bindings/{bound.id}/unbind",
            "conflict": f"/admin/bindings/{claims.id}/conflict",
            "twins": f"/admin/bindings/{twin.id}/conflict",
            "both": f"/admin/bindings/bind?identity={waits.id}&account={fits.id}",
            "impossible": f"/admin/bindings/bind?identity={waits.id}&account={taken.id}",
            "person": f"/admin/bindings/bind?identity={waits.id}",
            "account": f"/admin/bindings/bind?account={fits.id}",
            "people found": f"/admin/bindings/bind?account={taken.id}&q=x.",
            "accounts found": f"/admin/bindings/bind?identity={waits.id}&q=x.",
            "new account": f"/admin/accounts/create?identity={waits.id}",
            "off-board": f"/admin/accounts/{bound.account_id}/offboard",
            "queue": "/admin/queue",
            "refused": "/admin/queue?state=refused",
            "no request": "/admin/queue?q=nobody-of-that-name",
            "suggested": "/admin/bindings?status=suggested",
            "accept all": "/admin/bindings/accept?all=yes",
        }


def open_many(page, crowd, office, watch):
    page.goto(f"{office.url}/admin/bindings?q=x.")
    page.locator("[data-tick-all]").check()
    page.locator("button[value=unbind]").click()


def open_confirmation(page, doing, office):
    page.goto(f"{office.url}/admin/queue")
    page.locator("[data-tick-all]").check()
    page.locator(f"button[name=do][value={doing}]").click()
    expect(page.locator("main form button").last).to_be_visible()


def open_accept(page, crowd, office, watch):
    open_confirmation(page, "bind", office)


def open_create(page, crowd, office, watch):
    open_confirmation(page, "create", office)


def open_menu(page, crowd, office, watch):
    page.goto(f"{office.url}/admin/queue")
    page.locator("details.more > summary").first.click()
    page.locator(".request input[type=checkbox]").first.check()
    page.locator(".bulk-refuse > summary").click()


def open_counted(page, crowd, office, watch):
    watch.expect(422, "/admin/bindings/accept")
    page.goto(f"{office.url}/admin/bindings/accept?all=yes&q=x.many")
    page.locator("#count").fill("1")
    page.locator("form.accept button").click()
    expect(page.locator("#count-fault")).to_be_visible()


def open_failed_look_up(page, crowd, office, watch):
    watch.expect(404, "/admin/bindings/look-up")
    page.goto(office.url + crowd["account"])
    page.locator("#user_id").fill("nobody")
    page.locator("form:has(#user_id) button").click()
    expect(page.get_by_role("alert")).to_be_visible()


def open_changed_pair(page, crowd, office, watch):
    watch.expect(409, "/admin/bindings/bind")
    page.goto(office.url + crowd["both"])
    page.locator("input[name=seen]").evaluate("field => { field.value = 1; }")
    page.locator(".verdict button").click()


def open_empty_page(page, crowd, office, watch):
    page.goto(f"{office.url}/admin/queue?page=2")


STATES = {
    "many": open_many,
    "accept": open_accept,
    "create": open_create,
    "menu": open_menu,
    "counted": open_counted,
    "raw fault": open_failed_look_up,
    "changed": open_changed_pair,
    "empty": open_empty_page,
}


PAGES = [
    *("table", "no results", "bound", "waiting", "unbind", "conflict", "twins", "both", "impossible", "person"),
    *("account", "people found", "accounts found", "new account", "off-board", "queue", "refused"),
    *("no request", "suggested", "accept all"),
]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("state", [*PAGES, *STATES])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(office, desk, watch, axe, crowd, state, locale):
    page = desk(locale=locale, reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    if state in crowd:
        page.goto(office.url + crowd[state])
    else:
        STATES[state](page, crowd, office, watch)
    check_page(page, axe)


@pytest.mark.parametrize("folder", ["docs", None], ids=["nothing set up", "no people"])
def test_axe_finds_nothing_in_the_empty_states(run_site, page, axe, folder):
    fresh = run_site(**({"PORTAL_APP_DIR": str(ROOT / folder)} if folder else {}))
    page.goto(fresh.one_time_link("root"))
    page.locator("main form button").click()
    page.wait_for_url("**/account")
    page.goto(f"{fresh.url}/admin/bindings")
    expect(page.locator(".empty")).to_be_visible()
    page.evaluate(axe)
    assert page.evaluate(RUN_AXE) == []
