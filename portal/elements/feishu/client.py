"""Sign-in with Feishu and Lark, in the dialect `v2`.

https://open.feishu.cn/document/common-capabilities/sso/web-application-sso/web-app-overview
"""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import requests

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
from portal.providers.client import Expected
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
UNCHECKED_KEYS = ("expires_in", "expires_at", "token_type")  # Authlib fails on values of another type
JSON_TYPE = "application/json; charset=utf-8"
CODE_REFUSED = dict.fromkeys((20003, 20004, 20007, 20024, 20049, 20065), BAD_CODE)
PERSON_REFUSED = dict.fromkeys((20008, 20010, 20021, 20022, 20023, 20066), NOT_ALLOWED)
WRONG_APP = dict.fromkeys((20002, 20028, 20035, 20048), BAD_CREDENTIALS)
WRONG_SETUP = dict.fromkeys((20009, 20029, 20042, 20046, 20069, 20071), NOT_PERMITTED)
APP_TOKEN_REFUSED = {20005: BAD_TOKEN, 20006: EXPIRED_TOKEN, 20013: BAD_TOKEN, 20014: BAD_TOKEN}
REFRESH_REFUSED = {
    20026: BAD_TOKEN,
    20037: EXPIRED_TOKEN,
    20038: BAD_TOKEN,
    20064: BAD_TOKEN,
    20073: BAD_TOKEN,
    20074: NOT_PERMITTED,
}
LOGIN_NUMBERS = {
    **REFRESH_REFUSED,
    **CODE_REFUSED,
    **PERSON_REFUSED,
    **WRONG_APP,
    **WRONG_SETUP,
    **APP_TOKEN_REFUSED,
    20050: UNAVAILABLE,
    20072: UNAVAILABLE,
}


class Feishu(FeishuContacts):
    """A client with the token dialect `v2`.

    `v2` is the default because the newer `v3` refuses a correct PKCE pair, see
    https://github.com/larksuite/oapi-sdk-go/issues/230

    https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
    """

    provider = "feishu"
    dialect = "v2"
    authorize_page = "{accountsBaseUrl}/open-apis/authen/v1/authorize"
    qr_page = "{passportBaseUrl}/suite/passport/oauth/authorize"  # the QR script takes no other
    token_page = "{openBaseUrl}/open-apis/authen/v2/oauth/token"
    person_page = "{openBaseUrl}/open-apis/authen/v1/user_info"
    refresh_page = None  # the token page itself
    pkce = True  #: for logins by redirect; a code of the QR page or of the client has no challenge
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
    def endpoints(cls, hosts: dict[str, str], kind: str) -> dict:
        """Return the addresses for one kind of login.

        The keys are the names that Authlib uses.
        """
        return {
            "api_base_url": hosts["openBaseUrl"],
            "authorize_url": cls.get_authorize_page(kind).format(**hosts),
            "access_token_url": cls.token_page.format(**hosts),
            "userinfo_endpoint": cls.person_page.format(**hosts),
            "refresh_page": (cls.refresh_page or cls.token_page).format(**hosts),
            "client_kwargs": cls.session_options(kind),
        }

    @classmethod
    def get_authorize_page(cls, kind: str) -> str:
        return cls.qr_page if kind == "qr" else cls.authorize_page

    @classmethod
    def takes_scope(cls, kind: str) -> bool:
        """Return whether a login's authorize page heeds a scope.

        The page of the passport host does not.
        """
        return cls.get_authorize_page(kind) != cls.qr_page

    @classmethod
    def session_options(cls, kind: str) -> dict:
        """Return the options of Authlib's session."""
        options = {"token_endpoint_auth_method": send_json_credentials}
        if kind == "redirect" and cls.pkce:
            options["code_challenge_method"] = "S256"
        return options

    def person_by_code(self, code: str, keep: bool = False, **extra: Any) -> Person:
        """Return the person of a login code.

        Two calls: the exchange and the profile. `v1` needs the first alone.

        :param keep: whether to return the person's tokens, too.
        """
        token = self.exchange(code, **extra)
        person = self.make_person(self.read_profile(token))
        return Person(**person, **self.pick_tokens(token)) if keep else person

    def open_token(self, response: requests.Response) -> dict:
        return self.clean_token(self.open_answer(response, Expected("access_token", numbers=LOGIN_NUMBERS)))

    def clean_token(self, answer: dict) -> dict:
        """Return a token answer that Authlib can handle.

        `life` is the token's, in seconds.
        """
        harmless = {key: value for key, value in answer.items() if key not in UNCHECKED_KEYS}
        return {**harmless, "access_token": token_in(answer, "access_token"), "life": answer.get("expires_in")}

    def pick_tokens(self, token: dict) -> dict:
        """Return the part of a user's token that is stored.

        The keys are those of :class:`Person`.
        """
        refresh = token_in(token, "refresh_token") if token.get("refresh_token") else None
        ends = now() + timedelta(seconds=life_in(token, "life"))
        pair = {"accessToken": token["access_token"], "refreshToken": refresh, "expiresAt": ends}
        return {**pair, "tokenDialect": self.dialect, "tokenApp": self.client_id}

    def refresh(self, refresh_token: str, **kwargs: Any) -> dict:
        """Exchange a refresh token for a new pair.

        :return: as `pick_tokens()` returns it.
        :raises Code: EXPIRED_TOKEN; BAD_TOKEN when unknown or used; NOT_PERMITTED when the app may not refresh.
        """

        page = self.server_metadata["refresh_page"]

        def send():
            with self._get_oauth_client(**self.server_metadata) as session:
                session.scope = None  # Authlib would send it, which narrows the new token
                return session.fetch_token(page, grant_type="refresh_token", refresh_token=refresh_token, **kwargs)

        return self.pick_tokens(self.token_call(send, page))

    def read_profile(self, token: dict) -> dict:
        """Return the profile of a token's owner."""
        page = self.server_metadata["userinfo_endpoint"]
        answer = self.ask("GET", page, Expected("data", numbers=LOGIN_NUMBERS), token=token["access_token"])
        return answer["data"] if isinstance(answer["data"], dict) else {}

    def make_person(self, profile: dict) -> Person:
        """Return the person that a login profile describes.

        A profile tells no department, position, gender or status.
        """
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

    def fetch_app_token(self) -> tuple[dict, int]:
        """Return the app's new tokens and their life (seconds).

        https://open.feishu.cn/document/server-docs/authentication-management/access-token/app_access_token_internal
        """
        answer = self.ask(
            "POST",
            f"{self.api_base_url}/open-apis/auth/v3/app_access_token/internal",
            Expected("app_access_token", numbers=dict.fromkeys((10003, 10014, 10015), BAD_CREDENTIALS)),
            json={"app_id": self.client_id, "app_secret": self.client_secret},
        )
        values = {name: token_in(answer, name) for name in ("app_access_token", "tenant_access_token")}
        return values, life_in(answer, "expire")


def send_json_credentials(auth: Any, method: str, uri: str, headers: dict, body: str) -> tuple[str, dict, str]:
    """Turn a token request into JSON with the app's credentials.

    This is a client authentication method of Authlib.
    """
    params = dict(parse_qsl(body), client_id=auth.client_id, client_secret=auth.client_secret)
    headers["Content-Type"] = JSON_TYPE
    return uri, headers, json.dumps(params)
