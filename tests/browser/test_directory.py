"""The administrators' directory in Chromium: a sync whose progress moves, a dry run, the guard, the tree, search."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect
from support.axe import check_page
from support.portal_app import ROOT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

WECOM, FEISHU = "WeCom Custom QR Code Login Example", "Feishu"


@pytest.fixture(scope="module")
def office(browser, run_site):
    """A portal with a worker, that syncs when it is told to and not by itself."""
    site = run_site(PORTAL_SYNC_EVERY="0")
    worker = subprocess.Popen([sys.executable, "-m", "flask", "worker"], cwd=ROOT, env=site.settings)
    yield site
    worker.terminate()
    worker.wait(timeout=15)


@pytest.fixture
def open_directory(office, desk):
    """Return a function that opens the directory as an administrator: `open_directory(java_script_enabled=False)`."""

    def open_(**options):
        page = desk(**options)
        page.goto(f"{office.url}/admin/directory")
        return page

    return open_


@pytest.fixture(autouse=True)
def fresh(office):
    office.sandbox.reset()
    yield
    office.sandbox.open_gates()


def card(page, element="QywxInnerExample"):
    """Return the part of the page about one login's syncs."""
    return page.locator("section.sync", has=page.get_by_text(element, exact=True))


def start(page, button="Sync now", element="QywxInnerExample"):
    card(page, element).get_by_role("button", name=button).click()


def newest(page):
    return (
        page.get_by_role("region", name="Recent syncs")
        .or_(page.locator("section[aria-labelledby=last-runs]"))
        .locator("tbody tr")
        .first
    )


def expect_done(page):
    expect(card(page).get_by_role("button", name="Sync now")).to_be_visible()
    expect(newest(page)).to_contain_text("done")


@pytest.mark.parametrize("script", [True, False])
def test_sync_now_shows_how_far_it_is_and_its_end(office, open_directory, script):
    page = open_directory(java_script_enabled=script)
    office.sandbox.gate("/cgi-bin/user/list", after=3)
    start(page)
    # One page of departments and three of people have come; the calls under way wait.
    expect(card(page)).to_contain_text("8 departments, 4 pages")
    expect(card(page).get_by_role("progressbar")).to_have_attribute("value", "38")
    expect(card(page)).to_contain_text("reading people")
    office.sandbox.open_gates()
    expect_done(page)
    expect(card(page)).to_contain_text("11 people, 8 departments")


def test_a_dry_run_says_who_would_change(office, open_directory):
    page = open_directory()
    start(page)
    expect_done(page)
    office.sandbox.person("wecom", "zhangsan", name="张叁")
    start(page, "Dry run")
    expect(newest(page)).to_contain_text("dry run")
    expect(newest(page)).to_contain_text("would change: 1 changed")
    newest(page).locator("summary", has_text="Names").click()
    expect(newest(page)).to_contain_text("张叁")
    page.get_by_label("Name, ID or employee number").fill("张叁")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No person or department matches “张叁”.")).to_be_visible()


def test_many_leavers_need_a_yes(office, open_directory):
    for number in range(12):
        office.sandbox.person("wecom", f"extra{number}", add=True, name=f"走{number}", departments=["2"])
    page = open_directory()
    start(page)
    expect_done(page)
    for number in range(12):
        office.sandbox.person("wecom", f"extra{number}", resign=True)
    start(page)
    expect(card(page)).to_contain_text("Stopped: 12 people would lose their access.")
    expect(card(page)).to_contain_text("走11")
    start(page, "Sync anyway")  # without the tick the browser holds it back
    expect(card(page)).to_contain_text("Stopped: 12 people would lose their access.")
    card(page).get_by_label("I have checked the list.").check()
    start(page, "Sync anyway")
    expect_done(page)
    expect(newest(page)).to_contain_text("12 departed")
    expect(card(page)).not_to_contain_text("Stopped")


@pytest.mark.parametrize("script", [True, False])
def test_the_tree_opens_level_by_level(office, open_directory, script):
    page = open_directory(java_script_enabled=script)
    if page.get_by_role("link", name="云杉科技").count() == 0:
        start(page)
        expect_done(page)
    page.get_by_role("link", name="云杉科技").click()
    page.get_by_role("link", name="研发中心").click()
    expect(page.get_by_role("heading", name="People in 研发中心")).to_be_visible()
    expect(page.get_by_role("row", name="李四")).to_contain_text("leader")
    above = page.get_by_role("navigation", name="Parent departments")
    above.get_by_role("link", name="云杉科技").click()
    expect(page.get_by_role("link", name="市场部")).to_be_visible()


# Every state, under axe-core


def untouched(office, page):
    page.goto(f"{office.url}/admin/directory")


def running(office, page):
    office.sandbox.gate("/cgi-bin/user/list", after=1)
    start(page)
    expect(card(page).get_by_role("progressbar")).to_be_visible()


def stopped(office, page):
    """One run of each kind, the last one held by the guard."""
    for number in range(12):
        office.sandbox.person("wecom", f"gone{number}", add=True, name=f"走{number}", departments=["2"])
    start(page)
    expect_done(page)
    start(page, "Dry run")
    expect_done(page)
    for number in range(12):
        office.sandbox.person("wecom", f"gone{number}", resign=True)
    start(page)
    expect(card(page)).to_contain_text("12")


def failed(office, page):
    office.sandbox.fail("/cgi-bin/department/list", body={"errcode": 48002, "errmsg": "no"}, count=3)
    start(page)
    expect(card(page)).to_contain_text("48002")


def found(office, page):
    page.goto(f"{office.url}/admin/directory?q=走")


def nothing_found(office, page):
    page.goto(f"{office.url}/admin/directory?q=nobody-of-that-name")


STATES = (untouched, running, stopped, failed, found, nothing_found)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(office, open_directory, axe, state):
    page = open_directory(reduced_motion="reduce")
    state(office, page)
    for language in ("English", "中文"):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.get_by_role("button", name=language).click()
        expect(page.get_by_role("button", name=language)).to_have_attribute("aria-pressed", "true")
        page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
        check_page(page, axe)
