"""The sign-in inside the platforms' clients, as tests find it."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from support.user_agents import FEISHU_CLIENT, WECOM_CLIENT

HOME = {"feishu": "/login/FSInnerExample/in-app", "wecom": "/login/QywxInnerExample/in-app"}
ELEMENT = {"feishu": "FSInnerExample", "wecom": "QywxInnerExample"}
CLIENT = {"feishu": FEISHU_CLIENT["windows"], "wecom": WECOM_CLIENT["windows"]}
NAME = {"feishu": "Feishu", "wecom": "WeCom"}
CALLBACK = {"feishu": "/login/FSInnerExample/callback", "wecom": "/api/auth/qywx/callback"}
SILENT = {"feishu": "/open-apis/authen/v1/authorize", "wecom": "/connect/oauth2/authorize"}
ACCESS, AUTH_CODE = "/lark/op/jsapi/requestAccess.js", "/lark/op/jsapi/requestAuthCode.js"
CLIENT_DEADLINE = 4000  # milliseconds the page waits for the client
# With this script, only an answer ends a wait.
WITHOUT_DEADLINE = f"""const later = window.setTimeout;
window.setTimeout = (call, time, ...words) => (time === {CLIENT_DEADLINE} ? 0 : later(call, time, ...words));"""

on_both = pytest.mark.parametrize("platform", ["feishu", "wecom"])


def get_heading(page):
    return page.get_by_role("heading", level=1)


def expect_signed_in(page, site, name="Bob Miller", path="/account"):
    expect(page).to_have_url(re.compile(f"^{re.escape(site.url + path)}(#wechat_redirect)?$"))  # WeCom's fragment stays
    expect(get_heading(page)).to_have_text(name)


def list_ways_asked(site):
    """Return the ways in which the client was asked: the calls of its script, and the silent page."""
    paths = [call["path"] for call in site.sandbox.calls()]
    return [path for path in paths if path in (ACCESS, AUTH_CODE, *SILENT.values())]


def record_visits(page):
    """Return the pages this page goes to from now on, as paths."""
    found = []
    page.on("request", lambda each: found.append(urlsplit(each.url).path) if each.is_navigation_request() else None)
    return found


def find_button(page, platform):
    return page.locator("main").get_by_role("link", name=f"Sign in with {NAME[platform]}")
