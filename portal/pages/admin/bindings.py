"""The pages of the people, their accounts, and unbinding."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import search
from portal.audit import searching
from portal.bindings import people_counts, people_filters, people_table, rules, self_service, ways_in
from portal.bindings.people_filters import PeopleFilters
from portal.directory import paths, runs
from portal.errors import CONFLICT, Code
from portal.models import Identity
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.account_applications import collect_applications
from portal.pages.admin.audit_sentences import describe_events
from portal.pages.admin.bulk import ask_to_select, has_confirmed, run_each, show_confirmation
from portal.pages.admin.first_steps import CLOSED, list_first_steps
from portal.pages.admin.lookups import require_person
from portal.pages.admin.people_filter import (
    get_table_address,
    get_way_back,
    read_people_filters,
    read_place_in_table,
    return_to_table,
)
from portal.pages.element_names import badge_providers
from portal.pages.local_addresses import lead_errors_to
from portal.pages.parameters import ID, read_number
from portal.signin.sessions import count_identity_sessions

bp = layout.make_blueprint("bindings", __name__)

SHOWN_EVENTS = 12  # of the audit log, on a person's page


# The table


@bp.get("/bindings")
def show():
    counts = people_counts.count_by_status()
    filters = read_people_filters()
    page = people_table.load_page_of_people(filters, counts["all"])
    filters = replace(filters, page=page.number)
    companies, usable = paths.count_by_company(), current_app.elements.list_usable()
    last_sync = runs.find_last_sync()
    return render_template(
        "admin/bindings.html",
        filters=filters,
        list_args=filters.to_args(page=None),
        sizes=people_filters.list_sizes(filters.status),
        page=page,
        counts=counts,
        most_compared=find_compared_limit(filters, counts),
        paths=paths.find_paths(row.person for row in page.rows),
        departments=paths.list_choices(filters.department, sum(companies.values())),
        companies=companies,
        several=find_several(companies),
        providers=sorted({company[0] for company in companies} | {element.provider for element in usable}),
        looser=people_filters.count_without_each_filter(filters) if not page.rows and counts["all"] else {},
        steps=list_first_steps(counts, last_sync),
        last_sync=last_sync,
        together=people_table.list_providers(row.person.account_id for row in page.rows if row.person.account_id),
        badges=badge_providers(),
    )


@bp.post("/bindings/first-steps")
def close_steps():
    """Hide the line about the first steps from this browser."""
    session[CLOSED] = True
    return return_to_table()


def find_compared_limit(filters: PeopleFilters, counts: dict) -> int | None:
    """Return how many people the filter compares at most.

    It is `None` where it compares all of them.
    """
    may_be_more = filters.status in people_filters.SUGGESTION_STATUSES and counts["open"] > people_filters.MOST_COMPARED
    return people_filters.MOST_COMPARED if may_be_more else None


def find_several(companies: Iterable[tuple[str, str]]) -> set[str]:
    """Return the providers with more than one company.

    The pages name the company of their people.
    """
    counts = Counter(provider for provider, _tenant in companies)
    return {provider for provider, count in counts.items() if count > 1}


# A person


@bp.get(f"/people/{ID}")
def person(id):
    row = people_table.find_row(require_person(id))
    history = searching.search(searching.AuditFilter(identity_id=id), size=SHOWN_EVENTS)
    filters, at = read_place_in_table()
    list_args = filters.to_args(page=None)
    return render_template(
        "admin/person.html",
        row=row,
        table=url_for(".show", **filters.to_args()),
        neighbours=people_table.find_neighbours(filters, at, id) if at else None,
        list_args=list_args,
        person=row.person,
        paths=paths.find_paths([row.person]),
        sessions=count_identity_sessions(id),
        access=collect_applications(row.person.account) if row.person.account else None,
        history=describe_events(history.events),
    )


@bp.post(f"/people/{ID}/end-sessions")
def end_sessions(id):
    rules.end_identity_sessions(id, by=browser.get_actor())
    flash(_("%(name)s is signed out everywhere.", name=require_person(id).shown_name), "good")
    return redirect(get_way_back(id), 303)


# Unbinding


@bp.get(f"/bindings/{ID}/unbind")
def ask_unbind(id):
    """Show the consequences of an unbind before it is done."""
    person, back = require_person(id), get_way_back(id)
    if person.account_id is None:
        return redirect(back, 303)
    facts = {"person": person, "paths": paths.find_paths([person]), "back": back}
    return render_template("admin/unbind.html", **facts, **find_consequences(person))


def find_consequences(person: Identity) -> dict:
    """Return what an unbind does.

    That is how many sessions end, and whether the account stays without a way in.
    """
    identities, ways = search.list_identities(person.account_id), ways_in.list_ways()
    return {
        "sessions": count_identity_sessions(person.id),
        "last_way": self_service.is_last_way(person, identities, ways),
    }


@bp.post(f"/bindings/{ID}/unbind")
def unbind(id):
    back = lead_errors_to(get_way_back(id))
    layout.require_fresh_administrator(url_for(".ask_unbind", id=id, back=back))
    person = require_person(id)
    account_id = read_number(request.form.get("seen")) or person.account_id
    if account_id is None:
        raise Code(CONFLICT, "the person is bound to no account")
    rules.unbind_identity(id, account_id, by=browser.get_actor())
    flash(_("%(name)s is unbound and signed out everywhere.", name=person.shown_name), "good")
    return redirect(back, 303)


# Many at once


@bp.post("/bindings/many")
def many():
    """Unbind or sign out the selected people.

    The people and the consequences are shown first.
    """
    pairs, action = read_selected_people(), request.form.get("do")
    if not pairs or action not in ("unbind", "end-sessions"):
        ask_to_select()
        return return_to_table()
    if not has_confirmed(len(pairs)):
        people = [(require_person(id), account_id) for id, account_id in pairs]
        shown = {"people": people, "back": get_table_address(), **sum_consequences(people)}
        return show_confirmation("admin/many.html", doing=action, **shown)
    if action == "unbind":
        layout.require_fresh_administrator(get_table_address())
    by, bound = browser.get_actor(), [(id, account_id) for id, account_id in pairs if account_id is not None]
    if action == "unbind":
        done, stayed = run_each(partial(rules.unbind_identity, id, account_id, by=by) for id, account_id in bound)
        text = ngettext("%(num)s person is unbound.", "%(num)s people are unbound.", done)
    else:
        done, stayed = run_each(partial(rules.end_identity_sessions, id, by=by) for id, _account_id in bound)
        text = ngettext("%(num)s person is signed out.", "%(num)s people are signed out.", done)
    flash(text, "good" if done else "info")
    if stayed:
        text = ngettext(
            "%(num)s person was changed in the meantime and stays as before.",
            "%(num)s people were changed in the meantime and stay as before.",
            stayed,
        )
        flash(text, "stop")
    return return_to_table()


def sum_consequences(people: list[tuple[Identity, int | None]]) -> dict:
    """Return what unbinding these people does in all.

    :param people: each with the account that the administrator was shown.
    """
    bound = [person for person, account_id in people if account_id and person.account_id == account_id]
    facts = [find_consequences(person) for person in bound]
    return {
        "bound": len(bound),
        "sessions": sum(fact["sessions"] for fact in facts),
        "last_ways": sum(fact["last_way"] for fact in facts),
    }


def read_selected_people() -> list[tuple[int, int | None]]:
    """Return the selected people with the accounts shown beside them.

    They are sent as `<person>-<account>`.
    """
    parts = (value.partition("-") for value in request.form.getlist("person")[: max(people_filters.SIZES)])
    accounts = {read_number(person): read_number(account) for person, _dash, account in parts}
    return [(person, account) for person, account in accounts.items() if person]
