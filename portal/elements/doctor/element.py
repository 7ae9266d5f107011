"""Examines one element, whatever its platform."""

import json
import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select

from portal import database
from portal.clocks import now
from portal.database import db
from portal.elements.doctor.advice import COMMON
from portal.elements.doctor.examination import PROBLEM, WARNING, Examination, Finding, Place
from portal.errors import UNAVAILABLE, Code
from portal.logs import log_event
from portal.models import AuditEvent, LoginSession
from portal.providers import causes, http
from portal.providers.client import TOKEN_REFUSED, PlatformUnreachable, ProviderApp

if TYPE_CHECKING:
    from portal.elements.meta import Meta

log = logging.getLogger(__name__)

EXAMINATION_SECONDS, ANSWER_SIZE = 12, 4 * 1024 * 1024  # for all calls together; bytes of one answer
CLOCK_WARNING, CLOCK_PROBLEM = 60, 300  # seconds between two clocks; above the second, logins fail
REFUSAL_FRESH = timedelta(days=7)  # an older refusal no longer says something about the settings
BROWSER_KINDS, CLIENT_KINDS = ("redirect", "qr"), ("in_app", "auth_code")  # kinds of logins


def examine(element: "Meta") -> list[Finding]:
    """Examine a configured element, even a broken one.

    No message is sent to people. It takes a bounded time; no transaction is open while a platform is asked.
    """
    try:
        return element.doctor(element).examine()
    except Exception as error:  # the code of an operator's own Type may fail in any way
        log_event(log, logging.ERROR, "element_fault", element=element.name, what="its doctor fails", with_trace=True)
        return Doctor(element).report_fault(error)


class Doctor(Examination):
    """The checks of every element.

    A Type's own doctor builds on them.

    :param element: the element, or its stand-in when it is broken.
    """

    checks = {"usable": _("Settings"), "own": _("Platform")}
    advice = COMMON
    final = ("broken", "off")
    blocking = ("unreachable", *causes.CAUSES, "busy", "token_refused", "own_code")
    numbers = {}  #: the platform's number -> the finding that it means at any call
    fields = (  #: what `console()` shows: label, key of `addresses`, place in the console
        (_("Callback address"), "redirect", None),
        (_("Home page in the workspace"), "home", None),
    )
    public = ("isActive", "redirectUri", "ownPage", "limits", "scope")  #: settings that administrators may read

    def __init__(self, element: "Meta"):
        self.element = element

    def examine(self) -> list[Finding]:
        self.end_transaction()  # opened by what the request has read
        with http.deadline(EXAMINATION_SECONDS, ANSWER_SIZE), http.collect_responses() as self.answers:
            return super().examine()

    def run_check(self) -> list[Finding]:
        try:
            return super().run_check()
        except database.FAILURES:  # the examination of the portal itself names the remedy
            self.is_blocked = True
            return [self.make_finding("waits")]
        except Exception as error:  # the code of an operator's own Type may fail in any way
            what = f"the check {self.check} fails"
            log_event(log, logging.ERROR, "element_fault", element=self.element.name, what=what, with_trace=True)
            return [self.make_finding("own_code", error=type(error).__name__)]

    @property
    def dependent(self) -> list[str]:
        return [check for check in self.checks if check not in ("usable", "clock")]

    def report_fault(self, error: Exception) -> list[Finding]:
        """Return the finding for a doctor that fails."""
        self.check = "own"
        return [self.make_finding("own_code", error=type(error).__name__)]

    # Checks

    def check_usable(self) -> Iterator[Finding]:
        """Check the element's own files."""
        problem = getattr(self.element, "problem", None)
        if not self.element.isActive:
            yield self.make_finding("off", file=f"auths/loginTypes/{self.element.name}/{self.element.name}.json")
        elif isinstance(problem, Code):
            yield self.make_finding("broken", reason=problem.reason, native=problem.code)

    def check_own(self) -> Iterator[Finding]:
        """Say that the platform is unknown."""
        yield self.make_finding("own_type")

    def check_clock(self) -> Iterator[Finding]:
        """Compare this server's clock with the last answer's time."""
        answers = [answer for answer in self.answers if answer.sent_at is not None]
        if not answers:
            yield self.make_finding("clock_unknown")
            return
        seconds = round(abs(answers[-1].came_at - answers[-1].sent_at))
        if seconds > CLOCK_WARNING:
            state = PROBLEM if seconds > CLOCK_PROBLEM else WARNING
            yield self.make_finding("clock", state=state, seconds=seconds)

    # Errors of calls

    def explain_refusal(self, error: Code) -> Finding:
        return self.make_finding(self.find_name(error), error.native, **self.list_facts())

    def find_name(self, error: Code) -> str:
        """Return the finding's name for a call's error."""
        if isinstance(error, PlatformUnreachable) and error.cause:
            return error.cause
        if error.native in self.numbers:
            return self.numbers[error.native]
        if error.code in TOKEN_REFUSED:
            return "token_refused"
        return "unreachable" if error.code == UNAVAILABLE else "refused"

    def list_facts(self) -> dict:
        """Return the facts for the texts about refused calls."""
        return {"host": urlsplit(self.client.api_base_url).netloc}

    @property
    def client(self) -> ProviderApp:
        return self.element.directory_client()

    # The addresses and settings that administrators see

    @property
    def base(self) -> str:
        return self.element.app.config["PORTAL_BASE_URL"]

    @property
    def addresses(self) -> dict[str, str]:
        """Our addresses for the platform's console.

        They are the callback, the workspace's home page, and the host.
        """
        redirect = self.element.redirectUri
        home = f"{self.base}/login/{self.element.name}/in-app"
        return {"redirect": redirect, "home": home, "host": urlsplit(self.base).netloc}

    def console(self) -> list[tuple[str, str, Place | None]]:
        """Return what to enter in the platform's console.

        :return: label, value and place of each.
        """
        return [(str(label), self.addresses[key], place) for label, key, place in self.fields]

    def settings(self) -> list[tuple[str, str | None]]:
        """Return the element's settings in their order.

        :return: key and text, `None` for what may be a secret.
        """
        return [
            (key, format_setting(value) if key in self.public else None) for key, value in self.element.settings.items()
        ]

    # Earlier sign-ins

    def has_sign_in(self, kinds: Iterable[str]) -> bool:
        """Return whether there was a sign-in of such kinds."""
        conditions = (LoginSession.element == self.element.name, LoginSession.how.in_(kinds))
        return self.read_scalar(select(LoginSession.id).where(*conditions).limit(1)) is not None

    def find_recent_refusal(self, numbers: Iterable[int]) -> int | None:
        """Return the number that refused the last sign-in.

        Sign-ins that were refused with other numbers do not count.
        """
        counts = (AuditEvent.result == 0) | AuditEvent.native.in_([str(number) for number in numbers])
        logins = (AuditEvent.action == "login", AuditEvent.element == self.element.name)
        statement = select(AuditEvent.native).where(*logins, AuditEvent.at > now() - REFUSAL_FRESH, counts)
        native = self.read_scalar(statement.order_by(AuditEvent.id.desc()).limit(1))
        return None if native is None else int(native)

    def read_scalar(self, statement: Select) -> Any:
        """Return a value and leave no transaction open."""
        try:
            return db.session.scalar(statement)
        finally:
            self.end_transaction()

    def end_transaction(self) -> None:
        """End a query's transaction, as a call may follow."""
        db.session.rollback()


def format_setting(value: object) -> str:
    """Return a setting as its file has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
