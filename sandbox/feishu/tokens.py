"""The application's own token, under its two names.

https://open.feishu.cn/document/server-docs/authentication-management/access-token/tenant_access_token_internal
"""

import re

from flask import Blueprint

from sandbox.feishu.answers import answer_json
from sandbox.feishu.fields import read_form_fields, read_json_fields
from sandbox.feishu.model import make_app_token
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
    """Answer the application's token.

    A self-built application has one token for both purposes.
    """
    fields = read_json_fields() or read_form_fields()
    app_id = fields.get("app_id", "")
    if not APP_ID.fullmatch(app_id):
        return answer_json({"code": 10003, "data": {}, "msg": "invalid param"})
    app = world.feishu.apps.get(app_id)
    if app is None:
        return answer_json({"code": 10014, "msg": "app id not exists"})
    if app.secret != fields.get("app_secret"):
        return answer_json({"code": 10014, "msg": "app secret invalid"})
    token = find_or_issue_token(app)
    values = dict.fromkeys(NAMES[name], token.value)
    return answer_json({"code": 0, "msg": "ok", **values, "expire": world.vault.count_seconds_left(token)})


def find_or_issue_token(app):
    """Return the newest token, near its end a new one.

    The old one stays good until its own end.
    """
    issued = world.vault.list_issued_to(app)
    tokens = [item for item in issued if item.kind == "tenant" and not item.family]  # without v3's
    live = [token for token in tokens if world.vault.is_live(token)]
    newest = max(live, key=lambda item: item.expires, default=None)
    if newest and world.vault.count_seconds_left(newest) >= RENEWED_BELOW:
        return newest
    return world.vault.issue("tenant", make_app_token(), app.token_lifetime, app=app)
