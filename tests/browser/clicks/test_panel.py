"""How many clicks a sign-in with WeCom takes before the scan."""

import pytest
from support.clicks import CountedClicks
from support.panel_page import expect_panel, expect_signed_in, pick

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def test_the_first_sign_in_takes_one_click_and_later_ones_none(site, page):
    clicks = CountedClicks(page)
    page.goto(site.url)
    clicks.link("WeCom", exact=False)
    expect_panel(page)
    assert clicks.count == 1
    pick(page)
    expect_signed_in(page, site)

    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site.url}/login")
    expect_panel(page)  # the login used last is open
    assert clicks.count == 1
    pick(page)
    expect_signed_in(page, site)
