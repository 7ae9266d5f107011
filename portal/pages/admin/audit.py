"""The page of the audit log, and its export."""

from dataclasses import fields

from flask import current_app, render_template, request
from flask_babel import gettext as _

from portal.accounts import accounts, search
from portal.audit import outcomes, searching
from portal.bindings import people_table
from portal.pages.admin import layout
from portal.pages.admin.audit_sentences import GROUPS, DescribedEvent, describe_events
from portal.pages.admin.csv_downloads import record_csv_export, send_csv
from portal.pages.element_names import name_elements
from portal.pages.local_times import add_day, read_day
from portal.pages.parameters import read_number, read_text

bp = layout.make_blueprint("audit", __name__)

PARAMETERS = ("action", "actor", "account", "identity", "element", "result", "from", "to", "text")


@bp.get("/audit")
def show():
    wanted = read_audit_filter()
    page = searching.search(wanted, request.args.get("older", ""), request.args.get("newer", ""))
    return render_template(
        "admin/audit.html",
        wanted=wanted,
        asked={name: read_text(request.args[name]) for name in PARAMETERS if request.args.get(name)},
        page=page,
        entries=describe_events(page.events),
        groups=GROUPS,
        administrators=search.list_administrators(),
        elements=[(element.name, name) for element, name in name_elements(current_app.elements.list_shown())],
        account=search.find_account(wanted.account_id) if wanted.account_id else None,
        person=people_table.find_person(wanted.identity_id) if wanted.identity_id else None,
    )


@bp.get("/audit/export")
def export():
    """Send the filtered entries as a file.

    The export becomes an entry itself.
    """
    wanted = read_audit_filter()
    record_csv_export("audit", [field.name for field in fields(wanted) if getattr(wanted, field.name)])
    headings = [_("Time (UTC)"), _("What"), _("More"), _("By"), _("Account"), _("Person"), _("Login"), _("From")]
    headings += [_("Reference"), _("Result"), _("Action")]
    lines = (make_event_line(entry) for events in searching.iterate_events(wanted) for entry in describe_events(events))
    return send_csv(headings, lines, "audit")


def make_event_line(entry: DescribedEvent) -> list:
    """Return the cells of an entry in the exported file."""
    event = entry.event
    more = "; ".join([entry.why, *entry.notes] if entry.why else entry.notes)
    names = [account.username if account else "" for account in (entry.actor, entry.account)]
    person = entry.person.shown_name if entry.person else ""
    where = [event.element or "", event.address, event.request_id, event.result, event.action]
    return [event.at.strftime("%Y-%m-%d %H:%M:%S"), entry.sentence, more, *names, person, *where]


def read_audit_filter() -> searching.AuditFilter:
    """Return the filter in the address.

    A value that makes no sense is left out.
    """
    args = request.args
    until = read_day(args.get("to"))
    return searching.AuditFilter(
        action=args.get("action", "") if args.get("action") in GROUPS else "",
        actor=read_text(args.get("actor"), accounts.FIELDS["username"]),
        account_id=read_number(args.get("account")),
        identity_id=read_number(args.get("identity")),
        element=read_text(args.get("element"), 255),
        result=args.get("result", "") if args.get("result") in outcomes.OUTCOMES else "",
        since=read_day(args.get("from")),
        until=add_day(until) if until else None,
        text=read_text(args.get("text")),
    )
