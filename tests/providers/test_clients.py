"""The login page depends on the browser.

It may be a platform's client, WeChat, a phone, or a PC.
"""

import pytest
from sqlalchemy import func, select
from support.portal_app import parse_query
from support.user_agents import DESKTOP_BROWSER, FEISHU_CLIENT, PHONE_BROWSER, WECHAT_CLIENT, WECOM_CLIENT

from portal.database import db
from portal.models import LoginAttempt

IN_CLIENT = [(agent, "FSInnerExample") for agent in FEISHU_CLIENT.values()]
IN_CLIENT += [(agent, "QywxInnerExample") for agent in WECOM_CLIENT.values()]
COPIED = "/login/{}/in-app</code>"

in_each_client = pytest.mark.parametrize(("agent", "element"), IN_CLIENT)
in_one_of_each = pytest.mark.parametrize(
    ("agent", "element"), [(FEISHU_CLIENT["windows"], "FSInnerExample"), (WECOM_CLIENT["windows"], "QywxInnerExample")]
)


@pytest.fixture
def open_in(request):
    """Return a function that opens a path by user agent.

    Its first call makes the portal.
    """

    def open_(agent, path="/login", method="GET", **query):
        client = request.getfixturevalue("client")
        return client.open(path, method=method, query_string=query or None, headers={"User-Agent": agent})

    return open_


def attempts(portal):
    with portal.app_context():
        return db.session.scalar(select(func.count()).select_from(LoginAttempt))


def sign_in_links(page):
    return [part.split('"')[0] for part in page.text.split('href="/login/')[1:]]


# Inside a client


@in_each_client
def test_a_client_leads_straight_to_its_own_login(open_in, agent, element):
    answer = open_in(agent, next="/account?x=1")
    assert answer.status_code == 302
    assert answer.location == f"/login/{element}/in-app?next=/account?x%3D1"


@in_each_client
def test_via_wins_over_the_client(open_in, agent, element):
    for via in ("FSInnerExample", "QywxInnerExample"):
        answer = open_in(agent, via=via)
        assert answer.status_code == 200
        assert f'href="/login?via={via}" aria-current="true"' in answer.text


@in_one_of_each
def test_a_client_is_redirected_once_a_visit(open_in, agent, element):
    assert open_in(agent).status_code == 302
    assert open_in(agent).status_code == 302  # so far nothing has been tried
    open_in(agent, f"/login/{element}/in-app")
    answer = open_in(agent, next="/account")
    assert answer.status_code == 200
    assert sign_in_links(answer) == [f"{element}?next=/account"]
    again = open_in(agent, f"/login/{element}/in-app")
    assert (again.status_code, sign_in_links(again), "data-script" in again.text) == (200, [element], False)


@pytest.mark.parametrize("agent", WECOM_CLIENT.values())
def test_wecoms_client_gets_its_silent_page_and_never_the_sso_page(open_in, agent):
    for path in ("/login/QywxInnerExample/in-app", "/login/QywxInnerExample"):
        answer = open_in(agent, path)
        assert answer.status_code == 302
        assert "/connect/oauth2/authorize?" in answer.location
        assert parse_query(answer.location)["scope"] == "snsapi_base"


def test_consent_is_asked_for_if_the_element_says_so(elements, open_in):
    elements.wecom("Consent", scope="snsapi_privateinfo", redirectUri=f"{elements.base}/login/Consent/callback")
    query = parse_query(open_in(WECOM_CLIENT["mac"], "/login/Consent/in-app").location)
    assert (query["scope"], query["agentid"]) == ("snsapi_privateinfo", "1000002")


@pytest.mark.parametrize("agent", DESKTOP_BROWSER.values())
def test_a_pc_gets_the_sso_page(open_in, agent):
    assert "/wwlogin/sso/login?" in open_in(agent, "/login/QywxInnerExample").location


@pytest.mark.parametrize("agent", FEISHU_CLIENT.values())
def test_feishus_client_gets_a_page_with_its_script(open_in, portal, agent):
    answer = open_in(agent, "/login/FSInnerExample/in-app")
    script = portal.elements.get("auths.loginTypes.FSInnerExample").h5SdkUrl
    assert f'data-script="{script}"' in answer.text
    assert script in answer.headers["Content-Security-Policy"]
    assert attempts(portal) == 0  # the script begins the login


@in_one_of_each
def test_several_logins_of_a_platform_are_a_choice(elements, open_in, agent, element):
    elements.feishu("Second") if element == "FSInnerExample" else elements.wecom("Second")
    answer = open_in(agent, next="/account")
    assert answer.status_code == 200
    assert sign_in_links(answer) == [f"{name}/in-app?next=/account" for name in (element, "Second")]


@in_one_of_each
def test_a_signed_in_user_skips_the_login(client, open_in, agent, element):
    client.sign_in()
    for path in ("/login", f"/login/{element}/in-app"):
        answer = open_in(agent, path, next="/account?x=1")
        assert (answer.status_code, answer.location) == (303, "/account?x=1")
        assert open_in(agent, path, next="//evil.example").location == "/account"


@in_one_of_each
def test_after_signing_out_there_is_a_button(client, open_in, agent, element):
    client.sign_in()
    client.post_form("/logout")
    answer = open_in(agent)
    assert (answer.status_code, sign_in_links(answer)) == (200, [element])


@in_one_of_each
def test_a_sign_in_begins_the_visit_anew(client, open_in, agent, element):
    open_in(agent, f"/login/{element}/in-app")
    client.sign_in()
    client.delete_cookie("portal_session", domain="127.0.0.1")  # it has run out
    assert open_in(agent).status_code == 302


# Elsewhere


@pytest.mark.parametrize("agent", WECHAT_CLIENT.values())
def test_wechat_is_told_to_open_wecom(open_in, elements, portal, agent):
    for path in ("/login?via=QywxInnerExample", "/login/QywxInnerExample/in-app"):
        answer = open_in(agent, path)
        assert answer.status_code == 200
        assert "send it to any chat in WeCom and open it there" in " ".join(answer.text.split())
        assert elements.base + COPIED.format("QywxInnerExample") in answer.text
        assert sign_in_links(answer) == []
    assert attempts(portal) == 0


@pytest.mark.parametrize("agent", PHONE_BROWSER.values())
def test_a_phone_opens_feishu_by_its_link(open_in, agent):
    answer = open_in(agent, next="/account")
    assert 'href="https://applink.feishu.cn/client/web_app/open?appId=cli_5a4db0c5a4db0c01"' in answer.text
    assert sign_in_links(answer) == ["FSInnerExample?next=/account"]
    assert 'id="scan"' not in answer.text


@pytest.mark.parametrize("agent", PHONE_BROWSER.values())
def test_a_phone_opens_lark_by_larks_link(elements, open_in, agent):
    elements.feishu(region="lark")
    assert 'href="https://applink.larksuite.com/client/web_app/open?appId=' in open_in(agent).text


@pytest.mark.parametrize("agent", PHONE_BROWSER.values())
def test_a_phone_is_told_to_open_wecoms_workbench(open_in, elements, agent):
    answer = open_in(agent, via="QywxInnerExample")
    assert "open the portal from your WeCom workbench" in answer.text
    assert elements.base + COPIED.format("QywxInnerExample") in answer.text
    assert sign_in_links(answer) == []


@pytest.mark.parametrize("agent", DESKTOP_BROWSER.values())
def test_a_pc_gets_the_code(open_in, agent):
    assert 'id="scan"' in open_in(agent).text


@pytest.mark.parametrize("agent", ["", "x", "notLark", "MicroMessenge", "wxworkx/1", "Larks/1"])
def test_other_user_agents_are_browsers(open_in, agent):
    assert 'id="scan"' in open_in(agent).text


def test_a_via_that_is_no_login_shows_the_usual_one(open_in):
    for via in ("Nobody", "", "<script>"):
        answer = open_in(DESKTOP_BROWSER["mac"], via=via)
        assert 'href="/login?via=FSInnerExample" aria-current="true"' in answer.text


# HEAD


@in_one_of_each
@pytest.mark.parametrize("path", ["/login", "/login/{}", "/login/{}/in-app"])
def test_a_head_request_uses_nothing_up(client, portal, open_in, agent, element, path):
    for _ in range(2):
        answer = open_in(agent, path.format(element), method="HEAD")
        assert answer.status_code < 400
        assert "Set-Cookie" not in answer.headers
    assert attempts(portal) == 0
    assert open_in(agent).status_code == 302  # the automatic sign-in is still to come


@in_one_of_each
def test_a_head_request_leaves_the_callback_its_code(client, agent, element):
    callback = client.scan(element)
    assert client.head(callback).status_code == 200
    assert client.get(callback).location == "/account"
