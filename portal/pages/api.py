"""JSON for scripts. Whatever else is asked under /api/ gets the envelope, too."""

from flask import Blueprint, current_app, jsonify, request
from flask_wtf.csrf import generate_csrf

from portal.elements.state import KINDS
from portal.errors import BAD_STATE, NO_SUCH_PAGE, SETTING_MISSING, STALE_FORM, Code
from portal.pages import browser
from portal.pages.error_pages import make_envelope
from portal.pages.login_flow import begin_login, check_text, identify_person, open_session
from portal.pages.sign_in_guards import require_sign_in
from portal.providers.person import EMPTY
from portal.signin.attempts import Goal

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/session")
def session():
    """Return who is signed in and how."""
    me = require_sign_in()
    identity = {"element": me.element, "userId": me.user_id, "name": me.person} if me.identity_id else None
    account = {"id": me.account_id, "username": me.username, "name": me.name, "role": me.role}
    return jsonify({"account": account, "identity": identity})


@bp.get("/csrf")
def csrf():
    return jsonify({"csrfToken": generate_csrf()})


@bp.post("/auths/loginTypes/<name>/getLoginConfig")
def get_login_config(name):
    """Begin a login of this browser: the element's configuration with a fresh state, and the address to go to."""
    element, asked = element_of(name), body()
    kind = asked.get("kind", "qr")
    if kind not in KINDS:
        raise Code(BAD_STATE, "there is no login of this kind")
    return jsonify(make_envelope(data=begin_login(element, kind, Goal(text(asked.get("next"))))))


@bp.post("/auths/loginTypes/<name>/getLoginCode")
def get_login_code(name):
    """Finish a login of this browser, and open its session."""
    element, asked = element_of(name), body()
    state, code = check_text("state", asked.get("state")), asked.get("authCode")
    attempt, person = identify_person(element, state, lambda: check_text("authCode", code))
    signed_in = open_session(element, person, attempt)
    told = {key: person.get(key, empty) for key, empty in EMPTY.items()}
    data = {**told, "accountId": signed_in.account_id, "next": signed_in.next}
    return browser.give_session(jsonify(make_envelope(data=data)), signed_in.token, name)


def element_of(name):
    try:
        return current_app.elements.find_active(name)
    except Code as error:
        if error.code == NO_SUCH_PAGE:
            raise Code(SETTING_MISSING, error.reason, status=404) from None
        raise


def body() -> dict:
    """Return the JSON object that was sent; another page's form can't send one unasked."""
    try:
        sent = request.get_json(silent=True) if request.mimetype == "application/json" else None
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        raise Code(STALE_FORM, "a JSON object was expected, with Content-Type: application/json")
    return sent


def text(value) -> str | None:
    return value if isinstance(value, str) else None
