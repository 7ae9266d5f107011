"""The pages of the table of people and their accounts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager

from portal.bindings import suggestions
from portal.bindings.people_filters import QUEUE_STATUSES, SORTS, PeopleFilters, count_people
from portal.bindings.suggestions import Suggestion
from portal.database import db
from portal.database.paging import Page, limit_page_number
from portal.models import LEFT, MAY_SIGN_IN, BindingRequest, Identity


@dataclass(frozen=True)
class Row:
    """A row of the table.

    :param request: the person's place in the queue, if there is one.
    :param suggestions: the accounts that may be theirs, the best first.
    """

    person: Identity
    request: BindingRequest | None
    suggestions: list[Suggestion]

    @property
    def status(self) -> str:
        """Return one of `people_filters.STATUSES`."""
        if self.person.account_id is not None:
            return "left_bound" if self.person.status == LEFT else "bound"
        if self.person.status == LEFT:
            return "left"
        if self.refused:
            return "refused"
        if self.person.status in MAY_SIGN_IN and suggestions.is_conflict(self.suggestions):
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


@dataclass(frozen=True)
class Neighbours:
    """The people before and after one in a filtered list.

    :param total: how many people the filters leave.
    :param previous: id and place, from 1, of the one before.
    :param following: id and place of the one after.
    """

    total: int
    previous: tuple[int, int] | None
    following: tuple[int, int] | None


def list_people(filters: PeopleFilters) -> list[Row]:
    """Return one page of the table."""
    ids = select_ids(filters).limit(filters.size).offset((filters.page - 1) * filters.size)
    on_page = select_people().where(Identity.id.in_(select(ids.subquery().c.id)))
    return build_rows(db.session.execute(sort_people(on_page, filters.sort)).all())


def select_ids(filters: PeopleFilters) -> Select:
    """Select the ids of the people the filters leave."""
    ids = select(Identity.id).where(*filters.list_conditions())
    if filters.status in QUEUE_STATUSES:
        ids = ids.outerjoin(BindingRequest, BindingRequest.identity_id == Identity.id)
    if "account" in filters.sort:
        ids = ids.outerjoin(Identity.account)
    return sort_people(ids, filters.sort)


def find_neighbours(filters: PeopleFilters, at: int, identity_id: int) -> Neighbours:
    """Return the people beside one in a filtered list.

    A person that the filters leave out meanwhile, such as one just bound, is followed by the one in their place.

    :param at: the place in the list, from 1, at which the person was shown.
    """
    first = max(at - 2, 0)
    ids = list(db.session.scalars(select_ids(filters).limit(at + 1 - first).offset(first)))
    total = count_people(filters)
    places = [(id, first + number) for number, id in enumerate(ids, start=1)]
    here = ids.index(identity_id) if identity_id in ids else at - 1 - first
    before, after = places[:here], places[here + (identity_id in ids) :]
    return Neighbours(total, before[-1] if before else None, after[0] if after else None)


def load_page_of_people(filters: PeopleFilters, total: int) -> Page[Row]:
    """Return the page of the table the filters want.

    Beyond the last page it is the last one. A page that isn't full tells itself how many people there are.

    :param total: how many people there are without a filter.
    """
    size = filters.size
    rows, before = list_people(filters), (filters.page - 1) * size
    if 0 < len(rows) < size or not (rows or before):
        return Page(rows, filters.page, size, before + len(rows))
    left = count_people(filters) if filters.narrowing else total
    number = limit_page_number(filters.page, left, size)
    if number < filters.page:
        rows = list_people(replace(filters, page=number))
    return Page(rows, number, size, left)


def list_providers(account_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the providers of accounts' people, by account id."""
    pairs = select(Identity.account_id, Identity.provider).where(Identity.account_id.in_(set(account_ids))).distinct()
    providers: dict[int, list[str]] = {}
    for account_id, provider in db.session.execute(pairs.order_by(Identity.provider)):
        providers.setdefault(account_id, []).append(provider)
    return providers


def build_rows(pairs: Iterable[tuple[Identity, BindingRequest | None]]) -> list[Row]:
    """Return the rows of people and their requests.

    The suggestions for all of them are found at once.
    """
    unbound = [person for person, _ in pairs if person.account_id is None]
    by_person = suggestions.suggest_accounts(unbound) if unbound else {}
    return [Row(person, request, by_person.get(person.id, [])) for person, request in pairs]


def find_row(person: Identity) -> Row:
    """Return the row of one person.

    A bound person's row has suggestions, too.
    """
    request = db.session.scalar(select(BindingRequest).where(BindingRequest.identity_id == person.id))
    return Row(person, request, suggestions.suggest_accounts([person]).get(person.id, []))


def find_rows(ids: list[int]) -> dict[int, Row]:
    """Return the rows of some people, by id."""
    pairs = db.session.execute(select_people().where(Identity.id.in_(ids))).all()
    return {row.person.id: row for row in build_rows(pairs)}


def find_person(identity_id: int) -> Identity | None:
    """Return the person of an id."""
    return db.session.get(Identity, identity_id)


def select_people() -> Select:
    """Select people with their requests and accounts."""
    joined = select(Identity, BindingRequest).outerjoin(Identity.account)
    joined = joined.outerjoin(BindingRequest, BindingRequest.identity_id == Identity.id)
    return joined.options(contains_eager(Identity.account))


def sort_people(query: Select, sort: str) -> Select:
    """Sort a query of people.

    People without such a value come last, and the id makes the order stable.
    """
    column, is_falling = SORTS[sort.removeprefix("-")], sort.startswith("-")
    order = column.desc() if is_falling else column.asc()
    if column is not Identity.name:
        order = order.nulls_last()
    return query.order_by(order, Identity.id.desc() if is_falling else Identity.id)
