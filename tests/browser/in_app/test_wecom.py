"""Inside WeCom's client a user signs in with nothing to press."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from support.in_app_page import CALLBACK, HOME, SILENT, expect_signed_in, find_button, get_heading, list_ways_asked
from support.user_agents import WECOM_CLIENT

pytest_plugins = ["support.chromium"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("agent", WECOM_CLIENT.values(), ids=WECOM_CLIENT)
@pytest.mark.parametrize("path", [HOME["wecom"], "/login", "/login/QywxInnerExample"])
def test_wecoms_client_signs_in_with_nothing_to_press(site, browse, agent, path):
    page = browse(user_agent=agent)
    page.goto(f"{site.url}{path}?next=/account?x=1")
    expect_signed_in(page, site, path="/account?x=1")
    [call] = site.sandbox.calls(SILENT["wecom"])
    assert call["query"]["scope"] == "snsapi_base"
    assert site.sandbox.calls("/wwlogin/*") == []


def test_the_button_of_the_login_page_avoids_the_sso_page(site, client):
    page = client("wecom")
    page.goto(f"{site.url}/login?via=QywxInnerExample")
    find_button(page, "wecom").click()
    expect_signed_in(page, site)
    assert site.sandbox.calls("/wwlogin/*") == []


def test_a_person_of_another_company_is_refused_and_then_has_a_button(site, client, watch):
    site.sandbox.client("wecom", "outsider")
    watch.expect(403, CALLBACK["wecom"])
    page = client("wecom")
    page.goto(site.url + HOME["wecom"])
    expect(get_heading(page)).to_have_text("You are not a member of this company")
    page.goto(f"{site.url}/login")
    expect(find_button(page, "wecom")).to_be_visible()
    assert len(list_ways_asked(site)) == 1
    site.sandbox.client("wecom", "bob")
    find_button(page, "wecom").click()
    expect_signed_in(page, site)


def test_after_a_refused_consent_the_user_can_start_again(many, client, watch):
    watch.expect(400, "/login/Consent/callback")
    page = client("wecom")
    page.goto(f"{many.url}/login/Consent/in-app")
    many.at_platform(page)
    assert parse_qs(urlsplit(page.url).query)["scope"] == ["snsapi_privateinfo"]
    many.answer(page, "bob", button="Refuse")
    expect(get_heading(page)).to_have_text("Sign-in cancelled")
    page.get_by_role("link", name="Start again").click()
    many.at_platform(page)
    many.answer(page, "bob")
    expect_signed_in(page, many)
    assert many.sandbox.calls("/wwlogin/*") == []
    assert len(many.sandbox.calls("/cgi-bin/auth/getuserdetail")) == 1
