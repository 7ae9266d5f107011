"""The values and filters that every template can use."""

from collections.abc import Iterable

from flask import Flask, current_app, g, request
from flask_babel import format_decimal, pgettext

import portal
from portal.accounts.contact_data import mask_email, mask_mobile
from portal.applications import launching
from portal.directory import companies
from portal.directory.companies import CompanyNames
from portal.pages import headers
from portal.pages.element_names import join_platforms
from portal.pages.language import LANGUAGES, get_language
from portal.pages.local_addresses import accept_local_path, get_request_address
from portal.pages.local_times import describe_age, format_day, format_exact, format_short
from portal.pages.pictures import find_picture

ACCOUNT_PAGES = ("account.show", "account.confirm_bind", "account.unbind", "account.sign_out")
# Pages one may open again just so, besides the administrators'.
LANGUAGE_KEEPS = ("login_page.show", "login.once", "waiting.show", "launcher.show", *ACCOUNT_PAGES)


def init_app(app: Flask) -> None:
    """Give the templates their common values and filters."""
    app.context_processor(collect_page_values)
    app.jinja_env.filters.update(
        ago=describe_age, short_date=format_day, short_time=format_short, exact_time=format_exact
    )
    app.jinja_env.filters.update(masked=mask_address, number=format_decimal)
    app.jinja_env.filters.update(picture=find_picture)
    app.jinja_env.filters.update(masked_mobile=mask_mobile, masked_email=mask_email)
    # Macros that a page imports see these, too.
    app.jinja_env.globals.update(
        name_company=get_company_name, label_companies=label_companies, is_other_company=is_other_company
    )


def collect_page_values() -> dict:
    """Return what every page shows.

    The signed-in user is among it only where a view has looked. `here` is where the language switch leads: an error
    page of an address that can't be opened again has none, and so no switch.
    """
    address = accept_local_path(get_request_address()) if request.method == "GET" else None
    here = address if address and may_reopen() else None if g.get("shows_error") else "/"
    if here == "/":  # the language switch leads to the start page, and that one on
        headers.allow_home_from_forms()
    return {
        "title": current_app.config["PORTAL_TITLE"] or pgettext("name of the portal", "Sign in"),
        "languages": LANGUAGES,
        "language": get_language(),
        "signed_in": g.get("signed_in"),
        "has_applications": find_applications,
        "here": here,
        "asked_for": address,
        "base_url": current_app.config["PORTAL_BASE_URL"],
        "reference": g.reference,
        "platform_names": join_platforms,
        "portal_version": portal.__version__,
    }


def find_applications() -> bool:
    """Tell whether a page leads to the applications.

    A page that tells of a failure asks nothing: its database may be away.
    """
    if "has_applications" not in g:
        g.has_applications = not g.get("shows_error") and launching.has_active_applications()
    return g.has_applications


def may_reopen() -> bool:
    """Tell whether this address may be opened again just so.

    An address without a page may, too.
    """
    is_admins = (request.blueprint or "").startswith("admin")
    return request.endpoint is None or request.endpoint in LANGUAGE_KEEPS or is_admins


def get_company_name(provider: str, tenant: str) -> str:
    """Return a company's name, or ""."""
    return read_company_names().name(provider, tenant)


def is_other_company(provider: str, tenant: str) -> bool:
    """Tell whether a company is known to be another one."""
    return read_company_names().is_other(provider, tenant)


def label_companies(tenants: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return a label for each company of a list.

    :param tenants: provider and tenant.
    """
    return read_company_names().label(tenants)


def read_company_names() -> CompanyNames:
    """Return the names of companies, read once for a page."""
    if "company_names" not in g:
        g.company_names = companies.read_names()
    return g.company_names


def mask_address(address: str) -> str:
    """Return a network address without its last part.

    That is enough to recognise a place, and too little to find a person.
    """
    head, dot, _last = address.rpartition("." if "." in address else ":")
    return f"{head}{dot}*" if dot else address
