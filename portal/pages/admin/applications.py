"""The pages of the applications, and the changes to them."""

from flask import current_app, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from portal.accounts import search as account_search
from portal.applications import catalogue, preview, proxy_problems, search, usage
from portal.bindings import portal_search
from portal.clocks import now
from portal.errors import CONFLICT, Code
from portal.pages import browser
from portal.pages.admin import application_form, layout
from portal.pages.admin.application_words import (
    FIELD_WORDS,
    KINDS,
    STATES,
    describe_leaving,
    describe_problems,
    name_day,
)
from portal.pages.admin.audit_sentences import describe_events
from portal.pages.admin.lookups import require_account
from portal.pages.admin.snippets import render_snippets
from portal.pages.local_addresses import lead_errors_to, redirect_to
from portal.pages.local_times import get_timezone
from portal.pages.parameters import read_number, read_page_number, read_sent_id, read_text

bp = layout.make_blueprint("applications", __name__)


@bp.context_processor
def collect_words() -> dict:
    """Return what the templates of this room use."""
    return {"describe_leaving": describe_leaving, "words_of": FIELD_WORDS, "name_day": name_day, "current_time": now}


@bp.get("/applications")
def show():
    wanted = read_filter()
    page = search.search_applications(wanted, read_page_number(request.args))
    counts = search.count_applications()
    words = {"kinds": KINDS, "states": STATES}
    return render_template("admin/applications.html", wanted=wanted, page=page, counts=counts, **words)


def read_filter() -> search.ApplicationFilter:
    """Return the filter in the address.

    A value that makes no sense is left out.
    """
    kind, state = (request.args.get(name, "") for name in ("kind", "state"))
    return search.ApplicationFilter(
        q=read_text(request.args.get("q")),
        kind=kind if kind in search.KINDS else "",
        state=state if state in search.STATES else "",
    )


@bp.get("/applications/<name>")
def application(name):
    application, zone = catalogue.find_application(name), get_timezone()
    return render_template(
        "admin/application.html",
        application=application,
        problems=describe_problems(proxy_problems.list_problems(application.id), application),
        snippets=render_snippets(application, current_app.config["PORTAL_BIND"]) if application.hosts else {},
        days=usage.count_days(application.name, zone),
        history=describe_events(usage.list_events(application.name, zone)),
    )


# Making and changing one


@bp.route("/applications/create", methods=["GET", "POST"])
def create():
    if request.method == "GET":
        return application_form.show_application_form()
    values = application_form.read_fields(request.form)
    layout.require_fresh_administrator(application_form.keep_typed_fields(values))
    values["name"] = values.get("name") or application_form.suggest_name(values)
    try:
        application = catalogue.create_application(values, by=browser.get_actor())
    except catalogue.InvalidFields as error:
        return application_form.show_application_form(error.problems), 422
    flash(_("%(title)s is registered.", title=application.title), "good")
    return show_application(application.name)


@bp.route("/applications/<name>/edit", methods=["GET", "POST"])
def edit(name):
    application = catalogue.find_application(name)
    if request.method == "GET":
        return application_form.show_application_form(application=application)
    values = application_form.read_fields(request.form)
    layout.require_fresh_administrator(application_form.keep_typed_fields(values, application))
    sent = read_sent_id(request.form, "version")
    seen = application.version if sent is None else sent
    try:
        changed = catalogue.edit_application(name, values, seen, by=browser.get_actor())
    except catalogue.ApplicationChanged as error:
        flash(_("This application was changed in the meantime. You see the current version now."), "stop")
        return application_form.show_application_form(
            application=catalogue.find_application(name), is_reset=True
        ), error.status
    except catalogue.InvalidFields as error:
        return application_form.show_application_form(error.problems, application), 422
    flash(_("Saved.") if changed else _("Nothing was changed."), "good" if changed else "info")
    return show_application(name)


def show_application(name: str) -> Response:
    """Lead to the page of an application."""
    return redirect_to("admin_applications.application", name=name)


@bp.get("/applications/<name>/switch")
def ask_switch(name):
    """Show the consequences of switching an application off."""
    application = catalogue.find_application(name)
    return render_template("admin/application_switch.html", application=application)


@bp.post("/applications/<name>/switch")
def switch(name):
    """Switch an application on or off."""
    layout.require_fresh_administrator(lead_errors_to(url_for(".application", name=name)))
    if request.form.get("active") not in ("0", "1"):
        raise Code(CONFLICT, "neither on nor off was asked for", status=422)
    active = request.form["active"] == "1"
    done = catalogue.switch_application(name, active, by=browser.get_actor())
    if not done:
        flash(_("Nothing was changed."), "info")
    elif active:
        flash(_("The application is switched on."), "good")
    else:
        flash(_("The application is switched off. Nobody can enter it any more."), "good")
    return show_application(name)


# What it would be told about an account


@bp.get("/applications/<name>/preview")
def show_preview(name):
    """Show what an application would be told about an account.

    The account is chosen from a search.
    """
    application, q = catalogue.find_application(name), read_text(request.args.get("q"))
    chosen = read_number(request.args.get("account"))
    if chosen is None:
        matches = portal_search.match_accounts(q) if q else None
        held = {row.id: account_search.list_identities(row.id) for row in matches.rows} if matches else {}
        found = {"q": q, "matches": matches, "held": held}
        return render_template("admin/application_choose.html", application=application, **found)
    account, identity_id = require_account(chosen), read_number(request.args.get("identity"))
    shown = preview.preview_application(application, account, identity_id, by=browser.get_actor())
    return render_template("admin/application_preview.html", application=application, shown=shown)
