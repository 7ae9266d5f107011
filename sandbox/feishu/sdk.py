"""Stand-ins for the two scripts Feishu gives to web pages: the QR SDK, and the H5 SDK of the client.

https://open.feishu.cn/document/common-capabilities/sso/web-application-sso/qr-sdk-documentation
https://open.feishu.cn/document/uYjL24iN/uMTMuMTMuMTM/introduction
"""

from flask import Blueprint, Response, redirect, render_template, request, url_for

from sandbox import client
from sandbox.feishu.login import CLIENT, issue_code, registered
from sandbox.wire import dump
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
    """Answer the QR SDK, which Feishu has on two shelves and Lark on one of its own."""
    return script(render_template("qr-sdk.js", version=version))


@bp.get("/lark/op/h5-js-sdk-1.5.44.js")
@bp.get("/obj/lark-static-sgsaas/lark/op/h5-js-sdk-1.5.44.js", endpoint="larks_h5_sdk")
def h5_sdk():
    """Answer the SDK to the client; in other browsers it does nothing. Its own calls are led on to `jsapi()`."""
    query = request.args.to_dict()
    if query.pop("jsapi", None) in CALLS:
        return redirect(url_for(".jsapi", call=request.args["jsapi"], **query))
    if visitor() is None:
        return script("// Not inside the Feishu client: nothing to do.\n")
    return script(render_template("h5-sdk.js", jsapi=world.feishu.jsapi))


@bp.get('/lark/op/jsapi/<any("requestAccess", "requestAuthCode"):call>.js')
def jsapi(call):
    """Answer a call of the SDK: a script that hands the result to its own element."""
    return script(f"document.currentScript.answer({dump(result(call))});\n")


def script(text):
    """Return a script that any site may load, and that is asked for anew every time."""
    headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    return Response(text, mimetype="text/javascript", headers=headers)


def visitor():
    """Return who is signed in in the client that asks, or None where it is no client."""
    in_client = CLIENT.search(request.headers.get("User-Agent", ""))
    return client.person(world.feishu) or (world.feishu.user if in_client else None)


def result(call):
    """Return the code of the visitor, or the failure in the words of this call."""
    number = objection(call)
    if number is None:
        app = world.feishu.apps[request.args["app_id"]]
        return {"code": issue_code(app, visitor(), call, scopes=request.args.get("scope", "").split()).value}
    word = "errCode" if call == "requestAuthCode" and number >= 10200 else "errno"
    return {word: number, "errString": TEXTS[number]}


def objection(call):
    """Return the number of what stands against a code, or None."""
    app = world.feishu.apps.get(request.args.get("app_id"))
    access, switch = call == "requestAccess", world.feishu.jsapi
    if visitor() is None or switch == "error":
        return 101
    if switch == "107" or (switch == "103" and access):
        return int(switch)
    if app is None:
        return 104 if access else 10200
    if access and ("scope" not in request.args or not app.permissions.issuperset(request.args["scope"].split())):
        return 104
    return None if registered(app, request.args.get("page", "")) else 10236
