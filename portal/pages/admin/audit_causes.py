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

    :param remedy: what an administrator can do; empty where nothing is wrong with the person or the account.
    :param page: the endpoint of the page for it; without one, the audit log says more.
    """

    text: LazyString | str
    remedy: LazyString | str = ""
    page: str | None = None


def make_setup_cause(text: LazyString) -> Cause:
    """Return a cause that the check of the login explains."""
    return Cause(
        text,
        _("Check the login on the page Logins: it names the setting and the place in the platform's console."),
        "admin_elements.show",
    )


def make_passing_cause(text: LazyString) -> Cause:
    """Return a cause that may be gone in a minute."""
    return Cause(
        text,
        _("Ask them to try again in a minute. The page Logins tells whether the platform can be reached."),
        "admin_elements.show",
    )


CAUSES = {
    errors.BAD_CREDENTIALS: make_setup_cause(_("App ID or secret is wrong")),
    errors.BAD_TOKEN: make_passing_cause(_("The platform refused the portal's token")),
    errors.EXPIRED_TOKEN: make_passing_cause(_("The platform refused the portal's token")),
    errors.BAD_CODE: Cause(_("Sign-in code used or expired")),
    errors.NOT_PERMITTED: make_setup_cause(_("The platform refuses the app")),
    errors.NOT_SIGNED_IN: Cause(_("Not signed in")),
    errors.BAD_STATE: Cause(_("Page too old, or another browser")),
    errors.NOT_A_MEMBER: Cause(
        _("Not a member of this company"),
        _("The person scanned with an account of another company. Ask them to use the company's app."),
    ),
    errors.NOT_ALLOWED: Cause(
        _("Departed, frozen or outside the app's range"),
        _("Check in the platform's console whether the person is active and may use the app."),
    ),
    errors.NOT_BOUND: Cause(_("Not bound to an account"), _("Bind the person to an account."), "admin_queue.show"),
    errors.ACCOUNT_DISABLED: Cause(_("The account is disabled"), _("Enable the account if the person needs it again.")),
    errors.CANCELLED: Cause(_("Cancelled by the person")),
    errors.FORBIDDEN: Cause(_("This needs another role or a more recent sign-in")),
    errors.STALE_FORM: Cause(_("The page had expired")),
    errors.CONFLICT: Cause(_("Changed in the meantime, or bound elsewhere")),
    errors.TOO_MANY_TRIES: Cause(_("Too many attempts"), _("They can try again in five minutes.")),
    errors.SETTING_MISSING: make_setup_cause(_("A setting of the login is missing")),
    errors.SETTING_WRONG: make_setup_cause(_("A setting of the login is wrong")),
    errors.NOT_FOUND: Cause(
        _("No such person or account"), _("Check in the platform's console whether the person is still there.")
    ),
    errors.UNAVAILABLE: make_passing_cause(_("Platform not reachable")),
    errors.FAULT: Cause(_("An error in the portal"), _("Search the server's log for the reference.")),
}


CAUSES_OF_ACTS = {  # where the number alone says too little
    ("application.refuse", errors.FORBIDDEN): Cause(
        _("In no group that may enter"), _("Add the account to a group of the application if they need it.")
    ),
    ("door.refuse", errors.BAD_STATE): Cause(_("Link too old, used already, or from another browser")),
    ("group.edit", errors.CONFLICT): Cause(_("Changed in the meantime, or the name is taken")),
}


def find_cause(number: int, action: str = "") -> Cause:
    """Return the cause of an error number.

    An unknown one means `FAULT`.

    :param action: the act that did not succeed; of some the cause is known better.
    """
    return CAUSES_OF_ACTS.get((action, number)) or CAUSES.get(number, CAUSES[errors.FAULT])
