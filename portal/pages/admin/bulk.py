"""Actions on many people at once: what they mean is shown first, then they are done one by one."""

from flask import render_template

from portal.bindings import bulk_accept

CONFIRM_COUNT_OVER = 20  # of so many at once the count is typed


def show_pairs(pairs: list, back: str, mistyped: bool = False) -> str:
    """Return the page that lists people with the accounts suggested for them.

    Those that can't be bound together stand apart from those that go.

    :param pairs: ids of people, each with the account's.
    """
    groups = {state: [] for state in (bulk_accept.GOES, bulk_accept.WEAK, bulk_accept.ADMINISTRATOR, bulk_accept.STAYS)}
    for pair in bulk_accept.look(pairs):
        groups[pair.state].append(pair)
    shown = {"groups": groups, "back": back, "mistyped": mistyped, "typed_over": CONFIRM_COUNT_OVER}
    return render_template("admin/accepting.html", **shown)
