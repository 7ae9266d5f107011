"""Knobs for codes, QR codes, clients and the portal."""

from dataclasses import replace

from flask import Blueprint

from sandbox import phone
from sandbox.feishu import login as feishu_login
from sandbox.feishu.sdk import JSAPI
from sandbox.feishu.tickets import find_ticket, issue_tmp_code, list_open_tickets
from sandbox.knobs.apps import find_app
from sandbox.knobs.requests import BadKnob, find_person, find_platform, read_body
from sandbox.wecom import login as wecom_login
from sandbox.world import world

bp = Blueprint("logins", __name__)


@bp.post("/code")
def issue_code():
    body = read_body()
    platform = find_platform(body.get("provider"))
    app, person = find_app(platform, body), find_person(platform.directory, body)
    if app is None:
        raise BadKnob("no such application")
    scopes = body.get("scope", "").split()
    if body["provider"] == "wecom":
        item = wecom_login.issue_code(app, person, body.get("source", "sso"), body.get("redirect_uri"), scopes)
    else:
        pkce = {"challenge": body.get("code_challenge"), "challenge_method": body.get("code_challenge_method", "plain")}
        source = body.get("source", "authorize")
        item = feishu_login.issue_code(app, person, source, body.get("redirect_uri"), scopes, **pkce)
    return {"code": item.value}


@bp.post("/tmp_code")
def issue_scan_code():
    person = find_person(world.feishu.directory, read_body())
    return {"tmp_code": issue_tmp_code(person).value}


@bp.get("/qr")
def list_qr_codes():
    tickets = [
        {
            "ticket": ticket.id,
            "app_id": ticket.app.app_id,
            "state": ticket.state,
            "person": ticket.person and ticket.person.key,
            "left": ticket.left,
        }
        for ticket in list_open_tickets()
    ]
    return {"tickets": tickets}


@bp.post("/qr")
def turn_qr_code():
    body = read_body()
    ticket = find_ticket(body.get("ticket", "last"))
    if ticket is None:
        raise BadKnob("no such QR code")
    ticket.turn(body["action"], body.get("person"))
    return {"ticket": ticket.id, "state": ticket.state}


@bp.post("/client")
def change_client():
    body = read_body()
    platform = find_platform(body.get("provider"))
    if body.get("jsapi", "ok") not in JSAPI:
        raise BadKnob(f"jsapi must be one of {', '.join(JSAPI)}")
    if "person" in body or "jsapi" not in body:
        platform.client_person = find_person(platform.directory, body).key
    platform.jsapi = body.get("jsapi", platform.jsapi)
    return {}


@bp.post("/portal")
def change_portal():
    body = read_body()
    if "url" in body and phone.split_address(body["url"]) is None:
        raise BadKnob("url must be the portal's address")
    try:
        world.portal = replace(world.portal, **body)
    except TypeError as error:
        raise BadKnob(str(error)) from None
    return {}
