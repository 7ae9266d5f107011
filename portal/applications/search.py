"""The list of applications with its filters and pages."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, String, and_, cast, func, or_, select
from sqlalchemy.orm import selectinload

from portal.database import db
from portal.database.paging import Page, load_page
from portal.models import Application, ApplicationGroup, Door

PAGE_SIZE = 50  # applications
EMPTY = "[]"  # a list without entries, as the database stores it
HAS_HOSTS = cast(Application.hosts, String) != EMPTY
HAS_REDIRECTS = cast(Application.redirect_uris, String) != EMPTY
HAS_NO_GROUP = ~select(ApplicationGroup.group_id).where(ApplicationGroup.application_id == Application.id).exists()
KINDS = {"gate": HAS_HOSTS, "oidc": HAS_REDIRECTS}
STATES = {
    "active": Application.active,
    "off": ~Application.active,
    "closed": and_(Application.active, ~Application.open_to_all, HAS_NO_GROUP),
}


@dataclass(frozen=True)
class ApplicationFilter:
    """The applications that a search asks for.

    An empty field asks for all. `kind` is one of `KINDS`, `state` one of `STATES`.
    """

    q: str = ""
    kind: str = ""
    state: str = ""

    def list_conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on `Application`."""
        conditions = []
        if self.q:
            columns = (Application.title, Application.name, cast(Application.hosts, String))
            conditions.append(or_(*(column.icontains(self.q, autoescape=True) for column in columns)))
        if self.kind:
            conditions.append(KINDS[self.kind])
        if self.state:
            conditions.append(STATES[self.state])
        return conditions


@dataclass(frozen=True)
class ListedApplication:
    """An application in the list with its last use."""

    application: Application
    used_at: datetime | None


def search_applications(wanted: ApplicationFilter, number: int) -> Page[ListedApplication]:
    """Return a page of the applications a filter asks for.

    :param number: from 1; one beyond the last page means that one.
    """
    conditions = wanted.list_conditions()
    total = db.session.scalar(select(func.count()).select_from(Application).where(*conditions))
    query = select(Application).where(*conditions).options(selectinload(Application.groups))
    page = load_page(query.order_by(func.lower(Application.title), Application.id), total, number, PAGE_SIZE)
    used = load_last_uses([application.id for application in page.rows])
    return replace(page, rows=[ListedApplication(row, used.get(row.id)) for row in page.rows])


def load_last_uses(ids: list[int]) -> dict[int, datetime]:
    """Return when each application was last entered, by id."""
    rows = select(Door.application_id, func.max(Door.opened_at)).where(Door.application_id.in_(ids))
    return dict(db.session.execute(rows.group_by(Door.application_id)).all())


def count_applications() -> dict[str, int]:
    """Return how many applications there are of each state.

    `all` stands for any.
    """

    def count(*conditions: ColumnElement[bool]) -> ScalarSelect:
        return select(func.count()).select_from(Application).where(*conditions).scalar_subquery()

    kinds = {"all": count(), **{state: count(condition) for state, condition in STATES.items()}}
    return dict(zip(kinds, db.session.execute(select(*kinds.values())).one(), strict=True))
