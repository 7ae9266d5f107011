"""Bindings: the table of people and their accounts, a card for each person, and what parts them from an account."""

from collections import Counter
from collections.abc import Iterable

from flask import current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from portal import audit
from portal.accounts import search
from portal.audit import Actor
from portal.bindings import people_table, rules, self_service, ways_in
from portal.bindings.people_table import PER_PAGE, Filters
from portal.directory import paths, runs
from portal.errors import CONFLICT, Code
from portal.models import Identity, SyncRun
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.audit_sentences import describe_events
from portal.pages.admin.bulk import CONFIRM_COUNT_OVER
from portal.pages.admin.lookups import require_person
from portal.pages.admin.people_filter import get_table_address, read_people_filters
from portal.pages.local_addresses import redirect_to
from portal.pages.parameters import ID, number
from portal.signin.sessions import count_identity_sessions

bp = layout.blueprint("bindings", __name__)

HISTORY = 12  # entries of the trail on a person's card


# The table


@bp.get("/bindings")
def show():
    counts = people_table.counters()
    filters, rows, total = people_table.page(read_people_filters(), counts["all"])
    companies, usable = paths.count_by_company(), current_app.elements.list_usable()
    synced = runs.find_last_sync()
    return render_template(
        "admin/bindings.html",
        filters=filters,
        rows=rows,
        counts=counts,
        total=total,
        most_compared=most_compared(filters, counts),
        per_page=PER_PAGE,
        paths=paths.find_paths(row.person for row in rows),
        departments=paths.list_choices(filters.department, sum(companies.values())),
        companies=companies,
        several=several(companies),
        providers=sorted({company[0] for company in companies} | {each.provider for each in usable}),
        looser=people_table.looser(filters) if not rows and counts["all"] else {},
        steps=checklist(counts, synced),
        last_sync=synced,
    )


def most_compared(filters: Filters, counts: dict) -> int | None:
    """Return how many people the filter looks at, at most, where there may be more."""
    may_be_more = filters.status in people_table.COMPARED and counts["open"] > people_table.MOST_COMPARED
    return people_table.MOST_COMPARED if may_be_more else None


def several(companies: Iterable) -> set[str]:
    """Return the providers with more than one company, whose people are told apart by it."""
    return {provider for provider, number in Counter(provider for provider, _tenant in companies).items() if number > 1}


def checklist(counts: dict, synced: SyncRun | None) -> dict[str, bool]:
    """Return the first administrator's steps and which are done; nothing once all are."""
    me = layout.administrator()
    mine = len(search.list_identities(me.account_id))
    steps = {
        "element": bool(current_app.elements.list_usable()),
        "self": mine > 0,
        "sync": synced is not None,
        "approve": counts["bound"] > mine,
    }
    return {} if all(steps.values()) else steps


# A person


@bp.get(f"/people/{ID}")
def person(id):
    row = people_table.row(require_person(id))
    history = audit.search(audit.AuditFilter(identity_id=id), size=HISTORY)
    return render_template(
        "admin/person.html",
        row=row,
        person=row.person,
        paths=paths.find_paths([row.person]),
        sessions=count_identity_sessions(id),
        history=describe_events(history.events),
    )


@bp.post(f"/people/{ID}/end-sessions")
def end_sessions(id):
    rules.end_identity_sessions(id, by=browser.actor())
    flash(_("%(name)s is signed out everywhere.", name=require_person(id).shown_name), "good")
    return to_person(id)


def to_person(id: int):
    return redirect_to("admin_bindings.person", id=id)


# Unbinding


@bp.get(f"/bindings/{ID}/unbind")
def ask_unbind(id):
    """Say what would happen, before it does."""
    person = require_person(id)
    if person.account_id is None:
        return to_person(id)
    return render_template("admin/unbind.html", person=person, paths=paths.find_paths([person]), **consequences(person))


def consequences(person: Identity) -> dict:
    """Return what an unbind does: how many sessions end, and whether the account stays without a way in."""
    mine, known = search.list_identities(person.account_id), ways_in.usable()
    return {
        "sessions": count_identity_sessions(person.id),
        "last_way": self_service.is_last_way(person, mine, known),
    }


@bp.post(f"/bindings/{ID}/unbind")
def unbind(id):
    g.go_on = url_for(".person", id=id)
    layout.fresh(url_for(".ask_unbind", id=id))
    person = require_person(id)
    seen = number(request.form.get("seen")) or person.account_id
    if seen is None:
        raise Code(CONFLICT, "the person is bound to no account")
    rules.unbind_identity(id, seen, by=browser.actor())
    flash(_("%(name)s is unbound, and signed out everywhere.", name=person.shown_name), "good")
    return to_person(id)


# Many at once


@bp.post("/bindings/many")
def many():
    """Unbind or sign out whoever is ticked; what that means is shown first."""
    chosen = ticked()
    doing = request.form.get("do")
    if not chosen or doing not in ("unbind", "end-sessions"):
        flash(_("Nobody is ticked."), "stop")
        return back_to_table()
    wrong_count = len(chosen) > CONFIRM_COUNT_OVER and number(request.form.get("count")) != len(chosen)
    if "sure" not in request.form or wrong_count:
        people = [(require_person(id), seen) for id, seen in chosen]
        mistyped = "sure" in request.form
        shown = {"people": people, "back": get_table_address(), **together(people)}
        page = render_template(
            "admin/many.html", doing=doing, mistyped=mistyped, typed_over=CONFIRM_COUNT_OVER, **shown
        )
        return page, 422 if mistyped else 200
    if doing == "unbind":
        layout.fresh(get_table_address())
    do = rules.unbind_identity if doing == "unbind" else sign_out
    done, changed = one_by_one(do, chosen)
    flash(
        ngettext("%(num)s person is unbound.", "%(num)s people are unbound.", done)
        if doing == "unbind"
        else ngettext("%(num)s person is signed out.", "%(num)s people are signed out.", done),
        "good" if done else "info",
    )
    if changed:
        flash(
            ngettext(
                "%(num)s person has changed meanwhile and stays as they are.",
                "%(num)s people have changed meanwhile and stay as they are.",
                changed,
            ),
            "stop",
        )
    return back_to_table()


def together(people: list) -> dict:
    """Return what parting these people from their accounts does: sessions that end, accounts without a way in."""
    bound = [person for person, seen in people if seen and person.account_id == seen]
    facts = [consequences(person) for person in bound]
    return {
        "bound": len(bound),
        "sessions": sum(fact["sessions"] for fact in facts),
        "last_ways": sum(fact["last_way"] for fact in facts),
    }


def ticked() -> list[tuple[int, int | None]]:
    """Return the people ticked, each with the account they were seen with: `<person>-<account>`."""
    pairs = (value.partition("-") for value in request.form.getlist("person")[:PER_PAGE])
    found = {number(person): number(account) for person, _dash, account in pairs}
    return [(person, account) for person, account in found.items() if person]


def one_by_one(do, chosen: list) -> tuple[int, int]:
    """Do something with each person in a transaction of its own; return how many it was done for, and how many not."""
    by, done, changed = browser.actor(), 0, 0
    for id, seen in chosen:
        try:
            if seen is not None:
                do(id, seen, by=by)
                done += 1
        except Code:
            changed += 1
    return done, changed


def sign_out(id: int, seen: int, *, by: Actor) -> None:
    rules.end_identity_sessions(id, by=by)


def back_to_table():
    return redirect(get_table_address(), 303)
