"""Signing in and out: start and finish of a login, one-time links, signing out."""

import logging
from functools import partial

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse

from portal.bindings import self_service
from portal.errors import BAD_STATE, CANCELLED, TOO_MANY_TRIES, Code
from portal.pages import browser
from portal.pages.local_addresses import accept_local_path, redirect_to
from portal.pages.login_flow import begin_login, check_text, identify_person, open_session
from portal.signin import attempts, one_time_links, sessions
from portal.signin.attempts import Goal

log = logging.getLogger(__name__)
bp = Blueprint("login", __name__)

limiter = Limiter(get_remote_address, storage_uri="memory://")  # counted per worker
WRONG_LINKS = parse("10 per 5 minutes")


@bp.get("/login/<name>")
def start(name):
    """Begin a login and send the browser to the platform."""
    element = current_app.elements.find_active(name)
    if request.method == "HEAD":
        return ""
    g.start_again = url_for("entrance.page", via=name, next=accept_local_path(request.args.get("next")))
    kind = element.start_kind(request.user_agent.string)
    return redirect(begin_login(element, kind, Goal(request.args.get("next")))["authorizeUrl"], 302)


@bp.route("/login/<name>/callback", methods=["GET", "POST"])
def callback(name):
    """Finish a login: by redirect (GET) or from inside the platform's client (POST)."""
    return finish(current_app.elements.find_active(name))


def shared_callback():
    """Finish a login at an element's own `redirectUri`; several may share it, so the state decides whose it is."""
    name = attempts.find_element(single("state"))
    if name is None:
        g.start_again = url_for("entrance.page")
        raise Code(BAD_STATE, "no attempt has this state")
    return finish(current_app.elements.find_active(name))


def finish(element):
    if request.method == "HEAD":
        return ""
    g.element, g.start_again = element, url_for("login.start", name=element.name)
    state = single("state")
    me = browser.signed_in()
    try:
        attempt, person = identify_person(element, state, partial(read_login_code, element), me)
        if attempt.purpose == "bind":
            return offer(element, person, attempt)
        signed_in = open_session(element, person, attempt)
    except Code:
        mine = me and attempts.find_attempt(state, me.id)
        if mine:
            g.go_on = url_for("account.show")  # this callback has done its work already, or was no login
            g.start_again = g.start_again if mine.purpose == "login" else g.go_on
        raise
    if attempt.purpose == "confirm":
        flash(_("Thank you, that was you. You can go on now."), "good")
    return browser.give_session(redirect(signed_in.next or url_for("account.show"), 303), signed_in.token, element.name)


def offer(element, person: dict, attempt):
    """Keep whom a bind has brought, and ask whether it shall be."""
    self_service.remember_scan(person, attempt, browser.client())
    log.info("%s %s: offered to account %s", g.reference, element.name, attempt.account_id)
    return redirect_to("account.confirm_bind")


def read_login_code(element) -> str:
    """Return the login code that was sent.

    It comes under one of the platform's names, or as `code` from our own page inside the client. Where the person
    refused, platforms send an error or nothing instead.
    """
    if "error" in request.values:
        raise Code(CANCELLED, "the person refused at the platform")
    names = ("code",) if request.method == "POST" else element.code_names
    return single(next((name for name in names if request.values.get(name)), names[0]), missing=CANCELLED)


def single(key: str, missing: int = BAD_STATE) -> str:
    """Return a parameter that must come once, and in a length that makes sense.

    :param missing: the error for its absence.
    """
    given = (request.form if request.method == "POST" else request.args).getlist(key)
    if not given or not given[0]:
        raise Code(missing, f"{key} is missing")
    return check_text(key, given[0] if len(given) == 1 else None)


@bp.route("/login/once/<token>", methods=["GET", "POST"])
def once(token):
    """A one-time link: looking shows whose it is, the button signs in."""
    account = one_time_links.find_holder(token)
    # Visitors without a known address share one count: it turns away wrong links only, which open nothing.
    if account is None and not limiter.limiter.hit(WRONG_LINKS, "wrong link", request.remote_addr):
        raise Code(TOO_MANY_TRIES, "too many wrong one-time links from this address")
    if account is not None and request.method != "POST":
        return render_template("once.html", account=account)
    signed_in = one_time_links.use_link(token, browser.client(), browser.get_session_token()) if account else None
    if signed_in is None:
        log.info("%s one-time link refused", g.reference)
        return render_template("once_gone.html"), 410
    log.info("%s one-time link: signed in, account %s", g.reference, signed_in.account_id)
    return browser.give_session(redirect_to("account.show"), signed_in.token)


@bp.post("/logout")
def logout():
    if browser.get_session_token():
        sessions.end_session(browser.get_session_token(), browser.client())
    browser.forbid_automatic_sign_in()
    return browser.take_session(redirect_to("entrance.page"))
