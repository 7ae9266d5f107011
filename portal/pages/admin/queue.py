"""The page of scanned people without an account."""

from functools import partial

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from portal.bindings import binding_requests, people_table
from portal.bindings.people_table import PER_PAGE
from portal.directory import paths
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.bulk import ask_to_select, has_confirmed, run_each, show_confirmation, show_pairs
from portal.pages.local_addresses import lead_errors_to, redirect_to
from portal.pages.parameters import ID, read_number, read_page_number, read_text

bp = layout.make_blueprint("queue", __name__)

LONGEST_REASON = 200  # characters, as the form says
DECISIONS = ("bind", "create", "refuse")  # about many requests at once


@bp.get("/queue")
def show():
    state = "refused" if request.args.get("state") == "refused" else "waiting"
    page = people_table.load_queue(state, read_page_number(request.args))
    return render_template(
        "admin/queue.html",
        state_shown=state,
        page=page,
        paths=paths.find_paths(row.person for row in page.rows),
        policy=current_app.config["PORTAL_UNKNOWN_PEOPLE"],
    )


@bp.post(f"/queue/{ID}/bind")
def bind(id):
    layout.require_fresh_administrator(lead_errors_to(url_for(".show")))
    account_id = read_number(request.form.get("account")) or 0
    person = binding_requests.bind_request(id, account_id, by=browser.get_actor())
    flash(_("%(name)s is bound and can now sign in.", name=person.shown_name), "good")
    return redirect_to(".show")


@bp.post(f"/queue/{ID}/create")
def create(id):
    layout.require_fresh_administrator(lead_errors_to(url_for(".show")))
    account = binding_requests.create_account_for_request(id, by=browser.get_actor())
    flash(_("%(name)s now has the account %(account)s.", name=account.name, account=account.username), "good")
    return redirect_to(".show")


@bp.post(f"/queue/{ID}/refuse")
def refuse(id):
    lead_errors_to(url_for(".show"))
    reason = read_reason()
    if not reason:
        return ask_for_reason(f"request-{id}")
    person = binding_requests.refuse_request(id, reason, by=browser.get_actor())
    flash(_("%(name)s is refused and will read the reason at the next scan.", name=person.shown_name), "good")
    return redirect_to(".show")


@bp.post(f"/queue/{ID}/reopen")
def reopen(id):
    lead_errors_to(url_for(".show"))
    person = binding_requests.reopen_request(id, by=browser.get_actor())
    flash(_("The refusal is withdrawn. %(name)s is waiting again.", name=person.shown_name), "good")
    return redirect_to(".show")


@bp.post("/queue/many")
def many():
    """Decide about the selected requests.

    The people and the consequences are shown first.
    """
    requests, decision, reason = read_selected_requests(), request.form.get("do"), read_reason()
    if not requests or decision not in DECISIONS:
        ask_to_select()
        return redirect_to(".show")
    if decision == "bind":
        return show_pairs(read_suggestions(requests), url_for(".show"))
    if decision == "refuse" and not reason:
        return ask_for_reason()
    if not has_confirmed(len(requests)):
        rows = people_table.find_rows(list(binding_requests.find_waiting_people(requests).values()))
        shown = {"chosen": requests, "people": [row.person for row in rows.values()], "reason": reason}
        return show_confirmation("admin/queue_many.html", doing=decision, **shown)
    if decision == "create":
        layout.require_fresh_administrator(url_for(".show"))
    by = browser.get_actor()
    if decision == "create":
        action = binding_requests.create_account_for_request
        report_decided(decision, *run_each(partial(action, id, by=by) for id in requests))
    else:
        action = binding_requests.refuse_request
        report_decided(decision, *run_each(partial(action, id, reason, by=by) for id in requests))
    return redirect_to(".show")


def read_reason() -> str:
    """Return the reason that was given for a refusal."""
    return read_text(request.form.get("reason"), LONGEST_REASON)


def ask_for_reason(anchor: str | None = None) -> Response:
    """Lead back to the queue and ask for a reason.

    :param anchor: the part of the page to show.
    """
    flash(_("Give a reason. The person will read it."), "stop")
    return redirect(url_for(".show", _anchor=anchor), 303)


def read_selected_requests() -> list[int]:
    """Return the ids of the selected requests."""
    ids = dict.fromkeys(read_number(value) for value in request.form.getlist("request")[:PER_PAGE])
    return [id for id in ids if id]


def read_suggestions(requests: list[int]) -> list[tuple[int, int | None]]:
    """Return the people and suggested accounts of requests."""
    people = binding_requests.find_waiting_people(requests)
    return [(people[id], read_number(request.form.get(f"account-{id}"))) for id in requests if id in people]


def report_decided(decision: str, done: int, stayed: int) -> None:
    """Tell how many requests were decided."""
    texts = {
        "create": ngettext("%(num)s account created.", "%(num)s accounts created.", done),
        "refuse": ngettext("%(num)s person is refused.", "%(num)s people are refused.", done),
    }
    flash(texts[decision], "good" if done else "info")
    if stayed:
        text = ngettext(
            "%(num)s request was not changed: another administrator was faster.",
            "%(num)s requests were not changed: another administrator was faster.",
            stayed,
        )
        flash(text, "stop")
