"""What may be wrong with a Feishu app."""

from flask_babel import lazy_gettext as _

from portal.elements.doctor.advice import advise_on_addresses
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WARNING, Advice, Place

CREDENTIALS = Place("凭证与基础信息", "Credentials & Basic Info")
SECURITY = Place("安全设置", "Security settings")
REDIRECTS = Place("安全设置 → 重定向 URL", "Security settings → Redirect URLs")
PERMISSIONS = Place("权限管理", "Permissions")
RANGE = Place("权限管理 → 通讯录权限范围", "Permissions → Contact range")
VERSIONS = Place("版本管理与发布", "Version management")
WEB_APP = Place("网页应用", "Web app → desktop and mobile home page")
GRANT = _("Grant %(permissions)s, then release a new version of the app. A permission takes effect with the release.")

ADVICE = {
    "credentials": Advice(
        PROBLEM,
        _("The app id or the app secret is wrong."),
        _("Copy both again into the element's file, or into the variables that it names, and restart the portal."),
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
        _("The app accepts calls only from listed network addresses. This server's address is not listed."),
        _("Add this server's public address to the app's list of allowed IP addresses."),
        SECURITY,
    ),
    "contacts_forbidden": Advice(
        PROBLEM,
        _("The app may not read contacts. Departments, status and people who have left stay unknown."),
        GRANT,
        PERMISSIONS,
    ),
    "range_empty": Advice(
        PROBLEM,
        _("The app's contact range is empty. The app sees no people."),
        _("Add the people who may sign in to the range, then release a new version of the app."),
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
        _("The app may not read these fields of departments: %(fields)s."),
        GRANT,
        PERMISSIONS,
    ),
    "person_unread": Advice(
        SKIPPED,
        _("No person was found in the contact range, so no fields were checked."),
        _("Add people to the departments of the range, then check again."),
        RANGE,
    ),
    "person_fields": Advice(
        WARNING,
        _("The app may not read these fields of people: %(fields)s."),
        GRANT,
        PERMISSIONS,
    ),
    "person_optional": Advice(
        SKIPPED,
        _("The app does not read these fields of people: %(fields)s. That is fine unless you need them."),
        GRANT,
        PERMISSIONS,
    ),
    "company_unknown": Advice(
        WARNING,
        _("The portal does not know the app's company. Nothing can be synced."),
        _("Grant tenant:tenant:readonly and release a new version, or set tenantKeys, or sign in once first."),
        PERMISSIONS,
    ),
    "company_unlisted": Advice(
        WARNING,
        _("tenantKeys is not set. People of every company that may use the app can sign in."),
        _("Add tenantKeys to %(file)s, for example %(keys)s, and restart the portal."),
    ),
    "company_foreign": Advice(
        PROBLEM,
        _("The app's own company is not in tenantKeys. Its people can't sign in."),
        _("Add the company's tenant key to tenantKeys in %(file)s and restart the portal."),
    ),
    **advise_on_addresses(REDIRECTS, WEB_APP),
    "tokens_unrefreshed": Advice(
        WARNING,
        _("Stored user tokens can't be refreshed, because the element does not ask for offline_access."),
        _("Add offline_access to scope in %(file)s, grant it to the app, and restart the portal."),
        PERMISSIONS,
    ),
}
