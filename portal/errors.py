"""The error every part raises, and one table: number -> HTTP status, title, what to do."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _

BAD_CREDENTIALS = 40013
BAD_TOKEN = 40014
EXPIRED_TOKEN = 42001
BAD_CODE = 40029
NOT_PERMITTED = 60020
NOT_SIGNED_IN = 40100
BAD_STATE = 40300
NOT_A_MEMBER = 40301
NOT_ALLOWED = 40302
NOT_BOUND = 40303
ACCOUNT_DISABLED = 40304
CANCELLED = 40305
FORBIDDEN = 40306
STALE_FORM = 40310
CONFLICT = 40900
TOO_MANY_TRIES = 42900
NO_SUCH_PAGE = 40400
WRONG_METHOD = 40500
TOO_LARGE = 41300
SETTING_MISSING = 47000
SETTING_WRONG = 47001
NOT_FOUND = 60111
UNAVAILABLE = 50300
FAULT = 50000


class Code(Exception):
    """A refusal or failure with a number of `MEANINGS`.

    :param code: the number; scripts and people rely on it.
    :param reason: the cause in English, for the log and for Python callers. It names no other number of the table
        and holds nothing a platform or a visitor sent.
    :param native: the platform's own number, for the log and the fold on the error page.
    :param status: another HTTP status than the table's.
    """

    def __init__(self, code: int, reason: str = "", native: int | str | None = None, status: int | None = None):
        super().__init__(code, reason)
        self.code, self.reason, self.native = code, reason, native
        self.status = status or meaning(code).status

    def __str__(self):
        return f"{self.code}: {self.reason}" if self.reason else str(self.code)

    @property
    def meaning(self) -> "Meaning":
        return meaning(self.code)


@dataclass(frozen=True)
class Meaning:
    """What a number means to people: HTTP status, title, advice, and whether a fresh login may help."""

    status: int
    title: str
    advice: str
    again: bool = True


class Explained(Code):
    """An error whose page says more than the table does.

    :param title: what people read first; lazily translated, as `advice`.
    :param advice: what they can do.
    """

    def __init__(self, code: int, reason: str, title: str, advice: str):
        super().__init__(code, reason)
        self.title, self.advice = title, advice

    @property
    def meaning(self) -> "Meaning":
        """As plain texts: Jinja takes lazy ones for safe, and these may hold what somebody wrote."""
        return Meaning(self.status, str(self.title), str(self.advice))


ASK_ADMIN = _("Only your administrator can mend this. Give them the reference below.")
START_AGAIN = _("Please start again. A login must be finished in the browser it was started in, within ten minutes.")
LATER = _("Please try again in a minute. If it stays like this, tell your administrator the reference below.")

MEANINGS = {
    BAD_CREDENTIALS: Meaning(500, _("This sign-in is not set up correctly"), ASK_ADMIN, again=False),
    BAD_TOKEN: Meaning(502, _("The platform did not accept our request"), LATER),
    EXPIRED_TOKEN: Meaning(502, _("The platform did not accept our request"), LATER),
    BAD_CODE: Meaning(
        400, _("This login code can't be used"), _("It was used already or is too old. Please start again.")
    ),
    NOT_PERMITTED: Meaning(500, _("The platform refuses this portal"), ASK_ADMIN, again=False),
    NOT_SIGNED_IN: Meaning(401, _("You are not signed in"), _("Please sign in to go on.")),
    BAD_STATE: Meaning(400, _("Please start again"), START_AGAIN),
    NOT_A_MEMBER: Meaning(
        403, _("You are not a member of this company"), _("Sign in with your account of this company.")
    ),
    NOT_ALLOWED: Meaning(
        403,
        _("You can't sign in with this account"),
        _("It has left, is disabled, or may not use this portal. If that is wrong, ask your administrator."),
    ),
    NOT_BOUND: Meaning(
        403,
        _("You have no account here yet"),
        _("An administrator has to connect you with an account first. Give them the reference below."),
    ),
    ACCOUNT_DISABLED: Meaning(
        403, _("Your account is disabled"), _("Ask your administrator if you need it again."), again=False
    ),
    CANCELLED: Meaning(400, _("You cancelled the login"), _("Nothing has changed. You can start again at any time.")),
    FORBIDDEN: Meaning(403, _("You may not do this"), _("It needs another role or a fresher sign-in.")),
    STALE_FORM: Meaning(400, _("This page is too old"), _("Go back, reload the page and try once more.")),
    CONFLICT: Meaning(409, _("This has changed meanwhile"), _("Look at how it stands now, then decide again.")),
    TOO_MANY_TRIES: Meaning(429, _("Too many tries"), _("Please wait five minutes, then try again."), again=False),
    NO_SUCH_PAGE: Meaning(404, _("There is nothing here"), _("Check the address, or go back to the start page.")),
    WRONG_METHOD: Meaning(
        405, _("This does not work that way"), _("Go back to the start page and use the buttons there.")
    ),
    TOO_LARGE: Meaning(413, _("That was too large"), _("Send less at once."), again=False),
    SETTING_MISSING: Meaning(500, _("This sign-in is not set up completely"), ASK_ADMIN, again=False),
    SETTING_WRONG: Meaning(500, _("This sign-in is not set up correctly"), ASK_ADMIN, again=False),
    NOT_FOUND: Meaning(404, _("Nobody of that name is known"), _("Check the id and try again."), again=False),
    UNAVAILABLE: Meaning(503, _("Something we need is not answering"), LATER),
    FAULT: Meaning(500, _("Something went wrong here"), LATER),
}


def meaning(code: int) -> Meaning:
    """Return what a number means; an unknown one means 50000."""
    return MEANINGS.get(code, MEANINGS[FAULT])
