"""The overview, the first of the administrators' pages."""

from collections.abc import Callable
from datetime import date
from urllib.parse import quote

from babel.dates import format_skeleton
from flask import Blueprint, current_app, render_template, url_for
from flask_babel import get_locale

from portal.audit import daily_sign_ins, outcomes
from portal.audit.daily_sign_ins import SignInDay
from portal.bindings import adoption, binding_requests, people_counts
from portal.directory import daily_syncs, runs
from portal.pages.admin import layout
from portal.pages.admin.audit_causes import find_cause
from portal.pages.admin.first_steps import list_first_steps
from portal.pages.element_names import name_elements
from portal.pages.local_times import get_timezone

bp = layout.guard_pages(Blueprint("admin", __name__, url_prefix="/admin"))

CAUSE_DAYS = 7
DAY, ELEMENT = "_day_", "_element_"  # places in an address that are filled in later
SHOWN_CAUSES = 6
SHOWN_LOGINS = 6  # of which a row of squares is shown


@bp.get("")
def home():
    """Show open tasks and the portal's use."""
    counts, last_sync = people_counts.count_by_status(), runs.find_last_sync()
    head = {"counts": counts, "last_sync": last_sync, "steps": list_first_steps(counts, last_sync)}
    charts = collect_charts() if counts["all"] else {}
    oldest = binding_requests.find_oldest_waiting() if counts["waiting"] else None
    return render_template("admin/overview.html", oldest=oldest, **head, **charts)


def collect_charts() -> dict:
    """Return what the pictures of the page show."""
    elements = current_app.elements.list_syncable()[:SHOWN_LOGINS]
    days, platforms = daily_sign_ins.load_sign_in_days(zone=get_timezone()), adoption.count_by_platform()
    causes = daily_sign_ins.count_causes(days[-CAUSE_DAYS:])[:SHOWN_CAUSES]
    since = days[-CAUSE_DAYS].day
    return {
        "days": days,
        "platforms": platforms,
        "everybody": adoption.add_up(platforms.values()),
        "causes": [(find_cause(number), count, find_cause_address(number, since)) for number, count in causes],
        "syncs": daily_syncs.load_sync_days([element.name for element in elements], zone=get_timezone()),
        "sync_names": {element.name: name for element, name in name_elements(elements)},
        "departments": adoption.list_least_bound(),
        "short_days": format_days(days, "MMMd"),
        "long_days": format_days(days, "MMMEd"),
        "sign_ins_of": make_day_address(action="login"),
        "syncs_of": make_day_address(action="sync.end", element=ELEMENT),
    }


def format_days(days: list[SignInDay], skeleton: str) -> dict[date, str]:
    """Return the days in the reader's language.

    Each is written once, however often the page shows it.
    """
    return {day.day: format_skeleton(skeleton, day.day, locale=get_locale()) for day in days}


def make_day_address(**filters: str) -> Callable[[date, str], str]:
    """Return a function for the audit log's address.

    It takes a day, and an element's name. Flask makes such an address once: the page shows hundreds of them.
    """
    address = url_for("admin_audit.show", **filters, **{"from": DAY, "to": DAY})
    return lambda day, element="": address.replace(DAY, day.isoformat()).replace(ELEMENT, quote(element))


def find_cause_address(number: int, since: date) -> str:
    """Return the page for acting on a cause."""
    page = find_cause(number).page
    result = outcomes.classify_result(number)
    return url_for(page) if page else url_for("admin_audit.show", action="login", result=result, **{"from": since})
