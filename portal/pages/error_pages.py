"""Every refusal and failure becomes a page with something to do, or the JSON envelope."""

import logging
import traceback

from flask import current_app, g, jsonify, make_response, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from portal import database
from portal.database import db
from portal.errors import FAULT, NO_SUCH_PAGE, STALE_FORM, TOO_LARGE, UNAVAILABLE, WRONG_METHOD, Code, meaning
from portal.pages.sign_in_guards import NotFresh
from portal.signin.sign_in import NotBound

log = logging.getLogger(__name__)

OF_STATUS = {404: NO_SUCH_PAGE, 405: WRONG_METHOD, 413: TOO_LARGE}


def init_app(app):
    app.register_error_handler(Code, answer)
    app.register_error_handler(CSRFError, form)
    app.register_error_handler(HTTPException, http)
    for kind in database.FAILURES:
        app.register_error_handler(kind, failure)
    app.register_error_handler(Exception, unexpected)


def answer(error: Code):
    """Return the page or envelope for an error."""
    status = error.status
    where = g.element.name if "element" in g else request.endpoint
    level = logging.ERROR if status >= 500 else logging.INFO
    log.log(level, "%s %s: %s (platform %s)", g.reference, where, error, error.native)
    g.setdefault("signed_in", None)  # a page about a failure looks nothing up
    if wants_json():
        return jsonify(envelope(error)), status
    if is_static():
        return f"{error.meaning.title}\n", status, {"Content-Type": "text/plain; charset=utf-8"}
    if isinstance(error, NotBound):
        return render_template("waiting.html", error=error, element=g.get("element")), status
    if isinstance(error, NotFresh):
        return render_template("account_fresh.html", error=error), status
    return render_template("error.html", error=error, meaning=error.meaning), status


def form(error: CSRFError):
    """A form without its token: inside a client that has lost its cookies, one tap begins the login anew."""
    if request.endpoint == "login.callback":
        g.start_again = url_for("login.start", **request.view_args)
    return answer(Code(STALE_FORM, "the form token is missing or wrong"))


def wants_json() -> bool:
    return request.path.startswith("/api/") and request.path not in current_app.callback_paths


def is_static() -> bool:
    """Return whether the address is the static folder's or one below it.

    No person looks at an error there; a page with forms would set a cookie, which others may then store.
    """
    return f"{request.path}/".startswith(f"{current_app.static_url_path}/")


def envelope(error: Code | None = None, data=None) -> dict:
    """Return what every JSON answer looks like: of an error only what is safe to show."""
    number, text = (error.code, str(meaning(error.code).title)) if error else (0, None)
    return {"errcode": number, "errmsg": text, "requestId": g.reference, "data": data}


def http(error: HTTPException):
    if error.code is None or error.code < 400:
        return error
    response = make_response(answer(Code(OF_STATUS.get(error.code, FAULT), f"HTTP {error.code}", status=error.code)))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def failure(error):
    """The database is away, busy, full or only reads: nobody counts as signed in, and nothing is known to be lost."""
    if not database.is_away(error):
        return unexpected(error)
    db.session.rollback()
    log.error("%s the database cannot be used: %s", g.reference, database.explain(error))
    return answer(Code(UNAVAILABLE, "the database is not available"))


def unexpected(error: Exception):
    """A fault of ours. Its text may hold what nobody should read, so the log gets its place alone."""
    db.session.rollback()
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("%s %s at %s", g.reference, type(error).__name__, " < ".join(reversed(places)))
    return answer(Code(FAULT, "a fault of the portal"))
