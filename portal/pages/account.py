"""The page of a user's own account."""

from datetime import timedelta

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from portal.accounts import search
from portal.bindings import self_service, ways_in
from portal.clocks import now
from portal.elements.meta import Meta
from portal.errors import BAD_STATE, NO_SUCH_PAGE, Code
from portal.pages import browser, headers
from portal.pages.devices import describe_device, find_kind
from portal.pages.element_names import group_by_platform, join_labels, label_elements, label_providers, name_elements
from portal.pages.local_addresses import choose_way_back, get_request_address, redirect_to
from portal.pages.login_choice import MOST_TABS
from portal.pages.login_flow import begin_login
from portal.pages.parameters import ID, read_page_number, read_sent_id
from portal.pages.sign_in_guards import require_fresh_sign_in, require_sign_in
from portal.signin import sessions
from portal.signin.attempts import Goal

SESSION_NEW = timedelta(days=1)  # how long a session on another device is marked

bp = Blueprint("account", __name__)


@bp.get("/account")
def show():
    me = require_sign_in()
    identities, ways = search.list_identities(me.account_id), ways_in.list_ways()
    missing = [way.element for way in ways_in.find_missing_ways(ways, identities)]
    headers.allow_logins_from_forms(missing)
    return render_template(
        "account.html",
        me=me,
        identities=identities,
        last_ways={identity.id for identity in identities if self_service.is_last_way(identity, identities, ways)},
        missing=list_missing(missing),
        offered=self_service.pending_scan(me),
        new_since=now() - SESSION_NEW,
        sessions=sessions.list_sessions(me.account_id, read_page_number(request.args, "sessions")),
        **collect_names(),
    )


def list_missing(elements: list) -> dict | None:
    """Return what the page says of logins not bound yet."""
    if not elements:
        return None
    ways = name_elements(elements)
    return {
        "ways": ways,
        "groups": group_by_platform(ways) if len(ways) > MOST_TABS else [],
        "platforms": join_labels(elements),
    }


def collect_names() -> dict:
    """Return what these pages need to name devices and platforms."""
    return {"device": describe_device, "kind": find_kind, "labels": label_elements(), "providers": label_providers()}


@bp.post("/account/confirm/<name>")
def confirm(name):
    """Begin a scan by which the user confirms the sign-in."""
    element, me = current_app.elements.find_active(name), require_sign_in()
    goal = choose_way_back(request.form.get("next"), url_for("account.show"))
    return start_login(element, Goal(goal, "confirm", me))


@bp.post("/account/bind/<name>")
def bind(name):
    """Begin a scan that connects a person with this account."""
    element, me = current_app.elements.find_active(name), require_fresh_sign_in(url_for("account.show"))
    return start_login(element, Goal(None, "bind", me))


def start_login(element: Meta, goal: Goal) -> Response:
    """Begin a scan of a signed-in user at the platform."""
    kind = element.start_kind(request.user_agent.string)
    return redirect(begin_login(element, kind, goal)["authorizeUrl"], 303)


@bp.get("/account/bind/confirm")
def confirm_bind():
    """Ask whether to connect the person of the scan."""
    me = require_sign_in()
    g.start_again = url_for("account.show")
    identity = self_service.pending_scan(me)
    if identity is None:
        raise Code(BAD_STATE, "no scan of this session waits for a confirmation")
    self_service.check_can_bind(identity, me.account_id)
    return render_template("account_bind.html", me=me, identity=identity, **collect_names())


@bp.post("/account/bind/confirm")
def commit_bind():
    me = require_sign_in()
    g.start_again = url_for("account.show")
    identity = self_service.bind_scanned_person(me, read_sent_id(request.form, "identity"), by=browser.get_actor())
    flash(_("%(name)s can now sign in to this account.", name=identity.shown_name), "good")
    return redirect_to("account.show")


@bp.get(f"/account/bindings/{ID}/unbind")
def unbind(id):
    """Show what disconnecting a person means."""
    me = require_fresh_sign_in(get_request_address())
    identities, ways = search.list_identities(me.account_id), ways_in.list_ways()
    identity = next((identity for identity in identities if identity.id == id), None)
    if identity is None:
        raise Code(NO_SUCH_PAGE, "the account has no such person")
    return render_template(
        "account_unbind.html",
        me=me,
        identity=identity,
        ends=sessions.count_identity_sessions(id),
        last_way=self_service.is_last_way(identity, identities, ways),
        **collect_names(),
    )


@bp.post(f"/account/bindings/{ID}/unbind")
def commit_unbind(id):
    me = require_fresh_sign_in(url_for("account.unbind", id=id))
    g.start_again = url_for("account.show")
    self_service.unbind_own_identity(id, by=browser.get_actor())
    if id != me.identity_id:
        flash(_("Unbound. This person can no longer sign in to your account."), "good")
        return redirect_to("account.show")
    flash(_("Unbound. You are signed out because you had signed in that way."), "good")
    return sign_out_here()


@bp.post(f"/account/sessions/{ID}/end")
def end_session(id):
    me = require_sign_in()
    g.start_again = url_for("account.show")
    sessions.end_own_session(id, by=browser.get_actor())
    if id == me.id:
        flash(_("You are signed out."), "quiet")
        return sign_out_here()
    flash(_("Signed out on that device."), "good")
    return redirect_to("account.show")


@bp.post("/account/sessions/end-others")
def end_others():
    ended = sessions.end_other_sessions(require_sign_in(), by=browser.get_actor())
    if ended:
        flash(ngettext("Signed out on %(num)s other device.", "Signed out on %(num)s other devices.", ended), "good")
    else:
        flash(_("You were not signed in anywhere else."), "info")
    return redirect_to("account.show")


@bp.get("/account/sign-out")
def sign_out():
    """Ask whether to sign out everywhere.

    Applications' own pages lead here: a form of theirs could not end this session.
    """
    require_sign_in()
    return render_template("account_sign_out.html")


def sign_out_here() -> Response:
    """Lead to the login page after this session has ended.

    It signs no user in automatically then.
    """
    browser.forbid_automatic_sign_in()
    return browser.take_session(redirect_to("login_page.show"))
