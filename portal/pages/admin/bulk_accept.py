"""The page that accepts many suggestions at once."""

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bindings import bulk_accept
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.bulk import (
    CONFIRM_COUNT_OVER,
    Pairs,
    ask_to_select,
    read_listed_people,
    show_pairs,
    write_listed_people,
)
from portal.pages.admin.people_filter import get_table_address, read_people_filters, return_to_table
from portal.pages.local_addresses import accept_local_path, choose_way_back
from portal.pages.parameters import read_number

bp = layout.make_blueprint("bulk_accept", __name__)


@bp.get("/bindings/accept")
def show():
    """List people with the accounts suggested for them.

    They are those of the address, or with `all=yes` those that the filters leave.
    """
    back = choose_way_back(request.args.get("back"), url_for("admin_bindings.show"))
    if request.args.get("all") == "yes":
        return list_all(back)
    pairs = read_listed_people(request.args.get("people"))
    return show_pairs(pairs, back) if pairs else redirect(back, 303)


@bp.post("/bindings/accept")
def accept():
    """Bind people to the accounts suggested for them.

    Without `confirm` it lists them first.
    """
    back = g.go_on = get_table_address()
    if request.values.get("all") == "yes":
        return list_all(back)
    if request.form.get("confirm") == "yes":
        return bind_ticked(back)
    pairs = read_pairs()
    if not pairs:
        ask_to_select()
        return return_to_table()
    return refuse_many() if len(pairs) > bulk_accept.MOST_PAIRS else show_pairs(pairs, back)


def list_all(back: str) -> ResponseReturnValue:
    """List the suggestions of all people that the filters leave."""
    people = bulk_accept.find_suggested_people(read_people_filters())
    if not people:
        flash(_("There is no clear suggestion to accept."), "info")
        return redirect(back, 303)
    if len(people) > bulk_accept.MOST_PAIRS:
        text = _(
            "The first %(number)s suggestions are listed. Repeat this for the others.", number=bulk_accept.MOST_PAIRS
        )
        flash(text, "info")
    return show_pairs([(person, None) for person in people[: bulk_accept.MOST_PAIRS]], back)


def bind_ticked(back: str) -> ResponseReturnValue:
    """Bind the pairs that are ticked in the list.

    Those that can't be bound any more are listed again, by name.
    """
    pairs = [(person, account) for person, account in read_pairs() if account]
    if len(pairs) > bulk_accept.MOST_PAIRS:
        return refuse_many()
    list_address = g.go_on = make_list_address([person for person, _account in pairs], back)
    layout.require_fresh_administrator(list_address)
    is_counted = len(pairs) <= CONFIRM_COUNT_OVER or read_number(request.form.get("count")) == len(pairs)
    if not pairs or not is_counted:
        if not pairs:
            ask_to_select()
        listed = dict(read_listed_people(request.form.get("people"))[: bulk_accept.MOST_PAIRS]) | dict(pairs)
        return show_pairs(list(listed.items()), back, ticked=dict(pairs), mistyped=not is_counted), 422
    bound, others = bulk_accept.accept_suggestions(pairs, read_apart(), by=browser.get_actor())
    report_bound(bound, len(others))
    return redirect(make_list_address(others, back) if others else back, 303)


def refuse_many() -> ResponseReturnValue:
    """Lead back, as these are too many at once."""
    flash(_("Select at most %(number)s people at once.", number=bulk_accept.MOST_PAIRS), "stop")
    return return_to_table()


def read_pairs() -> Pairs:
    """Return the people that were sent, each with their account.

    The list sends `pair=<person>:<account>`. The table of people sends `person=<person>-`, without an account.
    """
    texts = [value.partition(":") for value in request.form.getlist("pair")]
    texts += [value.partition("-") for value in request.form.getlist("person")]
    accounts = {read_number(person): read_number(account) for person, _mark, account in texts}
    return [(person, account) for person, account in accounts.items() if person]


def read_apart() -> dict[int, str] | None:
    """Return the state of each pair that was listed apart.

    They are sent as `<person>:<state>`, one blank apart; a list without any sends one that is empty. Without one,
    no list was seen.
    """
    values = request.form.getlist("apart")
    parts = (text.partition(":") for value in values for text in value.split())
    states = {read_number(person): state for person, _colon, state in parts}
    return {person: state for person, state in states.items() if state in bulk_accept.APART} if values else None


def make_list_address(people: list[int], back: str) -> str:
    """Return the address that lists people once more.

    Those too many for an address are found in the table again.
    """
    address = url_for("admin_bulk_accept.show", people=write_listed_people(people), back=back)
    return choose_way_back(accept_local_path(address), back)


def report_bound(bound: int, others: int) -> None:
    """Tell how many people were bound."""
    flash(ngettext("%(num)s person is bound.", "%(num)s people are bound.", bound), "good" if bound else "info")
    if others:
        text = ngettext(
            "%(num)s person was not bound, because something has changed in the meantime:",
            "%(num)s people were not bound, because something has changed in the meantime:",
            others,
        )
        flash(text, "stop")
