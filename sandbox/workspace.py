"""The pretend workspaces: an app centre as in the platforms' clients, from which the portal's in-app page is opened."""

from urllib.parse import quote

from flask import Blueprint, redirect, request

from sandbox import client, phone
from sandbox.world import world

bp = Blueprint("workspace", __name__)
BRANDS = {"feishu": {"zh": "飞书", "en": "Feishu"}, "wecom": {"zh": "企业微信", "en": "WeCom"}}


@bp.get("/workspace/<any(feishu, wecom):name>")
def show(name):
    platform = world.platforms[name]
    user = client.person(platform)
    return phone.page(
        "workspace.html",
        brand=BRANDS[name],
        user=user and phone.card(user),
        minutes=client.LIFETIME // 60,
        portal=world.portal,
        tiles=getattr(world.portal, name),
        **phone.people(platform),
    )


@bp.post("/workspace/<any(feishu, wecom):name>")
def go(name):
    """Open a tile in the client of `person`: a form with `person` and `open`, the tile's name; or with `leave`."""
    platform, tile = world.platforms[name], request.form.get("open")
    person = platform.directory.people.get(request.form.get("person"))
    if "leave" in request.form:
        client.leave(platform)
    elif person and tile in getattr(world.portal, name):
        client.enter(platform, person)
        return phone.keep(redirect(world.portal.page(f"/login/{quote(tile)}/in-app"), 303), person)
    return redirect(request.path, 303)
