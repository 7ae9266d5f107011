"""The sandbox's start page and the pictures of its people."""

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for

from sandbox import knobs, phone, workspace
from sandbox.feishu.model import APP_ID, APP_SECRET
from sandbox.feishu.tickets import list_open_tickets
from sandbox.wecom.model import CORP_ID
from sandbox.world import world

bp = Blueprint("pages", __name__)


@bp.get("/")
def start():
    all_people = list(world.wecom.directory.people.values())
    people = [phone.describe_person(person) for person in all_people[: phone.MOST_PEOPLE]]
    return phone.render_page(
        "start.html",
        portal=world.portal,
        waiting=len(list_open_tickets()),
        workspaces=workspace.BRANDS,
        people=people,
        feishu={"id": APP_ID, "secret": APP_SECRET},
        wecom=[app for app in world.wecom.apps.values() if app.corpid == CORP_ID],
        more=len(all_people) - len(people),
        knobs=knobs.__doc__.partition("\n\n")[2].strip(),
    )


@bp.post("/people/<key>")
def change_state(key):
    """Let a person leave the company, or come back."""
    state = request.form.get("state")
    if state not in ("resigned", "active"):
        abort(400)
    for platform in world.platforms.values():
        person = platform.directory.people.get(key) or abort(404)
        person.state = state
        platform.directory.mark_changed()
    return redirect(url_for("pages.start") + "#people", 303)


@bp.get("/favicon.ico")
def favicon():
    """Answer an icon, or browsers report a missing one."""
    return current_app.send_static_file("favicon.svg")


@bp.get("/_sandbox/avatar/<key>.svg")
def avatar(key) -> Response:
    person = world.feishu.directory.people.get(key)
    return phone.draw_avatar(person) if person else abort(404)
