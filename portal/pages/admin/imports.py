"""Bindings from a file and to a file: upload, dry run, application a step at a time, and the list to take along."""

from dataclasses import replace

from flask import Response, current_app, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as N_  # a name that text is collected by

from portal import database
from portal.accounts.contact_data import mask_email, mask_mobile
from portal.bindings import csv_import, people_table
from portal.bindings.csv_lines import REASONS, is_typed
from portal.directory import paths
from portal.pages import browser, parameters
from portal.pages.admin import layout
from portal.pages.admin.csv_downloads import record_export, send_csv
from portal.pages.admin.labels import BOUND_HOW, STATUSES
from portal.pages.admin.people_filter import read_people_filters
from portal.pages.element_names import label_providers
from portal.pages.local_addresses import redirect_to
from portal.pages.parameters import ID

bp = layout.blueprint("imports", __name__)

EXPORTED_AT_ONCE = 500
PROBLEMS = {
    "missing": N_("Please choose a file."),
    "unreadable": N_("This can't be read as CSV. Save it as CSV in UTF-8 or GB18030."),
    "quotes": N_("This can't be read as CSV: the quotation marks from line %(line)s on are not in pairs."),
    "columns": N_("Line %(line)s has more than 200 columns. Please remove those that are not needed."),
    "long_line": N_("Line %(line)s is too long for a line of a table."),
    "empty": N_("There is no line below the headings."),
    "too_long": N_("The file has more than 100,000 lines. Please split it."),
    "twice": N_("Two columns mean the same. Please remove one."),
    "no_username": N_("There is no column for the username. Compare the headings with the template."),
    "no_key": N_(
        "Besides the username a column must say who is meant: employee number, e-mail, mobile "
        "number or the platform's id."
    ),
}
HEADINGS = {
    "username": N_("Username"),
    "employee_number": N_("Employee number"),
    "email": N_("E-mail"),
    "mobile": N_("Mobile"),
    "provider": N_("Platform"),
    "provider_id": N_("Platform ID"),
    "name": N_("Name"),
    "role": N_("Role"),
}
ROLES = {"user": N_("User"), "admin": N_("Administrator")}
TYPED = N_("Found by an e-mail address that the person may have typed: see that it is them.")
OUTCOMES = ("new", "account", "change", "unchanged", "conflict", "error")


# Upload and dry run


@bp.get("/bindings/import")
def form():
    return page_of_form()


def page_of_form(problem: str | None = None, line: int | None = None):
    jobs = csv_import.recent(layout.administrator().account_id)
    told = str(PROBLEMS[problem]) % {"line": line} if problem else None
    return render_template("admin/import.html", problem=told, jobs=jobs)


@bp.get("/bindings/import/template.csv")
def template():
    """Send an empty file with the headings in the reader's language."""
    file = send_csv([str(heading) for heading in HEADINGS.values()], (), "bindings")
    file.headers["Content-Disposition"] = 'attachment; filename="bindings-template.csv"'
    return file


@bp.post("/bindings/import")
def upload():
    file = request.files.get("file")
    if file is None or not file.filename:
        return page_of_form("missing"), 422
    try:
        platforms = {str(element.label): element.provider for element in current_app.elements.list_usable()}
        name = parameters.text(file.filename, 255)
        job = csv_import.upload(file.read(), name, layout.administrator().account_id, platforms)
    except csv_import.BadFile as error:
        return page_of_form(error.why, error.line), 422
    csv_import.check(job)
    return to_import(job)


def to_import(job):
    return redirect_to("admin_imports.show", id=job.id)


def own(id):
    return csv_import.mine(id, layout.administrator().account_id)


@bp.get(f"/bindings/import/{ID}")
def show(id):
    job, outcome = own(id), request.args.get("show", "")
    outcome = outcome if outcome in (*OUTCOMES, "failed") else ""
    number = parameters.page(request.args)
    rows, total = csv_import.page(job, outcome, number)
    last = max(1, -(-total // csv_import.SIZE))
    people, accounts = csv_import.meant(rows)
    return render_template(
        "admin/import_shown.html",
        job=job,
        counts=csv_import.counts(job),
        rows=[(row, keys_of(row), reason_of(row, people, accounts)) for row in rows],
        people=people,
        accounts=accounts,
        total=total,
        number=min(number, last),
        last=last,
        outcome=outcome,
    )


def keys_of(row) -> list[tuple[str, str]]:
    """Return what a line says about the person, as heading and value; contact data masked."""
    said = row.cells
    shown = {key: said[key] for key in ("employee_number", "provider", "provider_id", "name", "role") if key in said}
    shown |= {"role": ROLES[said["role"]]} if said.get("role") in ROLES else {}
    shown |= {"mobile": mask_mobile(said["mobile"])} if "mobile" in said else {}
    shown |= {"email": mask_email(said["email"])} if "email" in said else {}
    return [(str(HEADINGS[key]), value) for key, value in shown.items()]


def reason_of(row, people, accounts) -> str:
    """Return why a line can't be carried out, or what to look at first; "" where all is well.

    :param people: those that lines mean, by id.
    :param accounts: those that lines are in conflict with, by id.
    """
    reason, _colon, column = row.reason.partition(":")
    person, account = people.get(row.identity_id), accounts.get(row.seen)
    if not reason:
        return str(TYPED) if person and is_typed(row, person) else ""
    return str(REASONS[reason]) % {
        "line": row.other_line,
        "heading": HEADINGS.get(column, ""),
        "name": person.shown_name if person else "",
        "username": account.username if account else "",
    }


# Application


@bp.post(f"/bindings/import/{ID}/step")
def step(id):
    """Look at the next lines, or carry them out."""
    job = own(id)
    if job.state == "checking":
        csv_import.check(job)
    else:
        csv_import.step(job, by=browser.actor())
    return to_import(job)


@bp.post(f"/bindings/import/{ID}/apply")
def apply(id):
    layout.fresh(url_for(".show", id=id))
    job = own(id)
    csv_import.start(job, bool(request.form.get("accounts")), bool(request.form.get("changes")))
    csv_import.step(own(id), by=browser.actor())
    return to_import(job)


@bp.post(f"/bindings/import/{ID}/discard")
def discard(id):
    csv_import.discard(own(id))
    flash(_("The file is forgotten."), "info")
    return redirect_to("admin_imports.form")


@bp.get(f"/bindings/import/{ID}/failed.csv")
def failed(id):
    """Send the lines that were not carried out, with the reasons; mended, the file can be uploaded again."""
    job = own(id)
    headings = [*(str(heading) for heading in HEADINGS.values()), _("Line"), _("Reason")]
    return send_csv(headings, failed_lines(job), "bindings-failed")


def failed_lines(job):
    for rows in csv_import.failed(job):
        people, accounts = csv_import.meant(rows)
        for row in rows:
            cells = [row.cells.get(column, "") for column in HEADINGS]
            yield [*cells, row.line, reason_of(row, people, accounts)]


# The list to take along


@bp.get("/bindings/export")
def export() -> Response:
    """Send what the table of bindings shows under this filter; that somebody took it along is an entry of the trail."""
    filters = read_people_filters()
    record_export("bindings", sorted(filters.narrowing))
    headings = [_("Person"), _("Username"), _("Employee number"), _("Platform"), _("Platform ID"), _("Company")]
    headings += [_("Department")]
    headings += [_("Mobile (masked)"), _("E-mail (masked)"), _("State"), _("How bound"), _("Bound (UTC)")]
    headings += [_("Last sign-in (UTC)")]
    return send_csv(headings, exported(filters), "bindings")


def exported(filters):
    """Yield the lines of everybody the filters leave, where a page looks at some of them alone, too."""
    names, number = label_providers(), 1
    compared = filters.status in people_table.COMPARED
    wider = replace(filters, status="") if compared else filters
    while rows := people_table.rows(replace(wider, page=number), EXPORTED_AT_ONCE):
        rows = [row for row in rows if not compared or row.status == filters.status]
        row_paths = paths.find_paths(row.person for row in rows)
        database.end_transaction()
        yield from [line(row, names, row_paths[row.person.id]) for row in rows]
        number += 1


def line(row, names, paths) -> list:
    person = row.person
    account = person.account.username if person.account else ""
    contact = [mask_mobile(person.mobile), mask_email(person.email)]
    when = [moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "" for moment in (person.bound_at, person.signed_in_at)]
    how = BOUND_HOW.get(person.bound_how, person.bound_how) if person.account_id else ""
    platform = names.get(person.provider, person.provider)
    departments = "; ".join(" / ".join(path.names) for path in paths)
    ids = [account, person.employee_number, platform, person.user_id, person.tenant]
    return [person.shown_name, *ids, departments, *contact, STATUSES[row.status][0], how, *when]
