"""Authlib's generic OAuth 2.0 client works with v3's token endpoint."""

import jwt
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

METHODS = ("client_secret_post", "client_secret_basic")


def open_session(sandbox, method, secret=None):
    app_id, app_secret = sandbox.FEISHU["app_id"], sandbox.FEISHU["app_secret"]
    return OAuth2Session(app_id, secret or app_secret, token_endpoint_auth_method=method)


@pytest.mark.parametrize("method", METHODS)
def test_an_application_reads_the_directory_with_its_own_token(sandbox, method):
    with open_session(sandbox, method) as client:
        token = client.fetch_token(f"{sandbox.url}/oauth/v3/token", grant_type="client_credentials")
        scopes = client.get(f"{sandbox.url}/open-apis/contact/v3/scopes", params={"user_id_type": "user_id"}).json()

    assert token["expires_in"] == 7200
    assert len(token["access_token"]) == 4096  # as long as Feishu says a token may become
    assert jwt.decode(token["access_token"], options={"verify_signature": False})["jti"]
    assert scopes["data"]["user_ids"] == ["chenyi"]


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_secret_is_an_error_of_oauth(sandbox, method):
    with (
        open_session(sandbox, method, "wrong") as client,
        pytest.raises(OAuthError, match="The client secret is invalid"),
    ):
        client.fetch_token(f"{sandbox.url}/oauth/v3/token", grant_type="client_credentials")


@pytest.mark.parametrize("method", METHODS)
def test_a_person_signs_in_by_a_code(sandbox, method):
    code = sandbox.code("feishu", "zhangsan", redirect_uri="http://127.0.0.1:9/callback")

    with open_session(sandbox, method) as client:
        words = {"code": code, "redirect_uri": "http://127.0.0.1:9/callback"}
        client.fetch_token(f"{sandbox.url}/oauth/v3/token", grant_type="authorization_code", **words)
        profile = client.get(f"{sandbox.url}/open-apis/authen/v1/user_info").json()["data"]

    assert profile["name"] == "张三"
