"""The companies of apps' directories, and their names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from portal import database
from portal.database import db
from portal.models import AppCompany, Identity

MOST_PEOPLE = 50  # asked about to learn the company
OTHER_COMPANY = _("Other company")


class Company(NamedTuple):
    """The company of an app.

    :param tenant: the platform's key for it; "" where that is not known.
    :param name: "" where it is not known.
    """

    tenant: str = ""
    name: str = ""


# One app's company


def find_company(provider: str, app: str) -> str:
    """Return the remembered tenant of an app, or ""."""
    row = (AppCompany.provider == provider, AppCompany.app == app)
    return db.session.scalar(select(AppCompany.tenant).where(*row)) or ""


def has_asked(provider: str, app: str) -> bool:
    """Tell whether the platform was asked for an app's company."""
    row = (AppCompany.provider == provider, AppCompany.app == app, AppCompany.name.is_not(None))
    return db.session.scalar(select(AppCompany.app).where(*row)) is not None


@database.retried
def remember_company(provider: str, app: str, company: Company) -> None:
    """Store the company of an app."""
    with database.write() as session:
        session.merge(AppCompany(provider=provider, app=app, **company._asdict()))


def list_bound_people(element: str) -> list[tuple[str, str]]:
    """Return tenant and subject of an element's newest bound people."""
    is_bound = (Identity.open_ids[element].as_string().is_not(None), Identity.account_id.is_not(None))
    statement = select(Identity.tenant, Identity.subject).where(*is_bound)
    return [tuple(row) for row in db.session.execute(statement.order_by(Identity.id.desc()).limit(MOST_PEOPLE))]


# The names on pages


@dataclass(frozen=True)
class CompanyNames:
    """The names of companies, read once for a page.

    :param own: provider and tenant of an own company -> its name, or "".
    :param settled: the providers whose own companies are all known.
    """

    own: dict[tuple[str, str], str]
    settled: set[str]

    def name(self, provider: str, tenant: str) -> str:
        """Return a company's name for people, or "".

        Of another company it is that it is another one.
        """
        if (provider, tenant) in self.own:
            return self.own[provider, tenant]
        return str(OTHER_COMPANY) if self.is_other(provider, tenant) else ""

    def is_other(self, provider: str, tenant: str) -> bool:
        """Tell whether a company is known to be another one."""
        return provider in self.settled and (provider, tenant) not in self.own

    def label(self, companies: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return a label for each company of a list.

        Companies whose names do not tell them apart have their keys in it, too.

        :param companies: provider and tenant.
        """
        names = {company: self.name(*company) for company in companies}
        labels = [(provider, name) for (provider, _tenant), name in names.items()]
        return {
            (provider, tenant): name if name and labels.count((provider, name)) == 1 else f"{name} {tenant}".strip()
            for (provider, tenant), name in names.items()
        }


def read_names() -> CompanyNames:
    """Return the names of all companies, with one query."""
    stored = {(row.provider, row.app): row for row in db.session.scalars(select(AppCompany))}
    own = {(row.provider, row.tenant): row.name or "" for row in stored.values()}
    elements, unsettled = current_app.elements.list_usable(), set()
    for element in elements:
        company = element.own_company()
        if company.tenant:
            key = (element.provider, company.tenant)
            own[key] = company.name or own.get(key, "")
        elif not element.has_directory or (element.provider, element.directory_client().app_key()) not in stored:
            unsettled.add(element.provider)
    return CompanyNames(own, {element.provider for element in elements} - unsettled)
