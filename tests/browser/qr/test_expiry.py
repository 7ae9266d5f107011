"""A QR code expires, and a new one takes its place."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from support.page_waits import wait_on_page
from support.qr_page import (
    CODE_LIFETIME,
    CONFIG,
    expect_code,
    expect_signed_in,
    get_status,
    open_login,
    read_state,
    record_logins,
    send_message,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def test_the_last_minute_counts_down(site, page):
    page.clock.install()
    open_login(page, site)
    page.clock.fast_forward(CODE_LIFETIME - 90_000)
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    page.clock.fast_forward(45_000)
    expect(get_status(page)).to_contain_text("This code expires in less than a minute", use_inner_text=True)
    seconds = page.locator("#seconds")
    left = int(seconds.text_content())
    assert 0 < left <= 45
    page.clock.fast_forward(10_000)
    expect(seconds).not_to_have_text(str(left))
    assert 0 < int(seconds.text_content()) <= left - 10
    expect(seconds).to_have_attribute("aria-hidden", "true")  # a screen reader would read every second


def test_a_code_is_renewed_three_times_and_then_by_a_button(site, page):
    page.clock.install()
    logins = record_logins(page)
    open_login(page, site)
    button = page.get_by_role("button", name="Refresh code")
    states = [read_state(page)]
    for renewals in (1, 2, 3):
        with page.expect_response(lambda answer: urlsplit(answer.url).path == CONFIG):
            page.clock.fast_forward(CODE_LIFETIME)
        wait_on_page(page, "(before) => !document.querySelector('#qr iframe')?.src.includes(before)", states[-1])
        expect_code(page)
        expect(button).to_be_hidden()
        states.append(read_state(page))
        assert (len(logins), len(set(states)), page.locator("iframe").count()) == (1 + renewals, 1 + renewals, 1)
    page.clock.fast_forward(CODE_LIFETIME)
    expect(get_status(page)).to_have_text("This code has expired.", use_inner_text=True)
    page.clock.fast_forward(CODE_LIFETIME)
    expect(button).to_be_visible()
    assert len(logins) == 4

    button.click()
    expect_code(page)
    expect(button).to_be_hidden()
    states.append(read_state(page))
    page.clock.fast_forward(CODE_LIFETIME)  # again three times automatically
    wait_on_page(page, "(before) => !document.querySelector('#qr iframe')?.src.includes(before)", states[-1])
    expect_code(page)
    assert (len(logins), len({*states, read_state(page)})) == (6, 6)
    site.sandbox.qr("confirm", "bob")
    expect_signed_in(page, site)


def test_an_expired_code_takes_no_scan_and_no_focus(site, page):
    page.clock.install()
    open_login(page, site)
    assert page.locator("#qr").evaluate("(box) => box.inert") is False
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.clock.fast_forward(CODE_LIFETIME)
    expect(get_status(page)).to_have_text("This code has expired.", use_inner_text=True)
    assert page.locator("#qr").evaluate("(box) => box.inert") is True
    send_message(page, {"source": "qrcode", "tmp_code": site.sandbox.tmp_code("bob")})
    expect(get_status(page)).to_have_text("This code has expired.", use_inner_text=True)


def test_no_code_is_renewed_while_the_tab_is_hidden(site, page):
    page.clock.install()
    logins = record_logins(page)
    open_login(page, site)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.clock.fast_forward(CODE_LIFETIME)
    expect(get_status(page)).to_have_text("This code has expired.", use_inner_text=True)
    page.clock.fast_forward(CODE_LIFETIME)
    assert len(logins) == 1
    page.get_by_role("button", name="Refresh code").click()
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    assert len(logins) == 2
