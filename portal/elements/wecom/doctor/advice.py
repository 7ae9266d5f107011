"""What may be wrong with an app of WeCom."""

from flask_babel import lazy_gettext as _

from portal.elements.doctor.advice import advise_on_addresses
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WARNING, Advice, Place

COMPANY = Place("我的企业 → 企业信息", "My Company → Company Information")
APP = Place("应用管理 → 应用 → 自建", "App Management → Apps → Self-built")
ALLOWED = Place("应用管理 → 应用 → 自建 → 可见范围", "App Management → Apps → Self-built → Allowed users")
HOME = Place("应用主页", "App homepage")
DOMAIN = Place(
    "开发者接口 → 网页授权及JS-SDK → 可信域名", "Developer API → Web Authorization and JS-SDK → trusted domain"
)
PROOF = Place(
    "开发者接口 → 网页授权及JS-SDK → 申请校验域名", "Developer API → Web Authorization and JS-SDK → domain verification"
)
CALLBACK = Place(
    "开发者接口 → 企业微信授权登录 → Web网页 → 授权回调域",
    "Developer API → Log in via WeCom authorization → Web → authorised callback domain",
)
TRUSTED = Place("开发者接口 → 企业可信IP", "Developer API → Company's Trusted IP")

ADVICE = {
    "company_id": Advice(
        PROBLEM,
        _("The company id is wrong."),
        _("Copy it again into corpId of %(file)s and restart the portal."),
        COMPANY,
    ),
    "secret": Advice(
        PROBLEM,
        _("The app's secret is wrong, or the app is stopped."),
        _(
            "Copy the app's own secret again into corpSecret, or into the variable that it names, and restart "
            "the portal."
        ),
        APP,
    ),
    "app_off": Advice(PROBLEM, _("The app is switched off."), _("Enable the app."), APP),
    "address": Advice(
        PROBLEM,
        _(
            "The app accepts calls only from trusted network addresses. "
            "This server's address is not trusted: %(caller)s."
        ),
        _(
            "Add that address to the trusted IPs. This takes effect after about a minute. "
            "If the address changes, set httpProxy."
        ),
        TRUSTED,
    ),
    "contact_secret": Advice(
        PROBLEM,
        _("This is the secret of contact sync, which may no longer read members."),
        _("Use the secret of a self-built app."),
        APP,
    ),
    "forbidden": Advice(
        PROBLEM,
        _("The app may not call %(call)s."),
        _("Use the agent id and the secret of a self-built app."),
        APP,
    ),
    "agent_id": Advice(
        PROBLEM,
        _("The agent id and the secret belong to different apps."),
        _("Copy the agent id and the secret from the same page, and restart the portal."),
        APP,
    ),
    "range_empty": Advice(
        PROBLEM,
        _("The app's visible range is empty. Members can't sign in."),
        _("Add all members who may sign in. Add them by department if you want to sync the directory."),
        ALLOWED,
    ),
    "range_people": Advice(
        WARNING,
        _("The app's visible range has no department. Only the members named there are synced."),
        _("To sync departments, add departments instead of single members."),
        ALLOWED,
    ),
    "person_out_of_range": Advice(
        PROBLEM,
        _("WeCom refuses to tell about a member in the app's range."),
        _("Set the visible range again. A change may take a few minutes."),
        ALLOWED,
    ),
    "person_unread": Advice(
        SKIPPED,
        _("No member was found in the visible range, so no fields were checked."),
        _("Add members to the departments of the range, then check again."),
        ALLOWED,
    ),
    "person_optional": Advice(
        SKIPPED,
        _("WeCom does not tell this app mobile number, e-mail, avatar and gender. That is fine unless you need them."),
        _('Set "scope" to "snsapi_privateinfo". Inside the client, each member is then asked for consent.'),
    ),
    "domain": Advice(
        PROBLEM,
        _("The app's trusted domain is not %(host)s."),
        _("Set it to %(host)s, without scheme and path. Include the port unless it is the default one."),
        DOMAIN,
    ),
    "domain_unread": Advice(
        SKIPPED,
        _("WeCom does not tell the app's trusted domain."),
        _("Check that it is exactly %(host)s."),
        DOMAIN,
    ),
    "home": Advice(
        WARNING,
        _("The app's home page is not the portal's. People who open the app are not signed in."),
        _("Set it to %(address)s."),
        HOME,
    ),
    "proof_unset": Advice(
        SKIPPED,
        _("No file for domain verification is set."),
        _("If WeCom asks for one, put its name and content into domainVerification of %(file)s."),
        PROOF,
    ),
    "proof_unreachable": Advice(
        WARNING,
        _("This server can't reach its own public address, so the verification file was not checked."),
        _("Open %(address)s from outside. It must show the file's content without a sign-in."),
        PROOF,
    ),
    "proof_wrong": Advice(
        PROBLEM,
        _("%(address)s does not show the verification file."),
        _("Configure the proxy in front to forward this address to the portal unchanged."),
        PROOF,
    ),
    **advise_on_addresses(CALLBACK, HOME),
}
