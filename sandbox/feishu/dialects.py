"""The five dialects of the token endpoints.

v1        https://open.feishu.cn/document/server-docs/historic-version/authen/create-3
oidc      https://open.feishu.cn/document/historic-version/authen/create-3
v2, v3    https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
passport  the older single sign-on host, with flat answers as in OpenID Connect

They share the checks. They differ in how a client proves itself, in numbers and in the shape of an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sandbox.feishu import guesses, refusals
from sandbox.feishu.answers import answer_json

CODE, REFRESH, CLIENT = "authorization_code", "refresh_token", "client_credentials"


@dataclass(frozen=True)
class Dialect:
    name: str
    refusal: Callable  # a reason -> the body that says it
    refreshes: tuple  # families of refresh tokens it takes, its own last
    lifetime: int  # seconds of the access token
    refresh_lifetime: int
    prefixes: tuple = ("", "")  # of access and refresh tokens
    refresh_life_name: str = "refresh_expires_in"
    enveloped: bool = False  # {code, msg, data}, and the app token instead of id and secret
    coded: bool = True  # answers carry `code`
    always_refresh: bool = True  # otherwise only with the scope offline_access
    strict_pkce: bool = False  # a verifier without a challenge is refused
    looked_up_first: tuple = ()  # grant types whose code or token is looked up before the client

    def refuse(self, reason):
        return answer_json(self.refusal(reason), 200 if self.enveloped else 400)

    def grant(self, tokens, scope, person_fields):
        if self.enveloped:
            extra = {"scope": scope} if self.name == "oidc" else person_fields()
            return answer_json({"code": 0, "msg": "success", "data": {**tokens, **extra}})
        return answer_json({"code": 0, **tokens, "scope": scope} if self.coded else tokens)


ENVELOPED = {"prefixes": ("u-", "ur-"), "enveloped": True}
V1 = Dialect("v1", partial(refusals.build_envelope, 0), ("v1",), 7140, 2591940, **ENVELOPED)
OIDC = Dialect("oidc", partial(refusals.build_envelope, 1), ("v1",), 7199, 2591999, **ENVELOPED)
FIRST = (CODE, REFRESH) if guesses.REFRESH_TOKEN_FIRST else (CODE,)
FLAT = {"refresh_life_name": "refresh_token_expires_in", "always_refresh": False, "looked_up_first": FIRST}
V2 = Dialect("v2", refusals.build_flat, ("v2",), 7200, 604800, **FLAT)
V3 = replace(V2, name="v3", refreshes=("v2", "v3"), strict_pkce=True)
PASSPORT = Dialect("passport", refusals.build_passport, ("passport",), 3600, 864000, coded=False)

ENDPOINTS = {  # path: the dialect spoken there, the grant types served
    "/open-apis/authen/v1/access_token": (V1, (CODE,)),
    "/open-apis/authen/v1/refresh_access_token": (V1, (REFRESH,)),
    "/open-apis/authen/v1/oidc/access_token": (OIDC, (CODE,)),
    "/open-apis/authen/v1/oidc/refresh_access_token": (OIDC, (REFRESH,)),
    "/open-apis/authen/v2/oauth/token": (V2, (CODE, REFRESH)),
    "/oauth/v3/token": (V3, (CODE, REFRESH, CLIENT)),
    "/suite/passport/oauth/token": (PASSPORT, (CODE, REFRESH)),
}
