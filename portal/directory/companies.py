"""The company of an app's directory, once it is known."""

from sqlalchemy import select

from portal import database
from portal.database import db
from portal.models import AppCompany, Identity

MOST_PEOPLE = 50  # asked about to learn the company


def find_company(provider: str, app: str) -> str:
    """Return the remembered tenant of an app, or ""."""
    row = (AppCompany.provider == provider, AppCompany.app == app)
    return db.session.scalar(select(AppCompany.tenant).where(*row)) or ""


@database.retried
def remember_company(provider: str, app: str, tenant: str) -> None:
    """Store the tenant of an app."""
    with database.write() as session:
        session.merge(AppCompany(provider=provider, app=app, tenant=tenant))


def list_bound_people(element: str) -> list[tuple[str, str]]:
    """Return tenant and subject of an element's newest bound people."""
    is_bound = (Identity.open_ids[element].as_string().is_not(None), Identity.account_id.is_not(None))
    statement = select(Identity.tenant, Identity.subject).where(*is_bound)
    return [tuple(row) for row in db.session.execute(statement.order_by(Identity.id.desc()).limit(MOST_PEOPLE))]
