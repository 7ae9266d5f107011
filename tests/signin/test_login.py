"""A login by redirect, from click to account page."""

import pytest
from support.portal_app import answer_platform, both_databases, parse_query

WECOM_AGENT = "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh"


@both_databases
@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_a_scan_signs_in_and_the_account_page_names_the_user(client, element):
    answer = client.sign_in(element, "zhangsan")
    assert (answer.status_code, answer.location) == (303, "/account")
    page = client.get("/account").text
    assert "张三" in page
    assert client.session().json == {
        "account": {"id": 1, "username": "zhangsan", "name": "张三", "role": "user"},
        "identity": {"element": element, "userId": "zhangsan", "name": "张三"},
    }


def test_the_login_leads_to_the_page_asked_for(client):
    assert client.sign_in(next="/account?from=mail").location == "/account?from=mail"


def test_signing_out_ends_the_session_on_the_server(client, portal):
    client.sign_in()
    token = client.cookie()
    answer = client.post_form("/logout")
    assert (answer.status_code, answer.location) == (303, "/login")
    assert client.session().status_code == 401
    client.set_portal_cookie(token)
    assert client.session().status_code == 401


def test_the_login_page_writes_nothing(client, portal):
    from portal.database import db
    from portal.models import LoginAttempt

    assert client.get("/login").status_code == 200
    with portal.app_context():
        assert db.session.query(LoginAttempt).count() == 0


def test_a_signed_in_user_skips_the_login_page(client):
    client.sign_in()
    assert client.get("/").location == "/account"
    assert client.get("/login").location == "/account"
    assert client.get("/login?next=/account%3Fa=1").location == "/account?a=1"


def test_a_signed_out_user_is_led_to_the_login_and_back(client):
    assert client.get("/").location == "/login"
    answer = client.get("/account")
    assert answer.status_code == 401
    assert 'href="/login?next=/account"' in answer.text


@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_refusing_at_the_platform_is_a_cancelled_login(client, element):
    answer = client.get(client.scan(element, action="deny"))
    assert answer.status_code == 400
    assert "Sign-in cancelled" in answer.text
    assert f'href="/login/{element}"' in answer.text
    assert client.session().status_code == 401


def test_inside_the_wecom_client_the_silent_page_is_asked(client, sandbox):
    address = client.start("QywxInnerExample", User_Agent=WECOM_AGENT)
    assert address.startswith(f"{sandbox.url}/connect/oauth2/authorize?")
    assert address.endswith("#wechat_redirect")
    assert parse_query(address)["scope"] == "snsapi_base"
    assert client.get(answer_platform(address)).status_code == 303


def test_consent_inside_the_client_adds_what_the_directory_withholds(client, elements, portal, sandbox, make_portal):
    elements.wecom("Consent", scope="snsapi_privateinfo")
    portal = make_portal()
    client = portal.test_client()
    address = client.start("Consent", User_Agent=WECOM_AGENT)
    assert client.get(answer_platform(address, "zhangsan")).status_code == 303
    assert [call["path"] for call in sandbox.calls("/cgi-bin/*")] == [
        "/cgi-bin/gettoken",
        "/cgi-bin/auth/getuserinfo",
        "/cgi-bin/user/get",
        "/cgi-bin/auth/getuserdetail",
    ]
    from portal.database import db
    from portal.models import Identity

    with portal.app_context():
        identity = db.session.query(Identity).one()
        assert identity.mobile and identity.email and identity.gender == 1


def test_a_repeated_callback_offers_to_continue_to_the_one_it_signed_in(client):
    callback = client.scan()
    client.get(callback)
    again = client.get(callback)
    assert again.status_code == 400
    assert "Please start again" in again.text
    assert ">Continue</a>" in again.text
    client.post_form("/logout")
    assert ">Continue</a>" not in client.get(callback).text


def test_several_elements_of_one_type_work_side_by_side(elements, make_portal):
    elements.wecom("Second", redirectUri=f"{elements.base}/api/auth/qywx/callback")
    portal = make_portal()
    first, second = portal.test_client(), portal.test_client()
    assert first.sign_in("QywxInnerExample", "lisi").status_code == 303
    assert second.sign_in("Second", "lisi").status_code == 303
    assert [one.session().json["identity"]["element"] for one in (first, second)] == ["QywxInnerExample", "Second"]
    assert first.session().json["account"] == second.session().json["account"]
