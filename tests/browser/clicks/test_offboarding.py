"""A colleague leaves: three clicks from the search to the database, with script and without."""

import pytest
from playwright.sync_api import expect
from support.clicks import CountedClicks
from support.rows import add_account, add_person, add_session

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["script", "no script"])
def test_a_leaver_is_off_boarded_in_three_clicks(office, desk, store, rows, java_script_enabled):
    page, mark = desk(java_script_enabled=java_script_enabled), f"gone{int(java_script_enabled)}"
    with store():
        own = add_account(mark, name="离职同事")
        for provider in ("wecom", "feishu"):
            add_session(add_person(f"{mark}.{provider}", account=own, provider=provider))
    page.goto(f"{office.url}/admin/accounts")
    page.get_by_label("Username, name or employee number").fill(mark)
    page.get_by_label("Username, name or employee number").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    clicks = CountedClicks(page)
    clicks.link(mark)
    clicks.link("Off-board…")
    expect(page.get_by_text(f"{mark}.wecom (WeCom) is unbound.")).to_be_visible()
    expect(page.get_by_text("2 sessions end now.")).to_be_visible()
    clicks.button("Off-board")
    expect(page.get_by_role("status").get_by_text("The account is off-boarded.")).to_be_visible()
    assert clicks.count == 3
    assert rows("SELECT active FROM account WHERE username = ?", mark) == [(0,)]
    left = "SELECT count(*) FROM identity WHERE user_id LIKE ? AND account_id IS NULL AND last_account_id IS NOT NULL"
    assert rows(left, f"{mark}.%") == [(2,)]
    ended = "SELECT count(*) FROM login_session JOIN account ON account.id = account_id WHERE username = ?"
    assert rows(f"{ended} AND ended_at IS NOT NULL", mark) == [(2,)]
