"""The page that waits for an administrator's approval.

It belongs to the browser of the scan, which signs in from here once the person is bound.
"""

from flask import Blueprint, current_app, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.pages import browser, headers, limits
from portal.pages.local_addresses import get_home_address, redirect_to
from portal.pages.login_flow import count_failures, note_sign_in
from portal.pages.parameters import read_text
from portal.signin import sign_in

bp = Blueprint("waiting", __name__)


@bp.get("/login/waiting")
def show():
    """Show the person this browser has scanned, and the decision."""
    wait = browser.find_own_wait()
    if wait is None:
        return redirect_to("login_page.show")
    headers.allow_home_from_forms(wait.attempt.next)
    elements = {element.name: element for element in current_app.elements.list_usable()}
    element = elements.get(wait.attempt.element)
    facts = {"person": wait.identity, "asked": wait.request, "state": wait.state, "next": wait.attempt.next}
    return render_template("waiting.html", element=element, may_wait=True, **facts)


@bp.post("/login/waiting")
def sign_in_approved() -> ResponseReturnValue:
    """Sign in, once approved."""
    wait = browser.find_own_wait(read_text(request.form.get("reference")))
    if wait is None:
        return redirect_to(".show")
    limits.count_waiting_sign_in(wait.request.reference)
    g.element = current_app.elements.find_active(wait.attempt.element)
    with count_failures(g.element.name):
        opened = sign_in.sign_in_waiting(wait, browser.get_client(), browser.get_session_token())
    if opened is None:
        return redirect_to(".show")
    note_sign_in(g.element.name, wait.attempt.kind, opened)
    return browser.give_session(redirect(opened.next or get_home_address(), 303), opened.token, g.element.name)


@bp.get("/api/waiting")
def state():
    """Return the state of what this browser waits for."""
    wait = browser.find_own_wait(read_text(request.args.get("reference")))
    return jsonify({"state": wait.state if wait else "none"})
