"""Why acts did not succeed, in words for administrators.

The titles of `portal.errors` address the person it happened to; these speak of them.
"""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from portal import errors


@dataclass(frozen=True)
class Cause:
    """Why an act did not succeed.

    :param remedy: what an administrator can do; empty if there is nothing to do.
    """

    text: LazyString | str
    remedy: LazyString | str = ""


SETUP = _("Check the login on the page Logins.")
PLATFORM = _("If it happens again, check the login on the page Logins.")
CAUSES = {
    errors.BAD_CREDENTIALS: Cause(_("The platform does not accept the app's ID or secret"), SETUP),
    errors.BAD_TOKEN: Cause(_("The platform did not accept the portal's token"), PLATFORM),
    errors.EXPIRED_TOKEN: Cause(_("The platform did not accept the portal's token"), PLATFORM),
    errors.BAD_CODE: Cause(_("The sign-in code was already used or had expired")),
    errors.NOT_PERMITTED: Cause(_("The platform refuses the app: a permission or a trusted address is missing"), SETUP),
    errors.NOT_SIGNED_IN: Cause(_("Not signed in")),
    errors.BAD_STATE: Cause(_("Started in another browser, or more than ten minutes before")),
    errors.NOT_A_MEMBER: Cause(_("Not a member of this company")),
    errors.NOT_ALLOWED: Cause(
        _("Departed or disabled at the platform, or not allowed to use the portal"),
        _("Check the person's state at the platform, and whether the app is available to them."),
    ),
    errors.NOT_BOUND: Cause(_("Not bound to an account"), _("Bind the person to an account.")),
    errors.ACCOUNT_DISABLED: Cause(_("The account is disabled"), _("Enable the account if it is needed again.")),
    errors.CANCELLED: Cause(_("Cancelled by the person")),
    errors.FORBIDDEN: Cause(_("This needs another role or a more recent sign-in")),
    errors.STALE_FORM: Cause(_("The page had expired")),
    errors.CONFLICT: Cause(_("It had changed in the meantime, or is bound elsewhere")),
    errors.TOO_MANY_TRIES: Cause(_("Too many attempts")),
    errors.SETTING_MISSING: Cause(_("The login is not set up completely"), SETUP),
    errors.SETTING_WRONG: Cause(_("The login is not set up correctly"), SETUP),
    errors.NOT_FOUND: Cause(_("There is no such person or account")),
    errors.UNAVAILABLE: Cause(_("A service the portal needs did not respond"), PLATFORM),
    errors.FAULT: Cause(_("An error in the portal"), _("Search the server's log for the reference.")),
}


def find_cause(number: int) -> Cause:
    """Return the cause of an error number.

    An unknown one means `FAULT`.
    """
    return CAUSES.get(number, CAUSES[errors.FAULT])
