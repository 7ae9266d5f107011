"""The knob for applications and their tokens."""

from dataclasses import fields
from secrets import token_hex

from flask import Blueprint

from sandbox.feishu.model import APP_ID, FeishuApp
from sandbox.knobs.requests import BadKnob, find_platform, read_body
from sandbox.wecom.model import AGENT_ID, CORP_ID, REAL_LOOKING, WecomApp
from sandbox.world import world

bp = Blueprint("apps", __name__)
SETS = ("permissions", "dropped")  # fields that are sets


@bp.post("/app")
def change_app():
    body = read_body()
    platform = find_platform(body.get("provider"))
    app = find_app(platform, body) or add_app(platform, body)
    app_fields = {field.name for field in fields(app)}
    for word, value in body.items():
        if word in SETS:
            setattr(app, word, set(value))
        elif word in app_fields:
            setattr(app, word, value)
        elif word == "drop_permissions":
            drop_permissions(app, value)
        elif word in ("expire_tokens", "revoke_tokens"):
            spoil_tokens(app, word, value)
        elif word not in ("provider", "look_real"):
            raise BadKnob(f"unknown word: {word}")
    return {}


def find_app(platform, body):
    """Return the application a knob names.

    It is the usual one where the knob names none, and None for a new one.
    """
    if body["provider"] == "feishu":
        return platform.apps.get(body.get("app_id") or APP_ID)
    return platform.apps.get((body.get("corpid") or CORP_ID, str(body.get("agentid") or AGENT_ID)))


def add_app(platform, body):
    secret = body.get("secret") or token_hex(16)
    if body["provider"] == "feishu":
        app = FeishuApp(app_id=body["app_id"], secret=secret)
        platform.apps[app.app_id] = app
        return app
    app = WecomApp(corpid=body.get("corpid") or CORP_ID, agentid=str(body["agentid"]), secret=secret)
    if REAL_LOOKING.fullmatch(app.corpid) and not body.get("look_real"):
        raise BadKnob(f"{app.corpid} looks like a real company's CorpID; say look_real if it is meant")
    platform.apps[app.corpid, app.agentid] = app
    return app


def drop_permissions(app, names):
    """Take permissions away from an application.

    They are scopes for Feishu, and calls such as "user/get" for WeCom.
    """
    if isinstance(app, FeishuApp):
        app.permissions = app.permissions - set(names)
    else:
        app.dropped = app.dropped | set(names)


def spoil_tokens(app, how, value):
    """Expire or revoke the application's tokens.

    Login codes stay good.
    """
    if not value:
        return
    if how == "revoke_tokens" and value is not True:
        app.revoked_as = value
    for item in (item for item in world.vault.list_issued_to(app) if item.kind != "code"):
        if how == "expire_tokens":
            item.expires = min(item.expires, world.now())
        else:
            item.revoked = True
