"""Following many suggestions at once: the pairs are listed first, then bound."""

from flask import flash, g, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bindings import bulk_accept
from portal.errors import Code
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.bulk import CONFIRM_COUNT_OVER, show_pairs
from portal.pages.admin.people_filter import get_table_address
from portal.pages.parameters import number

bp = layout.blueprint("accepting", __name__)


@bp.post("/bindings/accept")
def accept():
    """Bind people to the accounts suggested for them; without `confirm`, list them first."""
    asked, g.go_on = pairs(), get_table_address()
    if not asked or len(asked) > bulk_accept.MOST:
        flash(
            _("Nobody is ticked.") if not asked else _("At most %(number)s at once.", number=bulk_accept.MOST), "stop"
        )
        return redirect(get_table_address(), 303)
    if request.form.get("confirm") != "yes":
        return show_pairs(asked, get_table_address())
    layout.fresh(get_table_address())
    typed = request.form.get("count")  # the page asks for it; whoever posts pairs without it has counted them
    if len(asked) > CONFIRM_COUNT_OVER and typed is not None and number(typed) != len(asked):
        return show_pairs(asked, get_table_address(), mistyped=True), 422
    going = {pair.row.person.id for pair in bulk_accept.look(asked) if not pair.rivalled}
    done = sum(bound(person, account) for person, account in asked if person in going)
    say(done, len(asked) - done)
    return redirect(get_table_address(), 303)


def pairs() -> list[tuple[int, int]]:
    """Return the pairs that were sent, each person once: `<person>:<account>`."""
    sent = (value.partition(":") for value in request.form.getlist("pair"))
    found = {number(person): number(account) for person, _colon, account in sent}
    return [(person, account) for person, account in found.items() if person and account]


def bound(person_id: int, account_id: int) -> bool:
    """Bind one pair in a transaction of its own; return whether it went."""
    try:
        bulk_accept.accept_suggestion(person_id, account_id, by=browser.actor())
    except Code:
        return False
    return True


def say(done: int, stayed: int) -> None:
    flash(ngettext("%(num)s person is bound.", "%(num)s people are bound.", done), "good" if done else "info")
    if stayed:
        stay = ngettext(
            "%(num)s stays: there is no clear suggestion, or somebody else was first.",
            "%(num)s stay: there is no clear suggestion, or somebody else was first.",
            stayed,
        )
        flash(stay, "stop")
