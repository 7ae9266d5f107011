"""WeCom's login panel: the web login in a frame, and the ways it hands over the outcome.

`redirect_type` `callback` tells the page around the frame by messages, `top` or none leads the top page on, `self` the
frame. A window without a page around it is led on like any other.
https://developer.work.weixin.qq.com/document/path/98152
"""

from urllib.parse import urlsplit

from flask import make_response, request

from sandbox import client, phone
from sandbox.wecom.guesses import READY, REFUSED
from sandbox.wire import dump
from sandbox.world import world

KINDS = ("callback", "self", "top")
OF_A_PANEL = {"redirect_type", "version"}  # parameters of links that panels make; the second is always there


def is_asked_for():
    """Return whether a panel asks for the page, or any other frame, or the script in one."""
    return not OF_A_PANEL.isdisjoint(request.args) or request.headers.get("Sec-Fetch-Dest") in ("iframe", "empty")


def hands_over():
    """Return whether a script hands over the outcome: not a redirect of the window that asks."""
    kind, place = request.args.get("redirect_type"), request.headers.get("Sec-Fetch-Dest")
    if by_script():
        return True
    return kind != "self" and (place == "iframe" or (place is None and kind == "callback"))


def by_script():
    return request.accept_mimetypes.best == "application/json"


def show(app, brand, **words):
    """Return the page that asks who scans; its script hands over the outcome."""
    return page(app, brand, application=app.name, **phone.people(world.wecom), **words)


def hand_over(app, choice, brand, **parameters):
    """Return the outcome to the script of the page, or else a page that hands it over at once."""
    address = phone.with_query(request.args["redirect_uri"], **parameters)
    call = ["onLoginSuccess", {"code": parameters["code"]}] if choice.allowed else ["onLoginFail", REFUSED]
    outcome = {"address": address, "call": call}
    answer = outcome if by_script() else page(app, brand, application=app.name, outcome=dump(outcome))
    return answer if choice.silent else phone.keep(make_response(answer), choice.person)


def page(app, brand, **words):
    kind = request.args.get("redirect_type")
    home = urlsplit(request.args["redirect_uri"])
    return phone.page(
        "panel.html",
        policy=phone.FRAME_POLICY,
        brand=brand,
        kind=kind if kind in KINDS else "top",
        origin=f"{home.scheme}://{home.netloc}",  # a page elsewhere hears nothing
        ready=dump(READY | ({"supportChannel": True} if app.panel_channel else {})),
        in_client=dump(client.person(world.wecom) is not None),
        **words,
    )
