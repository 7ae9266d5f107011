"""Bindings and queue in Chromium, from the click to the database, with script and without."""

import pytest
from playwright.sync_api import expect
from support.rows import add_account, add_department, add_person, add_request, add_session

from portal.models import Identity

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
BINDING_QUERY = "SELECT username, bound_how FROM identity JOIN account ON account.id = account_id WHERE user_id = ?"


def press(page, name):
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def follow(page, name):
    page.locator("main").get_by_role("link", name=name, exact=True).click()


def expect_message(page, text):
    expect(page.get_by_role("status").get_by_text(text)).to_be_visible()


@script
def test_a_person_is_found_bound_moved_and_unbound(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"b{int(java_script_enabled)}"
    with store():
        add_person(mark, name=f"欧阳{mark}", employee_number=f"E{mark}", departments=[add_department(mark, "华东")])
        add_account(f"right.{mark}", employee_number=f"E{mark}")
        add_account(f"wrong.{mark}")
    page.goto(f"{office.url}/admin/bindings")
    page.locator("main").get_by_role("searchbox").fill(f"阳{mark}")
    press(page, "Filter")
    expect(page.locator("tbody tr")).to_have_count(1)
    follow(page, f"欧阳{mark}")
    follow(page, "Bind to an account…")
    page.get_by_label("Username, name, employee number or e-mail").fill(f"wrong.{mark}")
    press(page, "Search")
    follow(page, f"Compare wrong.{mark}")
    expect(page.get_by_text("no matching information")).to_be_visible()
    press(page, f"Bind to wrong.{mark}")
    expect_message(page, f"欧阳{mark} can now sign in to wrong.{mark}.")
    assert rows(BINDING_QUERY, mark) == [(f"wrong.{mark}", "administrator")]

    with store() as session:
        add_session(session.query(Identity).filter_by(user_id=mark).one())
    follow(page, "Move to another account…")
    follow(page, f"Compare right.{mark}")
    expect(page.get_by_text("same employee number")).to_be_visible()
    expect(page.get_by_text("1 session ends now.")).to_be_visible()
    press(page, f"Move to right.{mark}")
    assert rows(BINDING_QUERY, mark) == [(f"right.{mark}", "administrator")]
    ended = "SELECT ended_why FROM login_session JOIN identity ON identity.id = identity_id WHERE user_id = ?"
    assert rows(ended, mark) == [("moved",)]

    follow(page, "Unbind…")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Unbind 欧阳{mark} from right.{mark}?")
    expect(page.get_by_text("They have no other sign-in method.")).to_be_visible()
    expect(page.locator("button.button-danger:focus")).to_have_count(0)
    press(page, "Unbind")
    expect_message(page, f"欧阳{mark} is unbound and signed out everywhere.")
    assert rows("SELECT account_id FROM identity WHERE user_id = ?", mark) == [(None,)]
    expect(page.get_by_text("had this account before")).to_be_visible()


@script
def test_a_waiting_person_gets_an_account_and_can_sign_in(office, desk, browse, watch, rows, java_script_enabled):
    office.sandbox.reset()
    user_id = "bob" if java_script_enabled else "carol"
    visitor = browse()
    office.start(visitor, "QywxInnerExample")
    office.answer(visitor, user_id)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Waiting for approval")

    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/bindings")
    page.get_by_role("link", name="Queue").click()
    name = page.locator("li.request", has_text=user_id).locator("h2").inner_text()
    press(page, f"Create account {name}")
    expect_message(page, f"{name} now has the account {user_id}.")
    assert rows(BINDING_QUERY, user_id) == [(user_id, "created")]

    office.start(visitor, "QywxInnerExample")
    office.answer(visitor, user_id)
    visitor.wait_for_url(f"{office.url}/account")


@script
def test_a_refusal_with_a_reason_can_be_withdrawn(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"r{int(java_script_enabled)}"
    with store():
        add_request(add_person(mark, name=f"王{mark}"))
    page.goto(f"{office.url}/admin/queue")
    card = page.locator("li.request", has_text=f"王{mark}")
    card.locator("summary").click()
    expect(card.get_by_role("link", name=f"Choose account… 王{mark}")).to_be_visible()
    card.get_by_label("Reason (shown to the person)").fill("Use your team's account.")
    press(page, f"Refuse 王{mark}")
    expect_message(page, f"王{mark} is refused and will read the reason at the next scan.")
    state = "SELECT state, reason FROM binding_request JOIN identity ON identity.id = identity_id WHERE user_id = ?"
    assert rows(state, mark) == [("refused", "Use your team's account.")]
    follow(page, "Refused")
    page.locator("li.request", has_text=f"王{mark}").get_by_role("button", name="Withdraw refusal").click()
    expect_message(page, f"The refusal is withdrawn. 王{mark} is waiting again.")
    assert rows(state, mark) == [("waiting", "")]


@script
def test_a_conflict_is_resolved_by_moving_the_account(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"c{int(java_script_enabled)}"
    with store():
        own = add_account(f"own.{mark}", employee_number=f"E{mark}")
        add_session(add_person(f"old{mark}", account=own, name=f"旧{mark}"))
        add_person(f"new{mark}", name=f"新{mark}", employee_number=f"E{mark}")
    page.goto(f"{office.url}/admin/bindings?status=conflict&q=new{mark}")
    follow(page, f"Resolve 新{mark}")
    expect(page.get_by_text("1 session ends now.")).to_be_visible()
    press(page, f"Move account to 新{mark}")
    expect_message(page, f"新{mark} can now sign in to own.{mark}.")
    assert rows(BINDING_QUERY, f"new{mark}") == [(f"own.{mark}", "administrator")]
    assert rows(BINDING_QUERY, f"old{mark}") == []


@script
def test_several_people_are_unbound_at_once(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"m{int(java_script_enabled)}"
    with store():
        for number in range(3):
            add_person(f"{mark}{number}", account=add_account(f"a{mark}{number}"))
    page.goto(f"{office.url}/admin/bindings?q={mark}")
    if java_script_enabled:
        expect(page.get_by_role("button", name="Unbind…")).to_be_hidden()
        page.get_by_label("Select page").check()
        expect(page.get_by_text("3 selected:")).to_be_visible()
    else:
        for box in page.locator("tbody input[type=checkbox]").all():
            box.check()
    press(page, "Unbind…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Unbind 3 people?")
    expect(page.get_by_text("3 accounts have no other sign-in method.")).to_be_visible()
    press(page, "Unbind")
    expect_message(page, "3 people are unbound.")
    expect(page).to_have_url(f"{office.url}/admin/bindings?q={mark}")
    assert rows("SELECT count(*) FROM identity WHERE user_id LIKE ? AND account_id IS NULL", f"{mark}%") == [(3,)]


@script
def test_suggestions_are_followed_once_they_are_listed(office, desk, store, rows, java_script_enabled):
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
    strong, apart = (page.get_by_role("region", name=name) for name in ("Strong suggestions", "Administrator accounts"))
    expect(strong.get_by_role("checkbox", name=f"周{mark} → own.{mark} same employee number")).to_be_checked()
    expect(apart.get_by_role("checkbox", name=f"吴{mark} → boss.{mark}")).not_to_be_checked()
    press(page, "Bind")
    expect_message(page, "1 person is bound.")
    assert rows(BINDING_QUERY, f"fits{mark}") == [(f"own.{mark}", "queue")]
    assert rows(BINDING_QUERY, f"stranger{mark}") == []
    page.goto(f"{office.url}/admin/queue")
    follow(page, f"Compare 吴{mark}")
    expect(page.get_by_text("same e-mail, entered by the person")).to_be_visible()


@script
def test_a_person_is_looked_up_by_platform_id_and_bound(office, desk, store, rows, java_script_enabled):
    office.sandbox.reset()
    page, user_id = desk(java_script_enabled=java_script_enabled), "lisi" if java_script_enabled else "wangwu"
    with store():
        own = add_account(f"raw.{user_id}").id
    page.goto(f"{office.url}/admin/bindings/bind?account={own}")
    page.get_by_label("Platform", exact=True).select_option("QywxInnerExample")
    page.get_by_label("Platform ID, such as zhangsan or ou_…").fill(user_id)
    press(page, "Look up")
    button = page.get_by_role("button", name="and continue")
    expect(button).to_be_visible()
    assert rows("SELECT count(*) FROM identity WHERE user_id = ?", user_id) == [(0,)]
    button.click()
    press(page, f"Bind to raw.{user_id}")
    assert rows(BINDING_QUERY, user_id) == [(f"raw.{user_id}", "administrator")]
