"""The browser of this request, its cookies and its user.

`portal_visit` is Flask's signed session (form token, browser id, language); `portal_session` is opaque and means
that the browser is signed in. `portal_attempt_…` belongs to one login of a browser that came without cookies: two tabs
opened at once get a browser id each, and `portal_visit` keeps the later one. `portal_waiting` lets the browser of a
scan wait for an administrator's approval.
"""

import secrets

from flask import after_this_request, current_app, g, request, session
from werkzeug.wrappers import Response

from portal.audit import Actor, Client
from portal.database import fingerprint
from portal.elements.state import STATE_LIFE
from portal.pages.parameters import read_text
from portal.signin import sessions, waiting
from portal.signin.sessions import SignedIn


def name_cookie(base_url: str, name: str) -> str:
    """Return the name a cookie has under this address.

    Over https its prefix makes browsers insist on Secure, this host and path `/`.
    """
    return f"__Host-{name}" if base_url.startswith("https:") else name


def get_client() -> Client:
    """Return where this request comes from."""
    return Client(request.remote_addr or "", read_text(request.user_agent.string, 255), g.reference)


def get_actor() -> Actor:
    """Return the signed-in account, and where this request comes from."""
    me = get_signed_in()
    return Actor(me.account_id if me else None, get_client())


# The visit, and the logins begun in it


def get_browser_id() -> str:
    """Return this browser's random id, made at its first use."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(16)
        g.browser_is_new = True
    return session["browser"]


def remember_attempt(state: str) -> None:
    """Give a new browser a cookie for this login alone.

    It can finish the login whatever becomes of its id.
    """
    if g.get("browser_is_new"):
        name, browser_id = name_attempt_cookie(state), session["browser"]
        after_this_request(lambda response: set_cookie(response, name, browser_id, max_age=STATE_LIFE))


def forget_attempt(state: str) -> list[str]:
    """Return the browser ids of a login, and forget them."""
    name = name_attempt_cookie(state)
    attempt_id = request.cookies.get(name)
    if not attempt_id:
        return [get_browser_id()]
    after_this_request(lambda response: set_cookie(response, name, "", max_age=0))
    return [get_browser_id(), attempt_id]


def name_attempt_cookie(state: str) -> str:
    """Return the name of a login's own cookie."""
    return name_cookie(current_app.config["PORTAL_BASE_URL"], f"portal_attempt_{shorten_state(state)}")


def shorten_state(state: str) -> str:
    """Return a name for a login, without telling its state."""
    return fingerprint(state).hex()[:16]


def has_tried_automatically() -> bool:
    """Tell whether this visit has had its one automatic sign-in.

    One that was ended by signing out counts as if it had.
    """
    return session.get("tried", False)


def forbid_automatic_sign_in() -> None:
    """Note that this visit gets no automatic sign-in any more."""
    session["tried"] = True


# The wait for an approval


def find_own_wait(reference: str = "") -> waiting.Wait | None:
    """Return what this browser waits for.

    :param reference: as in `waiting.find_wait()`.
    """
    token = get_wait_token()
    return waiting.find_wait(token, reference) if token else None


def get_wait_token() -> str | None:
    return read_token_cookie(name_wait_cookie())


def give_wait(token: str) -> None:
    """Give the browser the right to wait, with this answer."""
    life = int(waiting.WAIT_LIFETIME.total_seconds())
    after_this_request(lambda response: set_cookie(response, name_wait_cookie(), token, max_age=life))


def stop_waiting() -> None:
    """End this browser's wait, if it has one."""
    if token := get_wait_token():
        waiting.end_wait(token)


def name_wait_cookie() -> str:
    return name_cookie(current_app.config["PORTAL_BASE_URL"], "portal_waiting")


# The session


def get_session_token() -> str | None:
    """Return the session token that this browser has sent."""
    return read_token_cookie(current_app.config["PORTAL_SESSION_COOKIE"])


def read_token_cookie(cookie: str) -> str | None:
    """Return the token in a cookie of this browser.

    Texts that can be none do not count.
    """
    token = request.cookies.get(cookie, "")
    return token if 40 <= len(token) <= 64 and token.isascii() else None


def get_signed_in() -> SignedIn | None:
    """Return the session of this request, looked up once."""
    if "signed_in" not in g:
        token = get_session_token()
        g.signed_in = sessions.find_session(token) if token else None
    return g.signed_in


def was_signed_in_by(state: str) -> bool:
    """Tell whether this very login has opened the browser's session."""
    return session.get("signed_in_by") == shorten_state(state)


def give_session(response: Response, token: str, element: str | None = None, state: str = "") -> Response:
    """Give the browser its new session.

    Forms of earlier pages no longer count, and the visit begins anew.

    :param element: the element the user signed in with; the login page shows it first next time.
    :param state: the login's own.
    """
    set_cookie(response, current_app.config["PORTAL_SESSION_COOKIE"], token)
    session.pop("csrf_token", None)
    session.pop("tried", None)
    session.pop("signed_in_by", None)
    if element:
        session["last"], session["signed_in_by"] = element, shorten_state(state)
    return response


def take_session(response: Response) -> Response:
    """Delete the browser's session cookie."""
    response.delete_cookie(current_app.config["PORTAL_SESSION_COOKIE"], **get_cookie_attributes())
    return response


def set_cookie(response: Response, name: str, value: str, max_age: int | None = None) -> Response:
    """Add a cookie to a response.

    :param max_age: in seconds; without it, the cookie ends with the browser's session.
    """
    response.set_cookie(name, value, max_age=max_age, **get_cookie_attributes())
    return response


def get_cookie_attributes(origin: str | None = None) -> dict:
    """Return the attributes that all our cookies share.

    :param origin: of an application's host; none: the portal's own.
    """
    is_secure = (origin or current_app.config["PORTAL_BASE_URL"]).startswith("https:")
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": is_secure}
