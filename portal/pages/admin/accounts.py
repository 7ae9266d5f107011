"""The pages of the accounts, and the changes to them."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from portal.accounts import accounts, contact_data, search
from portal.audit import searching
from portal.bindings import new_accounts
from portal.errors import CONFLICT, NOT_ALLOWED, Code
from portal.models import Identity
from portal.pages import browser
from portal.pages.admin import account_form, layout
from portal.pages.admin.account_applications import collect_applications
from portal.pages.admin.audit_sentences import describe_events
from portal.pages.admin.lookups import require_account
from portal.pages.devices import describe_device
from portal.pages.local_addresses import choose_way_back, lead_errors_to, redirect_to
from portal.pages.parameters import ID, read_number, read_page_number, read_text
from portal.signin import one_time_links, sessions

bp = layout.make_blueprint("accounts", __name__)

SHOWN_EVENTS = 12  # of the audit log, on an account's page


@bp.get("/accounts")
def show():
    wanted = read_account_filter()
    page = search.search_accounts(wanted, read_page_number(request.args))
    return render_template("admin/accounts.html", wanted=wanted, page=page, counts=search.count_accounts())


def read_account_filter() -> search.AccountFilter:
    """Return the filter in the address.

    A value that makes no sense is left out.
    """
    role, state, sort = (request.args.get(name, "") for name in ("role", "state", "sort"))
    return search.AccountFilter(
        q=read_text(request.args.get("q")),
        role=role if role in accounts.ROLES else "",
        state=state if state in search.STATES else "",
        sort=sort if sort in search.SORTS else "username",
    )


@bp.get(f"/accounts/{ID}")
def account(id):
    account = require_account(id)
    history = searching.search(searching.AuditFilter(account_id=account.id), size=SHOWN_EVENTS)
    return render_template(
        "admin/account.html",
        account=account,
        me=layout.require_administrator(),
        identities=search.list_identities(account.id),
        sessions=sessions.list_sessions(account.id, read_page_number(request.args, "sessions")),
        link=one_time_links.find_link(account.id),
        access=collect_applications(account),
        history=describe_events(history.events),
        device=describe_device,
    )


# Making and changing one


@bp.route("/accounts/create", methods=["GET", "POST"])
def create():
    """Create an account, and bind the person it is for."""
    person = account_form.read_new_owner()
    if request.method == "GET":
        return account_form.show_form(person=person)
    if person is None and request.form.get("identity"):
        raise Code(NOT_ALLOWED, "the person has left or is frozen meanwhile")
    values, by = account_form.read_form(), browser.get_actor()
    if person or values.get("role") == "admin":
        layout.require_fresh_administrator(account_form.make_form_address(values, person))
    try:
        if person:
            return create_for(person, account_form.add_email(values, person))
        account = accounts.create_account(values, by=by)
    except (accounts.InvalidFields, accounts.UsernameTaken) as error:
        problems = account_form.explain_refusal(error)
        return account_form.show_form(problems, person=person), getattr(error, "status", 422)
    flash(_("Account %(name)s created. It has no way to sign in yet.", name=account.username), "good")
    return show_account(account.id)


def create_for(person: Identity, values: dict) -> Response:
    """Create an account for a person, and show the person."""
    address = lead_errors_to(url_for("admin_bindings.person", id=person.id))
    name, seen_id = person.shown_name, read_number(request.form.get("bound_to"))
    account = new_accounts.create_bound_account(person.id, values, seen_id, by=browser.get_actor())
    flash(_("%(name)s now has the account %(account)s.", name=name, account=account.username), "good")
    return redirect(address, 303)


@bp.route(f"/accounts/{ID}/edit", methods=["GET", "POST"])
def edit(id):
    account = require_account(id)
    if request.method == "GET":
        return account_form.show_form(account=account)
    try:
        changes, version = account_form.choose_changes(account_form.read_form()), request.form.get("seen")
        changed = accounts.edit_account(id, changes, version, by=browser.get_actor())
    except accounts.AccountChanged as error:
        flash(_("This account was changed in the meantime. You see the current version now."), "stop")
        return account_form.show_form(account=require_account(id), is_reset=True), error.status
    except (accounts.InvalidFields, accounts.UsernameTaken) as error:
        problems = account_form.explain_refusal(error)
        return account_form.show_form(problems, require_account(id)), getattr(error, "status", 422)
    flash(_("Saved.") if changed else _("Nothing was changed."), "good" if changed else "info")
    return show_account(id)


def show_account(id: int) -> Response:
    """Lead to the page of an account."""
    return redirect_to("admin_accounts.account", id=id)


def lead_errors_to_account(id: int) -> str:
    """Return an account's address, and lead error pages to it."""
    return lead_errors_to(url_for("admin_accounts.account", id=id))


# Actions with consequences, each confirmed on a page of its own


@bp.get(f"/accounts/{ID}/<any('disable', 'role', 'end-sessions'):what>")
def confirm(id, what):
    """Show the consequences of an action before it is done."""
    account = require_account(id)
    return render_template(
        "admin/account_confirm.html",
        what=what,
        account=account,
        me=layout.require_administrator(),
        role="user" if account.role == "admin" else "admin",
        open=sessions.count_account_sessions(id),
        link=one_time_links.find_link(id),
        only=account.active and account.role == "admin" and search.count_accounts()["admin"] == 1,
    )


@bp.post(f"/accounts/{ID}/disable")
def disable(id):
    lead_errors_to_account(id)
    ended = accounts.disable_account(id, by=browser.get_actor())
    if ended is None:
        flash(_("The account was already disabled."), "info")
    else:
        flash(_("The account is disabled.") + " " + describe_ended_sessions(ended), "good")
    return show_account(id)


@bp.post(f"/accounts/{ID}/enable")
def enable(id):
    layout.require_fresh_administrator(lead_errors_to_account(id))
    done = accounts.enable_account(id, by=browser.get_actor())
    flash(
        _("The account can sign in again.") if done else _("The account was not disabled."), "good" if done else "info"
    )
    return show_account(id)


@bp.post(f"/accounts/{ID}/role")
def role(id):
    lead_errors_to_account(id)
    layout.require_fresh_administrator(url_for(".confirm", id=id, what="role"))
    wanted = request.form.get("role", "")
    if wanted not in accounts.ROLES:
        raise Code(CONFLICT, "there is no such role", status=422)
    done = accounts.change_role(id, wanted, by=browser.get_actor())
    if not done:
        flash(_("The account already had this role."), "info")
    elif wanted == "admin":
        flash(_("The account is now an administrator."), "good")
    else:
        flash(_("The account is no longer an administrator."), "good")
    return show_account(id)


@bp.post(f"/accounts/{ID}/end-sessions")
def end_sessions(id):
    lead_errors_to_account(id)
    ended = accounts.end_account_sessions(id, by=browser.get_actor())
    flash(describe_ended_sessions(ended), "good" if ended else "info")
    return show_account(id)


def describe_ended_sessions(number: int) -> str:
    """Return how many sessions have ended, in words."""
    if not number:
        return _("There was no active session.")
    return ngettext("%(num)s session has ended.", "%(num)s sessions have ended.", number)


# A one-time link and contact data, each shown once


@bp.post(f"/accounts/{ID}/link")
def link(id):
    """Make a one-time link, and show it once."""
    layout.require_fresh_administrator(lead_errors_to_account(id))
    token = one_time_links.hand_out_link(id, by=browser.get_actor())
    address = current_app.config["PORTAL_BASE_URL"] + url_for("login.once", token=token)
    return render_template("admin/account_link.html", account=require_account(id), address=address)


@bp.post(f"/accounts/{ID}/link/revoke")
def revoke_link(id):
    lead_errors_to_account(id)
    done = one_time_links.revoke_link(id, by=browser.get_actor())
    flash(_("The link can no longer be used.") if done else _("There is no valid link."), "good" if done else "info")
    return show_account(id)


@bp.post("/reveal")
def reveal():
    """Show one mobile number or e-mail address whole.

    The audit log records the view.
    """
    kind, field = request.form.get("kind", ""), request.form.get("field", "")
    owner, value = contact_data.reveal_contact(
        kind, read_number(request.form.get("id")) or 0, field, by=browser.get_actor()
    )
    back = choose_way_back(request.form.get("next"), url_for("admin_accounts.show"))
    return render_template("admin/reveal.html", whose=owner, kind=kind, field=field, value=value, back=back)
