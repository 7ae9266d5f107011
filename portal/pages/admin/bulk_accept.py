"""The page that follows many suggestions at once."""

from functools import partial

from flask import flash, g, request
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bindings import bulk_accept
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.bulk import CONFIRM_COUNT_OVER, ask_to_select, run_each, show_pairs
from portal.pages.admin.people_filter import get_table_address, return_to_table
from portal.pages.parameters import read_number

bp = layout.make_blueprint("bulk_accept", __name__)


@bp.post("/bindings/accept")
def accept():
    """Bind people to the accounts suggested for them.

    Without `confirm` it lists them first.
    """
    pairs, g.go_on = read_pairs(), get_table_address()
    if not pairs:
        ask_to_select()
        return return_to_table()
    if len(pairs) > bulk_accept.MOST_PAIRS:
        flash(_("Select at most %(number)s people at once.", number=bulk_accept.MOST_PAIRS), "stop")
        return return_to_table()
    if request.form.get("confirm") != "yes":
        return show_pairs(pairs, get_table_address())
    layout.require_fresh_administrator(get_table_address())
    count = request.form.get("count")  # the page asks for it; a script that sends pairs without it has counted them
    if len(pairs) > CONFIRM_COUNT_OVER and count is not None and read_number(count) != len(pairs):
        return show_pairs(pairs, get_table_address(), mistyped=True), 422
    going = {pair.row.person.id for pair in bulk_accept.review_pairs(pairs) if not pair.has_rival}
    bind, by = bulk_accept.accept_suggestion, browser.get_actor()
    done, _refused = run_each(partial(bind, person, account, by=by) for person, account in pairs if person in going)
    report_bound(done, len(pairs) - done)
    return return_to_table()


def read_pairs() -> list[tuple[int, int]]:
    """Return the pairs of a person and an account.

    They are sent as `<person>:<account>`, each person once.
    """
    parts = (value.partition(":") for value in request.form.getlist("pair"))
    accounts = {read_number(person): read_number(account) for person, _colon, account in parts}
    return [(person, account) for person, account in accounts.items() if person and account]


def report_bound(done: int, stayed: int) -> None:
    """Tell how many people were bound."""
    flash(ngettext("%(num)s person is bound.", "%(num)s people are bound.", done), "good" if done else "info")
    if stayed:
        text = ngettext(
            "%(num)s person was not bound: there is no clear suggestion, or another administrator was faster.",
            "%(num)s people were not bound: there is no clear suggestion, or another administrator was faster.",
            stayed,
        )
        flash(text, "stop")
