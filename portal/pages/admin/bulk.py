"""Actions on many people at once.

A page shows each of them before it is done.
"""

from collections.abc import Callable, Iterable

from flask import flash, render_template, request
from flask_babel import gettext as _

from portal.bindings import bulk_accept
from portal.errors import Code
from portal.pages.parameters import read_number

CONFIRM_COUNT_OVER = 20  # of so many at once the count is typed


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


def show_pairs(pairs: list[tuple[int, int | None]], back: str, mistyped: bool = False) -> str:
    """List people with the accounts suggested for them.

    Those that can't be bound together stand apart from those that go.

    :param pairs: ids of people, each with the account's.
    """
    groups = {state: [] for state in (bulk_accept.GOES, bulk_accept.WEAK, bulk_accept.ADMINISTRATOR, bulk_accept.STAYS)}
    for pair in bulk_accept.review_pairs(pairs):
        groups[pair.state].append(pair)
    shown = {"groups": groups, "back": back, "mistyped": mistyped, "typed_over": CONFIRM_COUNT_OVER}
    return render_template("admin/bulk_accept.html", **shown)
