"""A stored user token is refreshed in its own dialect.

It is refreshed for the app that it was issued to.
"""

import json
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import update
from support.portal_app import both_databases, parse_query
from support.user_tokens import REFRESH_PATHS, expire_user_token

from portal.database import db
from portal.errors import Code
from portal.models import Identity

BY_CLIENT = {"grant_type", "refresh_token", "client_id", "client_secret"}
BY_APP_TOKEN = {"grant_type", "refresh_token"}
FIELDS = {"v2": BY_CLIENT, "v3": BY_CLIENT, "passport": BY_CLIENT, "oidc": BY_APP_TOKEN, "v1": BY_APP_TOKEN}
PAIRS = list(
    zip(REFRESH_PATHS, [*list(REFRESH_PATHS)[1:], "v2"], strict=True)
)  # each dialect once before another and once after
JWT = "eyJ" + "x" * 4093  # 4 KB, as long as Feishu may make one
FEISHU, WECOM = "auths.loginTypes.FSInnerExample", "auths.loginTypes.QywxInnerExample"
APP_TOKENS = [  # the element, what its app asks, and the answer
    (
        FEISHU,
        "/open-apis/auth/v3/app_access_token/internal",
        {"code": 0, "msg": "ok", "app_access_token": JWT, "tenant_access_token": JWT, "expire": 7200},
    ),
    (WECOM, "/cgi-bin/gettoken", {"errcode": 0, "errmsg": "ok", "access_token": JWT, "expires_in": 7200}),
]


def read_person():
    db.session.expire_all()
    return db.session.query(Identity).one()


def read_field_names(call):
    """Return the names in a request's body, JSON or form."""
    return set(json.loads(call["body"]) if call["body"].startswith("{") else dict(parse_qsl(call["body"])))


@pytest.mark.parametrize("dialect", REFRESH_PATHS)
def test_a_refresh_sends_only_what_the_documentation_asks_for(elements, make_portal, sandbox, dialect):
    elements.feishu(tokenDialect=dialect, keepUserTokens=True, scope="offline_access auth:user.id:read")
    portal = make_portal()
    portal.test_client().sign_in()
    sandbox.forget_calls()
    with portal.app_context():
        expire_user_token()
        portal.getElement(FEISHU).getUserToken("zhangsan")
    (call,) = sandbox.calls(REFRESH_PATHS[dialect])
    assert read_field_names(call) == FIELDS[dialect]


@pytest.mark.parametrize("dialect", REFRESH_PATHS)
def test_a_qr_address_asks_for_no_scope(elements, make_portal, dialect):
    elements.feishu(qrTokenDialect=dialect, scope="offline_access")
    element = make_portal().getElement(FEISHU)
    assert "scope" not in parse_query(element.authorize_url("qr", element.getLoginConfig()["state"]))
    link = element.authorize_url("redirect", element.getLoginConfig(kind="redirect")["state"])
    assert parse_query(link)["scope"] == "offline_access"


def test_passports_own_page_is_asked_for_no_scope_either(elements, make_portal):
    elements.feishu(tokenDialect="passport", scope="offline_access")
    element = make_portal().getElement(FEISHU)
    link = element.authorize_url("redirect", element.getLoginConfig(kind="redirect")["state"])
    assert "scope" not in parse_query(link)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_token_is_refreshed_in_its_own_dialect_at_any_element_of_the_app(
    elements, make_portal, sandbox, first, second
):
    elements.feishu(tokenDialect=first, keepUserTokens=True, scope="offline_access")
    elements.feishu("Other", tokenDialect=second, keepUserTokens=True, scope="offline_access")
    portal = make_portal()
    portal.test_client().sign_in("FSInnerExample")
    portal.test_client().sign_in("Other")
    sandbox.forget_calls()
    with portal.app_context():
        expire_user_token()
        token = portal.getElement(FEISHU).getUserToken("zhangsan")
        assert portal.getElement("auths.loginTypes.Other").getUserToken("zhangsan") == token
    assert len(sandbox.calls(REFRESH_PATHS[second])) == 1


def test_the_qr_pages_own_dialect_is_kept_too(elements, make_portal, sandbox):
    elements.feishu(tokenDialect="v2", qrTokenDialect="oidc", keepUserTokens=True)
    portal = make_portal()
    with portal.app_context():
        element = portal.getElement(FEISHU)
        portal.test_client().sign_in()
        person = element.getLoginCode(sandbox.code("feishu", "zhangsan", redirect_uri=element.redirectUri))
        assert (person["tokenDialect"], bool(person["refreshToken"])) == ("oidc", True)


@both_databases
def test_tokens_of_another_app_are_not_handed_out(elements, make_portal, sandbox):
    sandbox.app("feishu", app_id="cli_another0000000", secret="another secret")
    elements.feishu(keepUserTokens=True)
    elements.feishu("Other", keepUserTokens=True, appId="cli_another0000000", appSecret="another secret")
    portal = make_portal()
    portal.test_client().sign_in("FSInnerExample")
    portal.test_client().sign_in("Other")
    with portal.app_context():
        assert portal.getElement("auths.loginTypes.Other").getUserToken("zhangsan") == read_person().accessToken
        with pytest.raises(Code) as error:
            portal.getElement(FEISHU).getUserToken("zhangsan")
        assert error.value.code == 60111


def test_a_login_without_a_refresh_token_leaves_the_kept_one(elements, make_portal, sandbox):
    elements.feishu(keepUserTokens=True, scope="offline_access")
    portal = make_portal()
    portal.test_client().sign_in()
    with portal.app_context():
        before = read_person()
        old, refresh = before.accessToken, before.refreshToken
        body = {"code": 0, "access_token": "eyJ.by.qr", "token_type": "Bearer", "expires_in": 7200, "scope": ""}
        profile = {"name": "张三", "union_id": before.subject, "tenant_key": before.tenant, "user_id": "zhangsan"}
        profile["open_id"] = before.open_ids["FSInnerExample"]
        sandbox.fail(REFRESH_PATHS["v2"], body=body)
        sandbox.fail("/open-apis/authen/v1/user_info", body={"code": 0, "msg": "success", "data": profile})
        portal.test_client().sign_in()
        after = read_person()
        assert (after.accessToken, after.refreshToken) == ("eyJ.by.qr", refresh)
        expire_user_token()
        assert portal.getElement(FEISHU).getUserToken("zhangsan") not in (old, "eyJ.by.qr")


@both_databases
def test_older_tokens_count_as_the_elements_own_dialect(elements, make_portal):
    elements.feishu(keepUserTokens=True, scope="offline_access")
    portal = make_portal()
    portal.test_client().sign_in()
    with portal.app_context():
        db.session.execute(update(Identity).values(token_app=None, token_dialect=None))
        expire_user_token()
        assert portal.getElement(FEISHU).getUserToken("zhangsan") == read_person().accessToken
        assert (read_person().token_app, read_person().token_dialect) == ("cli_5a4db0c5a4db0c01", "v2")


@both_databases
def test_user_tokens_of_four_kilobytes_are_stored_and_sent(elements, make_portal, sandbox):
    elements.feishu(keepUserTokens=True, scope="offline_access")
    portal = make_portal()
    pair = {"code": 0, "access_token": JWT, "token_type": "Bearer", "expires_in": 7200, "refresh_token": JWT[::-1]}
    profile = {"name": "张三", "union_id": "on_1", "tenant_key": "t1", "user_id": "zhangsan", "open_id": "ou_1"}
    sandbox.fail(REFRESH_PATHS["v2"], body=pair)
    sandbox.fail("/open-apis/authen/v1/user_info", body={"code": 0, "msg": "success", "data": profile})
    assert portal.test_client().sign_in().status_code == 303
    (asked,) = sandbox.calls("/open-apis/authen/v1/user_info")
    assert asked["headers"]["Authorization"] == f"Bearer {JWT}"
    with portal.app_context():
        assert (read_person().accessToken, read_person().refreshToken) == (JWT, JWT[::-1])
        assert portal.getElement(FEISHU).getUserToken("zhangsan") == JWT


@both_databases
@pytest.mark.parametrize(("element", "path", "answer"), APP_TOKENS)
def test_an_apps_token_of_four_kilobytes_is_kept_for_all_workers(elements, make_portal, sandbox, element, path, answer):
    sandbox.fail(path, body=answer)
    for portal in (make_portal(), make_portal()):  # the second has it from the database
        with portal.app_context():
            assert portal.getElement(element).getAccessToken() == JWT
    assert len(sandbox.calls(path)) == 1


def test_an_apps_token_of_four_kilobytes_is_sent(client, sandbox):
    for _, path, answer in APP_TOKENS:
        sandbox.fail(path, body=answer)
    client.sign_in()
    client.sign_in("QywxInnerExample")
    member = next(call for call in sandbox.calls() if "/contact/v3/users/" in call["path"])
    assert member["headers"]["Authorization"] == f"Bearer {JWT}"
    visitor = next(call for call in sandbox.calls() if call["path"] == "/cgi-bin/auth/getuserinfo")
    assert visitor["query"]["access_token"] == JWT
