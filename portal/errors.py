"""The numbers of errors, their meanings, and every exception class.

`MEANINGS` maps each number to HTTP status, title and advice. `Code` carries a number, and is what pages show. The tree
of all exception classes of the portal, below the classes they come from:

    Exception
        Code                        a number, and the cause in English
            AccountChanged          the account is not as an administrator saw it
            AccountDisabled         the account is disabled
            AnswerAboutAnother      the platform's answer is about another person
            ApplicationChanged      the application is not as an administrator saw it
            Explained               its page says more than the table does
                AccountTaken        the account has another person of that company
                AnotherPerson       only the account's own people can confirm a sign-in
                BindingChanged      the binding is not as an administrator saw it
                BoundElsewhere      the person is bound to another account
                CompanyTaken        the user's account has another person of this company
                GroupInUse          applications use the group
                LastAdministrator   the portal would lose its last administrator
                LastWayIn           the account would have no way in
                NoAccess            no group of the account may enter the application
                OtherHost           the application does not have this host
                PersonRefused       an administrator has refused the person
                ProxyWrong          a proxy and the portal do not agree
                TicketUseless       a ticket does not work, or not here
                TooManySecrets      two secrets of the application are in use
            GroupChanged            the group is not as an administrator saw it
            GroupNameTaken          another group has the name
            NotBound                the person has no account, and may wait for one
            PersonAbsent            the person has left or is frozen
            PlatformBusy            the platform limits our calls
            PlatformUnreachable     no answer came
            PromotionNotAsked       the operator must say that the account's people are meant
            SignInTooOld            the user must confirm the sign-in first
            TooManyTries            a browser or an address has tried too often
            UsernameTaken           another account has the username
        LeaseLost                   another run of a sync has taken over
        LineProblem                 a line of an import can't be applied
        Silence                     the host of an application gave no answer
        SurveyStopped               the reading of a directory has ended
        SyncGuarded                 a sync would take the access of too many people
    ValueError
        BadFile                     an uploaded file can't be used
        FaultyFile                  a file of applications can't be applied
        InvalidFields               fields of a form can't be used
        MissingHeader               a proxy has not sent a header
        UnreadableFile              a file is no CSV file of text
    requests.ConnectionError
        PlatformPaused              an address that fails again and again is left alone
    requests.exceptions.SSLError
        MissingAuthorities          the file of certificate authorities can't be read
"""

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
    """The meaning of a number for people.

    :param again: whether a fresh login may help.
    """

    status: int
    title: str
    advice: str
    again: bool = True


class Explained(Code):
    """An error with a title and advice of its own.

    :param title: the text people read first; lazily translated, as `advice`.
    :param advice: the text that says what they can do.
    """

    def __init__(self, code: int, reason: str, title: str, advice: str):
        super().__init__(code, reason)
        self.title, self.advice = title, advice

    @property
    def meaning(self) -> "Meaning":
        """Return the meaning in plain texts.

        Jinja takes lazy ones for safe, and these may hold what a user wrote.
        """
        return Meaning(self.status, str(self.title), str(self.advice))


ASK_ADMIN = _("Only your administrator can fix this. Give them the reference below.")
START_AGAIN = _("Start again. Finish the sign-in in the same browser, within ten minutes.")
LATER = _("Try again in a minute. If the problem stays, give your administrator the reference below.")

MEANINGS = {
    BAD_CREDENTIALS: Meaning(500, _("This login is not set up correctly"), ASK_ADMIN, again=False),
    BAD_TOKEN: Meaning(502, _("The platform did not accept the portal's request"), LATER),
    EXPIRED_TOKEN: Meaning(502, _("The platform did not accept the portal's request"), LATER),
    BAD_CODE: Meaning(400, _("This sign-in code can't be used"), _("It was already used or has expired. Start again.")),
    NOT_PERMITTED: Meaning(500, _("The platform refuses this portal"), ASK_ADMIN, again=False),
    NOT_SIGNED_IN: Meaning(401, _("You are not signed in"), _("Sign in to continue.")),
    BAD_STATE: Meaning(400, _("Please start again"), START_AGAIN),
    NOT_A_MEMBER: Meaning(
        403, _("You are not a member of this company"), _("Sign in with your account at this company.")
    ),
    NOT_ALLOWED: Meaning(
        403,
        _("You can't sign in"),
        _(
            "The platform says that you have left or are disabled, or you may not use this portal."
            " If that is wrong, ask your administrator."
        ),
    ),
    NOT_BOUND: Meaning(
        403,
        _("You have no account here yet"),
        _("An administrator has to bind you to an account first. Give them the reference below."),
    ),
    ACCOUNT_DISABLED: Meaning(
        403, _("Your account is disabled"), _("Ask your administrator if you need it again."), again=False
    ),
    CANCELLED: Meaning(400, _("Sign-in cancelled"), _("Nothing has changed. You can start again at any time.")),
    FORBIDDEN: Meaning(403, _("You don't have access"), _("This needs another role or a more recent sign-in.")),
    STALE_FORM: Meaning(400, _("This page has expired"), _("Go back, reload the page and try again.")),
    CONFLICT: Meaning(409, _("This has changed in the meantime"), _("Look at the current state, then decide again.")),
    TOO_MANY_TRIES: Meaning(429, _("Too many attempts"), _("Wait five minutes, then try again."), again=False),
    NO_SUCH_PAGE: Meaning(404, _("Page not found"), _("Check the address, or go back to the start page.")),
    WRONG_METHOD: Meaning(
        405, _("This can't be opened that way"), _("Go back to the start page and use the buttons there.")
    ),
    TOO_LARGE: Meaning(413, _("The request is too large"), _("Send less data at once."), again=False),
    SETTING_MISSING: Meaning(500, _("This login is not set up completely"), ASK_ADMIN, again=False),
    SETTING_WRONG: Meaning(500, _("This login is not set up correctly"), ASK_ADMIN, again=False),
    NOT_FOUND: Meaning(404, _("No such person or account"), _("Check the ID and try again."), again=False),
    UNAVAILABLE: Meaning(503, _("A service the portal needs is not responding"), LATER),
    FAULT: Meaning(500, _("Something went wrong"), LATER),
}


def meaning(code: int) -> Meaning:
    """Return the meaning of a number.

    An unknown one means `FAULT`.
    """
    return MEANINGS.get(code, MEANINGS[FAULT])
