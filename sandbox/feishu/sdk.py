"""Substitutes for the two scripts Feishu gives to web pages.

They are the QR SDK, and the H5 SDK of the client.

https://open.feishu.cn/document/common-capabilities/sso/web-application-sso/qr-sdk-documentation
https://open.feishu.cn/document/uYjL24iN/uMTMuMTMuMTM/introduction
"""

from flask import Blueprint, Response, redirect, render_template, request, url_for

from sandbox import client
from sandbox.feishu.login import CLIENT, is_registered, issue_code
from sandbox.wire import dump_json
from sandbox.world import world

bp = Blueprint("feishu_sdk", __name__)
QR_SDK = 'lark/passport/qrcode/LarkSSOSDKWebQRCode-<any("1.0.1", "1.0.2", "1.0.3"):version>.js'
JSAPI = ("ok", "103", "107", "error", "never_ready", "no_request_access", "silent")  # how the client behaves
CALLS = ("requestAccess", "requestAuthCode")
TEXTS = {
    101: "internal error",
    103: "feature is not supported",
    104: "invalid parameter",
    107: "user denied",
    10200: "invalid appid",
    10236: "the page's address is not in the redirect list",
}


@bp.get(f'/obj/<any("feishu-static", "static", "lark-static-us"):shelf>/{QR_SDK}')
def qr_sdk(shelf, version):
    """Answer the QR SDK.

    Feishu has it on two shelves, Lark on one of its own.
    """
    return answer_script(render_template("qr-sdk.js", version=version))


@bp.get("/lark/op/h5-js-sdk-1.5.44.js")
@bp.get("/obj/lark-static-sgsaas/lark/op/h5-js-sdk-1.5.44.js", endpoint="larks_h5_sdk")
def h5_sdk():
    """Answer the H5 SDK, which does nothing outside the client.

    Its own calls are redirected to `jsapi()`.
    """
    query = request.args.to_dict()
    if query.pop("jsapi", None) in CALLS:
        return redirect(url_for(".jsapi", call=request.args["jsapi"], **query))
    if find_user() is None:
        return answer_script("// Not inside the Feishu client: nothing to do.\n")
    return answer_script(render_template("h5-sdk.js", jsapi=world.feishu.jsapi))


@bp.get('/lark/op/jsapi/<any("requestAccess", "requestAuthCode"):call>.js')
def jsapi(call):
    """Answer a call of the SDK.

    The answer is a script that hands the result to its own element.
    """
    return answer_script(f"document.currentScript.answer({dump_json(build_result(call))});\n")


def answer_script(text):
    """Return a script that any site may load.

    Browsers ask for it anew every time.
    """
    headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    return Response(text, mimetype="text/javascript", headers=headers)


def find_user():
    """Return the person signed in in the client, or None."""
    in_client = CLIENT.search(request.headers.get("User-Agent", ""))
    return client.find_person(world.feishu) or (world.feishu.user if in_client else None)


def build_result(call):
    """Return a code, or the failure in the call's words."""
    number = find_objection(call)
    if number is None:
        app = world.feishu.apps[request.args["app_id"]]
        return {"code": issue_code(app, find_user(), call, scopes=request.args.get("scope", "").split()).value}
    word = "errCode" if call == "requestAuthCode" and number >= 10200 else "errno"
    return {word: number, "errString": TEXTS[number]}


def find_objection(call):
    """Return the number of the failure, or None."""
    app = world.feishu.apps.get(request.args.get("app_id"))
    access, switch = call == "requestAccess", world.feishu.jsapi
    if find_user() is None or switch == "error":
        return 101
    if switch == "107" or (switch == "103" and access):
        return int(switch)
    if app is None:
        return 104 if access else 10200
    if access and ("scope" not in request.args or not app.permissions.issuperset(request.args["scope"].split())):
        return 104
    return None if is_registered(app, request.args.get("page", "")) else 10236
