"""The five ways to turn a code, or a refresh token, into a user token.

v1        https://open.feishu.cn/document/server-docs/historic-version/authen/create-3
oidc      https://open.feishu.cn/document/historic-version/authen/create-3
v2, v3    https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
passport  the older single sign-on host; flat answers as in OpenID Connect

They share the checks and differ in how a client proves itself, in numbers and in the shape of an answer: see `Dialect`.
v3 also gives the application its own token:
https://open.feishu.cn/document/authentication-management/access-token/tenant_access_token
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from flask import Blueprint, request

from sandbox.feishu import guesses, refusals
from sandbox.feishu.answers import Refused, answer
from sandbox.feishu.fields import form_fields, json_fields, sent_as_form
from sandbox.feishu.gateway import bearer_token, check_app, live_token
from sandbox.feishu.model import app_jwt_value, user_token_value
from sandbox.feishu.profile import STATES, profile
from sandbox.world import world

bp = Blueprint("feishu_dialects", __name__)
YEAR = 365 * 86400  # seconds after which a consent cannot be prolonged
CODE, REFRESH, CLIENT = "authorization_code", "refresh_token", "client_credentials"


class Denied(Exception):
    """A reason from `refusals`; the dialect puts it into its own words."""


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
        return answer(self.refusal(reason), 200 if self.enveloped else 400)

    def grant(self, tokens, scope, person_fields):
        if self.enveloped:
            extra = {"scope": scope} if self.name == "oidc" else person_fields()
            return answer({"code": 0, "msg": "success", "data": {**tokens, **extra}})
        return answer({"code": 0, **tokens, "scope": scope} if self.coded else tokens)


ENVELOPED = {"prefixes": ("u-", "ur-"), "enveloped": True}
V1 = Dialect("v1", partial(refusals.envelope, 0), ("v1",), 7140, 2591940, **ENVELOPED)
OIDC = Dialect("oidc", partial(refusals.envelope, 1), ("v1",), 7199, 2591999, **ENVELOPED)
FIRST = (CODE, REFRESH) if guesses.REFRESH_TOKEN_FIRST else (CODE,)
FLAT = {"refresh_life_name": "refresh_token_expires_in", "always_refresh": False, "looked_up_first": FIRST}
V2 = Dialect("v2", refusals.flat, ("v2",), 7200, 604800, **FLAT)
V3 = replace(V2, name="v3", refreshes=("v2", "v3"), strict_pkce=True)
PASSPORT = Dialect("passport", refusals.passport, ("passport",), 3600, 864000, coded=False)

ENDPOINTS = {  # path: the dialect spoken there, the grant types served
    "/open-apis/authen/v1/access_token": (V1, (CODE,)),
    "/open-apis/authen/v1/refresh_access_token": (V1, (REFRESH,)),
    "/open-apis/authen/v1/oidc/access_token": (OIDC, (CODE,)),
    "/open-apis/authen/v1/oidc/refresh_access_token": (OIDC, (REFRESH,)),
    "/open-apis/authen/v2/oauth/token": (V2, (CODE, REFRESH)),
    "/oauth/v3/token": (V3, (CODE, REFRESH, CLIENT)),
    "/suite/passport/oauth/token": (PASSPORT, (CODE, REFRESH)),
}


def token():
    """Answer a token request in the dialect of this path."""
    dialect, served = ENDPOINTS[request.path]
    try:
        fields = read_fields(dialect)
        grant_type = fields.get("grant_type")
        app = None if grant_type in dialect.looked_up_first else authenticate(dialect, fields)
        if not grant_type:
            raise Denied("incomplete")
        if grant_type not in served:
            raise Denied("grant_type")
        if grant_type == CLIENT:
            return own_token(app)
        find, check = (find_code, check_code) if grant_type == CODE else (find_refresh_token, check_refresh_token)
        item = find(dialect, fields)
        app = app or authenticate(dialect, fields)
        check(dialect, app, item, fields)
        scope = narrowed(item, fields) if not dialect.enveloped else item.scope
        item.used = True
        tokens = issue_tokens(dialect, item, scope)
        return dialect.grant(tokens, " ".join(sorted(scope)), lambda: profile(app, item.person))
    except Denied as denied:
        return dialect.refuse(str(denied))


for path in ENDPOINTS:
    bp.add_url_rule(path, view_func=token, methods=["POST"])


def read_fields(dialect):
    """Return the fields of the request.

    v1 and oidc take JSON, passport takes forms, v2 and v3 take both.
    """
    form_only = dialect is PASSPORT or (sent_as_form() and not guesses.READS_JSON_SENT_AS_FORM)
    fields = {} if form_only else json_fields()
    if not fields and not dialect.enveloped:
        fields = form_fields()
    if not fields:
        raise Denied("incomplete")
    return fields if dialect.enveloped else {**fields, **client_credentials(fields)}


def client_credentials(fields):
    """Return client id and secret from body or Basic header."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    client_id, secret = fields.get("client_id"), fields.get("client_secret")
    if scheme == "Basic":
        if secret:
            raise Denied("two_credentials")
        try:
            client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise Denied("incomplete") from None
    if not client_id or not secret:
        raise Denied("incomplete")
    return {"client_id": client_id, "client_secret": secret}


def authenticate(dialect, fields):
    """Return the application that asks."""
    app = app_by_token(dialect, fields) if dialect.enveloped else app_by_secret(fields)
    if app.disabled:
        raise Denied("disabled")
    check_app(app)
    return app


def app_by_token(dialect, fields):
    """Return the application whose token this is.

    A token in the body counts where no header is sent: v1's older form, which django-allauth sends.
    v1 leaves a wrong token to the gateway.
    """
    takes_body = dialect is V1 or guesses.OIDC_TAKES_TOKEN_IN_BODY
    try:
        if takes_body and "Authorization" not in request.headers and "app_access_token" in fields:
            return live_token(("tenant",), fields["app_access_token"]).app
        return bearer_token(("tenant",)).app
    except Refused as refused:
        if refused.number == 99991661:
            raise
        raise (Refused(99991664) if dialect is V1 else Denied("app_token")) from None


def app_by_secret(fields):
    app = world.feishu.apps.get(fields["client_id"])
    if app is None:
        raise Denied("unknown_app")
    if app.secret != fields["client_secret"]:
        raise Denied("secret")
    return app


def own_token(app):
    """Answer the application's own token.

    It is a JWT, and good wherever the application's older token is.
    """
    token = world.vault.issue("tenant", app_jwt_value(), app.token_lifetime, app=app, family="v3")
    return answer({"code": 0, "access_token": token.value, "token_type": "Bearer", "expires_in": app.token_lifetime})


def find_code(dialect, fields):
    """Return the unspent code of the request."""
    if not fields.get("code"):
        raise Denied("incomplete")
    code = world.vault.find("code", fields["code"])
    takes = code and (code.app.accept_codes or {}).get(dialect.name)
    if code is None or (takes is not None and code.source not in takes):
        raise Denied("unknown_code")
    if code.used:
        raise Denied("used_code")
    if not world.vault.alive(code):
        raise Denied("expired_code")
    return code


def check_code(dialect, app, code, fields):
    """Refuse a code the application may not spend so.

    A refused code can still be used.
    """
    if code.app is not app:
        raise Denied("foreign")
    if not dialect.enveloped:
        check_redirect_uri(code, fields)
        check_verifier(dialect, code, fields.get("code_verifier"))
    check_person(app, code.person)


def check_redirect_uri(code, fields):
    """Refuse another address than the code was sent to; leaving it out is allowed."""
    if fields.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        raise Denied("redirect_uri")


def check_verifier(dialect, code, verifier):
    """Refuse a verifier that does not fit the challenge of the authorize page."""
    if code.challenge is None:
        if verifier and dialect.strict_pkce:
            raise Denied("verifier")
        return
    if dialect is V3 and not guesses.V3_TAKES_PKCE:
        raise Denied("verifier")
    made = verifier or ""
    if code.challenge_method == "S256":
        digest = hashlib.sha256(made.encode()).digest()
        made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not verifier or not hmac.compare_digest(made.encode(), code.challenge.encode()):
        raise Denied("verifier")


def check_person(app, person):
    """Refuse those who may not, or no longer, use the application."""
    if person.key not in world.feishu.directory.people:
        raise Denied("no_user")
    if app.allowed is not None and person.company not in app.allowed:
        raise Denied("not_installed")
    if person.state in STATES:
        raise Denied(person.state)
    if person.barred:
        raise Denied("barred")


def find_refresh_token(dialect, fields):
    """Return the unspent refresh token of the request."""
    if not fields.get("refresh_token"):
        raise Denied("incomplete")
    item = world.vault.find("refresh", fields["refresh_token"])
    if item is None or item.family not in dialect.refreshes:
        raise Denied("unknown_refresh")
    if item.used:
        raise Denied("used_refresh")
    if item.revoked:
        raise Denied("revoked_refresh")
    if not world.vault.alive(item) or (item.family in V3.refreshes and world.now() >= item.consented + YEAR):
        raise Denied("expired_refresh")
    return item


def check_refresh_token(dialect, app, item, fields):
    """Refuse a refresh token the application may not spend.

    The access token beside it lives on.
    """
    if item.app is not app:
        raise Denied("foreign")
    if not app.refresh:
        raise Denied("refresh_off")
    check_person(app, item.person)


def narrowed(item, fields):
    """Return the granted scopes, or those of them the request names."""
    wanted = (fields.get("scope") or "").split()
    if len(set(wanted)) < len(wanted):
        raise Denied("scope_twice")
    if not item.scope.issuperset(wanted):
        raise Denied("scope_beyond")
    return frozenset(wanted) or item.scope


def issue_tokens(dialect, item, scope):
    """Issue an access token and, where the dialect gives one, a refresh token; return the answer's fields."""
    facts = {name: getattr(item, name) for name in ("app", "person", "consented")}
    facts |= {"scope": scope, "family": dialect.refreshes[-1]}
    lifetime = min(dialect.lifetime, item.app.token_lifetime)
    values = [user_token_value(prefix) for prefix in dialect.prefixes]
    access = world.vault.issue("user", values[0], lifetime, **facts)
    fields = {"access_token": access.value, "token_type": "Bearer", "expires_in": lifetime}
    if dialect.always_refresh or "offline_access" in scope:
        refresh = world.vault.issue("refresh", values[1], dialect.refresh_lifetime, **facts)
        fields |= {"refresh_token": refresh.value, dialect.refresh_life_name: dialect.refresh_lifetime}
    return fields
