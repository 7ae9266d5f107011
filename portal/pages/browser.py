"""The browser in front of us: its cookies, its language, and where it comes from.

`portal_visit` is Flask's signed session (form token, browser id, language); `portal_session` is opaque and means
that somebody is signed in. `portal_attempt_…` belongs to one login of a browser that came without cookies: two tabs
opened at once get a browser id each, and `portal_visit` keeps the later one.
"""

import re
import secrets
import string
from urllib.parse import quote, unquote

from flask import after_this_request, current_app, g, has_request_context, request, session
from flask_babel import format_timedelta, gettext

from portal.audit import Client
from portal.clocks import now
from portal.database import fingerprint
from portal.pages import parameters
from portal.signin import sessions

LANGUAGES = {"zh": "中文", "en": "English"}
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0, 1, I, O: people read references out on the phone
ACCOUNT_PAGES = ("account.show", "account.confirm_bind", "account.unbind")
LANGUAGE_KEEPS = ("entrance.page", "login.once", *ACCOUNT_PAGES)  # pages one may open again just so, besides admin's
ATTEMPT_LIFE = 600  # seconds, as a login's state lives
LONGEST_PATH = 2000  # characters, as the table of attempts holds
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
BAD_IN_PATH = re.compile(r"//|[\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
AFTER_PATH = re.compile(r"[?#]")
SAFE_IN_PATH = "!$&'()*+,/:;=@~"
SAFE_IN_QUERY = "%" + string.punctuation.replace("#", "")  # what a query holds as it is, escapes included


def cookie_name(base_url: str, name: str) -> str:
    """Return a cookie's name; over https the prefix makes browsers insist on Secure, this host and path `/`."""
    return f"__Host-{name}" if base_url.startswith("https:") else name


def begin_request() -> None:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(6))
    g.reference = f"{letters[:4]}-{letters[4:]}"


def client() -> Client:
    """Return where this request comes from, with the reference people can quote."""
    return Client(request.remote_addr or "", parameters.text(request.user_agent.string, 255), g.reference)


def browser() -> str:
    """Return this browser's random id; the first time, it is made."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(16)
        g.browser_is_new = True
    return session["browser"]


def begin_attempt(state: str) -> None:
    """Let a browser that is new here finish this login whatever becomes of its id."""
    if g.get("browser_is_new"):
        name, id = attempt_cookie(state), session["browser"]
        after_this_request(lambda answer: with_cookie(answer, name, id, max_age=ATTEMPT_LIFE))


def end_attempt(state: str) -> list[str]:
    """Return the ids under which this browser may have begun a login, and forget the one kept for it alone."""
    name = attempt_cookie(state)
    kept = request.cookies.get(name)
    if not kept:
        return [browser()]
    after_this_request(lambda answer: with_cookie(answer, name, "", max_age=0))
    return [browser(), kept]


def attempt_cookie(state: str) -> str:
    return cookie_name(current_app.config["PORTAL_BASE_URL"], f"portal_attempt_{fingerprint(state).hex()[:16]}")


def with_cookie(answer, name: str, value: str, **attributes):
    answer.set_cookie(name, value, **cookie_attributes(), **attributes)
    return answer


def language() -> str:
    """Return `zh` or `en`: what was chosen, else what the browser prefers; `en` where there is none."""
    if not has_request_context():
        return "en"
    if session.get("language") in LANGUAGES:
        return session["language"]
    for wanted, _ in request.accept_languages:
        if wanted[:2].lower() in LANGUAGES:
            return wanted[:2].lower()
    return "en"


def token() -> str | None:
    """Return the session token this browser sent, if it has the shape of one."""
    sent = request.cookies.get(current_app.config["PORTAL_SESSION_COOKIE"], "")
    return sent if 40 <= len(sent) <= 64 and sent.isascii() else None


def signed_in():
    """Return who is signed in (see `sessions.check`), or `None`; looked up once a request."""
    if "signed_in" not in g:
        g.signed_in = sessions.check(token()) if token() else None
    return g.signed_in


def sign_in(response, new_token: str, element: str | None = None):
    """Give the browser its new session; forms of earlier pages no longer count, and the visit begins anew.

    :param element: what signed them in; the login page shows it first next time.
    """
    response.set_cookie(current_app.config["PORTAL_SESSION_COOKIE"], new_token, **cookie_attributes())
    session.pop("csrf_token", None)
    session.pop("tried", None)
    if element:
        session["last"] = element
    return response


def tried(now_too: bool = False) -> bool:
    """Return whether this visit has had its one automatic sign-in, or has been ended by signing out.

    :param now_too: from now on it has.
    """
    before = session.get("tried", False)
    if now_too:
        session["tried"] = True
    return before


def sign_out(response):
    response.delete_cookie(current_app.config["PORTAL_SESSION_COOKIE"], **cookie_attributes())
    return response


def cookie_attributes() -> dict:
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": current_app.config["SESSION_COOKIE_SECURE"]}


def address() -> str:
    """Return this request's path and query as they were sent."""
    query = quote(request.query_string, safe=SAFE_IN_QUERY)
    return quote(request.path, safe=SAFE_IN_PATH) + (f"?{query}" if query else "")


def safe_path(value: str | None) -> str | None:
    """Return `value`, unchanged, if it is a path on this host with or without a query; else `None`.

    Browsers drop tabs and line breaks, read a backslash as a slash, and resolve dots; and a path may be decoded on its
    way, any number of times. A query leads nowhere: there only what no address can hold is refused.
    """
    if not value or not value.startswith("/") or len(value) > LONGEST_PATH or UNWRITABLE.search(value):
        return None
    path, decoded = None, AFTER_PATH.split(value, maxsplit=1)[0]
    while path != decoded:
        path, decoded = decoded, unquote(decoded)
        if BAD_IN_PATH.search(path):
            return None
    return value


def way_back(value: str | None, otherwise: str) -> str:
    """Return where to go on: the path that was sent if it is one of ours, else another one."""
    return safe_path(value) or otherwise


def ago(moment) -> str:
    """Return how long ago something was, in the reader's language."""
    past = moment - now()
    return gettext("just now") if past.total_seconds() > -60 else format_timedelta(past, add_direction=True)


def masked(address: str) -> str:
    """Return a network address without its last part: enough to recognise a place, too little to find a person."""
    head, dot, _ = address.rpartition("." if "." in address else ":")
    return f"{head}{dot}*" if dot else address


def for_templates() -> dict:
    """Return what every page shows: the portal's name, the languages, and who is signed in as far as we looked."""
    again = request.endpoint in LANGUAGE_KEEPS or (request.blueprint or "").startswith("admin_")
    sent = safe_path(address()) if request.method == "GET" else None
    return {
        "title": current_app.config["PORTAL_TITLE"],
        "languages": LANGUAGES,
        "language": language(),
        "signed_in": g.get("signed_in"),
        "here": sent if sent and again else "/",
        "asked_for": sent,
        "base_url": current_app.config["PORTAL_BASE_URL"],
        "reference": g.reference,
    }
