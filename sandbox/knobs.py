"""The knobs: JSON in, JSON out, under /_sandbox/. They change what the platforms do next.

POST reset     everything as at the start
POST fail      {"path", "count", "status", "body", "headers", "delay", "drip", "hold", "drop", "redirect"}
               The next `count` (1) requests to a path (exact, or with *) are answered so. `delay` (seconds) alone
               only delays: with path * and a large `count` the platforms are far away. `hold` N: requests wait until
               N are there, 10 seconds at most. `drip` (seconds) sends the body a byte at a time. `drop` closes the
               connection. `redirect` answers 302. `%n` in the body stands for a number that is each request's own.
POST gate      {"path", "after"}: the first `after` (0) requests to a path pass, the others wait, two minutes at most
GET  gate      -> {"waiting": n}: how many wait; DELETE lets them go and takes all gates away
POST person    {"provider", "person", ...}: true or false for `freeze`, `resign`, `exit`, `deactivate`, `activate`,
               `hide` (from the contact range), `bar` (from the application); `name`; `departments` and `leads` (lists
               of ids); `set` {field: value}, our field or a platform's; `withhold` [platform fields]; `add` true.
               With `set` {"company": "linked"} they are of a company that is linked with this one in WeCom.
               Without `provider`: on both platforms.
POST department {"provider", "department", ...}: `name`, `parent`, `leaders` (keys of people), `order`; `set` {a
               platform's field: value}; `withhold` [platform fields]; `add` true; `remove` true. Without `provider`:
               on both platforms.
POST group     {"provider", "group", "users": [keys], "departments": [ids]}: a user group of Feishu, a tag of WeCom
POST app       {"provider", "app_id" or "corpid" and "agentid", ...}: makes an application or changes one. Any field of
               `FeishuApp` or `WecomApp`, such as `secret`, `rate` (calls a second), `limits` (pairs: so many calls of
               one kind in so many seconds), `redirect_uris`, `trusted_domain`, `trusted_ip`, `disabled`,
               `token_lifetime`, `home_url`, `callback_domain` (of WeCom's web login, besides), `panel_channel` true
               (WeCom's panel offers a port), `contact_range` {"departments": [ids], "users": [keys], "groups": [keys]};
               and:
               `drop_permissions`, `expire_tokens` true, `revoke_tokens` true or, for WeCom, the number to refuse
               with, `look_real` true for a CorpID that looks like a real company's.
POST clock     {"advance": seconds}: also what the answers' header Date says
POST code      {"provider", "person", "app_id" or "corpid" and "agentid", "redirect_uri", "source", "scope",
               "code_challenge", "code_challenge_method"} -> {"code"}: a code without a browser
POST tmp_code  {"person"} -> {"tmp_code"}: what a scan gives, for passport's authorize page
GET  qr        -> {"tickets": [{"ticket", "app_id", "state", "person", "left"}]}: QR codes that wait, the newest first
POST qr        {"ticket", "person", "action"}: what a phone does with a QR code: `scan`, `confirm`, `refuse`, `expire`.
               Without `ticket`, or with "last", the newest. To confirm or refuse at once, name the person.
POST client    {"provider", "person", "jsapi"}: who is signed in in the pretend client; and, for Feishu, how it answers
               a page's script: `ok`, `103` (too old), `107` (they said no), `error` (does not start), `never_ready`,
               `no_request_access` (only the older call), `silent` (no call is ever answered). It stays so.
POST portal    {"url", "feishu": [names], "wecom": [names]}: the portal the pages lead to, and its logins
GET calls      ?path= -> {"calls": [...], "connections": n}; DELETE forgets them
"""

from dataclasses import fields, replace
from fnmatch import fnmatchcase
from secrets import token_hex

from flask import Blueprint, current_app, jsonify, request
from werkzeug.local import LocalProxy

from sandbox import phone
from sandbox.company import ROOT, Department, Person
from sandbox.feishu import login as feishu_login
from sandbox.feishu.model import APP_ID, FeishuApp
from sandbox.feishu.sdk import JSAPI
from sandbox.feishu.tickets import WrongTurn, find_ticket, new_tmp_code, open_tickets
from sandbox.traffic import Failure, Gate
from sandbox.wecom import login as wecom_login
from sandbox.wecom.model import CORP_ID, REAL_LOOKING, WecomApp
from sandbox.wire import sent
from sandbox.world import world

bp = Blueprint("knobs", __name__, url_prefix="/_sandbox")
traffic = LocalProxy(lambda: current_app.extensions["sandbox_traffic"])

PROVIDERS = ("feishu", "wecom")
STATES = {  # the knob's word: the state it sets; false makes the person active again
    "freeze": "frozen",
    "resign": "resigned",
    "exit": "exited",
    "deactivate": "inactive",
    "activate": "active",
}
FLAGS = {"hide": "hidden", "bar": "barred"}
PLAIN = ("name", "departments", "withhold")
DEPARTMENT = ("name", "parent", "leaders", "order", "withhold")
SETS = ("permissions", "dropped")


class BadKnob(Exception):
    """A knob turned the wrong way; the text says how."""


@bp.errorhandler(BadKnob)
@bp.errorhandler(WrongTurn)
def explain(error):
    return {"error": str(error)}, 400


@bp.errorhandler(KeyError)
def explain_missing(error):
    return {"error": f"missing: {error}"}, 400


def knob():
    body = sent()
    if body is None:
        raise BadKnob("the body must be a JSON object")
    return body


def platform(body):
    if body.get("provider") not in PROVIDERS:
        raise BadKnob(f"provider must be one of {', '.join(PROVIDERS)}")
    return world.platforms[body["provider"]]


def person_of(directory, body):
    person = directory.people.get(body.get("person"))
    if person is None:
        raise BadKnob(f"no such person: {body.get('person')}")
    return person


@bp.post("/reset")
def reset():
    world.reset()
    traffic.reset()
    return {}


@bp.post("/fail")
def fail():
    try:
        traffic.failures.append(Failure(**knob()))
    except TypeError as error:
        raise BadKnob(str(error)) from None
    return {}


@bp.post("/gate")
def gate():
    try:
        traffic.gates.append(Gate(**knob()))
    except TypeError as error:
        raise BadKnob(str(error)) from None
    return {}


@bp.get("/gate")
def waiting():
    return {"waiting": sum(gate.waiting for gate in traffic.gates)}


@bp.delete("/gate")
def open_gates():
    traffic.open()
    return {}


@bp.post("/clock")
def clock():
    world.offset += float(knob()["advance"])
    return {"now": world.now()}


@bp.get("/calls")
def calls():
    wanted = request.args.get("path")
    found = [call for call in list(traffic.calls) if not wanted or fnmatchcase(call["path"], wanted)]
    return jsonify(calls=found, connections=traffic.opened())


@bp.delete("/calls")
def forget_calls():
    traffic.clear()
    return {}


@bp.post("/person")
def change_person():
    body = knob()
    for name in [body.pop("provider")] if "provider" in body else PROVIDERS:
        directory = platform({"provider": name}).directory
        if body.get("add"):
            directory.people.setdefault(body["person"], Person(key=body["person"], name=body["person"]))
        apply_changes(directory, person_of(directory, body), body)
        directory.touch()
    return {}


def apply_changes(directory, person, body):
    """Apply each word of the knob to the person."""
    for word, value in body.items():
        if word in STATES:
            person.state = STATES[word] if value else "active"
        elif word in FLAGS:
            setattr(person, FLAGS[word], bool(value))
        elif word in PLAIN:
            setattr(person, word, value)
        elif word == "set":
            set_fields(person, value)
        elif word == "leads":
            lead(directory, person, value)
        elif word not in ("person", "add"):
            raise BadKnob(f"unknown word: {word}")


@bp.post("/department")
def change_department():
    body = knob()
    key = body.pop("department")
    for name in [body.pop("provider")] if "provider" in body else PROVIDERS:
        directory = platform({"provider": name}).directory
        if body.get("add"):
            directory.departments.setdefault(key, Department(key, key, parent=ROOT))
        if key not in directory.departments:
            raise BadKnob(f"no such department: {key}")
        change_one(directory.departments[key], body)
        if body.get("remove"):
            del directory.departments[key]
        directory.touch()
    return {}


@bp.post("/group")
def change_group():
    body = knob()
    directory = platform(body).directory
    directory.groups[body["group"]] = {name: list(body.get(name, ())) for name in ("users", "departments")}
    directory.touch()
    return {}


def change_one(department, body):
    """Apply each word of the knob to the department."""
    for word, value in body.items():
        if word in DEPARTMENT:
            setattr(department, word, value)
        elif word == "set":
            department.extra |= value
        elif word not in ("add", "remove"):
            raise BadKnob(f"unknown word: {word}")


def set_fields(person, values):
    ours = {field.name for field in fields(Person)} - {"key"}
    for name, value in values.items():
        if name in ours:
            setattr(person, name, value)
        else:
            person.extra[name] = value


def lead(directory, person, department_ids):
    for department in directory.departments.values():
        others = [key for key in department.leaders if key != person.key]
        department.leaders = [person.key, *others] if department.id in department_ids else others


@bp.post("/app")
def change_app():
    body = knob()
    app = find_app(platform(body), body) or add_app(platform(body), body)
    known = {field.name for field in fields(app)}
    for word, value in body.items():
        if word in SETS:
            setattr(app, word, set(value))
        elif word in known:
            setattr(app, word, value)
        elif word == "drop_permissions":
            drop_permissions(app, value)
        elif word in ("expire_tokens", "revoke_tokens"):
            spoil_tokens(app, word, value)
        elif word not in ("provider", "look_real"):
            raise BadKnob(f"unknown word: {word}")
    return {}


def find_app(known, body):
    """Return the application a knob names, the usual one where it names none, or None for a new one."""
    if body["provider"] == "feishu":
        return known.apps.get(body.get("app_id") or APP_ID)
    return known.apps.get((body.get("corpid") or CORP_ID, str(body.get("agentid") or "1000002")))


def add_app(known, body):
    secret = body.get("secret") or token_hex(16)
    if body["provider"] == "feishu":
        app = FeishuApp(app_id=body["app_id"], secret=secret)
        known.apps[app.app_id] = app
        return app
    app = WecomApp(corpid=body.get("corpid") or CORP_ID, agentid=str(body["agentid"]), secret=secret)
    if REAL_LOOKING.fullmatch(app.corpid) and not body.get("look_real"):
        raise BadKnob(f"{app.corpid} looks like a real company's CorpID; say look_real if it is meant")
    known.apps[app.corpid, app.agentid] = app
    return app


def drop_permissions(app, names):
    """Take permissions away: scopes of a Feishu application, calls such as "user/get" of a WeCom one."""
    if isinstance(app, FeishuApp):
        app.permissions = app.permissions - set(names)
    else:
        app.dropped = app.dropped | set(names)


def spoil_tokens(app, how, value):
    """Let the tokens issued to the application end at once, or be refused as revoked; codes stay good."""
    if not value:
        return
    if how == "revoke_tokens" and value is not True:
        app.revoked_as = value
    for item in (item for item in world.vault.of(app) if item.kind != "code"):
        if how == "expire_tokens":
            item.expires = min(item.expires, world.now())
        else:
            item.revoked = True


@bp.post("/code")
def code():
    body = knob()
    known = platform(body)
    app, person = find_app(known, body), person_of(known.directory, body)
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
def tmp_code():
    person = person_of(world.feishu.directory, knob())
    return {"tmp_code": new_tmp_code(person).value}


@bp.get("/qr")
def qr():
    tickets = [
        {
            "ticket": ticket.id,
            "app_id": ticket.app.app_id,
            "state": ticket.state,
            "person": ticket.person and ticket.person.key,
            "left": ticket.left,
        }
        for ticket in open_tickets()
    ]
    return {"tickets": tickets}


@bp.post("/qr")
def turn_qr():
    body = knob()
    ticket = find_ticket(body.get("ticket", "last"))
    if ticket is None:
        raise BadKnob("no such QR code")
    ticket.turn(body["action"], body.get("person"))
    return {"ticket": ticket.id, "state": ticket.state}


@bp.post("/client")
def client():
    body = knob()
    known = platform(body)
    if body.get("jsapi", "ok") not in JSAPI:
        raise BadKnob(f"jsapi must be one of {', '.join(JSAPI)}")
    if "person" in body or "jsapi" not in body:
        known.client_person = person_of(known.directory, body).key
    known.jsapi = body.get("jsapi", known.jsapi)
    return {}


@bp.post("/portal")
def portal():
    body = knob()
    if "url" in body and phone.split_address(body["url"]) is None:
        raise BadKnob("url must be the portal's address")
    try:
        world.portal = replace(world.portal, **body)
    except TypeError as error:
        raise BadKnob(str(error)) from None
    return {}
