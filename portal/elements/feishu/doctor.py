"""Examines an element of Feishu or Lark: what its app may do, as far as calls can tell.

https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code
"""

import json
from functools import cached_property

from flask_babel import lazy_gettext as _

from portal.elements.doctor.element import BROWSER, CLIENT, COMMON, Doctor, unproven
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WARNING, Advice, Place
from portal.elements.feishu.contacts import NO_PERMISSION, OUT_OF_RANGE, ROOT, segment
from portal.errors import Code
from portal.providers.values import texts

OPEN_IDS = {"user_id_type": "open_id", "department_id_type": "open_department_id"}
NEEDED = {  # field of a person -> the permission that shows it
    "user_id": "contact:user.employee_id:readonly",
    "name": "contact:user.base:readonly",
    "department_ids": "contact:user.department:readonly",
    "status": "contact:user.employee:readonly",
}
OPTIONAL = {
    "email": "contact:user.email:readonly",
    "mobile": "contact:user.phone:readonly",
    "gender": "contact:user.gender:readonly",
}
OF_DEPARTMENT = {
    "name": "contact:department.base:readonly",
    "parent_department_id": "contact:department.organize:readonly",
}
MOST_DEPARTMENTS = 8  # looked into for somebody to look at
REFRESHING = ("v2", "v3")  # dialects that give a refresh token only when asked for one

CREDENTIALS = Place("凭证与基础信息", "Credentials & Basic Info")
SECURITY = Place("安全设置", "Security settings")
REDIRECTS = Place("安全设置 → 重定向 URL", "Security settings → Redirect URLs")
PERMISSIONS = Place("权限管理", "Permissions")
RANGE = Place("权限管理 → 通讯录权限范围", "Permissions → Contact range")
VERSIONS = Place("版本管理与发布", "Version management")
WEB_APP = Place("网页应用", "Web app → desktop and mobile home page")
GRANT = _("Grant %(permissions)s, then release a new version of the app; it counts only after that.")

ADVICE = {
    "credentials": Advice(
        PROBLEM,
        _("The app id or the app secret is wrong."),
        _("Copy both anew into the element's file, or the variable it names, and restart the portal."),
        CREDENTIALS,
    ),
    "app_off": Advice(
        PROBLEM,
        _("The app is switched off, or no version of it is released."),
        _("Release a version of the app and have it approved and enabled."),
        VERSIONS,
    ),
    "address": Advice(
        PROBLEM,
        _("The app accepts calls from listed network addresses only, and this server's is not listed."),
        _("Add this server's public address to the app's list of allowed IP addresses."),
        SECURITY,
    ),
    "contacts_forbidden": Advice(
        PROBLEM,
        _("The app may not read contacts: departments, status and leavers stay unknown."),
        GRANT,
        PERMISSIONS,
    ),
    "range_empty": Advice(
        PROBLEM,
        _("The app's contact range is empty: it sees nobody."),
        _("Choose who may sign in, then release a new version of the app."),
        RANGE,
    ),
    "range_partial": Advice(
        WARNING,
        _("The app's contact range is smaller than the company."),
        _("If more people should sign in or be synced, widen the range and release a new version of the app."),
        RANGE,
    ),
    "department_fields": Advice(
        WARNING,
        _("Of departments the app may not read: %(fields)s."),
        GRANT,
        PERMISSIONS,
    ),
    "person_unread": Advice(
        SKIPPED,
        _("Nobody was found in the contact range whose fields could be looked at."),
        _("Add people to the departments of the range, then check again."),
        RANGE,
    ),
    "person_fields": Advice(
        WARNING,
        _("Of people the app may not read: %(fields)s."),
        GRANT,
        PERMISSIONS,
    ),
    "person_optional": Advice(
        SKIPPED,
        _("Of people the app does not read: %(fields)s. That is fine unless you want it."),
        GRANT,
        PERMISSIONS,
    ),
    "company_unknown": Advice(
        WARNING,
        _("It is not known which company the app belongs to: nothing can be synced."),
        _("Grant tenant:tenant:readonly and release a new version, set tenantKeys, or let somebody sign in first."),
        PERMISSIONS,
    ),
    "company_unlisted": Advice(
        WARNING,
        _("tenantKeys is not set: people of every company that may use the app can sign in."),
        _("Add tenantKeys to %(file)s, for example %(keys)s, and restart the portal."),
    ),
    "company_foreign": Advice(
        PROBLEM,
        _("The app's own company is not among the element's tenantKeys: its people can't sign in."),
        _("Add the company's tenant key to tenantKeys in %(file)s and restart the portal."),
    ),
    **unproven(REDIRECTS, WEB_APP),
    "tokens_unrefreshed": Advice(
        WARNING,
        _("Kept user tokens can't be refreshed: the element does not ask for offline_access."),
        _("Add offline_access to scope in %(file)s, grant it to the app, and restart the portal."),
        PERMISSIONS,
    ),
}


class FeishuDoctor(Doctor):
    """Reads the contact range, one department and one person."""

    checks = {
        "usable": _("Settings"),
        "tokens": _("Kept user tokens"),
        "credentials": _("App id and secret"),
        "clock": _("Clock"),
        "address": _("This server's address"),
        "contacts": _("Permission to read contacts"),
        "reach": _("Contact range"),
        "departments": _("What the app reads of departments"),
        "person": _("What the app reads of people"),
        "company": _("Company"),
        "redirect": _("Redirect URL"),
        "home": _("Home page in the workspace"),
    }
    advice = {**COMMON, **ADVICE}
    stopping = (*Doctor.stopping, "credentials", "app_off", "address")
    needing = ("address", "contacts", "reach", "departments", "person", "company")
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

    def facts(self):
        return {**super().facts(), "permissions": "contact:contact.base:readonly"}

    def tokens(self):
        """A refresh token comes only to who asks for it."""
        dialect, scope = self.element.settings.get("tokenDialect", "v2"), self.element.settings.get("scope", "")
        if self.element.keepUserTokens and dialect in REFRESHING and "offline_access" not in scope.split():
            yield self.finding("tokens_unrefreshed", file=self.element.file)

    def credentials(self):
        """A token asked for anew: a stored one may outlive its secret."""
        self.client.fetch_app_token()

    def address(self):
        """The first call with the token: whether the platform listens to us at all."""
        try:
            self.listed()
        except Code as error:
            if error.native not in NO_PERMISSION:
                raise

    def contacts(self):
        self.listed()

    def reach(self):
        people, departments = self.listed()
        if not people and not departments and not texts(self.scopes.get("group_ids")):
            yield self.finding("range_empty")
        elif not self.whole:
            yield self.finding("range_partial", native=OUT_OF_RANGE)

    def departments(self):
        if missing := absent(OF_DEPARTMENT, self.below or self.first_department()):
            yield self.finding("department_fields", **missing)

    def person(self):
        open_id = self.somebody()
        if open_id is None:
            yield self.finding("person_unread")
            return
        user = self.client.contact(f"users/{segment(open_id)}", **OPEN_IDS).get("user")
        for fields, name in ((NEEDED, "person_fields"), (OPTIONAL, "person_optional")):
            if missing := absent(fields, [user]):
                yield self.finding(name, **missing)

    def company(self):
        """Whose app it is, and whether others are kept out; the directory itself does not tell."""
        listed, own = self.element.tenantKeys, None
        try:
            own = self.client.tenant()
        except Code as error:
            if error.native not in NO_PERMISSION:
                raise
            if not self.known_company():
                yield self.finding("company_unknown", error.native)
        if listed is None:
            keys = json.dumps([own or self.known_company() or "…"], ensure_ascii=False)
            yield self.finding("company_unlisted", file=self.element.file, keys=keys)
        elif own is not None and own not in listed:
            yield self.finding("company_foreign", file=self.element.file)

    def redirect(self):
        """The platform shows its complaint to the person, not to us: only sign-ins prove the address."""
        native = self.refused_lately((20029, 20071))
        if native:
            yield self.finding("redirect_refused", native, address=self.addresses["redirect"])
        elif not self.signed_in(BROWSER):
            yield self.finding("redirect_unproven", address=self.addresses["redirect"])

    def home(self):
        if not self.signed_in(CLIENT):
            yield self.finding("home_unproven", address=self.addresses["home"])

    # What the platform told

    def listed(self) -> tuple[list[str], list[str]]:
        """Return whom the contact range names: the first people and departments."""
        if not hasattr(self, "scopes"):
            self.scopes = self.client.contact("scopes", **OPEN_IDS, page_size=100)
        return texts(self.scopes.get("user_ids")), texts(self.scopes.get("department_ids"))

    @cached_property
    def below(self) -> list[dict] | None:
        """The first departments of the whole company, or `None` where the range is smaller."""
        try:
            return self.under(ROOT)
        except Code as error:
            if error.native != OUT_OF_RANGE:
                raise
            return None

    def under(self, department: str) -> list[dict]:
        path = f"departments/{segment(department)}/children"
        items = self.client.contact(path, **OPEN_IDS, fetch_child="true", page_size=50).get("items")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    @property
    def whole(self) -> bool:
        return self.below is not None

    def first_department(self) -> list[dict]:
        departments = self.listed()[1][:1]
        found = [
            self.client.contact(f"departments/{segment(dept)}", **OPEN_IDS).get("department") for dept in departments
        ]
        return [department for department in found if isinstance(department, dict)]

    def somebody(self) -> str | None:
        """Return the open id of somebody the app may see."""
        people, departments = self.listed()
        if people:
            return people[0]
        below = self.below if self.whole else [inner for outer in departments[:1] for inner in self.under(outer)]
        deeper = texts([department.get("open_department_id") for department in below])
        places = ([ROOT] if self.whole else []) + departments[:3] + deeper
        for department in list(dict.fromkeys(places))[:MOST_DEPARTMENTS]:
            found = self.client.contact("users/find_by_department", department_id=department, **OPEN_IDS, page_size=1)
            ids = [item.get("open_id") for item in found.get("items") or () if isinstance(item, dict)]
            if texts(ids):
                return texts(ids)[0]
        return None

    def known_company(self) -> str:
        try:
            return self.element.known_tenant()
        finally:
            self.rest()


def absent(fields: dict, told: list) -> dict | None:
    """Return which fields nobody of `told` has, as facts for a finding; `None` where nothing was told."""
    told = [item for item in told if isinstance(item, dict)]
    missing = {key: permission for key, permission in fields.items() if told and not any(key in item for item in told)}
    return {"fields": ", ".join(missing), "permissions": ", ".join(missing.values())} if missing else None
