"""The identity of a visitor.

A code gives the visitor's id, a ticket gives the fields they consented to show.

https://developer.work.weixin.qq.com/document/path/91023
"""

from hashlib import sha256
from secrets import token_urlsafe

from flask import Blueprint, g, request

from sandbox.wecom.answers import Refused, answer_success
from sandbox.wecom.entries import default_avatar_address, describe_sensitive
from sandbox.wecom.gateway import require_access
from sandbox.wecom.guesses import OUTSIDE
from sandbox.wecom.model import CONSENT, SENSITIVE, open_id
from sandbox.wire import read_json_object
from sandbox.world import world

bp = Blueprint("wecom_identity", __name__, url_prefix="/cgi-bin")
TICKET_LIFETIME = 1800  # seconds
LINKED, LINKED_CORP_ID = "linked", "wwsandbox00000002"  # a company linked with this one, up or down the stream


@bp.get("/auth/getuserinfo")
@require_access
def getuserinfo():
    """Answer a member's userid, or another visitor's openid."""
    code = spend_code()
    return answer_success(**identify_visitor(code.person), **issue_ticket(code))


@bp.get("/user/getuserinfo", endpoint="old_getuserinfo")
@require_access
def old_getuserinfo():
    """Answer the same in the old spelling."""
    code = spend_code()
    names = {"userid": "UserId", "openid": "OpenId"}
    ids = {names.get(name, name): value for name, value in identify_visitor(code.person).items()}
    extra = issue_ticket(code)
    if extra:
        extra["expires_in"] = TICKET_LIFETIME
    return answer_success(**ids, DeviceId=sha256(code.person.key.encode()).hexdigest()[:32], **extra)


def spend_code():
    """Use up the code of the request and return it."""
    value = request.args.get("code")
    if not value:
        raise Refused(41008)
    code = world.vault.find("code", value)
    if not world.vault.is_live(code) or getattr(code.app, "corpid", None) != g.app.corpid:
        raise Refused(40029)
    if code.app is not g.app or (code.redirect_uri and not g.app.trusts(code.redirect_uri, web=code.source == "sso")):
        raise Refused(50001)
    code.used = True
    return code


def identify_visitor(person):
    if person.company == "home":
        return {"userid": person.key}
    if person.company == LINKED:
        return {"userid": f"{LINKED_CORP_ID}/{person.key}"}
    customer = {"external_userid": "wmSBX" + sha256(person.key.encode()).hexdigest()[:27]} if person.customer else {}
    return {"openid": open_id(person), **customer}


def issue_ticket(code):
    """Return a ticket for the sensitive fields.

    Only members in range get one, after they were asked.
    """
    if CONSENT not in code.scope or not world.wecom.directory.sees(g.app.contact_range, code.person):
        return {}
    item = world.vault.issue("ticket", token_urlsafe(96), TICKET_LIFETIME, app=g.app, person=code.person)
    return {"user_ticket": item.value}


@bp.post("/auth/getuserdetail")
@require_access
def getuserdetail():
    """Answer the sensitive fields that a member consented to."""
    return answer_success(**list_consented(read_ticket()))


@bp.post("/user/getuserdetail", endpoint="old_getuserdetail")
@require_access
def old_getuserdetail():
    """Answer the same with the name."""
    person = read_ticket()
    return answer_success(**list_consented(person), **person.adjust_fields({"name": person.name}))


def read_ticket():
    """Return the member of the request's ticket."""
    value = (read_json_object() or {}).get("user_ticket")
    if not value:
        raise Refused(84090)
    item = world.vault.find("ticket", value)
    if item is None or item.app is not g.app or item.revoked:
        raise Refused(84015)
    if not world.vault.is_live(item):
        raise Refused(84014)
    if not world.wecom.directory.sees(g.app.contact_range, item.person):
        raise Refused(OUTSIDE)
    return item.person


def list_consented(person):
    """Return the fields that member and administrator agreed to.

    The name is not among them.
    """
    fields = describe_sensitive(person)
    ticked = {name: fields[name] for name in SENSITIVE if name in g.app.consent_fields}
    always = {"userid": person.key, "gender": "0", "avatar": default_avatar_address()}
    return person.adjust_fields(always | ticked)


@bp.get("/get_jsapi_ticket")
@require_access
def get_jsapi_ticket():
    return answer_ticket("jsapi")


@bp.get("/ticket/get")
@require_access
def get_agent_ticket():
    if request.args.get("type") != "agent_config":
        raise Refused(40035)
    return answer_ticket("agent")


def answer_ticket(purpose):
    """Answer the application's ticket, always the same."""
    value = "sbx-" + sha256(f"{purpose}/{g.app.name}".encode()).hexdigest()
    return answer_success(ticket=value, expires_in=7200)
