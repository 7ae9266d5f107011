"""The application's own token, under its two names.

https://open.feishu.cn/document/server-docs/authentication-management/access-token/tenant_access_token_internal
"""

import re

from flask import Blueprint

from sandbox.feishu.answers import answer
from sandbox.feishu.fields import form_fields, json_fields
from sandbox.feishu.model import app_token_value
from sandbox.world import world

bp = Blueprint("feishu_tokens", __name__)
APP_ID = re.compile(r"cli_[0-9a-z]{16}")
RENEWED_BELOW = 1800  # seconds; with more left, the same token is handed out again
NAMES = {
    "app_access_token": ("app_access_token", "tenant_access_token"),
    "tenant_access_token": ("tenant_access_token",),
}


@bp.post("/open-apis/auth/v3/<any(app_access_token, tenant_access_token):name>/internal")
@bp.post("/open-apis/auth/v3/<any(app_access_token, tenant_access_token):name>/internal/", endpoint="internal_slash")
def internal(name):
    """Answer the application's token; a self-built application has one for both purposes."""
    fields = json_fields() or form_fields()
    app_id = fields.get("app_id", "")
    if not APP_ID.fullmatch(app_id):
        return answer({"code": 10003, "data": {}, "msg": "invalid param"})
    app = world.feishu.apps.get(app_id)
    if app is None:
        return answer({"code": 10014, "msg": "app id not exists"})
    if app.secret != fields.get("app_secret"):
        return answer({"code": 10014, "msg": "app secret invalid"})
    token = current_token(app)
    values = dict.fromkeys(NAMES[name], token.value)
    return answer({"code": 0, "msg": "ok", **values, "expire": world.vault.left(token)})


def current_token(app):
    """Return the newest token while it has half an hour left, else a new one; the old one runs on."""
    known = [item for item in world.vault.of(app) if item.kind == "tenant" and not item.family]  # v3's are others
    known = [item for item in known if world.vault.alive(item)]
    newest = max(known, key=lambda item: item.expires, default=None)
    if newest and world.vault.left(newest) >= RENEWED_BELOW:
        return newest
    return world.vault.issue("tenant", app_token_value(), app.token_lifetime, app=app)
