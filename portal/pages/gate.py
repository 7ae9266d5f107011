"""The gate answers proxies, and browsers at applications' hosts.

Checks answer under any host. They depend on the door's cookie and on the application that the proxy's configuration
names; they set no cookie and read no query. The other addresses answer under the application's hosts alone.
"""

import secrets
from collections.abc import Callable
from urllib.parse import quote

from flask import Blueprint, Response, current_app, redirect, request
from flask.typing import ResponseReturnValue

from portal import metrics
from portal.applications import catalogue, claims, doors, proxy_problems, tickets
from portal.applications.doors import OpenDoor
from portal.errors import NO_SUCH_PAGE, STALE_FORM, Code
from portal.models import Application
from portal.pages import asked_for, browser, gate_answers, limits
from portal.pages.asked_for import AskedFor, MissingHeader
from portal.pages.gate_answers import OtherHost, ProxyWrong, TicketUseless
from portal.pages.guards import csrf
from portal.pages.local_addresses import accept_local_path
from portal.signin import sessions

START_LIFE = 600  # seconds that a sign-in for an application may take

bp = Blueprint("gate", __name__, url_prefix="/_portal/<name>")
csrf.exempt(bp)  # a check is no form, and at an application's host there is no visit that could keep a token
gate_answers.handle_errors(bp)


# What proxies ask; whatever their methods are, `GateRequests` makes them GET or HEAD


@bp.get("/auth-request")
def auth_request(name):
    """Answer nginx, which itself leads a browser to `Location`."""
    return answer_check(name, asked_for.read_original, redirect_status=401)


@bp.get("/forward-auth")
def forward_auth(name):
    """Answer Traefik, Caddy and HAProxy."""
    return answer_check(name, asked_for.read_forwarded)


@bp.get("/ext-authz/", defaults={"path": ""}, strict_slashes=False)
@bp.get("/ext-authz/<path:path>")
def ext_authz(name, path):
    """Answer Envoy, which asks by the request itself."""
    return answer_check(name, lambda: asked_for.read_direct(f"/_portal/{name}/ext-authz"))


def answer_check(name: str, read_request: Callable[[], AskedFor], redirect_status: int = 303) -> ResponseReturnValue:
    """Say whether a request may pass to an application.

    :param read_request: returns what the proxy asks about.
    :param redirect_status: the status that leads a browser on.
    """
    door = find_own_door(name)
    application_id, hosts = (door.application_id, door.hosts) if door else require_hosts(name)
    asked, origin = check_proxy(name, application_id, hosts, read_request)
    if door is None or door.host != origin:
        metrics.count_check(name, "signed_out")
        return gate_answers.ask_to_sign_in(name, origin, asked, redirect_status)
    sessions.note_use(door.session_id, door.last_seen_at)
    if door.groups is None:
        metrics.count_check(name, "refused")
        return gate_answers.show_no_access(catalogue.find_application(name), door)
    metrics.count_check(name, "passed")
    return Response(headers=claims.write_headers(door.headers, door.header_encoding, door.told, door.groups))


def check_proxy(name: str, application_id: int, hosts: list[str], read_request: Callable) -> tuple[AskedFor, str]:
    """Return what a proxy asks about, with its origin.

    :raises ProxyWrong: when the proxy's configuration and the application do not agree.
    """
    try:
        asked = read_request()
    except MissingHeader as error:
        note_own_problem(name, proxy_problems.INCOMPLETE, error.name, application_id)
        raise ProxyWrong("the proxy does not send a header") from None
    origin = asked_for.choose_origin(hosts, asked.host)
    if origin is None:
        scheme = hosts[0].partition(":")[0] if hosts else "https"
        host = f"{scheme}://{asked.host[: asked_for.LONGEST_HOST]}"
        note_own_problem(name, proxy_problems.HOST, host, application_id)
        raise ProxyWrong("the proxy asks for a host that the application does not have")
    if forged := asked_for.find_forged_header():
        note_own_problem(name, proxy_problems.FORGED, forged, application_id)
    return asked, origin


def note_own_problem(name: str, kind: str, detail: str, application_id: int) -> None:
    """Note what a proxy does wrong.

    At the portal's own address there is no proxy of an application, but any visitor.
    """
    if request.host != current_app.config["SERVER_NAME"]:
        proxy_problems.note_problem(name, kind, detail, application_id)


def require_hosts(name: str) -> tuple[int, list[str]]:
    """Return id and hosts of an active application.

    :raises ProxyWrong: when there is none.
    """
    found = doors.find_gate_hosts(name)
    if found is None:
        proxy_problems.note_unknown(name)
        raise ProxyWrong("a proxy asks for an application that is not here")
    return found


def find_own_door(name: str) -> OpenDoor | None:
    """Return this browser's door at an application, if it works.

    Where the host has https, only the cookie with the prefix counts, which no other host can set.
    """
    for scheme in ("https:", "http:"):
        cookie = name_door_cookie(scheme, name)
        token = browser.read_token_cookie(cookie) if len(request.cookies.getlist(cookie)) == 1 else None
        door = doors.find_door(name, token) if token else None
        if door and door.host.startswith(scheme):
            return door
    return None


def name_door_cookie(origin: str, name: str) -> str:
    """Return the name of a door's cookie.

    :param origin: of the application's host, or its scheme alone.
    """
    return browser.name_cookie(origin, f"portal_{name}")


# What browsers ask at an application's host


@bp.get("/start")
def start(name):
    """Begin to enter an application: bind it to this browser."""
    application, origin = find_own_application(name)
    if request.method == "HEAD":
        return ""
    nonce = read_nonce(application, origin) or secrets.token_urlsafe(32)
    path = accept_local_path(request.args.get("to")) or "/"
    challenge = tickets.make_challenge(nonce)
    address = f"{current_app.config['PORTAL_BASE_URL']}/apps/{name}/enter?challenge={challenge}&to={quote(path)}"
    if len(application.hosts) > 1:
        address += f"&host={quote(origin, safe='')}"
    answer = redirect(address, 303)
    set_host_cookie(answer, origin, name_start_cookie(application, origin), nonce, START_LIFE)
    return answer


@bp.get("/enter")
def enter(name):
    """Enter an application by a ticket."""
    application, origin = find_own_application(name)
    if request.method == "HEAD":
        return ""
    nonce = read_nonce(application, origin)
    if nonce is None:
        return gate_answers.show_blocked_cookies(name, origin), 400
    ticket = request.args.get("ticket", "")
    entered = doors.enter(ticket, application, origin, nonce, browser.get_client())
    if entered is None:
        return refuse_ticket(ticket, application, origin)
    metrics.count_entry(name, "entered" if entered.may_enter else "refused")
    answer = redirect(entered.path, 303)
    return set_host_cookie(answer, origin, name_door_cookie(origin, name), entered.token)


def refuse_ticket(ticket: str, application: Application, origin: str) -> ResponseReturnValue:
    """Record a useless ticket, and offer a new one.

    Tabs that open at the same moment each get a nonce, and the browser keeps the last. So where the nonce alone is
    wrong, the page starts again by itself.
    """
    refusal = TicketUseless()
    metrics.count_entry(application.name, "refused")
    limits.count_refused_ticket()
    doors.record_refused_ticket(refusal, application, browser.get_client())
    path = tickets.find_path(ticket, application.id, origin)
    again = asked_for.write_start_address(origin, application.name, path or "/")
    page = gate_answers.offer_new_start(refusal, again)
    return (page, 400, {"Refresh": f"0; url={again}"}) if path else (page, 400)


@bp.get("/signed-out")
def signed_out(name):
    """Say that the sign-in has ended, where nginx leads."""
    application, origin = find_own_application(name)
    return gate_answers.show_signed_out(application.name, origin)


@bp.get("/no-access")
def no_access(name):
    """Say that the account may not enter, where nginx leads."""
    application, _origin = find_own_application(name)
    return gate_answers.show_no_access(application, find_own_door(name))


@bp.route("/sign-out", methods=["GET", "POST"])
def sign_out(name):
    """Close the door at an application.

    The form comes from the application's own host, so that is what its origin must be.
    """
    application, origin = find_own_application(name)
    if request.method != "POST":
        return gate_answers.show_page("gate/sign_out.html", application=application, done=False)
    if request.headers.get("Origin", origin) not in (origin, "null") or not is_sent_from_here():
        raise Code(STALE_FORM, "the request comes from another site's page")
    cookie = name_door_cookie(origin, name)
    if token := browser.read_token_cookie(cookie):
        doors.close_door(name, token)
    answer = Response(gate_answers.show_page("gate/sign_out.html", application=application, done=True))
    return set_host_cookie(answer, origin, cookie, "", 0)


def is_sent_from_here() -> bool:
    """Tell whether a browser says nothing of another site."""
    return request.headers.get("Sec-Fetch-Site") in (None, "same-origin")


def find_own_application(name: str) -> tuple[Application, str]:
    """Return an active application, and its origin asked for here.

    :raises Code: NO_SUCH_PAGE when there is none, or under another host.
    """
    application = catalogue.find_application(name)
    if not application.active:
        raise Code(NO_SUCH_PAGE, "the application is switched off")
    origin = asked_for.choose_origin(application.hosts, request.host)
    if origin is None:
        raise OtherHost
    return application, origin


def name_start_cookie(application: Application, origin: str) -> str:
    return browser.name_cookie(origin, f"portal_{application.name}_start")


def read_nonce(application: Application, origin: str) -> str | None:
    """Return the nonce that this browser keeps for an application."""
    return browser.read_token_cookie(name_start_cookie(application, origin))


def set_host_cookie(answer: Response, origin: str, name: str, value: str, max_age: int | None = None) -> Response:
    """Set a cookie for one application's host alone."""
    answer.set_cookie(name, value, max_age=max_age, **browser.get_cookie_attributes(origin))
    return answer
