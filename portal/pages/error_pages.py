"""The one place where errors become pages or JSON."""

import logging

from flask import Flask, current_app, g, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from portal import database, metrics
from portal.database import db
from portal.errors import FAULT, MEANINGS, NO_SUCH_PAGE, STALE_FORM, TOO_LARGE, UNAVAILABLE, WRONG_METHOD, Code, meaning
from portal.logs import list_places, log_event
from portal.pages import headers
from portal.pages.limits import TooManyTries
from portal.pages.local_addresses import redirect_to
from portal.pages.sign_in_guards import SignInTooOld
from portal.signin.sign_in import NotBound

log = logging.getLogger(__name__)

STATUS_CODES = {404: NO_SUCH_PAGE, 405: WRONG_METHOD, 413: TOO_LARGE}  # HTTP status -> error number


def init_app(app: Flask) -> None:
    """Show all errors of an app here."""
    app.register_error_handler(Code, show_error)
    app.register_error_handler(TooManyTries, show_too_many_tries)
    app.register_error_handler(CSRFError, show_stale_form)
    app.register_error_handler(HTTPException, show_http_error)
    for kind in database.FAILURES:
        app.register_error_handler(kind, show_database_failure)
    app.register_error_handler(Exception, show_fault)


def show_too_many_tries(error: TooManyTries) -> ResponseReturnValue:
    """Return the page or JSON beyond a limit.

    Its header says when the next try counts anew.
    """
    response = make_response(show_error(error))
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def show_error(error: Code) -> ResponseReturnValue:
    """Return the page or JSON for an error."""
    status = error.status
    note_error(error)
    g.setdefault("signed_in", None)  # a page about a failure looks nothing up
    g.shows_error = True
    if wants_json():
        return jsonify(make_envelope(error)), status
    if is_static_address():
        return f"{error.meaning.title}\n", status, {"Content-Type": "text/plain; charset=utf-8"}
    headers.allow_home_from_forms()  # the language switch leads to the start page, and that one on
    if isinstance(error, NotBound):
        return show_not_bound(error)
    if isinstance(error, SignInTooOld):
        return render_template("account_fresh.html", error=error), status
    return render_template("error.html", error=error, meaning=error.meaning), status


def note_error(error: Code) -> None:
    """Log and count an error that is shown."""
    place = g.element.name if "element" in g else request.endpoint
    level = logging.ERROR if error.status >= 500 else logging.INFO
    facts = {"number": error.code, "reason": error.reason, "native": error.native}
    log_event(log, level, "refusal", place=place, status=error.status, **facts)
    metrics.count_refusal(error.code if error.code in MEANINGS else FAULT)


def show_not_bound(error: NotBound) -> ResponseReturnValue:
    """Lead a person to the page where they wait.

    A person who can't wait reads the refusal here.
    """
    if error.token:
        return redirect_to("waiting.show")
    facts = {
        "person": error.person,
        "asked": error.request,
        "element": g.get("element"),
        "state": "refused",
        "next": None,
    }
    return render_template("waiting.html", **facts), error.status


def show_stale_form(error: CSRFError) -> ResponseReturnValue:
    """Return the page for a form without its token.

    Inside a client that has lost its cookies, one tap begins the login anew.
    """
    if request.endpoint == "login.callback":
        g.start_again = url_for("login.start", **request.view_args)
    return show_error(Code(STALE_FORM, "the form token is missing or wrong"))


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    """Return the page or JSON for an error of HTTP."""
    if error.code is None or error.code < 400:
        return error
    code = Code(STATUS_CODES.get(error.code, FAULT), f"HTTP {error.code}", status=error.code)
    response = make_response(show_error(code))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def show_database_failure(error: Exception) -> ResponseReturnValue:
    """Return the page or JSON for an unusable database.

    It is away, busy, full or only reads: no user counts as signed in, and nothing is known to be lost.
    """
    if not database.is_away(error):
        return show_fault(error)
    return show_error(note_database_failure(error))


def note_database_failure(error: Exception) -> Code:
    """Log an unusable database, and return the error to show."""
    db.session.rollback()
    log_event(log, logging.ERROR, "database_failure", place=request.endpoint, problem=database.explain(error))
    return Code(UNAVAILABLE, "the database is not available")


def show_fault(error: Exception) -> ResponseReturnValue:
    """Return the page or JSON for an unexpected error.

    The error's text may hold a secret, so the log gets its place alone.
    """
    return show_error(note_fault(error))


def note_fault(error: Exception) -> Code:
    """Log an unexpected error, and return the one to show."""
    db.session.rollback()
    places = " < ".join(reversed(list_places(error)))
    log_event(log, logging.ERROR, "fault", error=type(error).__name__, places=places)
    return Code(FAULT, "a fault of the portal")


def wants_json() -> bool:
    """Tell whether the request is for the JSON interface."""
    return request.path.startswith("/api/") and request.path not in current_app.callback_paths


def is_static_address() -> bool:
    """Tell whether the address is in the static folder.

    No person looks at an error there; a page with forms would set a cookie, which others may then store.
    """
    return f"{request.path}/".startswith(f"{current_app.static_url_path}/")


def make_envelope(error: Code | None = None, data: object = None) -> dict:
    """Return the fields that every JSON answer has.

    Of an error it tells only what is safe to show.
    """
    number, text = (error.code, str(meaning(error.code).title)) if error else (0, None)
    return {"errcode": number, "errmsg": text, "requestId": g.reference, "data": data}
