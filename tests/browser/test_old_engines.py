"""The login page in an engine that lacks what younger ones have: the code comes, or the notice and the button."""

import pytest
from playwright.sync_api import expect

pytest_plugins = ["support.chromium"]

FORGET = """for (const [owner, names] of [
  [Element.prototype, ["replaceChildren", "checkVisibility", "getAnimations"]],
  [Array.prototype, ["at", "findLast", "findLastIndex", "toSorted", "toReversed", "toSpliced"]],
  [String.prototype, ["at", "replaceAll"]],
  [Object, ["hasOwn", "groupBy"]],
  [Promise, ["any", "allSettled"]],
  [window, ["structuredClone", "WeakRef"]],
]) for (const name of names) delete owner[name];"""
UNREADABLE = "let token; token ???= 1;"
BUTTON = "Open the Feishu sign-in page"


def test_the_code_comes_without_younger_methods(site, page):
    page.add_init_script(FORGET)
    page.goto(f"{site.url}/login")
    expect(page.get_by_text("Waiting for your scan")).to_be_visible()
    expect(page.locator("#qr iframe")).to_be_visible()
    expect(page.locator("#no-code")).to_be_hidden()


@pytest.mark.parametrize("script", ["api.js", "feishu-qr.js"])
def test_a_script_the_engine_cannot_read_leaves_notice_and_button(site, page, watch, script):
    page.route(f"**/static/js/{script}*", lambda route: route.fulfill(body=UNREADABLE, content_type="text/javascript"))
    page.goto(f"{site.url}/login")
    expect(page.get_by_text("Use the button below.")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name=BUTTON)).to_be_visible()
    expect(page.get_by_text("Loading QR code…")).to_be_hidden()
    complaints = watch.take()
    assert len(complaints) == 1 and "Unexpected token" in complaints[0]


def test_a_method_nobody_thought_of_leaves_notice_and_button(site, page, watch):
    page.add_init_script("delete Element.prototype.append; delete Document.prototype.createElement;")
    page.goto(f"{site.url}/login")
    expect(page.get_by_text("Use the button below.")).to_be_visible()
    expect(page.get_by_role("link", name=BUTTON)).to_be_visible()


def test_without_a_script_the_button_is_there_at_once(site, browse):
    page = browse(java_script_enabled=False)
    page.goto(f"{site.url}/login")
    expect(page.get_by_role("link", name=BUTTON)).to_be_visible()
    expect(page.get_by_text("Loading QR code…")).to_be_hidden()
