"""Checks and their findings with cause, place and remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from portal.errors import Code

OK, WARNING, PROBLEM, SKIPPED = "ok", "warning", "problem", "skipped"


@dataclass(frozen=True)
class Place:
    """A place in a platform's console.

    It has a Chinese and an English name.
    """

    zh: str
    en: str

    def __str__(self):
        return f"{self.zh} ({self.en})"


@dataclass(frozen=True)
class Advice:
    """A thing that may be wrong, and its remedy.

    The texts may hold placeholders.
    """

    state: str
    cause: object
    remedy: object
    place: Place | None = None


WAITS = Advice(
    SKIPPED,
    _("Not checked. Solve the problem above first."),
    _("Solve what is marked above, then check again."),
)


@dataclass(frozen=True)
class Finding:
    """A result of a check, in the reader's language.

    :param check: the check's name.
    :param title: what the check is about.
    :param name: of the `Advice`; "" where all is well.
    :param native: the platform's own number.
    """

    check: str
    title: str
    state: str = OK
    name: str = ""
    cause: str = ""
    remedy: str = ""
    place: Place | None = None
    native: int | str | None = None


class Examination:
    """A series of checks.

    For each name in `checks` a subclass has a method `check_<name>()`. It yields findings, or raises what a call has
    raised. Without a finding all is well.
    """

    checks = {}  #: name -> what the check is about; they run in this order
    advice = {}  #: name -> Advice
    final = ()  #: findings after which no further check runs
    blocking = ()  #: findings after which the checks of `dependent` wait
    dependent = ()  #: names of checks

    def examine(self) -> list[Finding]:
        """Run all checks and return their findings.

        There is at least one for each.
        """
        self.is_blocked, findings = False, []
        for check in self.checks:
            self.check = check
            results = self.run_check()
            findings += results
            names = {finding.name for finding in results}
            if names.intersection(self.final):
                break
            self.is_blocked |= not names.isdisjoint(self.blocking)
        return findings

    def run_check(self) -> list[Finding]:
        """Run the current check."""
        if self.is_blocked and self.check in self.dependent:
            return [self.make_finding("waits")]
        try:
            findings: Iterable[Finding] | None = getattr(self, f"check_{self.check}")()
            return list(findings or ()) or [self.make_finding()]
        except Code as error:
            return [self.explain_refusal(error)]

    def explain_refusal(self, error: Code) -> Finding:
        """Return the finding for the error of a call."""
        raise error

    def make_finding(
        self, name: str = "", native: int | str | None = None, state: str | None = None, **facts: Any
    ) -> Finding:
        """Return a finding of the current check.

        :param name: of `advice`; without one all is well.
        :param state: instead of the advice's own.
        :param facts: for the placeholders of its texts.
        """
        title = str(self.checks[self.check])
        if not name:
            return Finding(self.check, title)
        advice = self.advice[name]
        cause, remedy = (str(text) % facts for text in (advice.cause, advice.remedy))
        return Finding(self.check, title, state or advice.state, name, cause, remedy, advice.place, native)
