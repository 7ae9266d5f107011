"""Examines what a Feishu app may do.

https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property

from flask_babel import lazy_gettext as _

from portal import database
from portal.directory import companies
from portal.directory.companies import Company
from portal.elements.doctor.advice import COMMON
from portal.elements.doctor.element import BROWSER_KINDS, CLIENT_KINDS, Doctor
from portal.elements.doctor.examination import Finding
from portal.elements.feishu.contacts import NO_PERMISSION
from portal.elements.feishu.doctor.advice import ADVICE, REDIRECTS, WEB_APP
from portal.elements.feishu.entries import quote_id
from portal.elements.feishu.survey import OUT_OF_RANGE, ROOT
from portal.errors import Code
from portal.providers.values import texts

OPEN_IDS = {"user_id_type": "open_id", "department_id_type": "open_department_id"}
NEEDED_FIELDS = {  # field of a person -> the permission that shows it
    "user_id": "contact:user.employee_id:readonly",
    "name": "contact:user.base:readonly",
    "department_ids": "contact:user.department:readonly",
    "status": "contact:user.employee:readonly",
}
OPTIONAL_FIELDS = {
    "email": "contact:user.email:readonly",
    "mobile": "contact:user.phone:readonly",
    "gender": "contact:user.gender:readonly",
}
DEPARTMENT_FIELDS = {
    "name": "contact:department.base:readonly",
    "parent_department_id": "contact:department.organize:readonly",
}
MOST_DEPARTMENTS = 8  # searched for a person
DIALECTS_WITH_OFFLINE_ACCESS = ("v2", "v3")  # they give a refresh token only when asked for one


class FeishuDoctor(Doctor):
    """Reads the contact range, one department and one person."""

    checks = {
        "usable": _("Settings"),
        "tokens": _("Stored user tokens"),
        "credentials": _("App id and secret"),
        "clock": _("Clock"),
        "address": _("This server's address"),
        "contacts": _("Permission to read contacts"),
        "range": _("Contact range"),
        "departments": _("Readable fields of departments"),
        "person": _("Readable fields of people"),
        "company": _("Company"),
        "redirect": _("Redirect URL"),
        "home": _("Home page in the workspace"),
    }
    advice = {**COMMON, **ADVICE}
    blocking = (*Doctor.blocking, "credentials", "app_off", "address")
    dependent = ("address", "contacts", "range", "departments", "person", "company")
    numbers = {
        **dict.fromkeys((10003, 10014, 10015), "credentials"),
        **dict.fromkeys((99991662, 99991673), "app_off"),
        99991401: "address",
        **dict.fromkeys((99991400, 99991403, 1000004, 1000005), "busy"),
        **dict.fromkeys(NO_PERMISSION, "contacts_forbidden"),
    }
    public = (
        *Doctor.public,
        *("appId", "region", "tokenDialect", "qrTokenDialect", "authCodeDialect", "tenantKeys", "keepUserTokens"),
        *("openBaseUrl", "accountsBaseUrl", "passportBaseUrl", "qrSdkUrl", "h5SdkUrl"),
    )
    fields = (
        (_("Callback address"), "redirect", REDIRECTS),
        (_("Page that asks the client for a code"), "home", REDIRECTS),
        (_("Home page in the workspace"), "home", WEB_APP),
    )

    def list_facts(self) -> dict:
        return {**super().list_facts(), "permissions": "contact:contact.base:readonly"}

    # Checks

    def check_tokens(self) -> Iterator[Finding]:
        """Check that stored tokens can be refreshed."""
        dialect, scope = self.element.settings.get("tokenDialect", "v2"), self.element.settings.get("scope", "")
        is_asked = dialect not in DIALECTS_WITH_OFFLINE_ACCESS or "offline_access" in scope.split()
        if self.element.keepUserTokens and not is_asked:
            yield self.make_finding("tokens_unrefreshed", file=self.element.file)

    def check_credentials(self) -> None:
        """Fetch a new token.

        A stored one may outlive its secret.
        """
        self.client.fetch_app_token()

    def check_address(self) -> None:
        """Make a first call with the token.

        It shows whether the platform accepts calls from this server.
        """
        try:
            self.read_range()
        except Code as error:
            if error.native not in NO_PERMISSION:
                raise

    def check_contacts(self) -> None:
        """Check the permission to read contacts."""
        self.read_range()

    def check_range(self) -> Iterator[Finding]:
        """Check that the contact range is the whole company."""
        people, departments = self.read_range()
        if not people and not departments and not texts(self.scopes.get("group_ids")):
            yield self.make_finding("range_empty")
        elif not self.sees_company:
            yield self.make_finding("range_partial", native=OUT_OF_RANGE)

    def check_departments(self) -> Iterator[Finding]:
        """Check which fields of departments the app may read."""
        if facts := find_missing_fields(DEPARTMENT_FIELDS, self.first_departments or self.read_range_department()):
            yield self.make_finding("department_fields", **facts)

    def check_person(self) -> Iterator[Finding]:
        """Check which fields of a person the app may read."""
        open_id = self.find_person()
        if open_id is None:
            yield self.make_finding("person_unread")
            return
        user = self.client.ask_contacts(f"users/{quote_id(open_id)}", **OPEN_IDS).get("user")
        for fields, name in ((NEEDED_FIELDS, "person_fields"), (OPTIONAL_FIELDS, "person_optional")):
            if facts := find_missing_fields(fields, [user]):
                yield self.make_finding(name, **facts)

    def check_company(self) -> Iterator[Finding]:
        """Check the app's company and the allowed companies.

        The directory itself does not tell the company.
        """
        allowed, own = self.element.tenantKeys, None
        try:
            company = self.client.read_company()
            own = company.tenant
            self.remember_company(company)
        except Code as error:
            if error.native not in NO_PERMISSION:
                raise
            if not self.read_known_tenant():
                yield self.make_finding("company_unknown", error.native)
        if allowed is None:
            keys = json.dumps([own or self.read_known_tenant() or "…"], ensure_ascii=False)
            yield self.make_finding("company_unlisted", file=self.element.file, keys=keys)
        elif own is not None and own not in allowed:
            yield self.make_finding("company_foreign", file=self.element.file)

    def check_redirect(self) -> Iterator[Finding]:
        """Check earlier sign-ins for the redirect address.

        The platform shows its complaint to the person and not to us.
        """
        native = self.find_recent_refusal((20029, 20071))
        if native:
            yield self.make_finding("redirect_refused", native, address=self.addresses["redirect"])
        elif not self.has_sign_in(BROWSER_KINDS):
            yield self.make_finding("redirect_unproven", address=self.addresses["redirect"])

    def check_home(self) -> Iterator[Finding]:
        """Check for earlier sign-ins from the workspace."""
        if not self.has_sign_in(CLIENT_KINDS):
            yield self.make_finding("home_unproven", address=self.addresses["home"])

    # What the platform tells

    def read_range(self) -> tuple[list[str], list[str]]:
        """Return the first people and departments of the contact range."""
        if not hasattr(self, "scopes"):
            self.scopes = self.client.ask_contacts("scopes", **OPEN_IDS, page_size=100)
        return texts(self.scopes.get("user_ids")), texts(self.scopes.get("department_ids"))

    @cached_property
    def first_departments(self) -> list[dict] | None:
        """The first departments of the company.

        `None` in a smaller range.
        """
        try:
            return self.read_below(ROOT)
        except Code as error:
            if error.native != OUT_OF_RANGE:
                raise
            return None

    @property
    def sees_company(self) -> bool:
        return self.first_departments is not None

    def read_below(self, department: str) -> list[dict]:
        """Return the first departments below one."""
        path = f"departments/{quote_id(department)}/children"
        items = self.client.ask_contacts(path, **OPEN_IDS, fetch_child="true", page_size=50).get("items")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def read_range_department(self) -> list[dict]:
        """Return the first department of the range, if any."""
        _people, ids = self.read_range()
        rows = [
            self.client.ask_contacts(f"departments/{quote_id(dept_id)}", **OPEN_IDS).get("department")
            for dept_id in ids[:1]
        ]
        return [row for row in rows if isinstance(row, dict)]

    def find_person(self) -> str | None:
        """Return the open id of a person in the range."""
        people, departments = self.read_range()
        if people:
            return people[0]
        rows = self.first_departments
        if rows is None:
            rows = [row for department in departments[:1] for row in self.read_below(department)]
        deeper = texts([row.get("open_department_id") for row in rows])
        candidates = ([ROOT] if self.sees_company else []) + departments[:3] + deeper
        for department in list(dict.fromkeys(candidates))[:MOST_DEPARTMENTS]:
            params = {**OPEN_IDS, "department_id": department, "page_size": 1}
            page = self.client.ask_contacts("users/find_by_department", **params)
            ids = texts([item.get("open_id") for item in page.get("items") or () if isinstance(item, dict)])
            if ids:
                return ids[0]
        return None

    def remember_company(self, company: Company) -> None:
        """Store the company's name, where the database can be written."""
        with suppress(*database.FAILURES):
            companies.remember_company(self.element.provider, self.client.app_key(), company)

    def read_known_tenant(self) -> str:
        try:
            return self.element.recall_tenant()
        finally:
            self.end_transaction()


def find_missing_fields(fields: dict[str, str], rows: list) -> dict[str, str] | None:
    """Return fields that no row has, for a finding.

    :param fields: field -> the permission that shows it.
    :return: `None` where no field is missing, or where there is no row.
    """
    rows = [row for row in rows if isinstance(row, dict)]
    missing = [field for field in fields if rows and not any(field in row for row in rows)]
    if not missing:
        return None
    return {"fields": ", ".join(missing), "permissions": ", ".join(fields[field] for field in missing)}
