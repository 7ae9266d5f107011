"""Actions on many people at once.

A page shows each of them before it is done.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, pairwise

from flask import flash, render_template, request
from flask_babel import gettext as _

from portal.bindings import bulk_accept
from portal.errors import Code
from portal.pages.parameters import LARGEST, read_number

CONFIRM_COUNT_OVER = 20  # of so many at once the count is typed

Pairs = list[tuple[int, int | None]]  # people with accounts, by their ids


def has_confirmed(count: int) -> bool:
    """Tell whether an action on so many rows is confirmed."""
    is_counted = count <= CONFIRM_COUNT_OVER or read_number(request.form.get("count")) == count
    return "sure" in request.form and is_counted


def show_confirmation(template: str, **values: object) -> tuple[str, int]:
    """Show what is going to be done.

    It comes again, with status 422, where the count was typed wrong.
    """
    is_mistyped = "sure" in request.form
    page = render_template(template, mistyped=is_mistyped, typed_over=CONFIRM_COUNT_OVER, **values)
    return page, 422 if is_mistyped else 200


def run_each(actions: Iterable[Callable[[], object]]) -> tuple[int, int]:
    """Run actions, each in a transaction of its own.

    :return: how many are done, and how many were refused.
    """
    done = refused = 0
    for action in actions:
        try:
            action()
            done += 1
        except Code:
            refused += 1
    return done, refused


def ask_to_select() -> None:
    """Tell that no row was selected."""
    flash(_("Select at least one person."), "stop")


def show_pairs(pairs: Pairs, back: str, ticked: Mapping | None = None, mistyped: bool = False) -> str:
    """List people with the accounts suggested for them.

    Weak suggestions and administrators' accounts are apart from the others and not ticked.

    :param pairs: ids of people, each with the account's, or none for the one that is suggested now.
    :param ticked: person -> account of the pairs to tick; without it, those that need no further look.
    """
    groups = {state: [] for state in (bulk_accept.GOES, *bulk_accept.APART, bulk_accept.STAYS)}
    for pair in bulk_accept.review_pairs(pairs):
        groups[pair.state].append(pair)
    if ticked is None:
        ticked = {pair.row.person.id: pair.account_id for pair in groups[bulk_accept.GOES]}
    people = write_listed_people([person for person, _account in pairs])
    shown = {"groups": groups, "ticked": ticked, "people": people, "back": back, "mistyped": mistyped}
    return render_template("admin/bulk_accept.html", typed_over=CONFIRM_COUNT_OVER, **shown)


def write_listed_people(people: list[int]) -> str:
    """Return ids as a short text.

    Each stands as its distance from the one before.
    """
    return "-".join(f"{id - before:x}" for before, id in pairwise([0, *sorted(people)]))


def read_listed_people(text: str | None) -> Pairs:
    """Return the people of such a text, without accounts.

    There are none in a text that makes no sense.
    """
    try:
        people = accumulate(int(distance, 16) for distance in (text or "").split("-")[: bulk_accept.MOST_PAIRS])
        return [(person, None) for person in people if 0 < person <= LARGEST]
    except ValueError:
        return []
