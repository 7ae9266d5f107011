"""The counters above the table of people."""

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from portal import stored_counts
from portal.bindings.people_filters import PeopleFilters, count_statement
from portal.bindings.suggestions import OPEN_PERSON, select_best
from portal.database import db
from portal.models import LEFT, BindingRequest, Identity

MOST_COUNTED = 2_000  # unbound people whose suggestions are counted on every page; some 20 µs for each
STORED = "suggestions"  # the name of what the worker has counted
LARGEST_ID = 2**31 - 1


def count_by_status() -> dict[str, Any]:
    """Return how many people there are of each counted status.

    `all` are all, and `open` those that may get a suggestion. Where so many are unbound that it takes too long to
    compare them all, `suggested` and `conflict` are what the worker has counted at the time `counted_at`, or `None`.
    """
    total, bound, left_bound, open_, waiting = db.session.execute(status_statement()).one()
    counts = {"all": total, "bound": bound - left_bound, "left_bound": left_bound, "waiting": waiting, "open": open_}
    if open_ <= MOST_COUNTED:
        return {**counts, **count_suggestions(), "counted_at": None}
    stored = stored_counts.find_count(STORED)
    if stored is None:
        return {**counts, "suggested": None, "conflict": None, "counted_at": None}
    return {**counts, **stored.counts, "counted_at": stored.counted_at}


@cache
def status_statement() -> Select:
    """Return the statement that counts people by status.

    It is made once, for making one takes longer than a small company's answer.
    """
    return select(
        func.count(),
        func.count(Identity.account_id),
        func.count().filter(Identity.account_id.is_not(None), Identity.status == LEFT),
        func.count().filter(OPEN_PERSON),
        count_statement(PeopleFilters(status="waiting")).scalar_subquery(),
    ).select_from(Identity)


def count_open() -> int:
    """Return how many people may get a suggestion."""
    return db.session.scalar(select(func.count()).select_from(Identity).where(OPEN_PERSON))


def count_suggestions(after: int = 0, last: int = LARGEST_ID) -> dict[str, int]:
    """Return how many unbound people have conflicts or clear suggestions.

    :param after: people with this id and smaller ones do not count; nor do those with a larger one than `last`.
    """
    conflict, suggested = db.session.execute(suggestion_statement(), {"after": after, "last": last}).one()
    return {"conflict": conflict, "suggested": suggested}


@cache
def suggestion_statement() -> Select:
    """Return the statement that counts suggestions."""
    counted = (OPEN_PERSON, Identity.id > bindparam("after"), Identity.id <= bindparam("last"))
    people = select(Identity.id).where(*counted).cte()  # apart: PostgreSQL would begin with all bound people
    best = select_best(Identity.id.in_(select(people.c.id))).subquery()
    state = func.coalesce(BindingRequest.state, "done")
    query = select(
        func.count().filter(best.c.conflict, state != "refused"),
        func.count().filter(~best.c.conflict, state == "done"),
    )
    return query.select_from(best).outerjoin(BindingRequest, BindingRequest.identity_id == best.c.identity_id)
