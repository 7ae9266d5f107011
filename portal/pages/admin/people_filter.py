"""The filters and the address of the table of people."""

from dataclasses import replace

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from portal.bindings import people_filters
from portal.bindings.people_filters import PeopleFilters
from portal.pages.local_addresses import choose_way_back
from portal.pages.parameters import read_number, read_page_number, read_text

LONGEST_NAME = 320  # characters of a provider and its tenant


def read_people_filters() -> PeopleFilters:
    """Return the filters in the address.

    A value that makes no sense counts as none.
    """
    args = request.args
    provider, _, tenant = read_text(args.get("provider"), LONGEST_NAME).partition(":")
    sort, status, stale = (args.get(name, "") for name in ("sort", "status", "stale"))
    size = read_number(args.get("size"))
    return PeopleFilters(
        q=read_text(args.get("q")),
        provider=provider,
        tenant=(read_text(args.get("tenant"), LONGEST_NAME) or tenant) if provider else "",
        department=read_number(args.get("department")),
        status=status if status in people_filters.STATUSES else "",
        stale=stale if stale in people_filters.STALE else "",
        sort=sort if sort.removeprefix("-") in people_filters.SORTS else "name",
        page=read_page_number(args),
        size=size if size in people_filters.list_sizes(status) else people_filters.SIZES[0],
    )


def read_place_in_table() -> tuple[PeopleFilters, int | None]:
    """Return a person's filtered list and place in it.

    The place is from 1, and `None` where the address tells none.
    """
    filters, at = read_people_filters(), read_number(request.args.get("at")) or None
    return replace(filters, page=(at - 1) // filters.size + 1 if at else 1), at


def get_way_back(identity_id: int) -> str:
    """Return the address of the page an action began at.

    It is the person's own page, unless the address or the form names another one of ours.
    """
    return choose_way_back(request.values.get("back"), url_for("admin_bindings.person", id=identity_id))


def get_table_address() -> str:
    """Return the address of the table of people.

    It keeps the filters under which they were selected.
    """
    return choose_way_back(request.form.get("back"), url_for("admin_bindings.show"))


def return_to_table() -> Response:
    """Lead back to the table of people."""
    return redirect(get_table_address(), 303)
