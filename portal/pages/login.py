"""The routes that sign in and out."""

import logging
from functools import partial

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from portal import metrics
from portal.bindings import self_service
from portal.directory.cleaning import CleanPerson
from portal.elements.meta import Meta
from portal.errors import BAD_STATE, CANCELLED, Code
from portal.logs import log_event
from portal.pages import browser, headers, limits
from portal.pages.local_addresses import accept_local_path, get_home_address, redirect_to
from portal.pages.login_flow import (
    ONE_TIME_LINK,
    begin_login,
    check_text,
    count_failures,
    identify_person,
    note_sign_in,
    read_state,
    sign_in_person,
)
from portal.signin import attempts, one_time_links, sessions
from portal.signin.attempts import Goal, UsedAttempt

log = logging.getLogger(__name__)
bp = Blueprint("login", __name__)


@bp.get("/login/<name>")
def start(name):
    """Begin a login and send the browser to the platform."""
    element = current_app.elements.find_active(name)
    if request.method == "HEAD":
        return ""
    g.start_again = url_for("login_page.show", via=name, next=accept_local_path(request.args.get("next")))
    kind = element.start_kind(request.user_agent.string)
    return redirect(begin_login(element, kind, Goal(request.args.get("next")))["authorizeUrl"], 302)


@bp.route("/login/<name>/callback", methods=["GET", "POST"])
def callback(name):
    """Finish a login.

    A GET comes by redirect, a POST from inside the platform's client.
    """
    return finish_login(current_app.elements.find_active(name))


def finish_shared_login() -> ResponseReturnValue:
    """Finish a login at an element's own `redirectUri`.

    Several elements may share it, so the state decides which one it is.
    """
    g.start_again = url_for("login_page.show")
    state = read_state(partial(read_once, "state"))
    for element in current_app.elements.list_usable():
        if element.has_made(state):
            return finish_login(element)
    refusal = Code(BAD_STATE, "no element has made this state")
    limits.count_refused_callback(refusal)
    raise refusal


def finish_login(element: Meta) -> ResponseReturnValue:
    """Finish a login of an element, and open the session."""
    if request.method == "HEAD":
        return ""
    g.element, g.start_again = element, url_for("login.start", name=element.name)
    state = read_state(partial(read_once, "state"))
    try:
        read_code = partial(read_login_code, element)
        attempt, person = identify_person(element, state, read_code, browser.get_signed_in)
        if attempt.purpose == "bind":
            return ask_to_bind(element, person, attempt)
        opened = sign_in_person(element, person, attempt)
    except Code:
        me = browser.get_signed_in()
        own_attempt = me and attempts.find_attempt(state, me, browser.was_signed_in_by(state))
        if own_attempt:
            is_login = own_attempt.purpose == "login"
            g.go_on = get_home_address() if is_login else url_for("account.show")  # this callback has done its work
            g.start_again = g.start_again if is_login else g.go_on
        raise
    if attempt.purpose == "confirm":
        flash(_("Confirmed. You can continue."), "good")
    answer = redirect(opened.next or get_home_address(), 303)
    return browser.give_session(answer, opened.token, element.name, state)


def ask_to_bind(element: Meta, person: CleanPerson, attempt: UsedAttempt) -> Response:
    """Keep the scanned person, and ask whether to connect them."""
    self_service.remember_scan(person, attempt, browser.get_client())
    log_event(log, logging.INFO, "bind_offer", element=element.name, account=attempt.account_id)
    return redirect_to("account.confirm_bind")


def read_login_code(element: Meta) -> str:
    """Return the login code that was sent.

    It comes under one of the platform's names, or as `code` from our own page inside the client. Where the person
    refused, platforms send an error or nothing instead.
    """
    if "error" in request.values:
        raise Code(CANCELLED, "the person refused at the platform")
    names = ("code",) if request.method == "POST" else element.code_names
    return read_once(next((name for name in names if request.values.get(name)), names[0]), missing=CANCELLED)


def read_once(key: str, missing: int = BAD_STATE) -> str:
    """Return a parameter that must come once.

    :param missing: the error number for its absence.
    """
    values = (request.form if request.method == "POST" else request.args).getlist(key)
    if not values or not values[0]:
        raise Code(missing, f"{key} is missing")
    return check_text(key, values[0] if len(values) == 1 else None)


@bp.route("/login/once/<token>", methods=["GET", "POST"])
def once(token):
    """Show the account of a one-time link, or sign in."""
    account = one_time_links.find_linked_account(token)
    if account is None:
        limits.count_wrong_link()
    if account is not None and request.method != "POST":
        headers.allow_home_from_forms()
        return render_template("once.html", account=account)
    with count_failures(ONE_TIME_LINK):
        opened = one_time_links.use_link(token, browser.get_client(), browser.get_session_token()) if account else None
    if opened is None:
        metrics.count_sign_in(ONE_TIME_LINK, "refused")
        log_event(log, logging.INFO, "link_refused")
        return render_template("once_gone.html"), 410
    note_sign_in(ONE_TIME_LINK, "link", opened)
    browser.stop_waiting()
    return browser.give_session(redirect(get_home_address(), 303), opened.token)


@bp.post("/logout")
def logout():
    if token := browser.get_session_token():
        sessions.end_session(token, browser.get_client())
    browser.stop_waiting()
    browser.forbid_automatic_sign_in()
    flash(_("You are signed out."), "quiet")
    return browser.take_session(redirect_to("login_page.show", next=accept_local_path(request.form.get("next"))))
