"""The queue: people who scanned and are unbound; one or many are bound, get an account, or are refused."""

from flask import current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bindings import binding_requests, people_table
from portal.bindings.people_table import PER_PAGE
from portal.directory import paths
from portal.errors import Code
from portal.pages import browser, parameters
from portal.pages.admin import layout
from portal.pages.admin.bulk import CONFIRM_COUNT_OVER, show_pairs
from portal.pages.local_addresses import redirect_to
from portal.pages.parameters import ID, number, text

bp = layout.blueprint("queue", __name__)

LONGEST_REASON = 200  # characters, as the form says
MANY = ("bind", "create", "refuse")


@bp.get("/queue")
def show():
    state = "refused" if request.args.get("state") == "refused" else "waiting"
    rows, page, total = people_table.queue(state, parameters.page(request.args))
    return render_template(
        "admin/queue.html",
        state_shown=state,
        rows=rows,
        page=page,
        total=total,
        per_page=PER_PAGE,
        paths=paths.find_paths(row.person for row in rows),
        policy=current_app.config["PORTAL_UNKNOWN_PEOPLE"],
    )


@bp.post(f"/queue/{ID}/bind")
def bind(id):
    layout.fresh(with_way_back())
    person = binding_requests.bind_request(id, number(request.form.get("account")) or 0, by=browser.actor())
    flash(_("%(name)s is bound and can sign in now.", name=person.shown_name), "good")
    return to_queue()


@bp.post(f"/queue/{ID}/create")
def create(id):
    layout.fresh(with_way_back())
    account = binding_requests.create_account(id, by=browser.actor())
    flash(_("%(name)s has an account now: %(account)s.", name=account.name, account=account.username), "good")
    return to_queue()


@bp.post(f"/queue/{ID}/refuse")
def refuse(id):
    with_way_back()
    reason = text(request.form.get("reason"), LONGEST_REASON)
    if not reason:
        flash(_("Please say why: the person reads it."), "stop")
        return redirect(url_for(".show", _anchor=f"request-{id}"), 303)
    person = binding_requests.refuse_request(id, reason, by=browser.actor())
    flash(_("%(name)s is refused, and reads why at the next scan.", name=person.shown_name), "good")
    return to_queue()


@bp.post(f"/queue/{ID}/reopen")
def reopen(id):
    with_way_back()
    person = binding_requests.reopen_request(id, by=browser.actor())
    flash(_("The refusal is taken back: %(name)s waits again.", name=person.shown_name), "good")
    return to_queue()


@bp.post("/queue/many")
def many():
    """Decide about whoever is ticked; who that is and what comes of it is shown first."""
    chosen, doing = ticked(), request.form.get("do")
    reason = text(request.form.get("reason"), LONGEST_REASON)
    if not chosen or doing not in MANY:
        flash(_("Nobody is ticked."), "stop")
        return to_queue()
    if doing == "bind":
        return show_pairs(suggested(chosen), url_for(".show"))
    if doing == "refuse" and not reason:
        flash(_("Please say why: the person reads it."), "stop")
        return to_queue()
    wrong_count = len(chosen) > CONFIRM_COUNT_OVER and number(request.form.get("count")) != len(chosen)
    if "sure" not in request.form or wrong_count:
        mistyped = "sure" in request.form
        people = [
            row.person for row in people_table.rows_of(list(people_table.waiting_people(chosen).values())).values()
        ]
        shown = {"chosen": chosen, "people": people, "reason": reason, "typed_over": CONFIRM_COUNT_OVER}
        page = render_template("admin/queue_many.html", doing=doing, mistyped=mistyped, **shown)
        return page, 422 if mistyped else 200
    if doing == "create":
        layout.fresh(url_for(".show"))
    say(doing, *one_by_one(doing, chosen, reason))
    return to_queue()


def ticked() -> list[int]:
    """Return the requests ticked."""
    ids = dict.fromkeys(number(value) for value in request.form.getlist("request")[:PER_PAGE])
    return [id for id in ids if id]


def suggested(requests: list[int]) -> list[tuple[int, int | None]]:
    """Return the people of requests, each with the account that was suggested for them on the page."""
    people = people_table.waiting_people(requests)
    return [(people[id], number(request.form.get(f"account-{id}"))) for id in requests if id in people]


def one_by_one(doing: str, chosen: list[int], reason: str) -> tuple[int, int]:
    """Decide each in a transaction of its own; return how many are, and how many stay as they are."""
    done = 0
    for id in chosen:
        try:
            if doing == "create":
                binding_requests.create_account(id, by=browser.actor())
            else:
                binding_requests.refuse_request(id, reason, by=browser.actor())
            done += 1
        except Code:
            continue
    return done, len(chosen) - done


def say(doing: str, done: int, stayed: int) -> None:
    texts = {
        "create": ngettext("%(num)s account is made.", "%(num)s accounts are made.", done),
        "refuse": ngettext("%(num)s person is refused.", "%(num)s people are refused.", done),
    }
    flash(texts[doing], "good" if done else "info")
    if stayed:
        flash(
            ngettext("%(num)s stays: somebody else was first.", "%(num)s stay: somebody else was first.", stayed),
            "stop",
        )


def with_way_back() -> str:
    """Let a refusal's page lead back to the queue; return its address."""
    g.go_on = url_for(".show")
    return g.go_on


def to_queue():
    return redirect_to(".show")
