"""Outside a platform's client, the page leads into it; several logins are a choice."""

import pytest
from playwright.sync_api import expect
from support.in_app_page import ELEMENT, HOME, NAME, expect_signed_in, list_ways_asked, on_both
from support.portal_app import FEISHU_APP
from support.user_agents import DESKTOP_BROWSER, PHONE_BROWSER, WECHAT_CLIENT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


def test_in_wechat_the_page_says_to_open_wecom_and_copies_the_address(site, browse):
    page = browse(user_agent=WECHAT_CLIENT["windows"], permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.url + HOME["wecom"])
    expect(page.get_by_text("send it to any chat in WeCom and open it there")).to_be_visible()
    page.get_by_role("button", name="Copy address").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == site.url + HOME["wecom"]
    assert list_ways_asked(site) == []


@pytest.mark.parametrize("agent", PHONE_BROWSER.values(), ids=PHONE_BROWSER)
def test_a_phone_opens_feishu_or_signs_in_by_a_plain_link(site, browse, agent):
    page = browse(user_agent=agent, viewport={"width": 390, "height": 844})
    page.goto(f"{site.url}/login?next=/account?x=1")
    link = page.get_by_role("link", name="Open in Feishu")
    address = f"https://applink.feishu.cn/client/web_app/open?appId={FEISHU_APP['appId']}"
    expect(link).to_have_attribute("href", address)
    assert page.locator("iframe").count() == 0
    page.get_by_role("link", name="Sign in here with Feishu").click()
    site.at_platform(page)
    site.answer(page, "bob")
    expect_signed_in(page, site, path="/account?x=1")


def test_a_phone_copies_the_address_for_wecoms_workbench(site, browse):
    page = browse(user_agent=PHONE_BROWSER["android"], permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{site.url}/login?via=QywxInnerExample")
    expect(page.get_by_text("open the portal from your WeCom workbench")).to_be_visible()
    page.get_by_role("button", name="Copy address").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == site.url + HOME["wecom"]


@on_both
def test_the_sandboxs_workspace_opens_the_portal_and_signs_in(site, browse, platform):
    site.sandbox.portal(site.url, **{platform: [ELEMENT[platform]]})
    page = browse(user_agent=DESKTOP_BROWSER["windows"])
    page.goto(f"{site.sandbox.site_url}/workspace/{platform}")
    page.locator('input[name="person"][value="alice"]').check()
    page.get_by_role("button", name=ELEMENT[platform]).click()
    expect_signed_in(page, site, "Alice Johnson")
    session = page.request.get(f"{site.url}/api/session").json()
    assert session["identity"]["element"] == ELEMENT[platform]


@pytest.mark.parametrize(("platform", "second"), [("feishu", "SecondFeishu"), ("wecom", "SecondWecom")])
def test_several_logins_of_a_platform_are_a_choice(many, client, platform, second):
    page = client(platform)
    page.goto(f"{many.url}/login?next=/account?x=1")
    expect(page.get_by_text("Choose how to sign in.")).to_be_visible()
    page.get_by_role("link", name=f"Sign in with {NAME[platform]} · {second}").click()
    expect_signed_in(page, many, path="/account?x=1")
    assert page.request.get(f"{many.url}/api/session").json()["identity"]["element"] == second
