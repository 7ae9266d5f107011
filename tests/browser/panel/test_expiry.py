"""A login in the panel expires, and a new one takes its place."""

import pytest
from playwright.sync_api import expect
from support.panel_page import (
    AWAY,
    LOGIN,
    LOGIN_LIFETIME,
    expect_panel,
    expect_signed_in,
    get_status,
    open_panel,
    pick,
    read_query,
    record_logins,
    set_hidden,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def expect_another(page, before):
    """Wait for a panel with another state than those before."""
    expect(page.locator(f"#panel-frame iframe:not([src*='{before}'])")).to_have_count(1)
    expect_panel(page)
    return read_query(page)["state"]


def test_the_last_minute_counts_down(site, page):
    page.clock.install()
    open_panel(page, site)
    page.clock.fast_forward(LOGIN_LIFETIME - 90_000)
    expect_panel_status(page, "Waiting for your scan")
    page.clock.fast_forward(45_000)
    expect(get_status(page)).to_contain_text("This code expires in less than a minute", use_inner_text=True)
    expect(page.locator("#seconds")).to_have_attribute("aria-hidden", "true")  # a screen reader would read every second
    assert 0 < int(page.locator("#seconds").text_content()) <= 45


def expect_panel_status(page, text):
    expect(get_status(page)).to_have_text(text, use_inner_text=True)


def test_a_login_is_renewed_three_times_and_then_by_a_button(site, page):
    page.clock.install()
    logins = record_logins(page)
    open_panel(page, site)
    button = page.get_by_role("button", name="Refresh code")
    states = [read_query(page)["state"]]
    for _ in range(3):
        page.clock.fast_forward(LOGIN_LIFETIME)
        states.append(expect_another(page, states[-1]))
        expect(button).to_be_hidden()
    assert (len(logins), len(set(states))) == (4, 4)
    page.clock.fast_forward(LOGIN_LIFETIME)
    expect_panel_status(page, "This code has expired.")
    expect(page.locator("#panel-frame iframe")).to_have_count(0)
    page.clock.fast_forward(LOGIN_LIFETIME)
    assert len(logins) == 4

    button.click()
    states.append(expect_another(page, states[-1]))
    page.clock.fast_forward(LOGIN_LIFETIME)  # again three times automatically
    expect_another(page, states[-1])
    assert len(logins) == 6
    pick(page)
    expect_signed_in(page, site)


def test_a_hidden_page_gives_its_frame_up_and_has_the_same_login_on_return(site, page):
    page.clock.install()
    logins = record_logins(page)
    open_panel(page, site)
    state = read_query(page)["state"]
    set_hidden(page, True)
    page.clock.fast_forward(AWAY - 1000)  # WeCom's own window may cover the page while the person confirms
    expect(page.locator("#panel-frame iframe")).to_have_count(1)
    page.clock.fast_forward(1000)
    expect(page.locator("#panel-frame iframe")).to_have_count(0)
    set_hidden(page, False)
    expect_panel(page)
    assert (read_query(page)["state"], len(logins)) == (state, 1)
    pick(page)
    expect_signed_in(page, site)


def test_a_short_look_elsewhere_leaves_the_frame_alone(site, page):
    page.clock.install()
    open_panel(page, site)
    page.evaluate("() => { window.before = document.querySelector('#panel-frame iframe'); }")
    set_hidden(page, True)
    page.clock.fast_forward(AWAY - 1000)
    set_hidden(page, False)
    page.clock.fast_forward(AWAY)
    assert page.evaluate("document.querySelector('#panel-frame iframe') === before")


def test_nothing_is_renewed_while_the_page_is_hidden(site, page):
    page.clock.install()
    logins = record_logins(page)
    open_panel(page, site)
    state = read_query(page)["state"]
    set_hidden(page, True)
    page.clock.fast_forward(LOGIN_LIFETIME)
    page.clock.fast_forward(LOGIN_LIFETIME)
    expect(page.locator("#panel-frame iframe")).to_have_count(0)
    assert len(logins) == 1
    set_hidden(page, False)
    expect_another(page, state)
    assert len(logins) == 2


def test_a_page_opened_in_the_background_begins_no_login(site, page):
    logins = record_logins(page)
    page.add_init_script("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.goto(site.url + LOGIN)
    expect(page.locator("#panel")).to_be_hidden()
    assert logins == []
    set_hidden(page, False)
    expect_panel(page)
    assert len(logins) == 1
