"""The table of people and their accounts: filtered, sorted, counted and cut into pages by the database."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

from sqlalchemy import Select, and_, func, or_, select, union
from sqlalchemy.orm import contains_eager

from portal.bindings import suggestions
from portal.bindings.suggestions import OPEN, Suggestion
from portal.clocks import now
from portal.database import db
from portal.models import LEFT, MAY_SIGN_IN, Account, BindingRequest, Department, Identity, Membership

PER_PAGE = 50
STATUSES = ("bound", "suggested", "waiting", "conflict", "left_bound", "left", "refused", "unbound")
ASKED = ("waiting", "refused")  # those that depend on the queue
STALE = ("30", "90", "180", "365", "never")  # days since the last sign-in
SORTS = {"name": Identity.name, "account": Account.username, "bound": Identity.bound_at, "login": Identity.signed_in_at}
COMPARED = ("suggested", "conflict", "unbound")  # those that depend on the suggestions
MOST_COUNTED = 500  # unbound people whose suggestions are counted on every page
MOST_COMPARED = 5_000  # unbound people compared for a filter; it takes some 20 µs for each
UNBOUND = (Identity.account_id.is_(None), Identity.status != LEFT)


@dataclass(frozen=True)
class Filters:
    """What the address of the table asks for; a value that makes no sense counts as none."""

    q: str = ""
    provider: str = ""
    tenant: str = ""
    department: int | None = None
    status: str = ""
    stale: str = ""
    sort: str = "name"
    page: int = 1

    @property
    def narrowing(self) -> dict:
        """Return what leaves people out, by name."""
        each = {name: getattr(self, name) for name in ("q", "provider", "department", "status", "stale")}
        return {name: value for name, value in each.items() if value}

    def args(self, **changes) -> dict:
        """Return the parameters of the address that asks for this, with some changed; `None` drops one."""
        company = f"{self.provider}:{self.tenant}" if self.tenant else self.provider
        own = {**self.narrowing, "provider": company, "sort": self.sort, "page": self.page, **changes}
        usual = {"sort": "name", "page": 1}
        return {name: value for name, value in own.items() if value and value != usual.get(name)}

    def without(self, name: str) -> "Filters":
        more = {"tenant": ""} if name == "provider" else {}
        return replace(self, page=1, **{name: None if name == "department" else ""}, **more)


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    person: Identity
    request: BindingRequest | None
    suggestions: list[Suggestion]

    @property
    def status(self) -> str:
        """Return which of `STATUSES` it is."""
        if self.person.account_id is not None:
            return "left_bound" if self.person.status == LEFT else "bound"
        if self.person.status == LEFT:
            return "left"
        if self.refused:
            return "refused"
        if self.person.status in MAY_SIGN_IN and suggestions.in_conflict(self.suggestions):
            return "conflict"
        if self.waiting:
            return "waiting"
        return "suggested" if self.suggestions and self.person.status in MAY_SIGN_IN else "unbound"

    @property
    def waiting(self) -> bool:
        return self.request is not None and self.request.state == "waiting"

    @property
    def refused(self) -> bool:
        return self.request is not None and self.request.state == "refused"

    @property
    def best(self) -> Suggestion | None:
        return self.suggestions[0] if self.suggestions else None


# The rows


def rows(filters: Filters, per_page: int = PER_PAGE) -> list[Row]:
    """Return one page of the table."""
    ids = select(Identity.id).where(*conditions(filters))
    if filters.status in ASKED:
        ids = ids.outerjoin(BindingRequest, BindingRequest.identity_id == Identity.id)
    if "account" in filters.sort:
        ids = ids.outerjoin(Identity.account)
    ids = ordered(ids, filters.sort).limit(per_page).offset((filters.page - 1) * per_page)
    these = people().where(Identity.id.in_(select(ids.subquery().c.id)))
    return with_suggestions(db.session.execute(ordered(these, filters.sort)).all())


def page(filters: Filters, everybody: int) -> tuple[Filters, list[Row], int]:
    """Return a page of the table, and how many people the filters leave; beyond the last page, the last one.

    :param everybody: how many there are without a filter. A page that isn't full says itself how many there are.
    """
    found, before = rows(filters), (filters.page - 1) * PER_PAGE
    if 0 < len(found) < PER_PAGE or not (found or before):
        return filters, found, before + len(found)
    total = count(filters) if filters.narrowing else everybody
    last = max(1, -(-total // PER_PAGE))
    if filters.page > last:
        filters = replace(filters, page=last)
        found = rows(filters)
    return filters, found, total


def with_suggestions(pairs) -> list[Row]:
    """Return rows for people and their requests; what may be theirs is looked up for all of them at once."""
    unbound = [person for person, _ in pairs if person.account_id is None]
    may_be = suggestions.for_people(unbound) if unbound else {}
    return [Row(person, request, may_be.get(person.id, [])) for person, request in pairs]


def row(person: Identity) -> Row:
    """Return the line of one person; of somebody bound also what else may be theirs."""
    request = db.session.scalar(select(BindingRequest).where(BindingRequest.identity_id == person.id))
    return Row(person, request, suggestions.for_people([person]).get(person.id, []))


def rows_of(ids: list[int]) -> dict[int, Row]:
    """Return the lines of these people, by id."""
    pairs = db.session.execute(people().where(Identity.id.in_(ids))).all()
    return {row.person.id: row for row in with_suggestions(pairs)}


def waiting_people(request_ids: list[int]) -> dict[int, int]:
    """Return the ids of the people who wait, by the request's id."""
    mine = (BindingRequest.id.in_(request_ids), BindingRequest.state == "waiting")
    return dict(db.session.execute(select(BindingRequest.id, BindingRequest.identity_id).where(*mine)).all())


def queue(state: str, page: int) -> tuple[list[Row], int, int]:
    """Return one page of the queue, who came first at its top, its number, and how many there are.

    :param state: `waiting` or `refused`.
    :param page: from 1; one beyond the last means that one.
    """
    mine = (BindingRequest.state == state, Identity.account_id.is_(None))
    total = db.session.scalar(select(func.count()).select_from(BindingRequest).join(Identity).where(*mine))
    page = max(1, min(page, -(-total // PER_PAGE)))
    query = people().where(*mine).order_by(BindingRequest.created_at, BindingRequest.id)
    query = query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)
    return with_suggestions(db.session.execute(query).all()), page, total


def people() -> Select:
    """Select people, each with their request; the account comes along."""
    joined = select(Identity, BindingRequest).outerjoin(Identity.account)
    joined = joined.outerjoin(BindingRequest, BindingRequest.identity_id == Identity.id)
    return joined.options(contains_eager(Identity.account))


def ordered(query: Select, sort: str) -> Select:
    """Sort; who has no such value comes last, and the id makes the order stable."""
    column, falling = SORTS[sort.removeprefix("-")], sort.startswith("-")
    way = column.desc() if falling else column.asc()
    nullable = column is not Identity.name
    return query.order_by(way.nulls_last() if nullable else way, Identity.id.desc() if falling else Identity.id)


def count(filters: Filters) -> int:
    """Return how many people the filters leave."""
    return db.session.scalar(counting(filters))


def looser(filters: Filters) -> dict[str, int]:
    """Return how many people there would be without one of the filters, by its name."""
    each = {name: counting(filters.without(name)).scalar_subquery() for name in filters.narrowing}
    return dict(zip(each, db.session.execute(select(*each.values())).one(), strict=True)) if each else {}


def counting(filters: Filters) -> Select:
    query = select(func.count()).select_from(Identity)
    if filters.status in ASKED:
        query = query.outerjoin(BindingRequest, BindingRequest.identity_id == Identity.id)
    return query.where(*conditions(filters))


def conditions(filters: Filters) -> list:
    found = []
    if filters.q:
        found.append(Identity.id.in_(named(filters.q)))
    if filters.provider:
        found.append(Identity.provider == filters.provider)
    if filters.tenant:
        found.append(Identity.tenant == filters.tenant)
    if filters.department:
        found.append(Identity.id.in_(members(filters.department)))
    if filters.stale == "never":
        found.append(and_(Identity.account_id.is_not(None), Identity.signed_in_at.is_(None)))
    elif filters.stale:
        found.append(Identity.signed_in_at < now() - timedelta(days=int(filters.stale)))
    if filters.status in COMPARED:
        return [of_comparison(filters.status, *found)]
    return [*found, of_status(filters.status)] if filters.status else found


def named(text: str) -> Select:
    """Select the ids of people whose name, ids or account hold the text, in upper or lower case."""
    own = or_(
        *(
            column.icontains(text, autoescape=True)
            for column in (Identity.name, Identity.user_id, Identity.employee_number)
        )
    )
    accounts = or_(*(column.icontains(text, autoescape=True) for column in (Account.username, Account.name)))
    through = select(Identity.id).join(Account, Account.id == Identity.account_id).where(accounts)
    return union(select(Identity.id).where(own), through)


def members(department_id: int) -> Select:
    """Select the ids of the people in a department or below it; a circle in the tree ends the descent."""
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


def of_status(status: str):
    """Return the condition for one of `STATUSES`; somebody in conflict who waits counts as waiting, too."""
    if status == "bound":
        return and_(Identity.account_id.is_not(None), Identity.status != LEFT)
    if status == "left_bound":
        return and_(Identity.account_id.is_not(None), Identity.status == LEFT)
    if status == "left":
        return and_(Identity.account_id.is_(None), Identity.status == LEFT)
    return and_(*UNBOUND, BindingRequest.state == status)


def of_comparison(status: str, *conditions):
    """Return the condition for one of `COMPARED`, among the unbound people who meet the others.

    Of those at most `MOST_COMPARED` are looked at. The answer is worked out apart, or PostgreSQL would do so again for
    each person.
    """
    known_longest = select(Identity.id).where(*UNBOUND, *conditions).order_by(Identity.id)
    these = known_longest.limit(MOST_COMPARED).cte()
    best = suggestions.best(Identity.id.in_(select(these.c.id))).subquery()
    asked = func.coalesce(BindingRequest.state, "done")
    fits = {
        "conflict": and_(best.c.conflict, asked != "refused"),
        "suggested": and_(~best.c.conflict, asked == "done"),
        "unbound": and_(best.c.identity_id.is_(None), asked == "done"),
    }
    found = (
        select(these.c.id)
        .outerjoin(best, best.c.identity_id == these.c.id)
        .outerjoin(BindingRequest, BindingRequest.identity_id == these.c.id)
        .where(fits[status])
        .cte()
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return Identity.id.in_(select(found.c.id))


# The counters


def counters() -> dict[str, int | None]:
    """Return how many people there are: `all`, of each status that has a counter, and `open`, who may be suggested.

    `suggested` and `conflict` are `None` where so many are unbound that it takes too long to compare them all.
    """
    everyone, bound, left_bound, open_, waiting = db.session.execute(everybody()).one()
    counts = {"all": everyone, "bound": bound - left_bound, "left_bound": left_bound, "waiting": waiting, "open": open_}
    return {**counts, "suggested": None, "conflict": None, **(compared() if open_ <= MOST_COUNTED else {})}


@cache
def everybody() -> Select:
    """Return the statement that counts; it is made once, for making one takes longer than a small company's answer."""
    return select(
        func.count(),
        func.count(Identity.account_id),
        func.count().filter(Identity.account_id.is_not(None), Identity.status == LEFT),
        func.count().filter(OPEN),
        counting(Filters(status="waiting")).scalar_subquery(),
    ).select_from(Identity)


def compared() -> dict[str, int]:
    """Return how many unbound people are in conflict, and for how many there is a clear suggestion."""
    conflict, suggested = db.session.execute(comparison()).one()
    return {"conflict": conflict, "suggested": suggested}


@cache
def comparison() -> Select:
    these = select(Identity.id).where(OPEN).cte()  # apart: PostgreSQL would begin with all who are bound
    best = suggestions.best(Identity.id.in_(select(these.c.id))).subquery()
    state = func.coalesce(BindingRequest.state, "done")
    query = select(
        func.count().filter(best.c.conflict, state != "refused"),
        func.count().filter(~best.c.conflict, state == "done"),
    )
    return query.select_from(best).outerjoin(BindingRequest, BindingRequest.identity_id == best.c.identity_id)


def find_person(identity_id: int) -> Identity | None:
    """Return the person of an id."""
    return db.session.get(Identity, identity_id)
