"""The sandbox's own pages: what can be tried from here, who lives here, and pictures of them."""

from flask import Blueprint, Response, abort, current_app

from sandbox import knobs, phone, workspace
from sandbox.feishu.model import APP_ID, APP_SECRET
from sandbox.feishu.tickets import open_tickets
from sandbox.wecom.model import CORP_ID
from sandbox.world import world

bp = Blueprint("pages", __name__)


@bp.get("/")
def start():
    people = [phone.card(person) for person in list(world.wecom.directory.people.values())[: phone.SHOWN]]
    return phone.page(
        "start.html",
        portal=world.portal,
        waiting=len(open_tickets()),
        workspaces=workspace.BRANDS,
        people=people,
        feishu={"id": APP_ID, "secret": APP_SECRET},
        wecom=[app for app in world.wecom.apps.values() if app.corpid == CORP_ID],
        more=len(world.wecom.directory.people) - len(people),
        knobs=knobs.__doc__.partition("\n\n")[2].strip(),
    )


@bp.get("/favicon.ico")
def favicon():
    """Answer a dot, so that no browser reports a missing icon."""
    return current_app.send_static_file("favicon.svg")


@bp.get("/_sandbox/avatar/<key>.svg")
def avatar(key) -> Response:
    person = world.feishu.directory.people.get(key)
    return phone.picture(person) if person else abort(404)
