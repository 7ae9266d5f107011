"""The app centres of the pretend clients.

They open the portal's in-app pages, as the platforms' own clients do.
"""

from urllib.parse import quote

from flask import Blueprint, redirect, request

from sandbox import client, phone
from sandbox.world import world

bp = Blueprint("workspace", __name__)
BRANDS = {"feishu": {"zh": "飞书", "en": "Feishu"}, "wecom": {"zh": "企业微信", "en": "WeCom"}}


@bp.get("/workspace/<any(feishu, wecom):name>")
def show(name):
    platform = world.platforms[name]
    user = client.find_person(platform)
    return phone.render_page(
        "workspace.html",
        brand=BRANDS[name],
        user=user and phone.describe_person(user),
        minutes=client.LIFETIME // 60,
        portal=world.portal,
        tiles=getattr(world.portal, name),
        **phone.list_people(platform),
    )


@bp.post("/workspace/<any(feishu, wecom):name>")
def go(name):
    """Open a tile in a person's client, or leave it.

    The form has `person` and `open`, the tile's name, or else `leave`.
    """
    platform, tile = world.platforms[name], request.form.get("open")
    person = platform.directory.people.get(request.form.get("person"))
    if "leave" in request.form:
        client.leave(platform)
    elif person and tile in getattr(world.portal, name):
        client.enter(platform, person)
        return phone.remember_person(redirect(world.portal.page(f"/login/{quote(tile)}/in-app"), 303), person)
    return redirect(request.path, 303)
