"""Where people come in: the login page, and the page they open inside Feishu or WeCom."""

import re
from collections import Counter

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for

from portal.pages import browser, headers, login

bp = Blueprint("entrance", __name__)

PHONE = re.compile(r"Mobile|Android|iPhone|iPad")
WECHAT = re.compile(r"MicroMessenger/", re.IGNORECASE)


@bp.get("/login")
def page():
    """The login page: writes nothing, a login begins with a click or when the QR script asks.

    Inside a platform's client it leads straight to the sign-in there, once a visit; `via` always wins.
    """
    goal, via = browser.safe_path(request.args.get("next")), request.args.get("via")
    if browser.signed_in():
        return redirect(goal or url_for("account.show"), 303)
    here = [element for element in current_app.elements.usable() if element.in_client(request.user_agent.string)]
    if here and via is None:
        if len(here) == 1 and not browser.tried():
            return redirect(url_for("entrance.in_app", name=here[0].name, next=goal), 302)
        return inside(here, goal)
    return choice(via, goal)


def choice(wanted: str | None, goal: str | None):
    """Show the ways to sign in, the one used last first; open is the wanted one, or else the first that works."""
    elements, usable = current_app.elements.shown(), current_app.elements.usable()
    for element in usable:
        headers.allow(element.page_sources("login"))
    elements.sort(key=lambda element: (element not in usable, element.name != session.get("last")))
    ways = named(elements)
    chosen = next((way for way in ways if way[0].name == wanted), ways[0] if ways else None)
    return render_template("login.html", ways=ways, chosen=chosen, next=goal, place=place())


@bp.get("/login/<name>/in-app")
def in_app(name):
    """The home page an administrator enters in the platform's console: nothing to press, if it can be."""
    element, goal = current_app.elements.active(name), browser.safe_path(request.args.get("next"))
    if request.method == "HEAD":
        return ""
    if browser.signed_in():
        return redirect(goal or url_for("account.show"), 303)
    if place() == "wechat":
        return choice(name, goal)
    script, automatic = element.in_app(), not browser.tried(True)
    if automatic and script is None:
        return redirect(login.begin(element, "in_app", goal)["authorizeUrl"], 302)
    if automatic:
        headers.allow(element.page_sources("in_app"))
    return inside([element], goal, script if automatic else None)


def inside(elements: list, goal: str | None, script: dict | None = None):
    """Show the sign-in inside a client: by its script, or else a button for each element.

    A button leads to the platform once this visit has had its automatic sign-in, and to the automatic one before.
    """
    target = "login.start" if browser.tried() else "entrance.in_app"
    ways = [(element, name, url_for(target, name=element.name, next=goal)) for element, name in named(elements)]
    return render_template("in_app.html", ways=ways, next=goal, script=script)


def place() -> str:
    """Return where the portal is open, as far as the user agent tells: `client`, `wechat`, `phone` or `desktop`."""
    agent = request.user_agent.string
    if any(element.in_client(agent) for element in current_app.elements.usable()):
        return "client"
    if WECHAT.search(agent):
        return "wechat"
    return "phone" if PHONE.search(agent) else "desktop"


def named(elements: list) -> list[tuple]:
    """Return each element with what to call it: its platform, and its title where that alone is not enough."""
    labels = Counter(str(element.label) for element in elements)
    return [
        (element, f"{element.label} · {element.title}" if labels[str(element.label)] > 1 else str(element.label))
        for element in elements
    ]
