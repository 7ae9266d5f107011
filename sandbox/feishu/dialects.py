"""The five ways to turn a code, or a refresh token, into a user token.

v1        https://open.feishu.cn/document/server-docs/historic-version/authen/create-3
oidc      https://open.feishu.cn/document/historic-version/authen/create-3
v2, v3    https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
passport  the older single sign-on host; flat answers as in OpenID Connect

They share the checks and differ in how a client proves itself, in numbers and in the shape of an answer: see `Dialect`.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, replace

from flask import Blueprint, request

from sandbox.feishu.answers import Refused, answer
from sandbox.feishu.fields import form_fields, json_fields
from sandbox.feishu.gateway import bearer_token, check_app, live_token
from sandbox.feishu.model import user_token_value
from sandbox.feishu.profile import STATES, profile
from sandbox.world import world

bp = Blueprint("feishu_dialects", __name__)
YEAR = 365 * 86400  # seconds after which a consent cannot be prolonged

REFUSALS = {  # reason: number in v1, in oidc, in v2 and v3; OAuth's word; text
    "incomplete": (20001, 20001, 20063, "invalid_request", "A required parameter is missing or malformed."),
    "grant_type": (20001, 20036, 20036, "unsupported_grant_type", "The grant type is not supported."),
    "app_token": (None, 20014, None, "", "The app access token is invalid."),
    "two_credentials": (None, None, 20070, "invalid_request", "The client authenticates in two ways at once."),
    "unknown_app": (None, None, 20048, "invalid_client", "The app does not exist."),
    "secret": (None, None, 20002, "invalid_client", "The client secret is invalid."),
    "disabled": (20009, 20042, 20069, "unauthorized_client", "The app is not enabled."),
    "not_installed": (20009, 20009, 20009, "unauthorized_client", "The tenant has not installed the app."),
    "barred": (20010, 20010, 20010, "access_denied", "The user is outside the availability of the app."),
    "unknown_code": (20007, 20003, 20003, "invalid_grant", "The authorization code is not found."),
    "used_code": (20007, 20003, 20065, "invalid_grant", "The authorization code has been used."),
    "expired_code": (20007, 20004, 20004, "invalid_grant", "The authorization code has expired."),
    "foreign": (20024, 20024, 20024, "invalid_grant", "The code or refresh token was issued to another app."),
    "redirect_uri": (None, None, 20071, "invalid_grant", "The redirect_uri is not the one used to authorize."),
    "verifier": (None, None, 20049, "invalid_grant", "The PKCE check failed."),
    "scope_twice": (None, None, 20067, "invalid_scope", "The scope parameter has duplicates."),
    "scope_beyond": (None, None, 20068, "invalid_scope", "The scope parameter asks for more than was granted."),
    "no_user": (20008, 20008, 20008, "invalid_grant", "The user does not exist."),
    "resigned": (20021, 20021, 20066, "access_denied", "The user has resigned."),
    "exited": (20021, 20021, 20066, "access_denied", "The user has resigned."),
    "frozen": (20022, 20022, 20066, "access_denied", "The user is frozen."),
    "inactive": (20023, 20023, 20066, "access_denied", "The user is not registered."),
    "refresh_off": (20007, 20007, 20074, "unauthorized_client", "The app may not refresh user tokens."),
    "unknown_refresh": (20007, 20026, 20026, "invalid_grant", "The refresh token is invalid."),
    "used_refresh": (20007, 20038, 20073, "invalid_grant", "The refresh token has been used."),
    "revoked_refresh": (20007, 20026, 20064, "invalid_grant", "The refresh token has been revoked."),
    "expired_refresh": (20007, 20037, 20037, "invalid_grant", "The refresh token has expired."),
}


class Denied(Exception):
    """A reason from the table above; the dialect puts it into its own words."""


@dataclass(frozen=True)
class Dialect:
    name: str
    column: int  # of REFUSALS
    family: str  # whose refresh tokens it takes
    lifetime: int  # seconds of the access token
    refresh_lifetime: int
    prefixes: tuple = ("", "")  # of access and refresh tokens
    refresh_life_name: str = "refresh_expires_in"
    enveloped: bool = False  # {code, msg, data}, and the app token instead of id and secret
    coded: bool = True  # answers carry `code`
    always_refresh: bool = True  # otherwise only with the scope offline_access
    strict_pkce: bool = False  # a verifier without a challenge is refused

    def refuse(self, reason):
        number, error, text = REFUSALS[reason][self.column], *REFUSALS[reason][3:]
        if self.enveloped:
            return answer({"code": number, "msg": text})
        body = {"error": error, "error_description": text}
        return answer({"code": number, **body} if self.coded else body, 400)

    def grant(self, tokens, scope, person_fields):
        if self.enveloped:
            extra = {"scope": scope} if self.name == "oidc" else person_fields()
            return answer({"code": 0, "msg": "success", "data": {**tokens, **extra}})
        return answer({"code": 0, **tokens, "scope": scope} if self.coded else tokens)


V1 = Dialect("v1", 0, "v1", 7140, 2591940, ("u-", "ur-"), enveloped=True)
OIDC = Dialect("oidc", 1, "v1", 7199, 2591999, ("u-", "ur-"), enveloped=True)
V2 = Dialect("v2", 2, "v2", 7200, 604800, refresh_life_name="refresh_token_expires_in", always_refresh=False)
V3 = replace(V2, name="v3", strict_pkce=True)
PASSPORT = Dialect("passport", 2, "passport", 3600, 864000, coded=False)

BOTH = ("authorization_code", "refresh_token")
ENDPOINTS = {  # path: the dialect spoken there, the grant types served
    "/open-apis/authen/v1/access_token": (V1, BOTH[:1]),
    "/open-apis/authen/v1/refresh_access_token": (V1, BOTH[1:]),
    "/open-apis/authen/v1/oidc/access_token": (OIDC, BOTH[:1]),
    "/open-apis/authen/v1/oidc/refresh_access_token": (OIDC, BOTH[1:]),
    "/open-apis/authen/v2/oauth/token": (V2, BOTH),
    "/oauth/v3/token": (V3, BOTH),
    "/suite/passport/oauth/token": (PASSPORT, BOTH),
}


def token():
    """Exchange a code or a refresh token in the dialect of this path."""
    dialect, served = ENDPOINTS[request.path]
    try:
        fields = read_fields(dialect)
        app = authenticate(dialect, fields)
        if not fields.get("grant_type"):
            raise Denied("incomplete")
        if fields["grant_type"] not in served:
            raise Denied("grant_type")
        spend = spend_code if fields["grant_type"] == "authorization_code" else spend_refresh_token
        item = spend(dialect, app, fields)
        scope = narrowed(item, fields) if not dialect.enveloped else item.scope
        tokens = issue_tokens(dialect, item, scope)
        return dialect.grant(tokens, " ".join(sorted(scope)), lambda: profile(app, item.person))
    except Denied as denied:
        return dialect.refuse(str(denied))


for path in ENDPOINTS:
    bp.add_url_rule(path, view_func=token, methods=["POST"])


def read_fields(dialect):
    """Return the request's fields: v1 and oidc take JSON, passport forms, v2 and v3 both."""
    fields = {} if dialect is PASSPORT else json_fields()
    if not fields and not dialect.enveloped:
        fields = form_fields()
    if not fields:
        raise Denied("incomplete")
    return fields


def authenticate(dialect, fields):
    """Return the application that asks."""
    app = app_by_token(dialect, fields) if dialect.enveloped else app_by_secret(*client_credentials(fields))
    if app.disabled:
        raise Denied("disabled")
    check_app(app)
    return app


def app_by_token(dialect, fields):
    """Return the application whose token this is; v1 leaves a wrong one to the gateway.

    A token in the body counts where no header is sent: v1's older form, which django-allauth sends.
    """
    try:
        if "Authorization" not in request.headers and "app_access_token" in fields:
            return live_token(("tenant",), fields["app_access_token"]).app
        return bearer_token(("tenant",)).app
    except Refused as refused:
        if refused.number == 99991661:
            raise
        raise (Refused(99991664) if dialect is V1 else Denied("app_token")) from None


def client_credentials(fields):
    """Return client id and secret from the body or from the Basic header, but not from both."""
    header = request.headers.get("Authorization", "")
    if not header.startswith("Basic "):
        return fields.get("client_id"), fields.get("client_secret")
    if fields.get("client_secret"):
        raise Denied("two_credentials")
    try:
        client_id, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        return client_id, secret
    except (binascii.Error, ValueError):
        raise Denied("incomplete") from None


def app_by_secret(client_id, secret):
    if not client_id or not secret:
        raise Denied("incomplete")
    app = world.feishu.apps.get(client_id)
    if app is None:
        raise Denied("unknown_app")
    if app.secret != secret:
        raise Denied("secret")
    return app


def spend_code(dialect, app, fields):
    """Use up the code and return it; a refused one can still be used."""
    if not fields.get("code"):
        raise Denied("incomplete")
    code = world.vault.find("code", fields["code"])
    takes = (app.accept_codes or {}).get(dialect.name)
    if code is None or (takes is not None and code.source not in takes):
        raise Denied("unknown_code")
    if code.app is not app:
        raise Denied("foreign")
    if code.used:
        raise Denied("used_code")
    if not world.vault.alive(code):
        raise Denied("expired_code")
    if not dialect.enveloped:
        check_redirect_uri(code, fields)
        check_verifier(dialect, code, fields.get("code_verifier"))
    check_person(app, code.person)
    code.used = True
    return code


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


def spend_refresh_token(dialect, app, fields):
    """Use up the refresh token and return it; its access token lives on."""
    if not fields.get("refresh_token"):
        raise Denied("incomplete")
    item = world.vault.find("refresh", fields["refresh_token"])
    if item is None or item.family != dialect.family:
        raise Denied("unknown_refresh")
    if item.app is not app:
        raise Denied("foreign")
    if not app.refresh:
        raise Denied("refresh_off")
    if item.used:
        raise Denied("used_refresh")
    if item.revoked:
        raise Denied("revoked_refresh")
    if not world.vault.alive(item) or (item.family == "v2" and world.now() >= item.consented + YEAR):
        raise Denied("expired_refresh")
    check_person(app, item.person)
    item.used = True
    return item


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
    facts |= {"scope": scope, "family": dialect.family}
    lifetime = min(dialect.lifetime, item.app.token_lifetime)
    values = [user_token_value(prefix) for prefix in dialect.prefixes]
    access = world.vault.issue("user", values[0], lifetime, **facts)
    fields = {"access_token": access.value, "token_type": "Bearer", "expires_in": lifetime}
    if dialect.always_refresh or "offline_access" in scope:
        refresh = world.vault.issue("refresh", values[1], dialect.refresh_lifetime, **facts)
        fields |= {"refresh_token": refresh.value, dialect.refresh_life_name: dialect.refresh_lifetime}
    return fields
