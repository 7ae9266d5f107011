"""One's own account: who I am here, what signs me in, where I am signed in."""

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts import sessions
from portal.errors import Code
from portal.models import Identity, db
from portal.pages import visit

bp = Blueprint("account", __name__)

SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
PROGRAMS = {
    "wxwork": "WeCom",
    "Lark": "Feishu",
    "Edg": "Edge",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}


@bp.get("/account")
def show():
    me = required()
    identities = db.session.scalars(
        select(Identity).where(Identity.account_id == me.account_id).order_by(Identity.id)
    ).all()
    return render_template(
        "account.html",
        me=me,
        identities=identities,
        sessions=sessions.open_of(me.account_id),
        device=device,
        labels={element.name: element.label for element in current_app.elements.usable()},
        providers={element.provider: element.label for element in current_app.elements.usable()},
    )


def required():
    """Return who is signed in.

    :raises Code: 40100 when nobody is; the page offers the way to the login and back.
    """
    me = visit.signed_in()
    if me is None:
        raise Code(40100, f"{request.endpoint} needs a sign-in")
    return me


def device(agent: str) -> str:
    """Return a user agent as people would say it, such as "Chrome · Windows"."""
    program = next((name for mark, name in PROGRAMS.items() if f"{mark}/" in agent), None)
    system = next((name for name in SYSTEMS if name in agent), None)
    return " · ".join(part for part in (program, system) if part) or _("unknown device")
