"""What the gate says when a request may not pass.

People get pages, and scripts get JSON. The pages stand at applications' hosts, so they have no form of ours but the
sign-out, no visit, and their style sheets from the portal's own address.
"""

from flask import Blueprint, current_app, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import HTTPException

from portal import database, metrics
from portal.applications import access
from portal.applications.access import Verdict
from portal.applications.doors import OpenDoor
from portal.errors import BAD_STATE, FORBIDDEN, NO_SUCH_PAGE, NOT_SIGNED_IN, UNAVAILABLE, Code, Explained
from portal.models import Application
from portal.pages import error_pages, headers
from portal.pages.asked_for import AskedFor, is_navigation, write_start_address
from portal.pages.proxies import CHECKS
from portal.settings.page_values import Contact, read_contact


class NoAccess(Explained):
    """FORBIDDEN, because the account may not enter."""

    def __init__(self, application: Application, verdict: Verdict):
        title = _("You don't have access to %(application)s", application=application.title)
        if verdict.is_ambiguous:
            advice = _("Your username is another person's there. Your administrator can give you another one.")
        elif verdict.missing:
            advice = _("You are in none of: %(groups)s.", groups=", ".join(verdict.missing))
        else:
            advice = _("No group has access yet.")
        super().__init__(FORBIDDEN, "the account may not enter the application", title, advice)
        self.application, self.contact = application, choose_contact(application)


class OtherHost(Explained):
    """NO_SUCH_PAGE, because the application has not this host."""

    def __init__(self):
        title = _("This address belongs to another application")
        advice = _("Open the application from its own address, or from the page of your applications.")
        super().__init__(NO_SUCH_PAGE, "the application does not have this host", title, advice)
        self.status = 400


class TicketUseless(Explained):
    """BAD_STATE, because a ticket does not work, or not here."""

    def __init__(self):
        advice = _("The way into an application works once, for a minute, in the browser that began.")
        reason = "the ticket is used, old, or of another browser, host or application"
        super().__init__(BAD_STATE, reason, _("Please start again"), advice)


class ProxyWrong(Explained):
    """FORBIDDEN, because a proxy asks for what is not here."""

    def __init__(self, reason: str):
        title = _("This application is not set up correctly")
        advice = _("Only your administrator can fix this: its proxy and the portal do not agree.")
        super().__init__(FORBIDDEN, reason, title, advice)


def choose_contact(application: Application) -> Contact | None:
    """Return the contact for an application."""
    if application.contact:
        return read_contact(application.contact)
    return current_app.config["PORTAL_CONTACT"]


def handle_errors(bp: Blueprint) -> None:
    """Show all errors of the gate here, none as success."""
    bp.register_error_handler(Code, show_refusal)
    bp.register_error_handler(HTTPException, show_misuse)
    bp.register_error_handler(Exception, show_failure)


def show_refusal(error: Code) -> ResponseReturnValue:
    """Return the page or JSON for an error.

    Proxies ask at each request, so a refused check is a figure and no log line.
    """
    if request.endpoint in CHECKS and error.status < 500:
        metrics.count_refusal(error.code)
    else:
        error_pages.note_error(error)
    if is_script():
        return jsonify(error_pages.make_envelope(error)), error.status
    return show_page("gate/refusal.html", error=error, meaning=error.meaning), error.status


def show_misuse(error: HTTPException) -> ResponseReturnValue:
    """Return the page or JSON for an error of HTTP."""
    return show_refusal(Code(error_pages.STATUS_CODES.get(error.code, NO_SUCH_PAGE), f"HTTP {error.code}"))


def show_failure(error: Exception) -> ResponseReturnValue:
    """Return the page or JSON for a failure.

    A proxy that asks is told 503 always: nginx knows no other failure.
    """
    note = error_pages.note_database_failure if database.is_away(error) else error_pages.note_fault
    return show_refusal(Code(UNAVAILABLE, note(error).reason))


def is_script() -> bool:
    """Tell whether a script has asked."""
    return not is_navigation()


def ask_to_sign_in(name: str, origin: str, asked: AskedFor, redirect_status: int) -> ResponseReturnValue:
    """Lead a browser to the sign-in, where that loses nothing.

    :param asked: what the browser has sent; only a page that is looked at can be asked for again.
    :param redirect_status: the status that leads a browser on.
    """
    if is_navigation() and asked.method in ("GET", "HEAD"):
        return redirect(write_start_address(origin, name, asked.path), redirect_status)
    return show_signed_out(name, origin)


def show_signed_out(name: str, origin: str) -> ResponseReturnValue:
    """Return the answer for a sign-in that has ended."""
    sign_in = write_start_address(origin, name, "/")
    error = Code(NOT_SIGNED_IN, "the application needs a sign-in")
    metrics.count_refusal(error.code)
    if is_script():
        return jsonify(error_pages.make_envelope(error) | {"signInUrl": sign_in}), 401
    return show_page("gate/signed_out.html", sign_in=sign_in), 401


def show_no_access(application: Application, door: OpenDoor | None) -> ResponseReturnValue:
    """Return the page or JSON for an account without access.

    nginx leads here from every refused check. Where access is no cause for one, its configuration is wrong.

    :param door: of this browser, if it has one.
    """
    verdict = access.decide(application, door.account_id, door.identity_id) if door else None
    if verdict is None or verdict.groups is not None:
        return show_refusal(ProxyWrong("the proxy led to a refusal that was none of access"))
    return show_refusal(NoAccess(application, verdict))


def offer_new_start(error: Code, again: str) -> str:
    """Return the page for a ticket that does not work.

    :param again: where to start again.
    """
    error_pages.note_error(error)
    return show_page("gate/refusal.html", error=error, meaning=error.meaning, again=again)


def show_blocked_cookies(name: str, origin: str) -> str:
    """Return the page for a browser without our cookie."""
    return show_page("gate/no_cookies.html", again=write_start_address(origin, name, "/"))


def show_page(template: str, **values: object) -> str:
    """Return a page for an application's host."""
    base = current_app.config["PORTAL_BASE_URL"]
    headers.widen_policy({"style-src": [base], "img-src": [base]})
    g.setdefault("signed_in", None)
    return render_template(template, **values)
