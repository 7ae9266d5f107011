"""Examines one element: what all have in common, whatever their platform."""

import json
import logging
from datetime import timedelta
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from portal import database
from portal.clocks import now
from portal.database import db
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WAITS, WARNING, Advice, Examination, Finding, Place
from portal.errors import UNAVAILABLE, Code
from portal.models import AuditEvent, LoginSession
from portal.providers import causes, http
from portal.providers.client import TOKEN_REFUSED, Unreachable

log = logging.getLogger(__name__)

SECONDS, SIZE = 12, 4 * 1024 * 1024  # for all calls of one examination together; bytes of one answer
SLOW, WRONG = 60, 300  # seconds between two clocks that are worth a warning, and that break logins
RECENT = timedelta(days=7)  # how far back a refused login still says something about the settings
BROWSER, CLIENT = ("redirect", "qr"), ("in_app", "auth_code")  # kinds of logins

COMMON = {
    "waits": WAITS,
    "broken": Advice(
        PROBLEM,
        _("The settings can't be used: %(reason)s"),
        _("Correct this file and key, or set the variable it names; then restart the portal."),
    ),
    "off": Advice(
        SKIPPED,
        _("The element is switched off."),
        _('To use it, set "isActive" to true in %(file)s and restart the portal.'),
    ),
    "own_type": Advice(
        SKIPPED,
        _("This Type is your own: what its platform needs is not known here."),
        _("Give the Type a doctor of its own, or try a sign-in."),
    ),
    "own_code": Advice(
        PROBLEM,
        _("The Type's own code failed: %(error)s."),
        _("The portal's log has the details for its developer."),
    ),
    "unreachable": Advice(
        PROBLEM,
        _("%(host)s does not answer, or not in a way that makes sense."),
        _(
            "See that this server reaches that host: name service, firewall, proxy. "
            "Where it does, the platform itself has trouble; try again later."
        ),
    ),
    "certificate_untrusted": Advice(
        PROBLEM,
        _("%(host)s can't be used: its certificate is not trusted."),
        _(
            "If it is your company's own, or a proxy on the way signs connections anew, set REQUESTS_CA_BUNDLE or "
            "SSL_CERT_FILE to the file of that certificate authority, and restart the portal."
        ),
    ),
    "certificate_expired": Advice(
        PROBLEM,
        _("%(host)s can't be used: its certificate has expired or is not valid yet."),
        _("Check this server's clock; if it is right, the certificate has to be renewed."),
    ),
    "certificate_host": Advice(
        PROBLEM,
        _("%(host)s can't be used: its certificate is for another host."),
        _("Check the address in the element's file, and that no proxy on the way answers in its place."),
    ),
    "authorities": Advice(
        PROBLEM,
        _("The file of certificate authorities can't be read."),
        _("Check the file that REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE names, and restart the portal."),
    ),
    "tls": Advice(
        PROBLEM,
        _("No encrypted connection to %(host)s can be made."),
        _("Check the address and port in the element's file, and what answers there: it has to speak TLS 1.2 or 1.3."),
    ),
    "proxy": Advice(
        PROBLEM,
        _("The proxy of httpProxy does not answer, or refuses to pass calls on to %(host)s."),
        _("Check httpProxy in the element's file, and that the proxy allows this host."),
    ),
    "busy": Advice(
        WARNING,
        _("The platform is busy, or has had enough calls for now."),
        _("Wait a minute, then check again."),
    ),
    "token_refused": Advice(
        PROBLEM,
        _("The platform refuses the token it has just issued."),
        _("Check again in a minute. If it stays, see that no other program resets the app's secret or tokens."),
    ),
    "refused": Advice(
        PROBLEM,
        _("The platform refuses the call with a number that is not known here."),
        _("Look the number up in the platform's documentation."),
    ),
    "clock": Advice(
        WARNING,
        _("This server's clock and the platform's differ by %(seconds)s seconds."),
        _("Let the server take its time from a time server (NTP)."),
    ),
    "clock_unknown": Advice(
        SKIPPED,
        _("The platform's answers do not tell its time."),
        _("Compare this server's clock with another one."),
    ),
}


def unproven(redirect: Place, home: Place) -> dict[str, Advice]:
    """Return what is said of addresses that only a sign-in proves, for their places in a platform's console."""
    return {
        "redirect_unproven": Advice(
            SKIPPED,
            _("This can't be seen from here, and nobody has signed in with a browser yet."),
            _("Compare the address in the console, to the letter, with %(address)s; then sign in once."),
            redirect,
        ),
        "redirect_refused": Advice(
            PROBLEM,
            _("The platform refused the redirect address at a recent sign-in."),
            _("Compare the address in the console, to the letter, with %(address)s; then sign in once."),
            redirect,
        ),
        "home_unproven": Advice(
            SKIPPED,
            _("This can't be seen from here, and nobody has signed in from the workspace yet."),
            _("Compare the address in the console with %(address)s; then open the app in the workspace."),
            home,
        ),
    }


def examine(element) -> list[Finding]:
    """Return what is found at a configured element, a broken one too. Nothing is sent to anybody.

    It takes a bounded time; no transaction is open while a platform is asked.
    """
    try:
        return element.doctor(element).examine()
    except Exception as error:  # a developer's own Type: anything may happen
        log.exception("%s: its doctor fails", element.name)
        return Doctor(element).failed(error)


class Doctor(Examination):
    """What is looked at whatever the platform; a Type's own doctor builds on it.

    :param element: the element, or what stands in its place when it is broken.
    """

    checks = {"usable": _("Settings"), "own": _("Platform")}
    advice = COMMON
    ending = ("broken", "off")
    stopping = ("unreachable", *causes.CAUSES, "busy", "token_refused", "own_code")
    numbers = {}  #: the platform's number -> the finding it means, at any call
    fields = (  #: what `console` shows: (what it is, which of our addresses, its place in the console)
        (_("Callback address"), "redirect", None),
        (_("Home page in the workspace"), "home", None),
    )
    public = ("isActive", "redirectUri", "ownPage", "limits", "scope")  #: settings that anybody may read

    def __init__(self, element):
        self.element = element

    def examine(self):
        self.rest()  # what the request has read is no reason to keep a transaction open
        with http.within(SECONDS, SIZE), http.listening() as self.heard:
            return super().examine()

    def look(self):
        try:
            return super().look()
        except database.FAILURES:  # the examination of the portal itself says what to mend
            self.stopped = True
            return [self.finding("waits")]
        except Exception as error:  # a developer's own Type: anything may happen
            log.exception("%s: the check %s fails", self.element.name, self.check)
            return [self.finding("own_code", error=type(error).__name__)]

    @property
    def needing(self):
        return [check for check in self.checks if check not in ("usable", "clock")]

    def failed(self, error: Exception) -> list[Finding]:
        self.check = "own"
        return [self.finding("own_code", error=type(error).__name__)]

    def usable(self):
        """The element's own files."""
        problem = getattr(self.element, "problem", None)
        if not self.element.isActive:
            yield self.finding("off", file=f"auths/loginTypes/{self.element.name}/{self.element.name}.json")
        elif isinstance(problem, Code):
            yield self.finding("broken", reason=problem.reason, native=problem.code)

    def own(self):
        yield self.finding("own_type")

    def clock(self):
        """The time at which the last answer says it was sent."""
        times = [heard for heard in self.heard if heard.sent_at is not None]
        if not times:
            yield self.finding("clock_unknown")
            return
        seconds = round(abs(times[-1].came_at - times[-1].sent_at))
        if seconds > SLOW:
            yield self.finding("clock", state=PROBLEM if seconds > WRONG else WARNING, seconds=seconds)

    def refusal(self, error):
        return self.finding(self.name_of(error), error.native, **self.facts())

    def name_of(self, error) -> str:
        """Return which finding the error of a call means."""
        if isinstance(error, Unreachable) and error.cause:
            return error.cause
        if error.native in self.numbers:
            return self.numbers[error.native]
        return (
            "token_refused"
            if error.code in TOKEN_REFUSED
            else "unreachable"
            if error.code == UNAVAILABLE
            else "refused"
        )

    def facts(self) -> dict:
        """Return what the texts for refused calls speak of."""
        return {"host": urlsplit(self.client.api_base_url).netloc}

    @property
    def client(self):
        return self.element.directory_client()

    # The addresses people enter in the console

    @property
    def base(self) -> str:
        return self.element.app.config["PORTAL_BASE_URL"]

    @property
    def addresses(self) -> dict[str, str]:
        """Return our addresses by what they are: the callback, the workspace's home page, and the host alone."""
        redirect = self.element.redirectUri
        home = f"{self.base}/login/{self.element.name}/in-app"
        return {"redirect": redirect, "home": home, "host": urlsplit(self.base).netloc}

    def console(self) -> list[tuple[str, str, Place | None]]:
        """Return what to enter in the platform's console: what it is, its value, and where it belongs."""
        return [(str(label), self.addresses[which], place) for label, which, place in self.fields]

    def settings(self) -> list[tuple[str, str | None]]:
        """Return the element's settings in their order: key and text, `None` for what may be a secret."""
        return [(key, written(value) if key in self.public else None) for key, value in self.element.settings.items()]

    # What past sign-ins prove

    def signed_in(self, kinds) -> bool:
        """Return whether anybody has signed in through this element in one of these ways."""
        mine = (LoginSession.element == self.element.name, LoginSession.how.in_(kinds))
        return self.stored(select(LoginSession.id).where(*mine).limit(1)) is not None

    def refused_lately(self, numbers) -> int | None:
        """Return the platform's number if the last sign-in that says something was refused with one of these."""
        telling = (AuditEvent.result == 0) | AuditEvent.native.in_([str(number) for number in numbers])
        mine = (AuditEvent.action == "login", AuditEvent.element == self.element.name, AuditEvent.at > now() - RECENT)
        native = self.stored(select(AuditEvent.native).where(*mine, telling).order_by(AuditEvent.id.desc()).limit(1))
        return None if native is None else int(native)

    def stored(self, statement):
        """Return what the database says, without a transaction left open."""
        try:
            return db.session.scalar(statement)
        finally:
            self.rest()

    def rest(self):
        """End the transaction that a look into the database has begun: a call may follow."""
        db.session.rollback()


def written(value) -> str:
    """Return a setting as its file has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
