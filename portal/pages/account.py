"""One's own account: who I am here, what signs me in, where I am signed in; and changing that."""

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bindings import self_service, ways_in
from portal.errors import BAD_STATE, FORBIDDEN, NO_SUCH_PAGE, NOT_SIGNED_IN, Code
from portal.pages import browser, headers, login, login_page, parameters
from portal.signin import sessions

bp = Blueprint("account", __name__)

ID = "<int(max=2147483647):id>"
SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
PROGRAMS = {
    "wxwork": "WeCom",
    "Lark": "Feishu",
    "Edg": "Edge",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}


class NotFresh(Code):
    """FORBIDDEN for a sign-in that is too old; the page offers to confirm.

    :param back: where to go once they have confirmed.
    :param way_out: where to go if they don't.
    """

    def __init__(self, me, back: str, way_out: str, elements: list):
        super().__init__(FORBIDDEN, "this needs a sign-in within the last ten minutes")
        self.me, self.back, self.way_out, self.elements = me, back, way_out, elements


@bp.get("/account")
def show():
    me = required()
    mine, known = self_service.identities(me.account_id), ways_in.usable()
    missing = [way.element for way in ways_in.missing(known, mine)]
    allow_forms_to(missing)
    return render_template(
        "account.html",
        me=me,
        identities=mine,
        last_ways={identity.id for identity in mine if self_service.is_last_way(identity, mine, known)},
        missing=login_page.named(missing),
        offered=self_service.offered(me),
        sessions=sessions.page(me.account_id, parameters.number(request.args.get("sessions")) or 1),
        **names(),
    )


def required():
    """Return who is signed in.

    :raises Code: NOT_SIGNED_IN when nobody is; the page offers the way to the login and back.
    """
    me = browser.signed_in()
    if me is None:
        raise Code(NOT_SIGNED_IN, f"{request.endpoint} needs a sign-in")
    return me


def fresh(back: str, way_out: str | None = None):
    """Return who is signed in, if that is recent enough to change what signs somebody in.

    :param back: where to go once they have confirmed that it is them; a page, not an action.
    :param way_out: where to go if they don't; their account, unless it is said.
    :raises Code: NOT_SIGNED_IN when nobody is; FORBIDDEN, whose page offers to confirm.
    """
    me = required()
    if sessions.is_fresh(me):
        return me
    elements = [way.element for way in ways_in.leading_in(ways_in.usable(), self_service.identities(me.account_id))]
    allow_forms_to(elements)
    raise NotFresh(me, back, way_out or url_for("account.show"), login_page.named(elements))


def allow_forms_to(elements: list) -> None:
    """Let this page's forms lead to where these elements' logins begin."""
    agent = request.user_agent.string
    headers.allow({"form-action": [origin for element in elements for origin in element.start_origins(agent)]})


def names() -> dict:
    """Return what people call the devices, elements and platforms on these pages."""
    usable = current_app.elements.usable()
    return {
        "device": device,
        "labels": {element.name: element.label for element in usable},
        "providers": {element.provider: element.label for element in usable},
    }


@bp.post("/account/confirm/<name>")
def confirm(name):
    """Begin a scan that shows that it is still the same person who sits here."""
    element, me = current_app.elements.active(name), required()
    goal = browser.way_back(request.form.get("next"), url_for("account.show"))
    return go(element, goal, "confirm", me)


@bp.post("/account/bind/<name>")
def bind(name):
    """Begin a scan whose person shall open this account, too."""
    element, me = current_app.elements.active(name), fresh(url_for("account.show"))
    return go(element, None, "bind", me)


def go(element, goal: str | None, purpose: str, me):
    kind = element.start_kind(request.user_agent.string)
    return redirect(login.begin(element, kind, goal, purpose, me)["authorizeUrl"], 303)


@bp.get("/account/bind/confirm")
def confirm_bind():
    """Show whom the scan has brought, and ask whether they shall open this account."""
    me = required()
    g.start_again = url_for("account.show")
    identity = self_service.offered(me)
    if identity is None:
        raise Code(BAD_STATE, "no scan of this session waits for its second yes")
    self_service.check(identity, me.account_id)
    return render_template("account_bind.html", me=me, identity=identity, **names())


@bp.post("/account/bind/confirm")
def commit_bind():
    me = required()
    g.start_again = url_for("account.show")
    identity = self_service.bind(me, browser.client(), shown())
    flash(_("%(name)s can now sign in to this account.", name=identity.shown_name), "good")
    return redirect(url_for("account.show"), 303)


def shown() -> int | None:
    """Return the id of whom the page has shown, if the form says; 0 stands for nonsense."""
    given = request.form.get("identity")
    return None if given is None else parameters.number(given) or 0


@bp.get(f"/account/bindings/{ID}/unbind")
def unbind(id):
    """Show what a disconnection would mean."""
    me = fresh(browser.address())
    mine, known = self_service.identities(me.account_id), ways_in.usable()
    identity = next((each for each in mine if each.id == id), None)
    if identity is None:
        raise Code(NO_SUCH_PAGE, "the account has no such person")
    return render_template(
        "account_unbind.html",
        me=me,
        identity=identity,
        ends=self_service.open_sessions(id),
        last_way=self_service.is_last_way(identity, mine, known),
        **names(),
    )


@bp.post(f"/account/bindings/{ID}/unbind")
def commit_unbind(id):
    me = fresh(url_for("account.unbind", id=id))
    g.start_again = url_for("account.show")
    self_service.unbind(id, me, browser.client())
    if id != me.identity_id:
        flash(_("Disconnected. This person can no longer sign in to your account."), "good")
        return redirect(url_for("account.show"), 303)
    flash(_("Disconnected. You are signed out, because you had signed in by it."), "good")
    return leave()


@bp.post(f"/account/sessions/{ID}/end")
def end_session(id):
    me = required()
    g.start_again = url_for("account.show")
    sessions.end_own(id, me.account_id, browser.client())
    if id == me.id:
        return leave()
    flash(_("Signed out there."), "good")
    return redirect(url_for("account.show"), 303)


@bp.post("/account/sessions/end-others")
def end_others():
    ended = sessions.end_others(required(), browser.client())
    told = ngettext("Signed out on %(num)s other device.", "Signed out on %(num)s other devices.", ended)
    flash(told if ended else _("You were signed in nowhere else."), "good" if ended else "info")
    return redirect(url_for("account.show"), 303)


def leave():
    """Lead to the login page, without the session that has just ended; and not straight in again."""
    browser.tried(True)
    return browser.sign_out(redirect(url_for("entrance.page"), 303))


def device(agent: str) -> str:
    """Return a user agent as people would say it, such as "Chrome · Windows"."""
    program = next((name for mark, name in PROGRAMS.items() if f"{mark}/" in agent), None)
    system = next((name for name in SYSTEMS if name in agent), None)
    return " · ".join(part for part in (program, system) if part) or _("unknown device")
