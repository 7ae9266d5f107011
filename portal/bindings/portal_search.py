"""The search through people, accounts, departments and references."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select, case, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.search import AccountFilter
from portal.bindings.people_filters import select_by_text
from portal.database import db
from portal.directory import paths
from portal.models import Account, AuditEvent, BindingRequest, Department, Identity

MOST_SHOWN = 20  # of each kind

Match = TypeVar("Match")


@dataclass(frozen=True)
class Matches(Generic[Match]):
    """The first rows of one kind.

    :param has_more: whether there are more than these.
    """

    rows: list[Match]
    has_more: bool


@dataclass(frozen=True)
class ReferenceMatch:
    """What is stored under a reference.

    :param event: the entry of the audit log that says most, if there is one.
    :param others: how many other entries there are.
    :param request: the request for an account, if it was one.
    :param person: the person it is about, if known.
    """

    reference: str
    event: AuditEvent | None
    others: int
    request: BindingRequest | None
    person: Identity | None


def match_people(text: str) -> Matches[Identity]:
    """Return people that hold a text.

    `select_by_text()` says where it may stand. Those that it names exactly come first.
    """
    exact = or_(Identity.user_id == text, Identity.employee_number == text, Identity.name == text)
    query = select(Identity).where(Identity.id.in_(select_by_text(text))).options(joinedload(Identity.account))
    return cut_rows(query.order_by(case((exact, 0), else_=1), Identity.name, Identity.id))


def match_accounts(text: str) -> Matches[Account]:
    """Return accounts that hold a text."""
    query = select(Account).where(*AccountFilter(q=text).list_conditions())
    return cut_rows(query.order_by(case((Account.username == text, 0), else_=1), Account.username, Account.id))


def match_departments(text: str) -> Matches[Department]:
    """Return departments with a text in their name."""
    query = select(Department).where(Department.name.icontains(text, autoescape=True))
    return cut_rows(query.order_by(Department.name, Department.id))


def cut_rows(query: Select) -> Matches:
    """Return the first rows of a query."""
    rows = db.session.scalars(query.limit(MOST_SHOWN + 1)).all()
    return Matches(list(rows[:MOST_SHOWN]), len(rows) > MOST_SHOWN)


def name_paths(departments: list[Department]) -> dict[int, tuple[str, ...]]:
    """Return the names that lead to departments, by id."""
    if not departments:
        return {}
    rows = paths.find_with_ancestors(Department.id.in_([department.id for department in departments]))
    return {department.id: paths.list_names(paths.make_key(department), rows) for department in departments}


def find_reference(reference: str) -> ReferenceMatch | None:
    """Return what is stored under a reference, if anything is.

    A request's refusal says more than what went well, and its last act more than the ones before it.
    """
    events = select(AuditEvent).where(AuditEvent.request_id == reference)
    events = db.session.scalars(events.order_by(AuditEvent.id.desc()).limit(MOST_SHOWN)).all()
    refused = [event for event in events if event.result]
    event = (refused or events or [None])[0]
    is_asked_for = BindingRequest.reference == reference
    if event is not None and event.identity_id:
        is_asked_for = or_(is_asked_for, BindingRequest.identity_id == event.identity_id)
    with_person = joinedload(BindingRequest.identity).joinedload(Identity.account)
    by_age = select(BindingRequest).where(is_asked_for).order_by(BindingRequest.reference != reference)
    request = db.session.scalars(by_age.options(with_person).limit(1)).one_or_none()
    if event is None and request is None:
        return None
    person = request.identity if request else load_event_person(event)
    return ReferenceMatch(reference, event, max(0, len(events) - 1), request, person)


def load_event_person(event: AuditEvent) -> Identity | None:
    """Return the person that an entry is about."""
    account = joinedload(Identity.account)
    return db.session.get(Identity, event.identity_id, options=[account]) if event.identity_id else None
