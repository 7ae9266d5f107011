"""The causes of failed sign-ins, and their remedies."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from portal import errors


@dataclass(frozen=True)
class Cause:
    """The cause of a failure in an administrator's words.

    :param page: the endpoint of the page where something can be done about it; none: the audit log says more.
    """

    words: LazyString
    remedy: LazyString
    page: str | None = None


CHECK_LOGIN = _("Check the login on the page Logins: it names the setting and the place in the platform's console.")
SCAN_AGAIN = _("Nothing is wrong with the person or the account. They can start again.")
WAIT = _("Ask them to try again in a minute. The page Logins tells whether the platform can be reached.")
CAUSES = {
    errors.NOT_BOUND: Cause(_("not bound"), _("Bind the person to an account."), "admin_queue.show"),
    errors.ACCOUNT_DISABLED: Cause(_("account disabled"), _("Enable the account if the person needs it again.")),
    errors.CANCELLED: Cause(_("cancelled by the person"), SCAN_AGAIN),
    errors.NOT_ALLOWED: Cause(
        _("departed, frozen or outside the app's range"),
        _("Check in the platform's console whether the person is active and may use the app."),
    ),
    errors.NOT_A_MEMBER: Cause(
        _("not a member of the company"),
        _("The person scanned with an account of another company. Ask them to use the company's app."),
    ),
    errors.BAD_STATE: Cause(_("page too old, or another browser"), SCAN_AGAIN),
    errors.BAD_CODE: Cause(_("code used or expired"), SCAN_AGAIN),
    errors.CONFLICT: Cause(_("changed at the same time"), SCAN_AGAIN),
    errors.FORBIDDEN: Cause(_("confirmed as another account"), SCAN_AGAIN),
    errors.TOO_MANY_TRIES: Cause(_("too many attempts"), _("They can try again in five minutes.")),
    errors.BAD_CREDENTIALS: Cause(_("app ID or secret is wrong"), CHECK_LOGIN, "admin_elements.show"),
    errors.NOT_PERMITTED: Cause(_("the platform refuses the app"), CHECK_LOGIN, "admin_elements.show"),
    errors.SETTING_MISSING: Cause(_("a setting of the login is missing"), CHECK_LOGIN, "admin_elements.show"),
    errors.SETTING_WRONG: Cause(_("a setting of the login is wrong"), CHECK_LOGIN, "admin_elements.show"),
    errors.BAD_TOKEN: Cause(_("the platform refused the portal's token"), WAIT, "admin_elements.show"),
    errors.EXPIRED_TOKEN: Cause(_("the platform refused the portal's token"), WAIT, "admin_elements.show"),
    errors.UNAVAILABLE: Cause(_("platform not reachable"), WAIT, "admin_elements.show"),
    errors.NOT_FOUND: Cause(
        _("unknown to the platform"), _("Check in the platform's console whether the person is still there.")
    ),
}
OTHER = Cause(_("another error"), _("Look up the reference in the portal's log."))


def find_cause(number: int) -> Cause:
    """Return the cause that an error number stands for."""
    return CAUSES.get(number, OTHER)
