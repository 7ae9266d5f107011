"""The token endpoints, each of which speaks a dialect.

They turn a code or a refresh token into a user token. v3 also gives the application its own token:
https://open.feishu.cn/document/authentication-management/access-token/tenant_access_token
"""

import base64
import binascii

from flask import Blueprint, request

from sandbox.feishu import guesses
from sandbox.feishu.answers import Refused, answer_json
from sandbox.feishu.dialects import CLIENT, CODE, ENDPOINTS, PASSPORT, V1
from sandbox.feishu.fields import is_form_request, read_form_fields, read_json_fields
from sandbox.feishu.gateway import check_app, find_live_token, read_bearer_token
from sandbox.feishu.grants import check_code, check_refresh_token, find_code, find_refresh_token, narrow_scope
from sandbox.feishu.model import make_app_jwt, make_user_token
from sandbox.feishu.profile import describe_profile
from sandbox.feishu.refusals import Denied
from sandbox.world import world

bp = Blueprint("feishu_user_tokens", __name__)


def answer_token_request():
    """Answer a token request in the dialect of its path."""
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
            return issue_app_token(app)
        find, check = (find_code, check_code) if grant_type == CODE else (find_refresh_token, check_refresh_token)
        item = find(dialect, fields)
        app = app or authenticate(dialect, fields)
        check(dialect, app, item, fields)
        scope = narrow_scope(item, fields) if not dialect.enveloped else item.scope
        item.used = True
        tokens = issue_tokens(dialect, item, scope)
        return dialect.grant(tokens, " ".join(sorted(scope)), lambda: describe_profile(app, item.person))
    except Denied as denied:
        return dialect.refuse(str(denied))


for path in ENDPOINTS:
    bp.add_url_rule(path, view_func=answer_token_request, methods=["POST"])


def read_fields(dialect):
    """Return the fields of the request.

    v1 and oidc take JSON, passport takes forms, v2 and v3 take both.
    """
    form_only = dialect is PASSPORT or (is_form_request() and not guesses.READS_JSON_SENT_AS_FORM)
    fields = {} if form_only else read_json_fields()
    if not fields and not dialect.enveloped:
        fields = read_form_fields()
    if not fields:
        raise Denied("incomplete")
    return fields if dialect.enveloped else {**fields, **read_client_credentials(fields)}


def read_client_credentials(fields):
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
    """Return the application that sends the request."""
    app = find_app_by_token(dialect, fields) if dialect.enveloped else find_app_by_secret(fields)
    if app.disabled:
        raise Denied("disabled")
    check_app(app)
    return app


def find_app_by_token(dialect, fields):
    """Return the application that has the request's token.

    A token in the body counts where no header is sent: v1's older form, which django-allauth sends.
    v1 leaves a wrong token to the gateway.
    """
    takes_body = dialect is V1 or guesses.OIDC_TAKES_TOKEN_IN_BODY
    try:
        if takes_body and "Authorization" not in request.headers and "app_access_token" in fields:
            return find_live_token(("tenant",), fields["app_access_token"]).app
        return read_bearer_token(("tenant",)).app
    except Refused as refused:
        if refused.number == 99991661:
            raise
        raise (Refused(99991664) if dialect is V1 else Denied("app_token")) from None


def find_app_by_secret(fields):
    app = world.feishu.apps.get(fields["client_id"])
    if app is None:
        raise Denied("unknown_app")
    if app.secret != fields["client_secret"]:
        raise Denied("secret")
    return app


def issue_app_token(app):
    """Answer a new token of the application itself.

    It is a JWT, and good wherever the application's older token is.
    """
    token = world.vault.issue("tenant", make_app_jwt(), app.token_lifetime, app=app, family="v3")
    fields = {"access_token": token.value, "token_type": "Bearer", "expires_in": app.token_lifetime}
    return answer_json({"code": 0, **fields})


def issue_tokens(dialect, item, scope):
    """Issue the tokens and return the answer's fields.

    There is an access token always, and a refresh token where the dialect gives one.
    """
    facts = {name: getattr(item, name) for name in ("app", "person", "consented")}
    facts |= {"scope": scope, "family": dialect.refreshes[-1]}
    lifetime = min(dialect.lifetime, item.app.token_lifetime)
    values = [make_user_token(prefix) for prefix in dialect.prefixes]
    access = world.vault.issue("user", values[0], lifetime, **facts)
    fields = {"access_token": access.value, "token_type": "Bearer", "expires_in": lifetime}
    if dialect.always_refresh or "offline_access" in scope:
        refresh = world.vault.issue("refresh", values[1], dialect.refresh_lifetime, **facts)
        fields |= {"refresh_token": refresh.value, dialect.refresh_life_name: dialect.refresh_lifetime}
    return fields
