"""The list of the queue with its filters."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from portal.bindings import people_table
from portal.bindings.people_counts import MOST_COUNTED
from portal.bindings.people_filters import MOST_COMPARED
from portal.bindings.people_table import Row
from portal.bindings.suggestions import select_best
from portal.database import db
from portal.database.paging import Page, limit_page_number
from portal.directory import companies
from portal.models import Account, BindingRequest, Identity

STATES = ("waiting", "refused")
KINDS = ("clear", "conflict", "none", "other")  # of requests, by the suggestion or by the company
PER_PAGE = 40  # more would be a page of more than 100 KB


@dataclass(frozen=True)
class QueueFilters:
    """The filters and the page that an address asks for."""

    state: str = "waiting"
    kind: str = ""
    q: str = ""
    page: int = 1

    def to_args(self, **changes: Any) -> dict:
        """Return the parameters of the address that asks for this.

        :param changes: other values for some; `None` drops one.
        """
        values = {"state": self.state, "kind": self.kind, "q": self.q, "page": self.page, **changes}
        usual = {"state": "waiting", "page": 1}
        return {name: value for name, value in values.items() if value and value != usual.get(name)}


def load_queue(filters: QueueFilters) -> Page[Row]:
    """Return a page of the queue, the oldest requests first.

    One beyond the last page is the last one.
    """
    conditions = list_conditions(filters)
    count = select(func.count()).select_from(BindingRequest).join(Identity).where(*conditions)
    total = db.session.scalar(count)
    number = limit_page_number(filters.page, total, PER_PAGE)
    query = people_table.select_people().where(*conditions).order_by(BindingRequest.created_at, BindingRequest.id)
    rows = db.session.execute(query.limit(PER_PAGE).offset((number - 1) * PER_PAGE)).all()
    return Page(people_table.build_rows(rows), number, PER_PAGE, total)


def list_conditions(filters: QueueFilters) -> list[ColumnElement[bool]]:
    """Return the conditions on `Identity` and `BindingRequest`."""
    conditions = [BindingRequest.state == filters.state, Identity.account_id.is_(None)]
    if filters.q:
        conditions.append(match_request(filters.state, filters.q))
    if filters.kind == "other":
        conditions.append(is_of_other_company())
    elif filters.kind:
        conditions.append(Identity.id.in_(select_of_kind(filters.kind)))
    return conditions


def match_request(state: str, text: str) -> ColumnElement[bool]:
    """Return the condition that a request holds a text.

    It may stand in the person's name or ids, in the reference, with or without its hyphen, or in the suggested account.
    """
    best = select_best(Identity.id.in_(select(select_longest_waiting(state).c.id))).subquery()
    columns = (Identity.name, Identity.user_id, Identity.employee_number, BindingRequest.reference)
    reference = func.replace(BindingRequest.reference, "-", "")
    accounts = or_(*(column.icontains(text, autoescape=True) for column in (Account.username, Account.name)))
    return or_(
        *(column.icontains(text, autoescape=True) for column in columns),
        reference == text.replace("-", "").replace(" ", "").upper(),
        Identity.id.in_(select(best.c.identity_id).join(Account, Account.id == best.c.account_id).where(accounts)),
    )


def select_longest_waiting(state: str = "waiting") -> Any:
    """Return the people to compare suggestions of, as a table."""
    in_queue = (BindingRequest.state == state, Identity.account_id.is_(None))
    people = select(Identity.id).join(BindingRequest, BindingRequest.identity_id == Identity.id).where(*in_queue)
    return people.order_by(BindingRequest.created_at, BindingRequest.id).limit(MOST_COMPARED).cte()


def select_of_kind(kind: str) -> Select:
    """Select the ids of waiting people with such a suggestion.

    The answer is worked out apart, or PostgreSQL would do so again for each person.
    """
    people = select_longest_waiting()
    best = select_best(Identity.id.in_(select(people.c.id))).subquery()
    fits = {"clear": ~best.c.conflict, "conflict": best.c.conflict, "none": best.c.identity_id.is_(None)}
    of_kind = select(people.c.id).outerjoin(best, best.c.identity_id == people.c.id).where(fits[kind])
    apart = of_kind.cte().prefix_with("MATERIALIZED", dialect="postgresql")
    return select(apart.c.id)


def is_of_other_company() -> ColumnElement[bool]:
    """Return the condition that a person's company is not ours."""
    names = companies.read_names()
    company = tuple_(Identity.provider, Identity.tenant)
    return and_(Identity.provider.in_(names.settled), company.not_in(list(names.own)))


def count_by_kind(waiting: int) -> dict[str, int | None]:
    """Return how many requests there are of each kind.

    Those by suggestion are `None` where so many wait that it takes too long to compare them all.

    :param waiting: how many wait.
    """
    in_queue = (BindingRequest.state == "waiting", Identity.account_id.is_(None))
    others = select(func.count()).select_from(BindingRequest).join(Identity).where(*in_queue, is_of_other_company())
    counts = dict.fromkeys(KINDS)
    if waiting > MOST_COUNTED:
        return {**counts, "other": db.session.scalar(others)}
    people = select_longest_waiting()
    best = select_best(Identity.id.in_(select(people.c.id))).subquery()
    columns = (
        func.count().filter(~best.c.conflict),
        func.count().filter(best.c.conflict),
        func.count().filter(best.c.identity_id.is_(None)),
    )
    by_suggestion = select(*columns).select_from(people).outerjoin(best, best.c.identity_id == people.c.id)
    numbers = (*db.session.execute(by_suggestion).one(), db.session.scalar(others))
    return dict(zip(KINDS, numbers, strict=True))
