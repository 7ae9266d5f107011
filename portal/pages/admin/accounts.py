"""Accounts: the list, a card for each, and what an administrator does with them."""

from flask import current_app, flash, g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from portal import audit
from portal.accounts import accounts, contact_data, search, usernames
from portal.errors import CONFLICT, Code
from portal.pages import browser, parameters
from portal.pages.admin import layout
from portal.pages.admin.audit_sentences import describe_events
from portal.pages.admin.lookups import require_account
from portal.pages.devices import describe_device
from portal.pages.local_addresses import choose_way_back, redirect_to
from portal.pages.parameters import ID
from portal.signin import one_time_links, sessions

bp = layout.blueprint("accounts", __name__)

HISTORY = 12  # entries of the trail on an account's card
IN_ADDRESS = ("username", "name", "employee_number", "role")  # what the address of the form may fill in


@bp.get("/accounts")
def show():
    wanted = read_account_filter()
    page = search.search_accounts(wanted, parameters.page(request.args))
    return render_template("admin/accounts.html", wanted=wanted, page=page, counts=search.count_accounts())


def read_account_filter() -> search.AccountFilter:
    """Return the filter in the address; what it can't be is left out."""
    role, state, sort = (request.args.get(name, "") for name in ("role", "state", "sort"))
    return search.AccountFilter(
        q=parameters.text(request.args.get("q")),
        role=role if role in accounts.ROLES else "",
        state=state if state in search.STATES else "",
        sort=sort if sort in search.SORTS else "username",
    )


@bp.get(f"/accounts/{ID}")
def account(id):
    return card(require_account(id))


def card(account, **more):
    """Show an account: who it is, what signs it in, where it is signed in, and what has happened to it."""
    history = audit.search(audit.AuditFilter(account_id=account.id), size=HISTORY)
    return render_template(
        "admin/account.html",
        account=account,
        me=layout.administrator(),
        identities=search.list_identities(account.id),
        sessions=sessions.list_sessions(account.id, parameters.number(request.args.get("sessions")) or 1),
        link=one_time_links.find_link(account.id),
        history=describe_events(history.events),
        device=describe_device,
        **more,
    )


# Making and changing one


@bp.route("/accounts/create", methods=["GET", "POST"])
def create():
    if request.method == "GET":
        return form()
    values = typed()
    if values.get("role") == "admin":
        layout.fresh(create_again(values))
    try:
        made = accounts.create_account(values, by=browser.actor())
    except accounts.InvalidFields as error:
        return form(error.problems), 422
    except Code as error:
        return form({"username": username_taken()}), error.status
    flash(_("The account %(name)s has been made. It has no way to sign in yet.", name=made.username), "good")
    return to_card(made.id)


@bp.route(f"/accounts/{ID}/edit", methods=["GET", "POST"])
def edit(id):
    account = require_account(id)
    if request.method == "GET":
        return form(account=account)
    try:
        changed = accounts.edit_account(id, changes(typed()), request.form.get("seen"), by=browser.actor())
    except accounts.InvalidFields as error:
        return form(error.problems, account), 422
    except accounts.AccountChanged as error:
        flash(_("Somebody has changed this account meanwhile. What follows is how it stands now."), "stop")
        return form(account=require_account(id), fresh=True), error.status
    except Code as error:
        return form({"username": username_taken()}, require_account(id)), error.status
    flash(_("Saved.") if changed else _("Nothing was different."), "good" if changed else "info")
    return to_card(id)


def form(problems=None, account=None, fresh=False):
    """Show the form of an account; what was typed stays unless it is `fresh`."""
    typed_before = {} if fresh else request.form if request.method == "POST" else typed_in_address()
    seen = accounts.compute_version(account) if account else None
    return render_template(
        "admin/account_form.html", problems=problems or {}, account=account, typed=typed_before, seen=seen
    )


def typed() -> dict:
    """Return the fields of the form that were sent."""
    return {field: request.form[field] for field in (*accounts.FIELDS, "role") if field in request.form}


def create_again(values: dict) -> str:
    """Return the address of a form with what was typed, but for contact data, which belongs in no address."""
    kept = {field: values.get(field) or None for field in IN_ADDRESS}
    return choose_way_back(url_for(".create", **kept), url_for(".create"))


def typed_in_address() -> dict:
    return {field: request.args[field] for field in IN_ADDRESS if field in request.args}


def changes(values: dict) -> dict:
    """Return what to change: contact data, which is not shown, stays where its field is empty and not ticked off."""
    for field in contact_data.FIELDS:
        if request.form.get(f"remove_{field}"):
            values[field] = ""
        elif not values.get(field):
            values.pop(field, None)
    return values


def username_taken() -> str:
    typed = request.form.get("username", "").strip()
    other = usernames.find_by_username(typed)
    if other is None or other.username == typed:
        return _("Another account has this username.")
    return _("The account %(name)s has this username: upper and lower case make no difference.", name=other.username)


def to_card(id):
    return redirect_to("admin_accounts.account", id=id)


# What has consequences: asked for on a page of its own, then done


@bp.get(f"/accounts/{ID}/<any('disable', 'role', 'end-sessions'):what>")
def confirm(id, what):
    """Say what would happen, before it does."""
    account = require_account(id)
    return render_template(
        "admin/account_confirm.html",
        what=what,
        account=account,
        me=layout.administrator(),
        role="user" if account.role == "admin" else "admin",
        open=sessions.count_account_sessions(id),
        link=one_time_links.find_link(id),
        only=account.active and account.role == "admin" and search.count_accounts()["admin"] == 1,
    )


@bp.post(f"/accounts/{ID}/disable")
def disable(id):
    with_way_back(id)
    ended = accounts.disable_account(id, by=browser.actor())
    if ended is None:
        flash(_("The account was disabled already."), "info")
    else:
        flash(_("The account is disabled.") + " " + sessions_ended(ended), "good")
    return to_card(id)


@bp.post(f"/accounts/{ID}/enable")
def enable(id):
    layout.fresh(with_way_back(id))
    done = accounts.enable_account(id, by=browser.actor())
    flash(
        _("The account can sign in again.") if done else _("The account was not disabled."), "good" if done else "info"
    )
    return to_card(id)


@bp.post(f"/accounts/{ID}/role")
def role(id):
    with_way_back(id)
    layout.fresh(url_for(".confirm", id=id, what="role"))
    wanted = request.form.get("role", "")
    if wanted not in accounts.ROLES:
        raise Code(CONFLICT, "there is no such role", status=422)
    done = accounts.change_role(id, wanted, by=browser.actor())
    if not done:
        flash(_("The account had this role already."), "info")
    elif wanted == "admin":
        flash(_("The account is an administrator now."), "good")
    else:
        flash(_("The account is no administrator any more."), "good")
    return to_card(id)


@bp.post(f"/accounts/{ID}/end-sessions")
def end_sessions(id):
    with_way_back(id)
    ended = accounts.end_account_sessions(id, by=browser.actor())
    flash(sessions_ended(ended), "good" if ended else "info")
    return to_card(id)


def sessions_ended(number: int) -> str:
    if not number:
        return _("There was no open session.")
    return ngettext("%(num)s session has ended.", "%(num)s sessions have ended.", number)


def with_way_back(id) -> str:
    """Let a refusal's page lead back to the account; return its address."""
    g.go_on = url_for("admin_accounts.account", id=id)
    return g.go_on


# A one-time link to hand over, and contact data: shown once


@bp.post(f"/accounts/{ID}/link")
def link(id):
    """Show a fresh link on this very answer; it stands nowhere else."""
    layout.fresh(with_way_back(id))
    token = one_time_links.hand_out_link(id, by=browser.actor())
    address = current_app.config["PORTAL_BASE_URL"] + url_for("login.once", token=token)
    return render_template("admin/account_link.html", account=require_account(id), address=address)


@bp.post(f"/accounts/{ID}/link/revoke")
def revoke_link(id):
    with_way_back(id)
    done = one_time_links.revoke_link(id, by=browser.actor())
    flash(_("The link can't be used any more.") if done else _("There is no open link."), "good" if done else "info")
    return to_card(id)


@bp.post("/reveal")
def reveal():
    """Show one mobile number or e-mail address whole, and put on record who looked."""
    kind, id, field = (request.form.get(name, "") for name in ("kind", "id", "field"))
    number = parameters.number(id) or 0
    whose, value = contact_data.reveal_contact(kind, number, field, by=browser.actor())
    back = choose_way_back(request.form.get("next"), url_for("admin_accounts.show"))
    return render_template("admin/reveal.html", whose=whose, kind=kind, field=field, value=value, back=back)
