"""The filters of the table of people."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, or_, select, union

from portal.bindings.suggestions import select_best
from portal.clocks import now
from portal.database import db
from portal.models import LEFT, Account, BindingRequest, Department, Identity, Membership

STATUSES = ("bound", "suggested", "waiting", "conflict", "left_bound", "left", "refused", "unbound")
QUEUE_STATUSES = ("waiting", "refused")  # those that depend on the queue
COMPARED_STATUSES = ("suggested", "conflict")  # those whose rows have columns of their own
SUGGESTION_STATUSES = ("suggested", "conflict", "unbound")  # those that depend on the suggestions
MOST_COMPARED = 5_000  # unbound people compared for a filter; it takes some 20 µs for each
STALE = ("30", "90", "180", "365", "never")  # days since the last sign-in
SIZES = (50, 100)  # people on a page; more would be a page of more than 100 KB, and so would 100 suggestions
LAST_DIGITS = re.compile(r"[0-9]{4,}")  # so many of a mobile number are searched for, no fewer
REFERENCE = re.compile(r"[2-9A-HJ-NP-Z]{4}-?[2-9A-HJ-NP-Z]{2}", re.IGNORECASE)  # of a request in the queue
SORTS = {"name": Identity.name, "account": Account.username, "bound": Identity.bound_at, "login": Identity.signed_in_at}
IS_UNBOUND = (Identity.account_id.is_(None), Identity.status != LEFT)


@dataclass(frozen=True)
class PeopleFilters:
    """The filters, order and page that an address asks for.

    A value that makes no sense counts as none.
    """

    q: str = ""
    provider: str = ""
    tenant: str = ""
    department: int | None = None
    status: str = ""
    stale: str = ""
    sort: str = "name"
    page: int = 1
    size: int = SIZES[0]

    @property
    def narrowing(self) -> dict:
        """Return the filters that leave people out, by name."""
        values = {name: getattr(self, name) for name in ("q", "provider", "department", "status", "stale")}
        return {name: value for name, value in values.items() if value}

    def to_args(self, **changes: Any) -> dict:
        """Return the parameters of the address that asks for this.

        :param changes: other values for some; `None` drops one.
        """
        company = f"{self.provider}:{self.tenant}" if self.tenant else self.provider
        values = {**self.narrowing, "provider": company, "sort": self.sort, "page": self.page, "size": self.size}
        values |= changes
        usual = {"sort": "name", "page": 1, "size": SIZES[0]}
        return {name: value for name, value in values.items() if value and value != usual.get(name)}

    def drop_filter(self, name: str) -> "PeopleFilters":
        """Return the filters without one of them."""
        more = {"tenant": ""} if name == "provider" else {}
        return replace(self, page=1, **{name: None if name == "department" else ""}, **more)

    def list_conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on `Identity`.

        A query for one of `QUEUE_STATUSES` must join the requests.
        """
        conditions = []
        if self.q:
            conditions.append(Identity.id.in_(select_by_text(self.q)))
        if self.provider:
            conditions.append(Identity.provider == self.provider)
        if self.tenant:
            conditions.append(Identity.tenant == self.tenant)
        if self.department:
            conditions.append(Identity.id.in_(select_members(self.department)))
        if self.stale == "never":
            conditions.append(and_(Identity.account_id.is_not(None), Identity.signed_in_at.is_(None)))
        elif self.stale:
            conditions.append(Identity.signed_in_at < now() - timedelta(days=int(self.stale)))
        if self.status in SUGGESTION_STATUSES:
            return [match_suggestion_status(self.status, *conditions)]
        return [*conditions, match_status(self.status)] if self.status else conditions


def list_sizes(status: str) -> tuple[int, ...]:
    """Return how many people a page may show."""
    return SIZES[:1] if status in COMPARED_STATUSES else SIZES


def select_by_text(text: str) -> CompoundSelect:
    """Select the ids of people that hold a text.

    It may stand in their name, ids or account, in upper or lower case. An e-mail address and a reference are found as a
    whole, a mobile number by its end.
    """
    columns = (Identity.name, Identity.user_id, Identity.employee_number)
    own = or_(*(column.icontains(text, autoescape=True) for column in columns))
    accounts = or_(*(column.icontains(text, autoescape=True) for column in (Account.username, Account.name)))
    through_account = select(Identity.id).join(Account, Account.id == Identity.account_id).where(accounts)
    return union(select(Identity.id).where(own), through_account, *select_by_contact(text))


def select_by_contact(text: str) -> list[Select]:
    """Return selections of people by e-mail, mobile or reference.

    There is one for each that the text may be. Parts are not searched for: pages mask e-mail and mobile, and show no
    more of a number than its end.
    """
    found = []
    if "@" in text:
        address = text.lower()
        through_account = select(Identity.id).join(Account, Account.id == Identity.account_id)
        found.append(select(Identity.id).where(Identity.email_folded == address))
        found.append(select(Identity.id).where(Identity.company_email == address))
        found.append(through_account.where(Account.email_folded == address))
    if LAST_DIGITS.fullmatch(text):
        found.append(select(Identity.id).where(Identity.mobile.endswith(text)))
    if REFERENCE.fullmatch(text):
        reference = f"{text[:4]}-{text[-2:]}".upper()
        found.append(select(BindingRequest.identity_id).where(BindingRequest.reference == reference))
    return found


def select_members(department_id: int) -> Select:
    """Select the ids of people in or below a department.

    A circle in the tree ends the descent.
    """
    top = select(Department.id, Department.provider, Department.tenant, Department.dept_id)
    tree = top.where(Department.id == department_id).cte(recursive=True)
    below = and_(
        Department.provider == tree.c.provider,
        Department.tenant == tree.c.tenant,
        Department.parent_id == tree.c.dept_id,
    )
    tree = tree.union(
        select(Department.id, Department.provider, Department.tenant, Department.dept_id).join(tree, below)
    )
    return select(Membership.identity_id).where(Membership.department_id.in_(select(tree.c.id)))


def match_status(status: str) -> ColumnElement[bool]:
    """Return the condition for a status without suggestions.

    A person in conflict that waits counts as waiting, too.
    """
    if status == "bound":
        return and_(Identity.account_id.is_not(None), Identity.status != LEFT)
    if status == "left_bound":
        return and_(Identity.account_id.is_not(None), Identity.status == LEFT)
    if status == "left":
        return and_(Identity.account_id.is_(None), Identity.status == LEFT)
    return and_(*IS_UNBOUND, BindingRequest.state == status)


def match_suggestion_status(status: str, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition for one of `SUGGESTION_STATUSES`.

    At most `MOST_COMPARED` people are compared. The answer is worked out apart, or PostgreSQL would do so again for
    each person.

    :param conditions: those that the people must meet besides.
    """
    longest_stored = select(Identity.id).where(*IS_UNBOUND, *conditions).order_by(Identity.id)
    people = longest_stored.limit(MOST_COMPARED).cte()
    best = select_best(Identity.id.in_(select(people.c.id))).subquery()
    state = func.coalesce(BindingRequest.state, "done")
    fits = {
        "conflict": and_(best.c.conflict, state != "refused"),
        "suggested": and_(~best.c.conflict, state == "done"),
        "unbound": and_(best.c.identity_id.is_(None), state == "done"),
    }
    fitting = (
        select(people.c.id)
        .outerjoin(best, best.c.identity_id == people.c.id)
        .outerjoin(BindingRequest, BindingRequest.identity_id == people.c.id)
        .where(fits[status])
        .cte()
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return Identity.id.in_(select(fitting.c.id))


# Counting


def count_people(filters: PeopleFilters) -> int:
    """Return how many people the filters leave."""
    return db.session.scalar(count_statement(filters))


def count_without_each_filter(filters: PeopleFilters) -> dict[str, int]:
    """Return how many people there would be without each filter.

    The keys are the filters' names.
    """
    counts = {name: count_statement(filters.drop_filter(name)).scalar_subquery() for name in filters.narrowing}
    return dict(zip(counts, db.session.execute(select(*counts.values())).one(), strict=True)) if counts else {}


def count_statement(filters: PeopleFilters) -> Select:
    """Return the statement that counts the people the filters leave."""
    query = select(func.count()).select_from(Identity)
    if filters.status in QUEUE_STATUSES:
        query = query.outerjoin(BindingRequest, BindingRequest.identity_id == Identity.id)
    return query.where(*filters.list_conditions())
