"""Bindings and queue in Chromium: from the click to the database, with script and without; and under axe-core."""

import pytest
from playwright.sync_api import expect
from support.admin_client import open_database
from support.axe import RUN_AXE, check_page
from support.portal_app import ROOT
from support.rows import HOSTILE, add_account, add_department, add_person, add_request, add_session

import app as portal_app
from portal.clocks import now
from portal.database import db
from portal.models import LEFT, Identity

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])


@pytest.fixture(scope="module")
def store(office):
    """The portal's database, to put rows in: `with store(): person("zw")`."""
    portal = portal_app.create_app(office.settings)
    yield lambda: open_database(portal)
    with portal.app_context():
        db.engine.dispose()


BOUND = "SELECT username, bound_how FROM identity JOIN account ON account.id = account_id WHERE user_id = ?"


def press(page, name):
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def follow(page, name):
    page.locator("main").get_by_role("link", name=name, exact=True).click()


def said(page, text):
    expect(page.get_by_role("status").get_by_text(text)).to_be_visible()


@script
def test_find_a_person_bind_move_and_unbind_them(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"b{int(java_script_enabled)}"
    with store():
        add_person(mark, name=f"欧阳{mark}", employee_number=f"E{mark}", departments=[add_department(mark, "华东")])
        add_account(f"right.{mark}", employee_number=f"E{mark}")
        add_account(f"wrong.{mark}")
    page.goto(f"{office.url}/admin/bindings")
    page.get_by_label("Name, account, employee number or ID").fill(f"阳{mark}")
    press(page, "Filter")
    expect(page.locator("tbody tr")).to_have_count(1)
    follow(page, f"欧阳{mark}")
    follow(page, "Bind to an account…")
    page.get_by_label("Username, name, employee number or e-mail").fill(f"wrong.{mark}")
    press(page, "Search")
    follow(page, f"Compare wrong.{mark}")
    expect(page.get_by_text("no matching information")).to_be_visible()
    press(page, f"Bind to wrong.{mark}")
    said(page, f"欧阳{mark} can now sign in to wrong.{mark}.")
    assert rows(BOUND, mark) == [(f"wrong.{mark}", "administrator")]

    with store() as session:
        add_session(session.query(Identity).filter_by(user_id=mark).one())
    follow(page, "Move to another account…")
    follow(page, f"Compare right.{mark}")
    expect(page.get_by_text("same employee number")).to_be_visible()
    expect(page.get_by_text("1 session ends now.")).to_be_visible()
    press(page, f"Move to right.{mark}")
    assert rows(BOUND, mark) == [(f"right.{mark}", "administrator")]
    ended = "SELECT ended_why FROM login_session JOIN identity ON identity.id = identity_id WHERE user_id = ?"
    assert rows(ended, mark) == [("moved",)]

    follow(page, "Unbind…")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Unbind 欧阳{mark} from right.{mark}?")
    expect(page.get_by_text("They have no other sign-in method.")).to_be_visible()
    expect(page.locator("button.button-danger:focus")).to_have_count(0)
    press(page, "Unbind")
    said(page, f"欧阳{mark} is unbound and signed out everywhere.")
    assert rows("SELECT account_id FROM identity WHERE user_id = ?", mark) == [(None,)]
    expect(page.get_by_text("had this account before")).to_be_visible()


@script
def test_who_waits_gets_an_account_and_is_in(office, desk, browse, watch, rows, java_script_enabled):
    office.sandbox.reset()
    who = "bob" if java_script_enabled else "carol"
    visitor = browse()
    watch.expect(403, "/api/auth/qywx/callback")
    office.start(visitor, "QywxInnerExample")
    office.answer(visitor, who)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Waiting for approval")

    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/bindings")
    page.get_by_role("link", name="Queue").click()
    name = page.locator("li.request", has_text=who).locator("h2").inner_text()
    press(page, f"Create account {name}")
    said(page, f"{name} now has the account {who}.")
    assert rows(BOUND, who) == [(who, "created")]

    office.start(visitor, "QywxInnerExample")
    office.answer(visitor, who)
    visitor.wait_for_url(f"{office.url}/account")


@script
def test_refuse_with_a_reason_and_take_it_back(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"r{int(java_script_enabled)}"
    with store():
        add_request(add_person(mark, name=f"王{mark}"))
    page.goto(f"{office.url}/admin/queue")
    card = page.locator("li.request", has_text=f"王{mark}")
    card.locator("summary").click()
    card.get_by_label("Reason (shown to the person)").fill("Use your team's account.")
    press(page, f"Refuse 王{mark}")
    said(page, f"王{mark} is refused and will read the reason at the next scan.")
    state = "SELECT state, reason FROM binding_request JOIN identity ON identity.id = identity_id WHERE user_id = ?"
    assert rows(state, mark) == [("refused", "Use your team's account.")]
    follow(page, "Refused")
    page.locator("li.request", has_text=f"王{mark}").get_by_role("button", name="Withdraw refusal").click()
    said(page, f"The refusal is withdrawn. 王{mark} is waiting again.")
    assert rows(state, mark) == [("waiting", "")]


@script
def test_settle_a_conflict_by_moving_the_account(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"c{int(java_script_enabled)}"
    with store():
        own = add_account(f"own.{mark}", employee_number=f"E{mark}")
        add_session(add_person(f"old{mark}", account=own, name=f"旧{mark}"))
        add_person(f"new{mark}", name=f"新{mark}", employee_number=f"E{mark}")
    page.goto(f"{office.url}/admin/bindings?status=conflict&q=new{mark}")
    follow(page, f"Resolve 新{mark}")
    expect(page.get_by_text("1 session ends now.")).to_be_visible()
    press(page, f"Move account to 新{mark}")
    said(page, f"新{mark} can now sign in to own.{mark}.")
    assert rows(BOUND, f"new{mark}") == [(f"own.{mark}", "administrator")]
    assert rows(BOUND, f"old{mark}") == []


@script
def test_many_at_once(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"m{int(java_script_enabled)}"
    with store():
        for number in range(3):
            add_person(f"{mark}{number}", account=add_account(f"a{mark}{number}"))
    page.goto(f"{office.url}/admin/bindings?q={mark}")
    if java_script_enabled:
        expect(page.get_by_role("button", name="Unbind…")).to_be_disabled()
        page.get_by_label("Select all").check()
        expect(page.get_by_text("3 selected:")).to_be_visible()
    else:
        for box in page.locator("tbody input[type=checkbox]").all():
            box.check()
    press(page, "Unbind…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unbind 3 people?")
    expect(page.get_by_text("3 accounts have no other sign-in method.")).to_be_visible()
    press(page, "Unbind")
    said(page, "3 people are unbound.")
    expect(page).to_have_url(f"{office.url}/admin/bindings?q={mark}")
    assert rows("SELECT count(*) FROM identity WHERE user_id LIKE ? AND account_id IS NULL", f"{mark}%") == [(3,)]


@script
def test_follow_suggestions_once_they_are_listed(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"s{int(java_script_enabled)}"
    with store():
        add_account(f"own.{mark}", employee_number=f"E{mark}")
        add_account(f"boss.{mark}", role="admin", email=f"{mark}@corp.example")
        add_request(add_person(f"fits{mark}", name=f"周{mark}", employee_number=f"E{mark}"))
        add_request(add_person(f"stranger{mark}", name=f"吴{mark}", email=f"{mark}@corp.example"))
    page.goto(f"{office.url}/admin/queue")
    for name in (f"周{mark}", f"吴{mark}"):
        page.locator("li.request", has_text=name).get_by_role("checkbox").check()
    press(page, "Bind to suggested accounts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bind 1 person?")
    expect(page.locator("main form")).to_contain_text(f"周{mark} → own.{mark} same employee number")
    expect(page.get_by_role("region", name="Administrator accounts")).to_contain_text(f"吴{mark} → boss.{mark}")
    press(page, "Bind")
    said(page, "1 person is bound.")
    assert rows(BOUND, f"fits{mark}") == [(f"own.{mark}", "queue")]
    assert rows(BOUND, f"stranger{mark}") == []
    page.goto(f"{office.url}/admin/queue")
    follow(page, f"Compare 吴{mark}")
    expect(page.get_by_text("same e-mail, entered by the person")).to_be_visible()


@script
def test_somebody_by_the_platforms_id(office, desk, store, rows, java_script_enabled):
    office.sandbox.reset()
    page, who = desk(java_script_enabled=java_script_enabled), "lisi" if java_script_enabled else "wangwu"
    with store():
        own = add_account(f"raw.{who}").id
    page.goto(f"{office.url}/admin/bindings/bind?account={own}")
    page.get_by_label("Platform", exact=True).select_option("QywxInnerExample")
    page.get_by_label("Platform ID, such as zhangsan or ou_…").fill(who)
    press(page, "Look up")
    button = page.get_by_role("button", name="and continue")
    expect(button).to_be_visible()
    assert rows("SELECT count(*) FROM identity WHERE user_id = ?", who) == [(0,)]
    button.click()
    press(page, f"Bind to raw.{who}")
    assert rows(BOUND, who) == [(f"raw.{who}", "administrator")]


# Every page and state, under axe-core


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
        return {
            "table": "/admin/bindings",
            "nobody fits": "/admin/bindings?q=nobody-of-that-name&status=bound",
            "bound": f"/admin/people/{bound.id}",
            "waiting": f"/admin/people/{waits.id}",
            "unbind": f"/admin/bindings/{bound.id}/unbind",
            "conflict": f"/admin/bindings/{claims.id}/conflict",
            "twins": f"/admin/bindings/{twin.id}/conflict",
            "both": f"/admin/bindings/bind?identity={waits.id}&account={fits.id}",
            "impossible": f"/admin/bindings/bind?identity={waits.id}&account={taken.id}",
            "person": f"/admin/bindings/bind?identity={waits.id}",
            "account": f"/admin/bindings/bind?account={fits.id}",
            "queue": "/admin/queue",
            "refused": "/admin/queue?state=refused",
        }


def many(page, crowd, office, watch):
    page.goto(f"{office.url}/admin/bindings?q=x.")
    page.locator("[data-tick-all]").check()
    page.locator("button[value=unbind]").click()


def decide(page, doing, office):
    page.goto(f"{office.url}/admin/queue")
    page.locator("[data-tick-all]").check()
    page.locator(f"button[name=do][value={doing}]").click()
    expect(page.locator("main form button").last).to_be_visible()


def accept(page, crowd, office, watch):
    decide(page, "bind", office)


def create(page, crowd, office, watch):
    decide(page, "create", office)


def raw_fault(page, crowd, office, watch):
    watch.expect(404, "/admin/bindings/look-up")
    page.goto(office.url + crowd["account"])
    page.locator("#user_id").fill("nobody")
    page.locator("form:has(#user_id) button").click()
    expect(page.get_by_role("alert")).to_be_visible()


def changed(page, crowd, office, watch):
    watch.expect(409, "/admin/bindings/bind")
    page.goto(office.url + crowd["both"])
    page.locator("input[name=seen]").evaluate("field => { field.value = 1; }")
    page.locator(".verdict button").click()


def empty(page, crowd, office, watch):
    page.goto(f"{office.url}/admin/queue?page=2")


STATES = {"many": many, "accept": accept, "create": create, "raw fault": raw_fault, "changed": changed, "empty": empty}
PAGES = [
    *("table", "nobody fits", "bound", "waiting", "unbind", "conflict", "twins", "both", "impossible", "person"),
    *("account", "queue", "refused"),
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


@pytest.mark.parametrize("folder", ["docs", None], ids=["nothing set up", "nobody known"])
def test_axe_finds_nothing_in_the_empty_states(run_site, page, axe, folder):
    fresh = run_site(**({"PORTAL_APP_DIR": str(ROOT / folder)} if folder else {}))
    page.goto(fresh.one_time_link("root"))
    page.locator("main form button").click()
    page.wait_for_url("**/account")
    page.goto(f"{fresh.url}/admin/bindings")
    expect(page.locator(".empty")).to_be_visible()
    page.evaluate(axe)
    assert page.evaluate(RUN_AXE) == []
