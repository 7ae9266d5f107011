"""The page of scanned people without an account."""

from collections.abc import Callable

from babel.lists import format_list
from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from portal.bindings import binding_requests, people_table, queue_table
from portal.bindings.people_table import Row
from portal.bindings.queue_table import PER_PAGE, QueueFilters
from portal.directory import paths
from portal.errors import Code
from portal.models import MAY_SIGN_IN
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.bulk import ask_to_select, has_confirmed, show_confirmation, show_pairs
from portal.pages.local_addresses import choose_way_back, lead_errors_to
from portal.pages.parameters import ID, read_number, read_page_number, read_text

bp = layout.make_blueprint("queue", __name__)

LONGEST_REASON = 200  # characters, as the form says
DECISIONS = ("bind", "create", "refuse")  # about many requests at once
MOST_NAMES, LONGEST_NAME = 10, 40  # in a message, which is kept in a cookie


@bp.get("/queue")
def show():
    filters = read_queue_filters()
    page, waiting = queue_table.load_queue(filters), binding_requests.count_waiting()
    return render_template(
        "admin/queue.html",
        filters=filters,
        page=page,
        waiting_number=waiting,
        kinds=queue_table.count_by_kind(waiting),
        all_ticked=request.args.get("tick") == "all",
        last_reasons=binding_requests.list_last_reasons(),
        paths=paths.find_paths(row.person for row in page.rows),
        policy=current_app.config["PORTAL_UNKNOWN_PEOPLE"],
    )


def read_queue_filters() -> QueueFilters:
    """Return the filters in the address.

    A value that makes no sense counts as none.
    """
    state, kind = (request.args.get(name, "") for name in ("state", "kind"))
    return QueueFilters(
        state=state if state in queue_table.STATES else "waiting",
        kind=kind if kind in queue_table.KINDS and state != "refused" else "",
        q=read_text(request.args.get("q")),
        page=read_page_number(request.args),
    )


def get_queue_address() -> str:
    """Return the address of the queue with its filters."""
    return choose_way_back(request.form.get("back"), url_for(".show"))


def return_to_queue() -> Response:
    """Lead back to the queue."""
    return redirect(get_queue_address(), 303)


@bp.post(f"/queue/{ID}/bind")
def bind(id):
    layout.require_fresh_administrator(lead_errors_to(get_queue_address()))
    account_id = read_number(request.form.get("account")) or 0
    person = binding_requests.bind_request(id, account_id, by=browser.get_actor())
    flash(_("%(name)s is bound and can now sign in.", name=person.shown_name), "good")
    return return_to_queue()


@bp.post(f"/queue/{ID}/create")
def create(id):
    layout.require_fresh_administrator(lead_errors_to(get_queue_address()))
    account = binding_requests.create_account_for_request(id, by=browser.get_actor())
    flash(_("%(name)s now has the account %(account)s.", name=account.name, account=account.username), "good")
    return return_to_queue()


@bp.post(f"/queue/{ID}/refuse")
def refuse(id):
    lead_errors_to(get_queue_address())
    reason = read_reason()
    if not reason:
        return ask_for_reason(f"request-{id}")
    person = binding_requests.refuse_request(id, reason, by=browser.get_actor())
    flash(_("%(name)s is refused and will read the reason at the next scan.", name=person.shown_name), "good")
    return return_to_queue()


@bp.post(f"/queue/{ID}/reopen")
def reopen(id):
    lead_errors_to(get_queue_address())
    person = binding_requests.reopen_request(id, by=browser.get_actor())
    flash(_("The refusal is withdrawn. %(name)s is waiting again.", name=person.shown_name), "good")
    return return_to_queue()


@bp.post("/queue/many")
def many() -> ResponseReturnValue:
    """Decide about the selected requests.

    The people and the consequences are shown first.
    """
    ids, decision, reason = read_selected_requests(), request.form.get("do"), read_reason()
    if not ids or decision not in DECISIONS:
        ask_to_select()
        return return_to_queue()
    people = binding_requests.find_requesters(ids)
    if decision == "bind":
        return show_pairs([(person, None) for person in people.values()], get_queue_address())
    if decision == "refuse" and not reason:
        return ask_for_reason()
    if not has_confirmed(len(ids)):
        return show_people(people, decision, reason)
    if decision == "create":
        layout.require_fresh_administrator(get_queue_address())
    by = browser.get_actor()
    if decision == "create":
        done, others = decide_each(people, lambda id: binding_requests.create_account_for_request(id, by=by))
    else:
        done, others = decide_each(people, lambda id: binding_requests.refuse_request(id, reason, by=by))
    report_decided(decision, done, others)
    return return_to_queue()


def show_people(people: dict[int, int], decision: str, reason: str) -> tuple[str, int]:
    """Show the people that a decision is about, by name.

    Those that it can't be about are named as the others.

    :param people: their ids, by request.
    """
    rows = people_table.find_rows(list(people.values()))
    by_request = {id: rows[person] for id, person in people.items() if person in rows}
    chosen = {id: row for id, row in by_request.items() if can_decide(row, decision)}
    others = [row for id, row in by_request.items() if id not in chosen]
    shown = {"chosen": chosen, "others": others, "reason": reason, "back": get_queue_address()}
    return show_confirmation("admin/queue_many.html", doing=decision, **shown)


def can_decide(row: Row, decision: str) -> bool:
    """Tell whether a decision about a waiting person is possible."""
    return row.waiting and (decision == "refuse" or row.person.status in MAY_SIGN_IN)


def read_reason() -> str:
    """Return the reason that was given for a refusal."""
    return read_text(request.form.get("reason"), LONGEST_REASON)


def ask_for_reason(anchor: str = "many-refuse") -> Response:
    """Lead back to the queue and ask for a reason.

    :param anchor: the part of the page to show.
    """
    flash(_("Give a reason. The person will read it."), "stop")
    return redirect(f"{get_queue_address()}#{anchor}", 303)


def read_selected_requests() -> list[int]:
    """Return the ids of the selected requests."""
    ids = {read_number(value) for value in request.form.getlist("request")[:PER_PAGE]}
    return [id for id in ids if id]


def decide_each(people: dict[int, int], decide: Callable[[int], object]) -> tuple[int, list[str]]:
    """Decide about requests, each in a transaction of its own.

    :return: how many are decided, and the names of the others' people.
    """
    refused = []
    for id in people:
        try:
            decide(id)
        except Code:
            refused.append(people[id])
    rows = people_table.find_rows(refused) if refused else {}
    return len(people) - len(refused), [rows[person].person.shown_name for person in refused if person in rows]


def report_decided(decision: str, done: int, others: list[str]) -> None:
    """Tell how many requests were decided, and which were not."""
    texts = {
        "create": ngettext("%(num)s account created.", "%(num)s accounts created.", done),
        "refuse": ngettext("%(num)s person is refused.", "%(num)s people are refused.", done),
    }
    flash(texts[decision], "good" if done else "info")
    if others:
        names = format_list([name[:LONGEST_NAME] for name in others[:MOST_NAMES]], "unit", get_locale())
        more = len(others) - MOST_NAMES
        if more > 0:
            names = ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=names)
        flash(_("Not changed, because another administrator was faster: %(names)s", names=names), "stop")
