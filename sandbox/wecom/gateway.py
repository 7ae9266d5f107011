"""The application's token, and the checks of every other call.

https://developer.work.weixin.qq.com/document/path/91039
"""

from functools import wraps

from flask import Blueprint, g, request

from sandbox.wecom.answers import Refused, answer_success, read_call_name
from sandbox.wecom.guesses import NOT_THE_SYNC_SECRET
from sandbox.wecom.model import CONTACT_SYNC_CALLS, make_token
from sandbox.world import world

bp = Blueprint("wecom_token", __name__, url_prefix="/cgi-bin")


@bp.get("/gettoken")
def gettoken():
    """Answer the application's token, the same until it ends."""
    secret, corpid = request.args.get("corpsecret"), request.args.get("corpid")
    if not secret:
        raise Refused(41004)
    if not corpid:
        raise Refused(41002)
    corp = [app for app in world.wecom.apps.values() if app.corpid == corpid]
    if not corp:
        raise Refused(40013)
    app = next((app for app in corp if app.secret == secret), None)
    if app is None:
        raise Refused(40001)
    if app.disabled:
        raise Refused(50003)
    token = find_or_issue_token(app)
    return answer_success(access_token=token.value, expires_in=world.vault.count_seconds_left(token))


def find_or_issue_token(app):
    for item in world.vault.list_issued_to(app):
        if item.kind == "corp" and world.vault.is_live(item):
            return item
    return world.vault.issue("corp", make_token(), app.token_lifetime, app=app)


def require_access(view):
    """Run a view for applications that may make this call.

    The view finds the application in `g.app`. The checks have the platform's order: token, address, rate, permission,
    and only then the parameters.
    """

    @wraps(view)
    def check_and_call():
        g.app = app = find_caller()
        if app.disabled:
            raise Refused(50003)
        if not app.trusted_ip:
            raise Refused(60020)
        if world.meter.count_call(app, read_call_name()):
            raise Refused(45009)
        check_permission(app, read_call_name())
        return view()

    return check_and_call


def find_caller():
    value = request.args.get("access_token")
    if not value:
        raise Refused(41001)
    token = world.vault.find("corp", value)
    if token is None:
        raise Refused(40014)
    if token.revoked:
        raise Refused(token.app.revoked_as)
    if not world.vault.is_live(token):
        raise Refused(token.app.expired_as)
    return token.app


def check_permission(app, name):
    if name in app.dropped:
        raise Refused(48002)
    if name == "user/list_id" and not app.contact_sync:
        raise Refused(NOT_THE_SYNC_SECRET)
    if app.contact_sync and name not in CONTACT_SYNC_CALLS:
        raise Refused(48009)
