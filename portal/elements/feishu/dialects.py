"""The further ways from a code to a token.

Each class has only what differs from its base.
"""

import json
from typing import Any
from urllib.parse import parse_qsl, quote

import requests

from portal.elements.feishu.client import JSON_TYPE, LOGIN_NUMBERS, Feishu
from portal.errors import BAD_CODE, BAD_CREDENTIALS, BAD_TOKEN, NOT_ALLOWED, NOT_PERMITTED, UNAVAILABLE
from portal.providers.client import Expected


class FeishuV3(Feishu):
    """Dialect `v3`, a form sent to the accounts host.

    https://open.feishu.cn/document (OAuth 2.0 token, v3)
    """

    dialect = "v3"
    token_page = "{accountsBaseUrl}/oauth/v3/token"
    pkce = False

    @classmethod
    def session_options(cls, kind: str) -> dict:
        return {"token_endpoint_auth_method": "client_secret_post"}


class FeishuOidc(Feishu):
    """Dialect `oidc`, which exchanges with the app's token.

    https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/oidc-access_token/create
    """

    dialect = "oidc"
    authorize_page = "{openBaseUrl}/open-apis/authen/v1/authorize"
    token_page = "{openBaseUrl}/open-apis/authen/v1/oidc/access_token"
    refresh_page = "{openBaseUrl}/open-apis/authen/v1/oidc/refresh_access_token"
    pkce = False

    def create_authorization_url(
        self, redirect_uri: str | None = None, state: str | None = None, **kwargs: Any
    ) -> dict:
        """Return the address to send the browser to.

        The QR page follows OAuth 2; the page of this dialect wants `app_id`.
        """
        if not self.authorize_url.endswith("/authen/v1/authorize"):
            return super().create_authorization_url(redirect_uri, state=state, **kwargs)
        scope = self.client_kwargs.get("scope")
        query = {"app_id": self.client_id, "redirect_uri": redirect_uri, "scope": scope, "state": state}
        pairs = (f"{key}={quote(value, safe=':' if key == 'scope' else '')}" for key, value in query.items() if value)
        return {"url": f"{self.authorize_url}?{'&'.join(pairs)}", "state": state}

    def exchange(self, code: str, **extra: Any) -> dict:
        exchange = super().exchange
        return self.as_app(lambda token: exchange(code, auth=SignAsApp(token)), "app_access_token")

    def refresh(self, refresh_token: str, **kwargs: Any) -> dict:
        refresh = super().refresh
        return self.as_app(lambda token: refresh(refresh_token, auth=SignAsApp(token)), "app_access_token")

    def open_token(self, response: requests.Response) -> dict:
        data = self.open_answer(response, Expected("data", numbers=LOGIN_NUMBERS))["data"]
        return self.clean_token(data if isinstance(data, dict) else {})


class FeishuV1(FeishuOidc):
    """Dialect `v1`, with the profile in the token answer."""

    dialect = "v1"
    token_page = "{openBaseUrl}/open-apis/authen/v1/access_token"
    refresh_page = "{openBaseUrl}/open-apis/authen/v1/refresh_access_token"

    def read_profile(self, token: dict) -> dict:
        return token


class FeishuPassport(FeishuV3):
    """Dialect `passport`, a form answered as OAuth 2 says.

    The answers are flat and have no number.
    """

    dialect = "passport"
    authorize_page = Feishu.qr_page
    token_page = "{passportBaseUrl}/suite/passport/oauth/token"
    person_page = "{passportBaseUrl}/suite/passport/oauth/userinfo"
    numbers = {
        **Feishu.numbers,
        "invalid_grant": BAD_CODE,
        "invalid_client": BAD_CREDENTIALS,
        "unauthorized_client": NOT_PERMITTED,
        "access_denied": NOT_ALLOWED,
        "invalid_token": BAD_TOKEN,
        "invalid_request": NOT_PERMITTED,
        "server_error": UNAVAILABLE,
        "temporarily_unavailable": UNAVAILABLE,
    }
    reasons = {**Feishu.reasons, "invalid_request": Feishu.reasons[20071]}  # our requests are complete

    def open_token(self, response: requests.Response) -> dict:
        return self.clean_token(self.open_answer(response, Expected("access_token", True, LOGIN_NUMBERS)))

    def read_profile(self, token: dict) -> dict:
        page, key = self.server_metadata["userinfo_endpoint"], token["access_token"]
        return self.ask("GET", page, Expected("open_id", lacks_code=True, numbers=LOGIN_NUMBERS), token=key)


class SignAsApp:
    """Turns a token request into JSON with the app's token.

    Grant type and code or refresh token are all that is sent.
    """

    def __init__(self, token: str):
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        params = dict(parse_qsl(request.body))
        request.body = json.dumps(
            {key: params[key] for key in ("grant_type", "code", "refresh_token") if key in params}
        )
        request.headers["Authorization"] = f"Bearer {self.token}"
        request.headers["Content-Type"] = JSON_TYPE
        return request


DIALECTS = {client.dialect: client for client in (Feishu, FeishuOidc, FeishuV1, FeishuPassport, FeishuV3)}
