"""Tokens by Feishu's own Python SDK, lark-oapi."""

import json

import lark_oapi as lark
import pytest
from lark_oapi.api.auth.v3 import (
    InternalAppAccessTokenRequest,
    InternalAppAccessTokenRequestBody,
    InternalTenantAccessTokenRequest,
    InternalTenantAccessTokenRequestBody,
)
from lark_oapi.api.authen.v1 import (
    CreateAccessTokenRequest,
    CreateAccessTokenRequestBody,
    CreateOidcAccessTokenRequest,
    CreateOidcAccessTokenRequestBody,
    CreateOidcRefreshAccessTokenRequest,
    CreateOidcRefreshAccessTokenRequestBody,
    CreateRefreshAccessTokenRequest,
    CreateRefreshAccessTokenRequestBody,
    GetUserInfoRequest,
)
from lark_oapi.api.contact.v3 import (
    ListScopeRequest,
)
from lark_oapi.core.access_token import AccessTokenException
from lark_oapi.core.exception import ObtainAccessTokenException
from support.lark_client import connect_lark

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def client(sandbox):
    return connect_lark(sandbox)


def as_user(token):
    return lark.RequestOption.builder().user_access_token(token).build()


# Tokens of the application


def test_the_app_token_needs_the_right_secret(sandbox, client):
    def ask(secret):
        body = InternalAppAccessTokenRequestBody.builder().app_id(sandbox.FEISHU["app_id"]).app_secret(secret).build()
        request = InternalAppAccessTokenRequest.builder().request_body(body).build()
        return client.auth.v3.app_access_token.internal(request)

    good, bad = ask(sandbox.FEISHU["app_secret"]), ask("wrong")

    assert good.success()
    assert json.loads(good.raw.content)["app_access_token"].startswith("t-")
    assert (bad.code, bad.msg) == (10014, "app secret invalid")


def test_the_tenant_token_is_refused_to_unknown_apps(sandbox, client):
    def ask(app_id):
        body = InternalTenantAccessTokenRequestBody.builder().app_id(app_id).app_secret("wrong").build()
        request = InternalTenantAccessTokenRequest.builder().request_body(body).build()
        return client.auth.v3.tenant_access_token.internal(request)

    assert ask("cli_0000000000000000").code == 10014
    assert ask("nonsense").code == 10003


def test_automatic_tokens_are_requested_once_and_without_a_content_type(sandbox, client):
    for _ in range(2):
        assert client.contact.v3.scope.list(ListScopeRequest.builder().build()).success()

    calls = sandbox.calls("/open-apis/auth/v3/*")
    assert [call["path"] for call in calls] == ["/open-apis/auth/v3/tenant_access_token/internal"]
    assert "Content-Type" not in calls[0]["headers"]


def test_an_automatic_token_needs_the_right_secret(sandbox):
    with pytest.raises(ObtainAccessTokenException) as caught:
        connect_lark(sandbox, "wrong").contact.v3.scope.list(ListScopeRequest.builder().build())

    assert "10014" in str(caught.value)


# Tokens of a user


def exchange_by_oidc(client, code):
    body = CreateOidcAccessTokenRequestBody.builder().grant_type("authorization_code").code(code).build()
    return client.authen.v1.oidc_access_token.create(CreateOidcAccessTokenRequest.builder().request_body(body).build())


def exchange_by_v1(client, code):
    body = CreateAccessTokenRequestBody.builder().grant_type("authorization_code").code(code).build()
    return client.authen.v1.access_token.create(CreateAccessTokenRequest.builder().request_body(body).build())


def test_an_oidc_code_works_once(sandbox, client):
    code = sandbox.code("feishu", "zhangsan")

    first, second = exchange_by_oidc(client, code), exchange_by_oidc(client, code)

    assert first.success()
    assert first.data.access_token.startswith("u-")
    assert (first.data.token_type, first.data.expires_in) == ("Bearer", 7199)
    assert second.code == 20003


def test_an_oidc_refresh_token_works_once(sandbox, client):
    def refresh(token):
        body = CreateOidcRefreshAccessTokenRequestBody.builder().grant_type("refresh_token").refresh_token(token)
        request = CreateOidcRefreshAccessTokenRequest.builder().request_body(body.build()).build()
        return client.authen.v1.oidc_refresh_access_token.create(request)

    token = exchange_by_oidc(client, sandbox.code("feishu", "zhangsan")).data.refresh_token
    first, second = refresh(token), refresh(token)

    assert first.success()
    assert first.data.refresh_token != token
    assert second.code == 20038
    assert refresh("ur-nonsense").code == 20026


def test_the_legacy_exchange_returns_the_profile(sandbox, client):
    code = sandbox.code("feishu", "zhangsan")

    first, second = exchange_by_v1(client, code), exchange_by_v1(client, code)

    assert (first.data.name, first.data.user_id, first.data.tenant_key) == ("张三", "zhangsan", "5a4db0c5a4db0c01")
    assert second.code == 20007


def test_the_legacy_refresh_returns_the_profile(sandbox, client):
    def refresh(token):
        body = CreateRefreshAccessTokenRequestBody.builder().grant_type("refresh_token").refresh_token(token).build()
        request = CreateRefreshAccessTokenRequest.builder().request_body(body).build()
        return client.authen.v1.refresh_access_token.create(request)

    first = refresh(exchange_by_v1(client, sandbox.code("feishu", "zhangsan")).data.refresh_token)

    assert (first.code, first.data.name) == (0, "张三")
    assert refresh("ur-nonsense").code == 20007


def test_v3_takes_each_code_and_refresh_token_once(sandbox, client):
    code = sandbox.code("feishu", "alice", redirect_uri=CALLBACK, scope="offline_access")

    token = client.access_token.retrieve_by_authorization_code(code, redirect_uri=CALLBACK)
    renewed = client.access_token.refresh(token.refresh_token)

    assert token.access_token.startswith("eyJ")
    assert token.scope == "auth:user.id:read offline_access"
    assert renewed.refresh_token != token.refresh_token
    with pytest.raises(AccessTokenException, match="20065"):
        client.access_token.retrieve_by_authorization_code(code, redirect_uri=CALLBACK)
    with pytest.raises(AccessTokenException, match="20073"):
        client.access_token.refresh(token.refresh_token)


def test_v3_checks_the_verifier(sandbox, client):
    verifier = "v" * 43
    code = sandbox.code("feishu", "alice", code_challenge=verifier)

    with pytest.raises(AccessTokenException, match="20049"):
        client.access_token.retrieve_by_authorization_code(code, code_verifier="w" * 43)
    assert client.access_token.retrieve_by_authorization_code(code, code_verifier=verifier).expires_in == 7200


def test_v2_answers_a_raw_request(sandbox, client):
    def ask(code):
        body = {
            "grant_type": "authorization_code",
            "client_id": sandbox.FEISHU["app_id"],
            "client_secret": sandbox.FEISHU["app_secret"],
            "code": code,
        }
        request = lark.BaseRequest.builder().http_method(lark.HttpMethod.POST).uri("/open-apis/authen/v2/oauth/token")
        return client.request(request.body(body).build())

    good, bad = ask(sandbox.code("feishu", "bob")), ask("nonsense")

    assert json.loads(good.raw.content)["access_token"].startswith("eyJ")
    assert (bad.raw.status_code, bad.code) == (400, 20003)


def test_user_info_needs_a_good_token(sandbox, client):
    token = exchange_by_oidc(client, sandbox.code("feishu", "alice")).data.access_token
    request = GetUserInfoRequest.builder().build()

    profile = client.authen.v1.user_info.get(request, as_user(token))
    refused = client.authen.v1.user_info.get(request, as_user("u-nonsense"))

    assert (profile.data.name, profile.data.email, profile.data.employee_no) == (
        "Alice Johnson",
        "alice@example.com",
        "E0004",
    )
    assert profile.get_log_id()
    assert refused.code == 99991668
