"""The page that searches everything at once."""

from flask import render_template, request

from portal.bindings import portal_search
from portal.directory import paths
from portal.pages.admin import layout
from portal.pages.admin.audit_causes import find_cause
from portal.pages.admin.audit_sentences import describe_events
from portal.pages.parameters import read_text
from portal.pages.references import parse_reference

bp = layout.make_blueprint("search", __name__)


@bp.get("/search")
def show():
    text = read_text(request.args.get("q")).strip()
    return render_template("admin/search.html", q=text, **(collect_matches(text) if text else {}))


def collect_matches(text: str) -> dict:
    """Return what the page shows of a text."""
    reference = parse_reference(text)
    answer = portal_search.find_reference(reference) if reference else None
    people, departments = portal_search.match_people(text), portal_search.match_departments(text)
    return {
        "answer": answer,
        "entry": describe_events([answer.event])[0] if answer and answer.event else None,
        "cause": find_cause(answer.event.result) if answer and answer.event and answer.event.result else None,
        "people": people,
        "paths": paths.find_paths(people.rows),
        "accounts": portal_search.match_accounts(text),
        "departments": departments,
        "department_paths": portal_search.name_paths(departments.rows),
    }
