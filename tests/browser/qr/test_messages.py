"""The login page listens to the platform's frame only."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from support.qr_page import (
    AUTHORIZE,
    POST_TO_PARENT,
    REAL,
    expect_signed_in,
    find_frame,
    get_status,
    open_login,
    post_from,
    record_logins,
    send_message,
)

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.fixture
def genuine(site):
    return {"source": "qrcode", "tmp_code": site.sandbox.tmp_code("bob")}


def expect_still_waiting(page, site):
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    site.sandbox.qr("confirm", "alice")
    expect_signed_in(page, site, "Alice Johnson")


def test_a_message_from_another_origin_is_ignored(site, page, genuine):
    open_login(page, site)
    here = site.sandbox.site_url
    for origin in ("https://evil.example", site.url, site.sandbox.url, "null", here.replace("http:", "https:")):
        send_message(page, genuine, origin)
    expect_still_waiting(page, site)


def test_an_origin_that_only_begins_like_the_platforms_is_ignored(site, page, genuine):
    open_login(page, site)
    for origin in (f"{site.sandbox.site_url}9", f"{site.sandbox.site_url}.evil.example"):
        theirs = "([goto, origin]) => QRLogin({ id: 'none', goto }).matchOrigin(origin)"
        assert page.evaluate(theirs, [site.sandbox.site_url + AUTHORIZE, origin]) is True
        send_message(page, genuine, origin)
    expect_still_waiting(page, site)


def test_of_the_real_platforms_origins_only_one_counts(many, page, genuine):
    page.route(f"{REAL}/**", lambda route: route.fulfill(content_type="text/html", body="<title>Feishu</title>"))
    page.goto(f"{many.url}/login?via=Real")
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    evil = ["https://feishu.cn.evil.example", "https://passport.feishu.cn.evil.example", "https://accounts.feishu.cn"]
    for origin in evil:
        assert page.evaluate("([goto, origin]) => QRLogin({ id: 'none', goto }).matchOrigin(origin)", [REAL, origin])
        send_message(page, genuine, origin)
        expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    send_message(page, genuine, REAL)
    page.wait_for_url(f"{REAL}{AUTHORIZE}?*&tmp_code={genuine['tmp_code']}")


def test_another_window_of_the_right_origin_is_ignored(site, page, genuine):
    open_login(page, site)
    for source in ("window", "null"):
        send_message(page, genuine, source=source)
    page.evaluate(
        """(src) => new Promise((onload) => {
          document.body.append(Object.assign(document.createElement("iframe"), { src, onload }));
        })""",
        f"{site.sandbox.site_url}/phone",
    )
    other = next(frame for frame in page.frames if urlsplit(frame.url).path == "/phone")
    post_from(other, genuine)
    expect_still_waiting(page, site)


def test_a_message_of_another_shape_is_ignored(site, page):
    open_login(page, site)
    source = {"source": "qrcode"}
    shapes = [{}, source, {**source, "tmp_code": ""}, {**source, "tmp_code": 7}, {**source, "tmp_code": "x" * 2000}]
    shapes += [{**source, "tmp_code": ["x"]}, {**source, "code": "x"}, {"tmp_code": "x"}, 7, "", "x" * 2000, None, True]
    post_from(find_frame(page), *shapes, ["x"])
    expect_still_waiting(page, site)


def test_only_the_first_message_counts(site, page, genuine):
    second = {**genuine, "tmp_code": site.sandbox.tmp_code("carol")}
    open_login(page, site)
    asked = record_logins(page, AUTHORIZE)
    # All in one go, and without waiting until they are heard: the first leads the page away.
    find_frame(page).evaluate(POST_TO_PARENT, [genuine, second, second])
    expect_signed_in(page, site)
    assert [parse_qs(urlsplit(each.url).query)["tmp_code"] for each in asked] == [[genuine["tmp_code"]]]


def test_a_messages_code_goes_to_the_platform_as_one_parameter(many, page):
    page.route(f"{REAL}/**", lambda route: route.fulfill(content_type="text/html", body="<title>Feishu</title>"))
    page.goto(f"{many.url}/login?via=Real")
    expect(get_status(page)).to_have_text("Waiting for your scan", use_inner_text=True)
    with page.expect_request(f"{REAL}{AUTHORIZE}*") as asked:
        send_message(page, {"source": "qrcode", "tmp_code": "a&redirect_uri=https://evil.example#/../ü"})
    query = parse_qs(urlsplit(asked.value.url).query)
    assert query["tmp_code"] == ["a&redirect_uri=https://evil.example#/../ü"]
    assert query["redirect_uri"] == [f"{many.url}/login/Real/callback"]
