"""The panel fits its page: its size, language and colours, and the link alone where there is no room."""

import pytest
from playwright.sync_api import expect
from support.panel_page import (
    LOGIN,
    expect_link_alone,
    expect_panel,
    open_panel,
    read_query,
    record_logins,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 479, "height": 860}
SIZES = {"middle": (480, 416), "small": (320, 380)}


def measure(page):
    box = page.locator("#panel-frame iframe").bounding_box()
    return box["width"], box["height"]


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(1100, 700, "middle"), (1600, 900, "middle"), (1099, 900, "small"), (1366, 699, "small"), (480, 900, "small")],
)
def test_the_panel_is_as_large_as_the_page_has_room_for(site, browse, width, height, size):
    page = browse(viewport={"width": width, "height": height})
    open_panel(page, site)
    assert read_query(page)["panel_size"] == size
    assert measure(page) == SIZES[size]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_below_480_pixels_there_is_the_link_alone_and_no_login_begins(site, browse):
    page = browse(viewport=NARROW)
    logins = record_logins(page)
    page.goto(site.url + LOGIN)
    expect_link_alone(page)
    assert logins == []


def test_the_panel_goes_and_comes_with_the_room_for_it(site, browse):
    page = browse(viewport=WIDE)
    logins = record_logins(page)
    open_panel(page, site)
    state = read_query(page)["state"]
    page.set_viewport_size({"width": 800, "height": 860})
    expect(page.locator("#panel-frame iframe[src*='panel_size=small']")).to_have_count(1)
    expect_panel(page)
    assert (read_query(page)["state"], len(logins)) == (state, 1)  # the login goes on
    page.set_viewport_size(NARROW)
    expect_link_alone(page)
    page.set_viewport_size(WIDE)
    expect_panel(page)


@pytest.mark.parametrize(
    ("locale", "scheme", "lang", "status"),
    [("zh-CN", "dark", "zh", "等待扫码"), ("en-US", "light", "en", "Waiting for your scan")],
)
def test_the_panel_speaks_the_pages_language_in_its_colours(site, browse, locale, scheme, lang, status):
    page = browse(locale=locale, color_scheme=scheme)
    page.goto(site.url + LOGIN)
    expect_panel(page, status)
    query = read_query(page)
    assert (query["lang"], query["color_scheme"]) == (lang, scheme)
