"""Twenty people that wait are let in with a few clicks, and the bar below the queue is there when it is needed."""

import pytest
from playwright.sync_api import expect
from support.admin_client import open_database
from support.clicks import CountedClicks
from support.large_company import fill_company

import app as portal_app
from portal.database import db

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

script = pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
FITTING, WAITING = 20, 60  # every third has a suggestion
STATES = "SELECT state, count(*) FROM binding_request GROUP BY state ORDER BY state"


@pytest.fixture(scope="module")
def company(office):
    portal = portal_app.create_app(office.settings)
    with open_database(portal) as session:
        fill_company(session, waiting=WAITING)
    with portal.app_context():
        db.engine.dispose()


@pytest.fixture(autouse=True)
def waiting(company, rows):
    """Everybody waits as in the beginning."""
    rows(
        "UPDATE identity SET account_id = NULL, bound_how = NULL WHERE id IN (SELECT identity_id FROM binding_request)"
    )
    rows("UPDATE binding_request SET state = 'waiting', reason = ''")


@script
def test_twenty_are_approved_in_at_most_five_clicks(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/bindings")
    clicks = CountedClicks(page)
    clicks.link("Queue", where="nav", exact=False)
    clicks.link("Clear suggestion 20")
    if java_script_enabled:
        clicks.on(page.get_by_label("Select page"))
    else:
        clicks.link("Select page")
    clicks.button("Bind to suggested accounts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bind 20 people?")
    clicks.button("Bind")
    expect(page.get_by_role("status").get_by_text("20 people are bound.")).to_be_visible()
    assert clicks.count <= 5
    assert rows(STATES) == [("done", FITTING), ("waiting", WAITING - FITTING)]
    bound = (
        "SELECT count(*) FROM identity JOIN binding_request ON identity_id = identity.id WHERE account_id = identity.id"
    )
    assert rows(f"{bound} AND bound_how = 'queue'") == [(FITTING,)]


def test_the_bar_appears_with_the_first_tick_and_stays_in_sight(office, desk):
    page = desk(viewport={"width": 1280, "height": 800})
    page.goto(f"{office.url}/admin/queue")
    bar, button = page.locator(".bulk"), page.get_by_role("button", name="Bind to suggested accounts")
    expect(bar).to_be_hidden()
    page.locator(".request").first.get_by_role("checkbox").check()
    expect(button).to_be_in_viewport()
    expect(bar.get_by_text("1 selected")).to_be_visible()
    page.locator(".request").first.get_by_role("checkbox").uncheck()
    expect(bar).to_be_hidden()


def test_without_script_the_bar_is_always_in_sight(office, desk):
    page = desk(viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    page.goto(f"{office.url}/admin/queue")
    expect(page.get_by_role("button", name="Bind to suggested accounts")).to_be_in_viewport()


def test_a_row_is_64_pixels_high(office, desk):
    page = desk(viewport={"width": 1280, "height": 800})
    page.goto(f"{office.url}/admin/queue")
    heights = page.locator(".request").evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().height)")
    assert len(heights) == 40 and max(heights) <= 66


@script
def test_many_are_refused_with_a_reason_given_before(office, desk, rows, java_script_enabled):
    page = desk(java_script_enabled=java_script_enabled)
    page.goto(f"{office.url}/admin/queue?kind=none")
    for place, reason in ((0, "Ask your team lead."), (0, None)):
        name = page.locator(".request h2").nth(place).inner_text()
        page.locator(".request").nth(place).get_by_role("checkbox").check()
        bar = page.locator(".bulk")
        bar.locator("summary").click()
        if reason is None:
            reason = page.locator("datalist#reasons option").first.get_attribute("value")
        bar.get_by_label("Reason (shown to the person)").fill(reason)
        bar.get_by_role("button", name="Refuse", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Refuse 1 person?")
        expect(page.locator("main")).to_contain_text(name)
        page.locator("main").get_by_role("button", name="Refuse", exact=True).click()
        expect(page.get_by_role("status").get_by_text("1 person is refused.")).to_be_visible()
    refused = "SELECT count(*) FROM binding_request WHERE state = 'refused' AND reason = 'Ask your team lead.'"
    assert rows(refused) == [(2,)]
