"""The trail: who did what, when, from where, and how it ended. It is looked at and taken along, never changed."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from flask import current_app, render_template, request
from flask_babel import gettext as _

from portal import audit
from portal.accounts import accounts, search
from portal.bindings import people_table
from portal.pages.admin import layout
from portal.pages.admin.audit_sentences import GROUPS, describe_events
from portal.pages.admin.csv_downloads import record_export, send_csv
from portal.pages.parameters import number, text

bp = layout.blueprint("audit", __name__)

RESULTS = ("ok", "refused")
PARAMETERS = ("action", "actor", "account", "identity", "element", "result", "from", "to", "text")


@bp.get("/audit")
def show():
    wanted = read_audit_filter()
    page = audit.search(wanted, request.args.get("older", ""), request.args.get("newer", ""))
    return render_template(
        "admin/audit.html",
        wanted=wanted,
        asked={name: text(request.args[name]) for name in PARAMETERS if request.args.get(name)},
        page=page,
        entries=describe_events(page.events),
        groups=GROUPS,
        elements=[element.name for element in current_app.elements.list_shown()],
        account=search.find_account(wanted.account_id) if wanted.account_id else None,
        person=people_table.find_person(wanted.identity_id) if wanted.identity_id else None,
    )


@bp.get("/audit/export")
def export():
    """Send what the filter shows as a file; that somebody took it along is an entry itself."""
    wanted = read_audit_filter()
    asked = [field.name for field in fields(wanted) if getattr(wanted, field.name)]
    record_export("audit", asked)
    headings = [_("Time (UTC)"), _("What"), _("More"), _("By"), _("Account"), _("Person"), _("Sign-in"), _("From")]
    headings += [_("Reference"), _("Result"), _("Action")]
    lines = (line(entry) for events in audit.iterate_events(wanted) for entry in describe_events(events))
    return send_csv(headings, lines, "audit")


def line(entry) -> list:
    event = entry.event
    more = "; ".join([entry.why, *entry.notes] if entry.why else entry.notes)
    names = [each.username if each else "" for each in (entry.actor, entry.account)]
    person = entry.person.shown_name if entry.person else ""
    where = [event.element or "", event.address, event.request_id, event.result, event.action]
    return [event.at.strftime("%Y-%m-%d %H:%M:%S"), entry.sentence, more, *names, person, *where]


def read_audit_filter() -> audit.AuditFilter:
    """Return the filter in the address; what it can't be is left out."""
    args = request.args
    until = day(args.get("to"))
    return audit.AuditFilter(
        action=args.get("action", "") if args.get("action") in GROUPS else "",
        actor=text(args.get("actor"), accounts.FIELDS["username"]),
        account_id=number(args.get("account")),
        identity_id=number(args.get("identity")),
        element=text(args.get("element"), 255),
        result=args.get("result", "") if args.get("result") in RESULTS else "",
        since=day(args.get("from")),
        until=until + timedelta(days=1) if until else None,
        text=text(args.get("text")),
    )


def day(value: str | None) -> datetime | None:
    """Return the beginning of a day such as `2026-11-20`, in UTC; `None` for what is no day."""
    try:
        found = datetime.strptime(value or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if 1970 < found.year < 3000 else None
