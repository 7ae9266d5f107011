"""The login page, and the page inside a platform's client."""

import secrets

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_wtf.csrf import generate_csrf

from portal.elements.meta import Meta
from portal.elements.registry import Broken
from portal.pages import browser, headers
from portal.pages.devices import find_lookalike, is_client, is_phone
from portal.pages.element_names import name_elements
from portal.pages.language import get_language
from portal.pages.local_addresses import accept_local_path, get_home_address
from portal.pages.login_choice import arrange_logins
from portal.pages.login_flow import begin_login
from portal.signin.attempts import Goal

MOST_PAGES = 256  # rendered login pages that are kept; each has some 8 KB, or 30 KB with 50 logins
TOKEN_SLOT = secrets.token_hex(16)  # no visitor can write it into an address

bp = Blueprint("login_page", __name__)


@bp.get("/login")
def show():
    """Show the login page.

    It writes nothing: a login begins with a click or when the QR script asks. Inside a platform's client it leads
    straight to the sign-in there, once a visit; `via` always wins.
    """
    goal, via = accept_local_path(request.args.get("next")), request.args.get("via")
    if browser.get_signed_in():
        return redirect(goal or get_home_address(), 303)
    here = [element for element in current_app.elements.list_usable() if element.is_client(request.user_agent.string)]
    if here and via is None:
        if len(here) == 1 and not browser.has_tried_automatically():
            return redirect(url_for("login_page.in_app", name=here[0].name, next=goal), 302)
        return show_client_page(here, goal)
    return show_logins(via, goal)


def show_logins(name: str | None, goal: str | None) -> str:
    """Show the configured logins, with the one used last open.

    Many people open this page at once, so a page that was rendered before is sent again with the visitor's own form
    token in it.

    :param name: the element to open; without it, the one used last, or the first that works.
    """
    place, lookalike = find_place(), find_lookalike(request.user_agent.string)
    values = {"place": place, "lookalike": lookalike, "goal": goal}
    if "_flashes" in session:
        chosen, page = render_logins(name, **values)
    else:
        pages = current_app.extensions.setdefault("login_pages", {})
        # Everything the page depends on: `name` and `goal` are parts of the address.
        address = (request.method, request.path, request.query_string)
        seen = (*address, get_language(), session.get("last"), place, str(lookalike))
        if seen not in pages:
            if len(pages) >= MOST_PAGES:
                pages.clear()
            chosen, page = render_logins(name, csrf_token=lambda: TOKEN_SLOT, **values)
            pages[seen] = chosen, page.split(TOKEN_SLOT)
        chosen, parts = pages[seen]
        page = generate_csrf().join(parts)
    headers.allow_home_from_forms(goal)
    if place == "desktop" and isinstance(chosen, Meta):  # elsewhere there is no frame
        headers.widen_policy(chosen.page_sources("login"))
    return page


def render_logins(name: str | None, goal: str | None, **values: object) -> tuple[Meta | Broken | None, str]:
    """Render the page of the configured logins.

    :return: the element that is open, and the page.
    """
    usable, last = current_app.elements.list_usable(), session.get("last")
    broken = [element for element in current_app.elements.list_shown() if element not in usable]
    ways = name_elements([*usable, *broken])
    by_name = {way[0].name: way for way in ways}
    used_last = by_name.get(last) if last in {element.name for element in usable} else None
    chosen = by_name.get(name) or used_last or (ways[0] if ways else None)
    choice = arrange_logins(ways, chosen and chosen[0].name, last)
    page = render_template("login.html", choice=choice, chosen=chosen, last=last, next=goal, **values)
    return chosen and chosen[0], page


@bp.get("/login/<name>/in-app")
def in_app(name):
    """Sign in inside a platform's client.

    It needs no click where that works. An administrator enters this address in the platform's console as the app's
    home page.
    """
    element, goal = current_app.elements.find_active(name), accept_local_path(request.args.get("next"))
    if request.method == "HEAD":
        return ""
    if browser.get_signed_in():
        return redirect(goal or get_home_address(), 303)
    if find_place() == "lookalike":
        return show_logins(name, goal)
    script = element.client_script() if "in_app" in element.login_scripts else None
    automatic = not browser.has_tried_automatically()
    browser.forbid_automatic_sign_in()
    if automatic and script is None:
        return redirect(begin_login(element, "in_app", Goal(goal))["authorizeUrl"], 302)
    if automatic:
        headers.widen_policy(element.page_sources("in_app"))
    return show_client_page([element], goal, script if automatic else None)


def show_client_page(elements: list, goal: str | None, script: dict | None = None) -> str:
    """Show the sign-in inside a client.

    Its script signs in, or else there is a button for each element.

    A button leads to the platform once this visit has had its automatic sign-in, and to the automatic one before.
    """
    headers.allow_home_from_forms(goal)
    target = "login.start" if browser.has_tried_automatically() else "login_page.in_app"
    ways = [(element, name, url_for(target, name=element.name, next=goal)) for element, name in name_elements(elements)]
    return render_template("in_app.html", ways=ways, next=goal, script=script)


def find_place() -> str:
    """Return where the portal is open.

    It is `client`, `lookalike`, `phone` or `desktop`: the user agent's word, so a hint and no proof.
    """
    agent = request.user_agent.string
    if is_client(agent):
        return "client"
    if find_lookalike(agent):
        return "lookalike"
    return "phone" if is_phone(agent) else "desktop"
