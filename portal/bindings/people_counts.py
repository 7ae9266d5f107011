"""The counters above the table of people."""

from functools import cache

from sqlalchemy import Select, func, select

from portal.bindings.people_filters import PeopleFilters, count_statement
from portal.bindings.suggestions import OPEN_PERSON, select_best
from portal.database import db
from portal.models import LEFT, BindingRequest, Identity

MOST_COUNTED = 500  # unbound people whose suggestions are counted on every page


def count_by_status() -> dict[str, int | None]:
    """Return how many people there are of each counted status.

    `all` are all, and `open` those that may get a suggestion. `suggested` and `conflict` are `None` where so many are
    unbound that it takes too long to compare them all.
    """
    total, bound, left_bound, open_, waiting = db.session.execute(status_statement()).one()
    counts = {"all": total, "bound": bound - left_bound, "left_bound": left_bound, "waiting": waiting, "open": open_}
    suggestions = count_suggestions() if open_ <= MOST_COUNTED else {}
    return {**counts, "suggested": None, "conflict": None, **suggestions}


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


def count_suggestions() -> dict[str, int]:
    """Return how many unbound people have conflicts or clear suggestions."""
    conflict, suggested = db.session.execute(suggestion_statement()).one()
    return {"conflict": conflict, "suggested": suggested}


@cache
def suggestion_statement() -> Select:
    """Return the statement that counts suggestions."""
    people = select(Identity.id).where(OPEN_PERSON).cte()  # apart: PostgreSQL would begin with all bound people
    best = select_best(Identity.id.in_(select(people.c.id))).subquery()
    state = func.coalesce(BindingRequest.state, "done")
    query = select(
        func.count().filter(best.c.conflict, state != "refused"),
        func.count().filter(~best.c.conflict, state == "done"),
    )
    return query.select_from(best).outerjoin(BindingRequest, BindingRequest.identity_id == best.c.identity_id)
