"""The way from the portal into an application."""

from datetime import timedelta

from flask import Blueprint, redirect, request, url_for

from portal import audit, metrics
from portal.applications import access, catalogue, tickets
from portal.errors import BAD_STATE, NO_SUCH_PAGE, Code
from portal.models import Application
from portal.pages import browser, limits
from portal.pages.gate_answers import NoAccess
from portal.pages.local_addresses import accept_local_path, get_request_address, redirect_to
from portal.pages.sign_in_guards import refuse_old_sign_in
from portal.signin import sessions
from portal.signin.sessions import SignedIn

bp = Blueprint("applications", __name__)


@bp.get("/apps/<name>/enter")
def enter(name):
    """Give a signed-in user a ticket for an application's host."""
    application = find_open_application(name)
    host, challenge = choose_host(application), read_challenge()
    if request.method == "HEAD":
        return ""
    me = browser.get_signed_in()
    if me is None:
        return redirect_to("login_page.show", next=write_way_back(name, challenge))
    check_access(application, me)
    check_age(application, me)
    path = accept_local_path(request.args.get("to")) or "/"
    ticket = tickets.begin_ticket(application, me, host, challenge, path)
    return redirect(f"{host}/_portal/{name}/enter?ticket={ticket}", 303)


def find_open_application(name: str) -> Application:
    """Return an active application that has hosts.

    :raises Code: NO_SUCH_PAGE when there is none.
    """
    application = catalogue.find_application(name)
    if not (application.active and application.hosts):
        raise Code(NO_SUCH_PAGE, "the application is switched off, or not behind the gate")
    return application


def choose_host(application: Application) -> str:
    """Return the origin that the browser comes from.

    :raises Code: BAD_STATE when it is none of the application's.
    """
    host = request.args.get("host", application.hosts[0])
    if host not in application.hosts:
        raise Code(BAD_STATE, "the application does not have this host")
    return host


def read_challenge() -> str:
    """Return the challenge of the browser's nonce.

    :raises Code: BAD_STATE when it can be none.
    """
    challenge = request.args.get("challenge", "")
    if not tickets.CHALLENGE.fullmatch(challenge):
        raise Code(BAD_STATE, "the challenge is missing or can be none")
    return challenge


def write_way_back(name: str, challenge: str) -> str:
    """Return this address for after the sign-in.

    Where it is too long for that, it leads to the application's first page.
    """
    address = get_request_address()
    if accept_local_path(address):
        return address
    values = {"challenge": challenge, "to": "/"} | {key: request.args[key] for key in ("host",) if key in request.args}
    return url_for("applications.enter", name=name, **values)


def check_age(application: Application, me: SignedIn) -> None:
    """Ask for a new scan where the application wants one.

    :raises SignInTooOld: then.
    """
    minutes = application.fresh_minutes
    if minutes is None or sessions.is_fresh(me, timedelta(minutes=minutes)):
        return
    refusal = refuse_old_sign_in(me, get_request_address(), url_for("account.show"))
    refusal.application = application.title
    raise refusal


def check_access(application: Application, me: SignedIn) -> None:
    """Refuse a user without access, and record it.

    :raises NoAccess: naming the groups.
    """
    verdict = access.decide(application, me.account_id, me.identity_id)
    if verdict.groups is not None:
        return
    metrics.count_entry(application.name, "refused")
    limits.count_refused_entry(me.account_id, application.id)
    refusal = NoAccess(application, verdict)
    facts = {"account_id": me.account_id, "identity_id": me.identity_id, "details": {"application": application.name}}
    audit.record_refusal(refusal, "application.refuse", browser.get_actor(), **facts)
    raise refusal
