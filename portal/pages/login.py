"""Signing in and out: start and finish of a login, one-time links, signing out."""

import logging

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse

from portal.bindings import self_service
from portal.errors import BAD_CODE, BAD_STATE, CANCELLED, TOO_MANY_TRIES, Code
from portal.pages import browser
from portal.providers import http
from portal.signin import attempts, one_time_links, sessions, sign_in

log = logging.getLogger(__name__)
bp = Blueprint("login", __name__)

limiter = Limiter(get_remote_address, storage_uri="memory://")  # counted per worker
WRONG_LINKS = parse("10 per 5 minutes")
LONGEST_CODE = 4096  # characters
REFUSED = {"bind": "binding.offer", "confirm": "login.confirm"}  # an attempt's purpose -> what the trail calls it


@bp.get("/login/<name>")
def start(name):
    """Begin a login and send the browser to the platform."""
    element = current_app.elements.active(name)
    if request.method == "HEAD":
        return ""
    g.start_again = url_for("entrance.page", via=name, next=browser.safe_path(request.args.get("next")))
    kind = element.start_kind(request.user_agent.string)
    return redirect(begin(element, kind, request.args.get("next"))["authorizeUrl"], 302)


def begin(element, kind: str, next: str | None, purpose: str = "login", me=None) -> dict:
    """Open an attempt of this browser; return the element's configuration and the address to go to.

    :param me: who is signed in, for the purposes that belong to a session: `bind` and `confirm`.
    """
    config = element.getLoginConfig(kind=kind)
    attempts.begin(config["state"], browser.browser(), element.name, kind, browser.safe_path(next), purpose, me)
    browser.begin_attempt(config["state"])
    return {**config, "authorizeUrl": element.authorize_url(kind, config["state"])}


@bp.route("/login/<name>/callback", methods=["GET", "POST"])
def callback(name):
    """Finish a login: by redirect (GET) or from inside the platform's client (POST)."""
    return finish(current_app.elements.active(name))


def shared_callback():
    """Finish a login at an element's own `redirectUri`; several may share it, so the state decides whose it is."""
    name = attempts.element_of(single("state"))
    if name is None:
        g.start_again = url_for("entrance.page")
        raise Code(BAD_STATE, "no attempt has this state")
    return finish(current_app.elements.active(name))


def finish(element):
    if request.method == "HEAD":
        return ""
    g.element, g.start_again = element, url_for("login.start", name=element.name)
    state = single("state")
    me = browser.signed_in()
    try:
        attempt, person = arrive(element, state, login_code, me)
        if attempt.purpose == "bind":
            return offer(element, person, attempt)
        signed_in = enter(element, person, attempt)
    except Code:
        mine = me and attempts.known(state, me.id)
        if mine:
            g.go_on = url_for("account.show")  # this callback has done its work already, or was no login
            g.start_again = g.start_again if mine.purpose == "login" else g.go_on
        raise
    if attempt.purpose == "confirm":
        flash(_("Thank you, that was you. You can go on now."), "good")
    return browser.sign_in(redirect(signed_in.next or url_for("account.show"), 303), signed_in.token, element.name)


def arrive(element, state: str, code, me=None) -> tuple:
    """Use the attempt up and ask the element who it is; return the attempt and the person.

    :param code: called for the login code once the attempt is used up.
    :param me: who is signed in, where a bind or confirm may be finished, too.
    """
    purpose, facts = "login", {}
    try:
        attempt = attempts.use(state, browser.end_attempt(state), element.name, me)
        purpose, facts = attempt.purpose, {"actor_id": attempt.account_id, "account_id": attempt.account_id}
        if purpose == "login":
            g.start_again = url_for("login.start", name=element.name, next=attempt.next)
        with http.within():
            return attempt, element.getLoginCode(code(), state)
    except Code as error:
        sign_in.note_refusal(error, element.name, browser.client(), REFUSED.get(purpose, "login"), **facts)
        raise


def enter(element, person: dict, attempt) -> sign_in.SignedIn:
    """Sign in whom the attempt has brought."""
    signed_in = sign_in.sign_in(person, attempt, browser.client(), browser.token())
    log.info("%s %s: signed in, account %s", g.reference, element.name, signed_in.account_id)
    return signed_in


def offer(element, person: dict, attempt):
    """Keep whom a bind has brought, and ask whether it shall be."""
    self_service.offer(person, attempt, browser.client())
    log.info("%s %s: offered to account %s", g.reference, element.name, attempt.account_id)
    return redirect(url_for("account.confirm_bind"), 303)


def complete(element, state: str, code) -> tuple[dict, sign_in.SignedIn]:
    """Finish a login for a script: return the person and their session."""
    attempt, person = arrive(element, state, code)
    return person, enter(element, person, attempt)


def login_code() -> str:
    """Return the login code; where the person refused, platforms send an error or nothing instead."""
    if "error" in request.values:
        raise Code(CANCELLED, "the person refused at the platform")
    return single("code", missing=CANCELLED)


def single(key: str, missing: int = BAD_STATE) -> str:
    """Return a parameter that must come once, and in a length that makes sense.

    :param missing: the error for its absence.
    """
    given = (request.form if request.method == "POST" else request.args).getlist(key)
    if not given or not given[0]:
        raise Code(missing, f"{key} is missing")
    return sensible(key, given[0] if len(given) == 1 else None)


def sensible(key: str, value) -> str:
    """Return a state or code if it is a text of a length that makes sense."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_CODE or not value.isascii():
        raise Code(BAD_STATE if key == "state" else BAD_CODE, f"{key} makes no sense")
    return value


@bp.route("/login/once/<token>", methods=["GET", "POST"])
def once(token):
    """A one-time link: looking shows whose it is, the button signs in."""
    account = one_time_links.holder(token)
    # Visitors without a known address share one count: it turns away wrong links only, which open nothing.
    if account is None and not limiter.limiter.hit(WRONG_LINKS, "wrong link", request.remote_addr):
        raise Code(TOO_MANY_TRIES, "too many wrong one-time links from this address")
    if account is not None and request.method != "POST":
        return render_template("once.html", account=account)
    signed_in = one_time_links.use(token, browser.client(), browser.token()) if account else None
    if signed_in is None:
        log.info("%s one-time link refused", g.reference)
        return render_template("once_gone.html"), 410
    log.info("%s one-time link: signed in, account %s", g.reference, signed_in.account_id)
    return browser.sign_in(redirect(url_for("account.show"), 303), signed_in.token)


@bp.post("/logout")
def logout():
    if browser.token():
        sessions.end(browser.token(), browser.client())
    browser.tried(True)
    return browser.sign_out(redirect(url_for("entrance.page"), 303))
