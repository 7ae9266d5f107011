"""The JSON interface for scripts."""

from flask import Blueprint, current_app, jsonify, request
from flask_wtf.csrf import generate_csrf

from portal.elements.meta import Meta
from portal.elements.state import KINDS
from portal.errors import BAD_STATE, NO_SUCH_PAGE, SETTING_MISSING, STALE_FORM, Code
from portal.pages import browser
from portal.pages.error_pages import make_envelope
from portal.pages.login_flow import begin_login, check_text, identify_person, read_state, sign_in_person
from portal.pages.sign_in_guards import require_sign_in
from portal.providers.person import EMPTY
from portal.signin.attempts import Goal

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/session")
def session():
    """Return the signed-in user, and the person of the sign-in."""
    me = require_sign_in()
    identity = {"element": me.element, "userId": me.user_id, "name": me.person} if me.identity_id else None
    account = {"id": me.account_id, "username": me.username, "name": me.name, "role": me.role}
    return jsonify({"account": account, "identity": identity})


@bp.get("/csrf")
def csrf():
    return jsonify({"csrfToken": generate_csrf()})


@bp.post("/auths/loginTypes/<name>/getLoginConfig")
def get_login_config(name):
    """Begin a login of this browser.

    The answer has the element's configuration with a fresh state, and the address to go to.
    """
    element, sent = find_login(name), read_json()
    kind = sent.get("kind", "qr")
    if kind not in KINDS:
        raise Code(BAD_STATE, "there is no login of this kind")
    goal = Goal(sent["next"]) if isinstance(sent.get("next"), str) else Goal()
    return jsonify(make_envelope(data=begin_login(element, kind, goal)))


@bp.post("/auths/loginTypes/<name>/getLoginCode")
def get_login_code(name):
    """Finish a login of this browser, and open its session."""
    element, sent = find_login(name), read_json()
    state, code = read_state(lambda: check_text("state", sent.get("state"))), sent.get("authCode")
    attempt, person = identify_person(element, state, lambda: check_text("authCode", code))
    signed_in = sign_in_person(element, person, attempt)
    profile = {key: person.get(key, empty) for key, empty in EMPTY.items()}
    goal = signed_in.next or current_app.config["PORTAL_HOME_URL"]
    data = {**profile, "accountId": signed_in.account_id, "next": goal}
    return browser.give_session(jsonify(make_envelope(data=data)), signed_in.token, name, state)


def find_login(name: str) -> Meta:
    """Return the element of a name.

    :raises Code: SETTING_MISSING when there is none.
    """
    try:
        return current_app.elements.find_active(name)
    except Code as error:
        if error.code == NO_SUCH_PAGE:
            raise Code(SETTING_MISSING, error.reason, status=404) from None
        raise


def read_json() -> dict:
    """Return the JSON object that was sent.

    A form on another site's page can't send one.
    """
    try:
        sent = request.get_json(silent=True) if request.mimetype == "application/json" else None
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        raise Code(STALE_FORM, "a JSON object was expected, with Content-Type: application/json")
    return sent
