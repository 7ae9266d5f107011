"""Which company an app reads the directory of, once that is known."""

from sqlalchemy import select

from portal import database
from portal.database import db
from portal.models import AppCompany, Identity

MOST_PEOPLE = 50  # whose company is looked at


def of_app(provider: str, app: str) -> str:
    """Return the company that is remembered for an app, or ""."""
    mine = (AppCompany.provider == provider, AppCompany.app == app)
    return db.session.scalar(select(AppCompany.tenant).where(*mine)) or ""


@database.retried
def remember(provider: str, app: str, tenant: str) -> None:
    with database.write() as session:
        session.merge(AppCompany(provider=provider, app=app, tenant=tenant))


def of_bound_people(element: str) -> list[tuple[str, str]]:
    """Return company and subject of the newest bound people who were read through an element."""
    mine = (Identity.open_ids[element].as_string().is_not(None), Identity.account_id.is_not(None))
    found = select(Identity.tenant, Identity.subject).where(*mine).order_by(Identity.id.desc()).limit(MOST_PEOPLE)
    return [tuple(row) for row in db.session.execute(found)]
