"""The frame with the QR code, and the pretend phone.

Feishu's QR SDK opens the frame.

https://open.feishu.cn/document/common-capabilities/sso/web-application-sso/qr-sdk-documentation
"""

from urllib.parse import parse_qs

from flask import Blueprint, Response, redirect, render_template, request, url_for

from sandbox import phone
from sandbox.feishu.login import find_objection, show_problem
from sandbox.feishu.picture import MARGIN, SIZE, draw_path
from sandbox.feishu.tickets import WrongTurn, find_ticket, list_open_tickets, open_ticket
from sandbox.world import world

bp = Blueprint("feishu_qr", __name__)
AUTHORIZE = "/suite/passport/oauth/authorize"  # the only authorize page that takes the code of a scan


@bp.get("/suite/passport/sso/qr")
def frame():
    """Show a new QR code.

    Its script tells the page around the frame when a phone has confirmed.
    """
    app, number = find_app(request.args.get("goto", ""))
    if number:
        return show_problem(number, policy=phone.FRAME_POLICY)
    ticket = open_ticket(app)
    version = request.args.get("sdk_version")
    return phone.render_page("qr.html", policy=phone.FRAME_POLICY, ticket=ticket, sdk_version=version)


def find_app(goto):
    """Return the application that an authorize address names.

    Beside it is the number of the error page for a wrong address, or None.
    """
    parts = phone.split_address(goto)
    if parts is None or parts.path != AUTHORIZE:
        return None, 4401
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    app = world.feishu.apps.get(query.get("client_id") or query.get("app_id"))
    return app, find_objection(app, query.get("redirect_uri", ""), [])


@bp.get("/_sandbox/qr/<id>/status")
def status(id):
    """Answer how far the phone is.

    A QR code that is no longer known is expired.
    """
    ticket = find_ticket(id)
    if ticket is None:
        return {"state": "expired"}
    name = phone.clean_text(ticket.person.name) if ticket.person else ""
    return {"state": ticket.state, "name": name, "tmp_code": ticket.tmp_code}


@bp.get("/_sandbox/qr/<id>/picture.svg")
def picture(id) -> Response:
    side = SIZE + 2 * MARGIN
    body = render_template("qr.svg", side=side, path=draw_path(url_for(".scan", id=id, _external=True)))
    return Response(body, mimetype="image/svg+xml", headers={"Content-Security-Policy": phone.CONTENT_POLICY})


# The pretend phone


@bp.get("/phone")
def camera():
    """Show the QR codes in front of the phone."""
    return phone.render_page("camera.html", tickets=list_open_tickets(), portal=world.portal)


@bp.route("/phone/<id>", methods=["GET", "POST"])
def scan(id):
    """Scan a QR code, then confirm or refuse.

    The form has `person` and `action`, a word of `tickets.TURNS`.
    """
    ticket = find_ticket(id)
    if ticket is None:
        return redirect(url_for(".camera"), 303)
    if request.method == "GET":
        scanner = ticket.person and phone.describe_person(ticket.person)
        return phone.render_page("scan.html", ticket=ticket, scanner=scanner, **phone.list_people(world.feishu))
    try:
        ticket.turn(request.form.get("action"), request.form.get("person"))
    except WrongTurn:
        return redirect(request.path, 303)  # the page shows the present state of the QR code
    answer = redirect(request.path, 303)
    return phone.remember_person(answer, ticket.person) if ticket.person else answer
