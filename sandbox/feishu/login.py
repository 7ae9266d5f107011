"""Feishu's authorize pages.

There are today's, the older index page, and passport's, which the QR widget needs.

https://open.feishu.cn/document/common-capabilities/sso/api/obtain-oauth-code
"""

import re
from urllib.parse import urlsplit

from flask import Blueprint, request

from sandbox import client, phone
from sandbox.feishu.answers import make_log_id
from sandbox.feishu.model import make_code
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
CODE_LIFETIMES = {"requestAccess": 180}  # seconds; every other code lives 300
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
    """Ask for a person and send the browser back.

    The address gets a code, or error=access_denied.
    """
    source = SOURCES[request.path]
    app = world.feishu.apps.get(request.args.get("client_id") or request.args.get("app_id"))
    address = request.args.get("redirect_uri", "")
    scopes = request.args.get("scope", "").split() if source in TAKE_SCOPES else []
    number = find_objection(app, address, scopes)
    if number:
        return show_problem(number, list_missing_scopes(app, scopes))
    choice = use_tmp_code() if request.args.get("tmp_code") else read_choice()
    if choice is None:
        return phone.ask_for_person(world.feishu, BRAND, app.app_id, wishes=scopes)
    if choice == "spent":
        return show_problem(20063)
    if not choice.allowed:
        return phone.redirect_back(choice, address, error="access_denied", state=request.args.get("state"))
    code = issue_code(app, choice.person, source, address, scopes, **read_challenge())
    return phone.redirect_back(choice, address, code=code.value, state=request.args.get("state"))


def show_problem(number, scopes=(), **words):
    """Show Feishu's error page.

    :param scopes: the scopes that page 20027 is about.
    """
    zh, en = (text.format(" ".join(scopes)) for text in PROBLEMS[number])
    return phone.show_problem(BRAND, number, zh, en, log_id=make_log_id(), **words)


def find_objection(app, address, scopes):
    """Return the number of the error page, or None."""
    if app is None:
        return 4401
    if not is_registered(app, address):
        return 20029
    if len(scopes) > MOST_SCOPES or list_missing_scopes(app, scopes):
        return 20027
    return None


def list_missing_scopes(app, scopes):
    """Return the scopes the application does not have."""
    return [scope for scope in scopes if app and scope not in app.permissions]


def is_registered(app, address):
    """Tell whether the address is one of the application's.

    What follows `?` or `#` does not count.
    """
    if phone.split_address(address) is None:
        return False
    if app.redirect_uris is None:
        return phone.is_loopback(address)
    return strip_query(address) in map(strip_query, app.redirect_uris)


def strip_query(address):
    return urlsplit(address)._replace(query="", fragment="").geturl()


def read_choice():
    in_client = client.find_person(world.feishu) or CLIENT.search(request.headers.get("User-Agent", ""))
    return phone.read_choice(world.feishu, silent=bool(in_client) and request.args.get("prompt") != "consent")


def use_tmp_code():
    """Return the choice made while scanning.

    The temporary code of the request refers to it and works once.
    """
    item = world.vault.find("tmp_code", request.args["tmp_code"])
    if not world.vault.is_live(item):
        return "spent"
    item.used = True
    return phone.Choice(item.person, True, silent=True)


def read_challenge():
    method = request.args.get("code_challenge_method") or "plain"
    return {"challenge": request.args.get("code_challenge") or None, "challenge_method": method}


def issue_code(app, person, source, address=None, scopes=(), **facts):
    """Return a new code.

    What a person grants adds up over all visits. A page or call that takes no scope never leads to a refresh token.
    """
    granted = world.feishu.grants[app, person]
    granted.update(scopes)
    usable = granted if source in TAKE_SCOPES else granted - {"offline_access"}
    return world.vault.issue(
        "code",
        make_code(source),
        CODE_LIFETIMES.get(source, 300),
        app=app,
        person=person,
        source=source,
        redirect_uri=address,
        scope=frozenset({"auth:user.id:read", *usable}),
        consented=world.now(),
        **facts,
    )
