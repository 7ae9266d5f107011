"""Feishu and Lark: one class a token dialect, each only what differs from the one above it.

https://open.feishu.cn/document/common-capabilities/sso/web-application-sso/web-app-overview
"""

import json
from datetime import timedelta
from urllib.parse import parse_qsl, quote

from portal.clocks import now
from portal.elements.feishu.contacts import NO_PERMISSION, FeishuContacts
from portal.errors import (
    BAD_CODE,
    BAD_CREDENTIALS,
    BAD_TOKEN,
    EXPIRED_TOKEN,
    NOT_ALLOWED,
    NOT_PERMITTED,
    UNAVAILABLE,
    Code,
)
from portal.providers.person import Person
from portal.providers.values import life_in, text, token_in
from portal.text import is_clean

HOSTS = {
    "feishu": {
        "openBaseUrl": "https://open.feishu.cn",
        "accountsBaseUrl": "https://accounts.feishu.cn",
        "passportBaseUrl": "https://passport.feishu.cn",
    },
    "lark": {
        "openBaseUrl": "https://open.larksuite.com",
        "accountsBaseUrl": "https://accounts.larksuite.com",
        "passportBaseUrl": "https://passport.larksuite.com",
    },
}
STUMBLING = ("expires_in", "expires_at", "token_type")  # Authlib takes their types on trust
JSON_TYPE = "application/json; charset=utf-8"
NOT_A_CODE = {20003: BAD_CODE, 20004: BAD_CODE, 20007: BAD_CODE, 20024: BAD_CODE, 20049: BAD_CODE, 20065: BAD_CODE}
PERSON_REFUSED = dict.fromkeys((20008, 20010, 20021, 20022, 20023, 20066), NOT_ALLOWED)
WRONG_APP = dict.fromkeys((20002, 20028, 20035, 20048), BAD_CREDENTIALS)
WRONG_SETUP = dict.fromkeys((20009, 20029, 20042, 20046, 20069, 20071), NOT_PERMITTED)
OUR_TOKEN = {20005: BAD_TOKEN, 20006: EXPIRED_TOKEN, 20013: BAD_TOKEN, 20014: BAD_TOKEN}
NOT_A_REFRESH = {
    20026: BAD_TOKEN,
    20037: EXPIRED_TOKEN,
    20038: BAD_TOKEN,
    20064: BAD_TOKEN,
    20073: BAD_TOKEN,
    20074: NOT_PERMITTED,
}
LOGIN = {
    **NOT_A_REFRESH,
    **NOT_A_CODE,
    **PERSON_REFUSED,
    **WRONG_APP,
    **WRONG_SETUP,
    **OUR_TOKEN,
    20050: UNAVAILABLE,
    20072: UNAVAILABLE,
}


class Feishu(FeishuContacts):
    """Dialect `v2`, and what all dialects share.

    It is the default: the newer v3 refuses a correct PKCE pair, see https://github.com/larksuite/oapi-sdk-go/issues/230
    https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
    """

    provider = "feishu"
    dialect = "v2"
    authorize_page = "{accountsBaseUrl}/open-apis/authen/v1/authorize"
    qr_page = "{passportBaseUrl}/suite/passport/oauth/authorize"  # the QR script takes no other
    token_page = "{openBaseUrl}/open-apis/authen/v2/oauth/token"
    person_page = "{openBaseUrl}/open-apis/authen/v1/user_info"
    refresh_page = None  # the token page itself
    pkce = True  #: for a login by redirect; a code made by the QR page or the client has no challenge
    busy = {99991400: 1, 1000004: 1, 1000005: 1}
    numbers = {
        **dict.fromkeys(range(99991661, 99991670), BAD_TOKEN),
        99991671: BAD_TOKEN,
        99991677: EXPIRED_TOKEN,
        99991400: UNAVAILABLE,
        99991401: NOT_PERMITTED,
        99991403: UNAVAILABLE,
        1000004: UNAVAILABLE,
        1000005: UNAVAILABLE,
        2200: UNAVAILABLE,
    }
    reasons = {
        10003: "the app id is malformed",
        10014: "the app id or its secret is wrong",
        10015: "the app secret is wrong",
        20009: "the company has not installed the app, or no version of it is released",
        20029: "the redirect address is not registered in the app's security settings",
        20042: "the app is switched off",
        20046: "the app belongs to the other brand: check region",
        20069: "the app is not enabled",
        20071: "the redirect address differs from the one the login began with",
        99991401: "the server's network address is not on the app's list of allowed addresses",
        **dict.fromkeys(NO_PERMISSION, "the app lacks a permission to read contacts"),
    }

    @classmethod
    def endpoints(cls, hosts: dict, kind: str) -> dict:
        """Return the addresses for logins of one kind, as Authlib names them."""
        return {
            "api_base_url": hosts["openBaseUrl"],
            "authorize_url": cls.page(kind).format(**hosts),
            "access_token_url": cls.token_page.format(**hosts),
            "userinfo_endpoint": cls.person_page.format(**hosts),
            "refresh_page": (cls.refresh_page or cls.token_page).format(**hosts),
            "client_kwargs": cls.session_options(kind),
        }

    @classmethod
    def page(cls, kind: str) -> str:
        return cls.qr_page if kind == "qr" else cls.authorize_page

    @classmethod
    def takes_scope(cls, kind: str) -> bool:
        """Return whether the authorize page heeds a scope: passport's does not."""
        return cls.page(kind) != cls.qr_page

    @classmethod
    def session_options(cls, kind: str) -> dict:
        options = {"token_endpoint_auth_method": json_client_secret}
        if kind == "redirect" and cls.pkce:
            options["code_challenge_method"] = "S256"
        return options

    def person_by_code(self, code, keep=False, **extra):
        """Exchange the code and read who it belongs to: two calls, one in `v1`.

        :param keep: return the person's tokens with them; they are as good as the person.
        """
        token = self.exchange(code, **extra)
        person = self.person(self.profile(token))
        return Person(**person, **self.kept(token)) if keep else person

    def open_token(self, response):
        return self.user_token(self.open_answer(response, "access_token", numbers=LOGIN))

    def user_token(self, answer: dict) -> dict:
        """Return the answer with nothing in it that Authlib would stumble over; `life` is the token's, in seconds."""
        harmless = {key: value for key, value in answer.items() if key not in STUMBLING}
        return {**harmless, "access_token": token_in(answer, "access_token"), "life": answer.get("expires_in")}

    def kept(self, token: dict) -> dict:
        """Return what of a user's token is worth storing, under the names the stored person has."""
        refresh = token_in(token, "refresh_token") if token.get("refresh_token") else None
        ends = now() + timedelta(seconds=life_in(token, "life"))
        pair = {"accessToken": token["access_token"], "refreshToken": refresh, "expiresAt": ends}
        return {**pair, "tokenDialect": self.dialect, "tokenApp": self.client_id}

    def refresh(self, refresh_token: str, **kwargs) -> dict:
        """Return a new pair of tokens, as `kept()` has it; the old refresh token is used up.

        :raises Code: 42001 too old, 40014 unknown or used, 60020 when the app may not refresh.
        """

        def send():
            page = self.server_metadata["refresh_page"]
            with self._get_oauth_client(**self.server_metadata) as session:
                session.scope = None  # Authlib would send it, and so narrow the new token
                return session.fetch_token(page, grant_type="refresh_token", refresh_token=refresh_token, **kwargs)

        return self.kept(self.token_call(send))

    def profile(self, token: dict) -> dict:
        page = self.server_metadata["userinfo_endpoint"]
        answer = self.ask("GET", page, expect="data", numbers=LOGIN, token=token["access_token"])
        return answer["data"] if isinstance(answer["data"], dict) else {}

    def person(self, profile: dict) -> Person:
        """Return the person a login profile describes: no department, position, gender or status."""
        for key in ("union_id", "tenant_key", "open_id"):
            if not is_clean(profile.get(key)):
                raise Code(UNAVAILABLE, f"the platform's profile lacks a usable {key}")
        return Person(
            provider=self.provider,
            tenant=profile["tenant_key"],
            subject=profile["union_id"],
            unionId=profile["union_id"],
            openId=profile["open_id"],
            userId=text(profile.get("user_id")) or profile["open_id"],
            name=text(profile.get("name")) or None,
            email=text(profile.get("email")) or text(profile.get("enterprise_email")) or None,
            companyEmail=text(profile.get("enterprise_email")),
            mobile=text(profile.get("mobile")) or None,
            avatar=text(profile.get("avatar_url")) or None,
            employeeNo=text(profile.get("employee_no")),
        )

    # The app itself

    def fetch_app_token(self):
        """https://open.feishu.cn/document/server-docs/authentication-management/access-token/app_access_token_internal"""
        answer = self.ask(
            "POST",
            f"{self.api_base_url}/open-apis/auth/v3/app_access_token/internal",
            expect="app_access_token",
            numbers={10003: BAD_CREDENTIALS, 10014: BAD_CREDENTIALS, 10015: BAD_CREDENTIALS},
            json={"app_id": self.client_id, "app_secret": self.client_secret},
        )
        values = {name: token_in(answer, name) for name in ("app_access_token", "tenant_access_token")}
        return values, life_in(answer, "expire")


class FeishuV3(Feishu):
    """Dialect `v3`: as v2, by form, on the accounts host. https://open.feishu.cn/document (OAuth 2.0 token, v3)"""

    dialect = "v3"
    token_page = "{accountsBaseUrl}/oauth/v3/token"
    pkce = False

    @classmethod
    def session_options(cls, kind):
        return {"token_endpoint_auth_method": "client_secret_post"}


class FeishuOidc(Feishu):
    """Dialect `oidc`: the app's token opens the exchange, and the answer is in `data`.

    https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/oidc-access_token/create
    """

    dialect = "oidc"
    authorize_page = "{openBaseUrl}/open-apis/authen/v1/authorize"
    token_page = "{openBaseUrl}/open-apis/authen/v1/oidc/access_token"
    refresh_page = "{openBaseUrl}/open-apis/authen/v1/oidc/refresh_access_token"
    pkce = False

    def create_authorization_url(self, redirect_uri=None, state=None, **kwargs):
        """The QR page follows OAuth 2; this dialect's own page wants `app_id`."""
        if not self.authorize_url.endswith("/authen/v1/authorize"):
            return super().create_authorization_url(redirect_uri, state=state, **kwargs)
        scope = self.client_kwargs.get("scope")
        query = {"app_id": self.client_id, "redirect_uri": redirect_uri, "scope": scope, "state": state}
        pairs = (f"{key}={quote(value, safe=':' if key == 'scope' else '')}" for key, value in query.items() if value)
        return {"url": f"{self.authorize_url}?{'&'.join(pairs)}", "state": state}

    def exchange(self, code, **extra):
        exchange = super().exchange
        return self.as_app(lambda token: exchange(code, auth=AppSigned(token)), "app_access_token")

    def refresh(self, refresh_token, **kwargs):
        refresh = super().refresh
        return self.as_app(lambda token: refresh(refresh_token, auth=AppSigned(token)), "app_access_token")

    def open_token(self, response):
        data = self.open_answer(response, "data", numbers=LOGIN)["data"]
        return self.user_token(data if isinstance(data, dict) else {})


class FeishuV1(FeishuOidc):
    """Dialect `v1`: as oidc, and the profile comes along with the token."""

    dialect = "v1"
    token_page = "{openBaseUrl}/open-apis/authen/v1/access_token"
    refresh_page = "{openBaseUrl}/open-apis/authen/v1/refresh_access_token"

    def profile(self, token):
        return token


class FeishuPassport(FeishuV3):
    """Dialect `passport`: by form as v3, with flat OAuth 2 answers without a number."""

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

    def open_token(self, response):
        return self.user_token(self.open_answer(response, "access_token", lacks_code=True, numbers=LOGIN))

    def profile(self, token):
        page, key = self.server_metadata["userinfo_endpoint"], token["access_token"]
        return self.ask("GET", page, expect="open_id", lacks_code=True, numbers=LOGIN, token=key)


DIALECTS = {each.dialect: each for each in (Feishu, FeishuOidc, FeishuV1, FeishuPassport, FeishuV3)}


def json_client_secret(auth, method, uri, headers, body):
    """Authlib client-auth method: the token request as JSON, credentials inside."""
    params = dict(parse_qsl(body), client_id=auth.client_id, client_secret=auth.client_secret)
    headers["Content-Type"] = JSON_TYPE
    return uri, headers, json.dumps(params)


class AppSigned:
    """Sign a token request with the app's own token: grant type and code or refresh token alone, as JSON."""

    def __init__(self, token: str):
        self.token = token

    def __call__(self, request):
        params = dict(parse_qsl(request.body))
        request.body = json.dumps(
            {key: params[key] for key in ("grant_type", "code", "refresh_token") if key in params}
        )
        request.headers["Authorization"] = f"Bearer {self.token}"
        request.headers["Content-Type"] = JSON_TYPE
        return request
