"""The frame with the QR code that Feishu's QR SDK opens, and the pretend phone that scans it.

https://open.feishu.cn/document/common-capabilities/sso/web-application-sso/qr-sdk-documentation
"""

from urllib.parse import parse_qs

from flask import Blueprint, Response, redirect, render_template, request, url_for

from sandbox import phone
from sandbox.feishu.login import objection, refuse
from sandbox.feishu.picture import MARGIN, SIZE, path
from sandbox.feishu.tickets import WrongTurn, find_ticket, open_ticket, open_tickets
from sandbox.world import world

bp = Blueprint("feishu_qr", __name__)
AUTHORIZE = "/suite/passport/oauth/authorize"  # the only authorize page that takes what a scan gives


@bp.get("/suite/passport/sso/qr")
def frame():
    """Show a new QR code; its script tells the page around the frame when a phone has confirmed."""
    app, number = find_app(request.args.get("goto", ""))
    if number:
        return refuse(number, policy=phone.FRAME_POLICY)
    ticket = open_ticket(app)
    return phone.page("qr.html", policy=phone.FRAME_POLICY, ticket=ticket, sdk_version=request.args.get("sdk_version"))


def find_app(goto):
    """Return the application an authorize address names, and the number of the error page where it is wrong."""
    parts = phone.split_address(goto)
    if parts is None or parts.path != AUTHORIZE:
        return None, 4401
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    app = world.feishu.apps.get(query.get("client_id") or query.get("app_id"))
    return app, objection(app, query.get("redirect_uri", ""), [])


@bp.get("/_sandbox/qr/<id>/status")
def status(id):
    """Answer the frame how far the phone is; a QR code nobody knows any more is expired."""
    ticket = find_ticket(id)
    if ticket is None:
        return {"state": "expired"}
    name = phone.showable(ticket.person.name) if ticket.person else ""
    return {"state": ticket.state, "name": name, "tmp_code": ticket.tmp_code}


@bp.get("/_sandbox/qr/<id>/picture.svg")
def picture(id) -> Response:
    side = SIZE + 2 * MARGIN
    body = render_template("qr.svg", side=side, path=path(url_for(".scan", id=id, _external=True)))
    return Response(body, mimetype="image/svg+xml", headers={"Content-Security-Policy": phone.CONTENT_POLICY})


# The pretend phone


@bp.get("/phone")
def camera():
    """Show the QR codes in front of the phone."""
    return phone.page("camera.html", tickets=open_tickets(), portal=world.portal)


@bp.route("/phone/<id>", methods=["GET", "POST"])
def scan(id):
    """Scan, then confirm or refuse: a form with `person` and `action`, as in `tickets.TURNS`."""
    ticket = find_ticket(id)
    if ticket is None:
        return redirect(url_for(".camera"), 303)
    if request.method == "GET":
        return phone.page("scan.html", ticket=ticket, card=phone.card, **phone.people(world.feishu))
    try:
        ticket.turn(request.form.get("action"), request.form.get("person"))
    except WrongTurn:
        return redirect(request.path, 303)  # the page says what the QR code has come to meanwhile
    answer = redirect(request.path, 303)
    return phone.keep(answer, ticket.person) if ticket.person else answer
