"""Feishu's authorize pages: today's, the older index page, and passport's, which the QR widget needs.

https://open.feishu.cn/document/common-capabilities/sso/api/obtain-oauth-code
"""

import re
from urllib.parse import urlsplit

from flask import Blueprint, request

from sandbox import client, phone
from sandbox.feishu.answers import new_log_id
from sandbox.feishu.model import new_code
from sandbox.world import world

bp = Blueprint("feishu_login", __name__)
BRAND = {"zh": "飞书", "en": "Feishu"}
CLIENT = re.compile(r"\b(Lark|Feishu)/", re.I)  # the user agent of the Feishu client
SOURCES = {
    "/open-apis/authen/v1/authorize": "authorize",
    "/open-apis/authen/v1/index": "index",
    "/suite/passport/oauth/authorize": "passport",
}
TAKE_SCOPES = ("authorize", "requestAccess")
LIFETIMES = {"requestAccess": 180}  # seconds; every other code lives 300
MOST_SCOPES = 50
PROBLEMS = {
    4401: ("请求不合法", "Request invalid: this application is not known here."),
    20010: ("您无权使用该应用", "This application is not offered to you."),
    20027: ("错误码：20027 当前应用未申请 {} 相关权限，无法授权", "The application has not asked for {}."),
    20029: ("错误码：20029 redirect_uri 请求不合法", "Error code: 20029 redirect_uri request is invalid."),
    20063: ("临时码无效或已过期", "The temporary code is invalid or used up."),
}


@bp.route("/open-apis/authen/v1/authorize", methods=["GET", "POST"])
@bp.route("/open-apis/authen/v1/index", methods=["GET", "POST"])
@bp.route("/suite/passport/oauth/authorize", methods=["GET", "POST"])
def authorize():
    """Ask who is there and send the browser back with a code, or with error=access_denied."""
    source = SOURCES[request.path]
    app = world.feishu.apps.get(request.args.get("client_id") or request.args.get("app_id"))
    address = request.args.get("redirect_uri", "")
    scopes = request.args.get("scope", "").split() if source in TAKE_SCOPES else []
    number = objection(app, address, scopes)
    if number:
        return refuse(number, missing(app, scopes))
    choice = scanned() if request.args.get("tmp_code") else decide()
    if choice is None:
        return phone.ask(world.feishu, BRAND, app.app_id, wishes=scopes)
    if choice == "spent":
        return refuse(20063)
    if not choice.allowed:
        return phone.send_back(choice, address, error="access_denied", state=request.args.get("state"))
    code = issue_code(app, choice.person, source, address, scopes, **challenge())
    return phone.send_back(choice, address, code=code.value, state=request.args.get("state"))


def refuse(number, scopes=(), **words):
    """Show Feishu's error page.

    :param scopes: those that page 20027 is about.
    """
    zh, en = (text.format(" ".join(scopes)) for text in PROBLEMS[number])
    return phone.problem(BRAND, number, zh, en, log_id=new_log_id(), **words)


def objection(app, address, scopes):
    """Return the number of the error page to show, or None."""
    if app is None:
        return 4401
    if not registered(app, address):
        return 20029
    if len(scopes) > MOST_SCOPES or missing(app, scopes):
        return 20027
    return None


def missing(app, scopes):
    """Return the scopes the application does not have."""
    return [scope for scope in scopes if app and scope not in app.permissions]


def registered(app, address):
    """Whether the address is one of the application's; what follows `?` or `#` does not count."""
    if phone.split_address(address) is None:
        return False
    if app.redirect_uris is None:
        return phone.is_loopback(address)
    return bare(address) in map(bare, app.redirect_uris)


def bare(address):
    return urlsplit(address)._replace(query="", fragment="").geturl()


def decide():
    in_client = client.person(world.feishu) or CLIENT.search(request.headers.get("User-Agent", ""))
    return phone.choose(world.feishu, silent=bool(in_client) and request.args.get("prompt") != "consent")


def scanned():
    """Return the choice made while scanning, which a temporary code stands for; it works once."""
    item = world.vault.find("tmp_code", request.args["tmp_code"])
    if not world.vault.alive(item):
        return "spent"
    item.used = True
    return phone.Choice(item.person, True, silent=True)


def challenge():
    method = request.args.get("code_challenge_method") or "plain"
    return {"challenge": request.args.get("code_challenge") or None, "challenge_method": method}


def issue_code(app, person, source, address=None, scopes=(), **facts):
    """Return a new code.

    What a person grants adds up over all visits. A way in that takes no scope never brings a refresh token.
    """
    granted = world.feishu.grants[app, person]
    granted.update(scopes)
    kept = granted if source in TAKE_SCOPES else granted - {"offline_access"}
    return world.vault.issue(
        "code",
        new_code(source),
        LIFETIMES.get(source, 300),
        app=app,
        person=person,
        source=source,
        redirect_uri=address,
        scope=frozenset({"auth:user.id:read", *kept}),
        consented=world.now(),
        **facts,
    )
