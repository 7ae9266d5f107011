"""The pages for the import and export of bindings."""

from collections.abc import Iterator
from dataclasses import replace

from flask import Response, current_app, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as N_  # a name that text is collected by

from portal import database
from portal.accounts.contact_data import mask_email, mask_mobile
from portal.bindings import csv_apply, csv_import, people_filters, people_table
from portal.bindings.bulk_accept import GOES, SuggestedPair
from portal.bindings.csv_headings import BadFile
from portal.bindings.csv_keys import is_typed
from portal.bindings.csv_lines import REASONS
from portal.bindings.people_filters import PeopleFilters
from portal.bindings.people_table import Row
from portal.directory import paths
from portal.directory.paths import Path
from portal.models import Account, Identity, Import, ImportRow
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.csv_downloads import record_csv_export, send_csv
from portal.pages.admin.labels import BOUND_HOW, STATUSES
from portal.pages.admin.labels import REASONS as WORDS_OF_REASONS
from portal.pages.admin.people_filter import read_people_filters
from portal.pages.element_names import label_providers
from portal.pages.local_addresses import redirect_to
from portal.pages.parameters import ID, read_page_number, read_text

bp = layout.make_blueprint("imports", __name__)

EXPORTED_AT_ONCE = 500  # lines in one transaction
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
        "Besides the username, a column must name the person: employee number, e-mail, mobile number or platform ID."
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
TYPED_ADDRESS = N_("Found by an e-mail address that the person may have typed. Check that it is the right person.")
OUTCOMES = ("new", "account", "change", "unchanged", "conflict", "error")


# Upload and dry run


@bp.get("/bindings/import")
def form():
    return show_upload()


def show_upload(problem: str | None = None, line: int | None = None) -> str:
    """Show the form of an upload.

    :param problem: of `PROBLEMS`, what is wrong with a file that was sent, and `line` where.
    """
    jobs = csv_import.list_recent(layout.require_administrator().account_id)
    text = str(PROBLEMS[problem]) % {"line": line} if problem else None
    return render_template("admin/import.html", problem=text, jobs=jobs)


@bp.get("/bindings/import/template.csv")
def template():
    """Send an empty file with headings in the reader's language."""
    file = send_csv([str(heading) for heading in HEADINGS.values()], (), "bindings")
    file.headers["Content-Disposition"] = 'attachment; filename="bindings-template.csv"'
    return file


@bp.post("/bindings/import")
def upload():
    file = request.files.get("file")
    if file is None or not file.filename:
        return show_upload("missing"), 422
    try:
        elements = current_app.elements
        platforms = elements.csv_names() | {str(element.label): element.provider for element in elements.list_usable()}
        name = read_text(file.filename, 255)
        job = csv_import.store_upload(file.read(), name, layout.require_administrator().account_id, platforms)
    except BadFile as error:
        return show_upload(error.why, error.line), 422
    csv_import.check_next_lines(job)
    return show_import(job)


def show_import(job: Import) -> Response:
    """Lead to the page of an import."""
    return redirect_to("admin_imports.show", id=job.id)


def find_own_import(id: int) -> Import:
    """Return an import of this administrator.

    :raises Code: NOT_FOUND for another one.
    """
    return csv_import.find_import(id, layout.require_administrator().account_id)


@bp.get(f"/bindings/import/{ID}")
def show(id):
    job, outcome = find_own_import(id), request.args.get("show", "")
    outcome = outcome if outcome in (*OUTCOMES, "failed") else ""
    page = csv_import.list_lines(job, outcome, read_page_number(request.args))
    people, accounts = csv_import.load_meanings(page.rows)
    explained = [(row, list_cells(row), explain_row(row, people, accounts)) for row in page.rows]
    return render_template(
        "admin/import_shown.html",
        job=job,
        counts=csv_import.count_lines(job),
        page=replace(page, rows=explained),
        people=people,
        accounts=accounts,
        outcome=outcome,
    )


def list_cells(row: ImportRow) -> list[tuple[str, str]]:
    """Return the headings and values of a line's person.

    Contact data are masked.
    """
    cells = row.cells
    shown = {key: cells[key] for key in ("employee_number", "provider", "provider_id", "name", "role") if key in cells}
    shown |= {"role": ROLES[cells["role"]]} if cells.get("role") in ROLES else {}
    shown |= {"mobile": mask_mobile(cells["mobile"])} if "mobile" in cells else {}
    shown |= {"email": mask_email(cells["email"])} if "email" in cells else {}
    return [(str(HEADINGS[key]), value) for key, value in shown.items()]


def explain_row(row: ImportRow, people: dict[int, Identity], accounts: dict[int, Account]) -> str:
    """Return why a line can't be carried out.

    It may also be what to check first, or "" where all is well.

    :param people: the people of the lines, by id.
    :param accounts: the accounts that the lines are in conflict with, by id.
    """
    reason, _colon, column = row.reason.partition(":")
    person, account = people.get(row.identity_id), accounts.get(row.seen)
    if not reason:
        return str(TYPED_ADDRESS) if person and is_typed(row, person) else ""
    return str(REASONS[reason]) % {
        "line": row.other_line,
        "heading": HEADINGS.get(column, ""),
        "name": person.shown_name if person else "",
        "username": account.username if account else "",
    }


# Application


@bp.post(f"/bindings/import/{ID}/step")
def step(id):
    """Check the next lines, or carry them out."""
    job = find_own_import(id)
    if job.state == "checking":
        csv_import.check_next_lines(job)
    else:
        csv_apply.apply_next_lines(job, by=browser.get_actor())
    return show_import(job)


@bp.post(f"/bindings/import/{ID}/apply")
def apply(id):
    layout.require_fresh_administrator(url_for(".show", id=id))
    job = find_own_import(id)
    csv_import.choose_lines(job, bool(request.form.get("accounts")), bool(request.form.get("changes")))
    csv_apply.apply_next_lines(find_own_import(id), by=browser.get_actor())
    return show_import(job)


@bp.post(f"/bindings/import/{ID}/discard")
def discard(id):
    csv_import.discard_import(find_own_import(id))
    flash(_("The file is discarded."), "info")
    return redirect_to("admin_imports.form")


@bp.get(f"/bindings/import/{ID}/failed.csv")
def failed(id):
    """Send the lines that failed, each with the reason.

    Once corrected, the file can be uploaded again.
    """
    job = find_own_import(id)
    headings = [*(str(heading) for heading in HEADINGS.values()), _("Line"), _("Reason")]
    return send_csv(headings, iterate_failed_lines(job), "bindings-failed")


def iterate_failed_lines(job: Import) -> Iterator[list]:
    """Yield the lines that were not carried out."""
    for rows in csv_import.iterate_failed(job):
        people, accounts = csv_import.load_meanings(rows)
        for row in rows:
            cells = [row.cells.get(column, "") for column in HEADINGS]
            yield [*cells, row.line, explain_row(row, people, accounts)]


# The export


@bp.get("/bindings/export")
def export() -> Response:
    """Send the people of the filtered table as a file.

    The audit log records the export.
    """
    filters = read_people_filters()
    record_csv_export("bindings", sorted(filters.narrowing))
    headings = [_("Person"), _("Username"), _("Employee number"), _("Platform"), _("Platform ID"), _("Company")]
    headings += [_("Department")]
    headings += [_("Mobile (masked)"), _("E-mail (masked)"), _("State"), _("How bound"), _("Bound (UTC)")]
    headings += [_("Last sign-in (UTC)"), _("Suggested account"), _("Reason")]
    return send_csv(headings, iterate_people_lines(filters), "bindings")


def iterate_people_lines(filters: PeopleFilters) -> Iterator[list]:
    """Yield the lines of all people that the filters leave.

    Where the table compares only some of them, the export compares them all.
    """
    labels, number = label_providers(), 1
    is_compared = filters.status in people_filters.SUGGESTION_STATUSES
    wider_filters = replace(filters, status="") if is_compared else filters
    while rows := people_table.list_people(replace(wider_filters, page=number, size=EXPORTED_AT_ONCE)):
        rows = [row for row in rows if not is_compared or row.status == filters.status]
        row_paths = paths.find_paths(row.person for row in rows)
        database.end_transaction()
        is_filled = filters.status == "suggested"
        yield from [make_person_line(row, labels, row_paths[row.person.id], is_filled) for row in rows]
        number += 1


def make_person_line(row: Row, labels: dict[str, str], paths: list[Path], is_filled: bool = False) -> list:
    """Return the cells of a person in the exported file.

    :param labels: the name of each provider.
    :param is_filled: a strong suggestion stands as the username, so that an import of the file accepts it.
    """
    person, suggested = row.person, SuggestedPair(row, None)
    suggestion = suggested.suggestion
    account = person.account.username if person.account else ""
    if is_filled and suggested.state == GOES:
        account = suggestion.account.username
    contact = [mask_mobile(person.mobile), mask_email(person.email)]
    when = [moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "" for moment in (person.bound_at, person.signed_in_at)]
    how = BOUND_HOW.get(person.bound_how, person.bound_how) if person.account_id else ""
    platform = labels.get(person.provider, person.provider)
    departments = "; ".join(" / ".join(path.names) for path in paths)
    ids = [account, person.employee_number, platform, person.user_id, person.tenant]
    reasons = "; ".join(str(WORDS_OF_REASONS[reason]) for reason in suggestion.reasons) if suggestion else ""
    fits = [suggestion.account.username if suggestion else "", reasons]
    return [person.shown_name, *ids, departments, *contact, STATUSES[row.status][0], how, *when, *fits]
