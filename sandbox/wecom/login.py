"""WeCom's authorize pages.

There are web login for a browser, the old QR page, and OAuth inside the client.

https://developer.work.weixin.qq.com/document/path/98152
https://developer.work.weixin.qq.com/document/path/91022
"""

import re

from flask import Blueprint, request

from sandbox import client, phone
from sandbox.wecom import panel
from sandbox.wecom.guesses import AFTER_REFUSAL, CONSENT_NEEDS_AGENTID
from sandbox.wecom.model import CONSENT, make_code
from sandbox.world import world

bp = Blueprint("wecom_login", __name__)
BRAND = {"zh": "企业微信", "en": "WeCom"}
CODE_LIFETIME = 300  # seconds
CLIENT = re.compile(r"wxwork/|micromessenger", re.I)  # user agents of the WeCom and WeChat clients
CLIENT_COOKIE = "sandbox_client"  # the person picked as the pretend client's user
PROBLEMS = {
    40013: ("appid 参数错误", "The CorpID is not known here."),
    40035: ("参数错误", "A parameter of the link is missing or wrong."),
    40056: ("agentid 参数错误", "The AgentId is not one of this company's."),
    41011: ("缺少 agentid 参数", "snsapi_privateinfo needs the agentid parameter."),
    50001: ("redirect_uri 与配置的授权完成回调域名不一致", "The host of redirect_uri is not the trusted domain."),
    50002: ("您无权使用该应用", "No permission: you are outside the application's visible range."),
}


@bp.route("/wwlogin/sso/login", methods=["GET", "POST"])
@bp.route("/wwlogin/sso/login/", methods=["GET", "POST"], endpoint="web_login_slash")
@bp.route("/wwopen/sso/qrConnect", methods=["GET", "POST"], endpoint="old_qr_page")
def web_login():
    """Ask for a person and send the browser back.

    After a refusal there is no code.
    """
    app, number = find_app(request.args.get("agentid"), web=True)
    old = request.path.startswith("/wwopen/")  # Tencent's script for it says login_type=jssdk
    if not old and request.args.get("login_type", "CorpApp") != "CorpApp":  # a link with an agentid needs none
        number = 40035
    if number:
        return show_problem(number)
    choice = phone.read_choice(world.wecom, silent="wxwork/" in request.headers.get("User-Agent", ""))
    in_panel = panel.is_panel_request()
    if choice is None:
        if in_panel:
            return panel.ask_for_person(app)
        return phone.ask_for_person(world.wecom, BRAND, app.name, heading="扫码登录 · Scan to sign in")
    if choice.person.company == "home" and not is_in_range(app, choice.person):
        return show_problem(50002)
    if in_panel and panel.hands_over():
        return panel.hand_over(app, choice, **build_outcome(app, choice, "sso"))
    return redirect_back(app, choice, "sso")


@bp.route("/connect/oauth2/authorize", methods=["GET", "POST"])
def oauth2():
    """Answer at once inside the client.

    Elsewhere it does so only for a person picked as the pretend client's user.
    """
    app, number = find_app(request.args.get("agentid"), optional=True)
    consent = request.args.get("scope") == CONSENT
    if not number and request.args.get("response_type") != "code":
        number = 40035
    if consent and not request.args.get("agentid"):
        consent, number = False, number or (41011 if CONSENT_NEEDS_AGENTID else None)
    if number:
        return show_problem(number)
    choice = read_client_choice(app, consent)
    if choice is None:
        return ask_in_client(app, consent)
    if consent and not is_in_range(app, choice.person):
        return show_problem(50002)
    if consent and choice.allowed:
        world.wecom.grants[app, choice.person].add(CONSENT)
    return redirect_back(app, choice, "oauth2", {CONSENT} if consent else (), cookie=CLIENT_COOKIE)


def show_problem(number):
    return phone.show_problem(BRAND, number, *PROBLEMS[number])


def find_app(agentid, optional=False, web=False):
    """Return the application of the link.

    Beside it is the number of the error page for a wrong link, or None.

    :param optional: whether the link may leave the agentid out.
    :param web: whether the domain for web logins counts, too.
    """
    corp = [app for app in world.wecom.apps.values() if app.corpid == request.args.get("appid")]
    if not corp:
        return None, 40013
    address = request.args.get("redirect_uri", "")
    if optional and not agentid:
        trusting = next((app for app in corp if app.trusts(address)), None)
        return trusting, None if trusting else 50001
    app = next((app for app in corp if app.agentid == agentid), None)
    if app is None:
        return None, 40056
    return app, None if app.trusts(address, web) else 50001


def is_in_range(app, person):
    return world.wecom.directory.sees(app.contact_range, person)


def is_in_client():
    return bool(client.find_person(world.wecom) or CLIENT.search(request.headers.get("User-Agent", "")))


def read_client_choice(app, consent):
    """Return the choice, or None where the page asks.

    It asks for a person, or for that person's consent.
    """
    picked = request.cookies.get(CLIENT_COOKIE)
    cookie = CLIENT_COOKIE if picked in world.wecom.directory.people else phone.COOKIE
    is_silent = is_in_client() or cookie == CLIENT_COOKIE
    choice = phone.read_choice(world.wecom, silent=is_silent, cookie=cookie)
    if choice and choice.silent and consent and CONSENT not in world.wecom.grants[app, choice.person]:
        return None if is_in_range(app, choice.person) else choice
    return choice


def ask_in_client(app, consent):
    if is_in_client():
        return phone.ask_for_person(world.wecom, BRAND, app.name, wishes=app.consent_fields if consent else ())
    return phone.ask_for_person(
        world.wecom,
        BRAND,
        app.name,
        wishes=app.consent_fields if consent else (),
        heading="请在企业微信客户端打开链接 · Open this link in WeCom",
        notice="沙箱：选一个人，就当作在他的客户端里打开 · Sandbox: pick the person this pretend client belongs to.",
    )


def redirect_back(app, choice, source, scopes=(), cookie=phone.COOKIE):
    """Send the browser back to the application."""
    return phone.redirect_back(
        choice, request.args["redirect_uri"], cookie, **build_outcome(app, choice, source, scopes)
    )


def build_outcome(app, choice, source, scopes=()):
    """Return the parameters for the redirect address."""
    if not choice.allowed:
        return {name: request.args.get(name) for name in AFTER_REFUSAL}
    code = issue_code(app, choice.person, source, request.args["redirect_uri"], scopes)
    return {"code": code.value, "state": request.args.get("state")}


def issue_code(app, person, source, address=None, scopes=()):
    facts = {"app": app, "person": person, "source": source, "redirect_uri": address, "scope": frozenset(scopes)}
    return world.vault.issue("code", make_code(), CODE_LIFETIME, **facts)
