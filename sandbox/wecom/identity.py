"""Who the visitor is, from a code; and what they consented to show, from a ticket.

https://developer.work.weixin.qq.com/document/path/91023
"""

from hashlib import sha256
from secrets import token_urlsafe

from flask import Blueprint, g, request

from sandbox.wecom.answers import Refused, success
from sandbox.wecom.entries import default_avatar, sensitive_fields
from sandbox.wecom.gateway import protected
from sandbox.wecom.guesses import OUTSIDE
from sandbox.wecom.model import CONSENT, SENSITIVE, open_id
from sandbox.wire import sent
from sandbox.world import world

bp = Blueprint("wecom_identity", __name__, url_prefix="/cgi-bin")
TICKET_LIFETIME = 1800  # seconds
LINKED, LINKED_CORP_ID = "linked", "wwsandbox00000002"  # a company linked with this one, up or down the stream


@bp.get("/auth/getuserinfo")
@protected
def getuserinfo():
    """Answer the userid of a member, or the openid of anybody else."""
    code = spend_code()
    return success(**visitor(code.person), **ticket(code))


@bp.get("/user/getuserinfo", endpoint="old_getuserinfo")
@protected
def old_getuserinfo():
    """Answer the same in the old spelling."""
    code = spend_code()
    names = {"userid": "UserId", "openid": "OpenId"}
    who = {names.get(name, name): value for name, value in visitor(code.person).items()}
    extra = ticket(code)
    if extra:
        extra["expires_in"] = TICKET_LIFETIME
    return success(**who, DeviceId=sha256(code.person.key.encode()).hexdigest()[:32], **extra)


def spend_code():
    """Use up the code of the request and return it."""
    value = request.args.get("code")
    if not value:
        raise Refused(41008)
    code = world.vault.find("code", value)
    if not world.vault.alive(code) or getattr(code.app, "corpid", None) != g.app.corpid:
        raise Refused(40029)
    if code.app is not g.app or (code.redirect_uri and not g.app.trusts(code.redirect_uri, web=code.source == "sso")):
        raise Refused(50001)
    code.used = True
    return code


def visitor(person):
    if person.company == "home":
        return {"userid": person.key}
    if person.company == LINKED:
        return {"userid": f"{LINKED_CORP_ID}/{person.key}"}
    customer = {"external_userid": "wmSBX" + sha256(person.key.encode()).hexdigest()[:27]} if person.customer else {}
    return {"openid": open_id(person), **customer}


def ticket(code):
    """Return the ticket for the sensitive fields, which only a member in range who was asked gets."""
    if CONSENT not in code.scope or not world.wecom.directory.sees(g.app.contact_range, code.person):
        return {}
    item = world.vault.issue("ticket", token_urlsafe(96), TICKET_LIFETIME, app=g.app, person=code.person)
    return {"user_ticket": item.value}


@bp.post("/auth/getuserdetail")
@protected
def getuserdetail():
    """Answer the sensitive fields of a member who consented."""
    return success(**consented(open_ticket()))


@bp.post("/user/getuserdetail", endpoint="old_getuserdetail")
@protected
def old_getuserdetail():
    """Answer the same with the name, as the old address does."""
    person = open_ticket()
    return success(**consented(person), **person.dress({"name": person.name}))


def open_ticket():
    """Return the member of the request's ticket."""
    value = (sent() or {}).get("user_ticket")
    if not value:
        raise Refused(84090)
    item = world.vault.find("ticket", value)
    if item is None or item.app is not g.app or item.revoked:
        raise Refused(84015)
    if not world.vault.alive(item):
        raise Refused(84014)
    if not world.wecom.directory.sees(g.app.contact_range, item.person):
        raise Refused(OUTSIDE)
    return item.person


def consented(person):
    """Return the fields that the member and the administrator agreed to; a name is not among them."""
    fields = sensitive_fields(person)
    ticked = {name: fields[name] for name in SENSITIVE if name in g.app.consent_fields}
    always = {"userid": person.key, "gender": "0", "avatar": default_avatar()}
    return person.dress(always | ticked)


@bp.get("/get_jsapi_ticket")
@protected
def get_jsapi_ticket():
    return jsapi_ticket("jsapi")


@bp.get("/ticket/get")
@protected
def get_agent_ticket():
    if request.args.get("type") != "agent_config":
        raise Refused(40035)
    return jsapi_ticket("agent")


def jsapi_ticket(purpose):
    """Answer the application's ticket for this purpose: always the same."""
    value = "sbx-" + sha256(f"{purpose}/{g.app.name}".encode()).hexdigest()
    return success(ticket=value, expires_in=7200)
