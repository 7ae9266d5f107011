"""The error every part raises, and one table: number -> HTTP status, title, what to do."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _


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
    40013: Meaning(500, _("This sign-in is not set up correctly"), ASK_ADMIN, again=False),
    40014: Meaning(502, _("The platform did not accept our request"), LATER),
    42001: Meaning(502, _("The platform did not accept our request"), LATER),
    40029: Meaning(
        400, _("This login code can't be used"), _("It was used already or is too old. Please start again.")
    ),
    60020: Meaning(500, _("The platform refuses this portal"), ASK_ADMIN, again=False),
    40100: Meaning(401, _("You are not signed in"), _("Please sign in to go on.")),
    40300: Meaning(400, _("Please start again"), START_AGAIN),
    40301: Meaning(403, _("You are not a member of this company"), _("Sign in with your account of this company.")),
    40302: Meaning(
        403,
        _("You can't sign in with this account"),
        _("It has left, is disabled, or may not use this portal. If that is wrong, ask your administrator."),
    ),
    40303: Meaning(
        403,
        _("You have no account here yet"),
        _("An administrator has to connect you with an account first. Give them the reference below."),
    ),
    40304: Meaning(403, _("Your account is disabled"), _("Ask your administrator if you need it again."), again=False),
    40305: Meaning(400, _("You cancelled the login"), _("Nothing has changed. You can start again at any time.")),
    40306: Meaning(403, _("You may not do this"), _("It needs another role or a fresher sign-in.")),
    40310: Meaning(400, _("This page is too old"), _("Go back, reload the page and try once more.")),
    40900: Meaning(409, _("This has changed meanwhile"), _("Look at how it stands now, then decide again.")),
    42900: Meaning(429, _("Too many tries"), _("Please wait five minutes, then try again."), again=False),
    40400: Meaning(404, _("There is nothing here"), _("Check the address, or go back to the start page.")),
    40500: Meaning(405, _("This does not work that way"), _("Go back to the start page and use the buttons there.")),
    41300: Meaning(413, _("That was too large"), _("Send less at once."), again=False),
    47000: Meaning(500, _("This sign-in is not set up completely"), ASK_ADMIN, again=False),
    47001: Meaning(500, _("This sign-in is not set up correctly"), ASK_ADMIN, again=False),
    60111: Meaning(404, _("Nobody of that name is known"), _("Check the id and try again."), again=False),
    50300: Meaning(503, _("Something we need is not answering"), LATER),
    50000: Meaning(500, _("Something went wrong here"), LATER),
}


def meaning(code: int) -> Meaning:
    """Return what a number means; an unknown one means 50000."""
    return MEANINGS.get(code, MEANINGS[50000])
