"""What every examination has: checks that go one after another, and findings with cause, place and remedy."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _

from portal.errors import Code

OK, WARNING, PROBLEM, SKIPPED = "ok", "warning", "problem", "skipped"


@dataclass(frozen=True)
class Place:
    """A place in a platform's console, by its Chinese and its English name."""

    zh: str
    en: str

    def __str__(self):
        return f"{self.zh} ({self.en})"


@dataclass(frozen=True)
class Advice:
    """What one thing that may be wrong is caused by, and how it is mended; the texts may hold placeholders."""

    state: str
    cause: object
    remedy: object
    place: Place | None = None


WAITS = Advice(
    SKIPPED,
    _("Not looked at: something above has to be mended first."),
    _("Mend what is marked above, then check again."),
)


@dataclass(frozen=True)
class Finding:
    """What a check has found, in the reader's language.

    :param check: the check's short name. :param title: what it looks at, for people.
    :param name: which of the things that may be wrong; "" where all is well.
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
    """A subclass names its checks: methods that yield findings, or raise what a call raised; none: all is well."""

    checks = {}  #: method -> what it looks at, for people; in this order
    advice = {}  #: name -> Advice
    ending = ()  #: after one of these findings nothing else is looked at
    stopping = ()  #: after one of these the checks of `needing` make no sense
    needing = ()

    def examine(self) -> list[Finding]:
        """Return at least one finding a check."""
        self.stopped, found = False, []
        for check in self.checks:
            self.check = check
            findings = list(self.look())
            found += findings
            names = {finding.name for finding in findings}
            if names.intersection(self.ending):
                break
            self.stopped |= not names.isdisjoint(self.stopping)
        return found

    def look(self) -> list[Finding]:
        if self.stopped and self.check in self.needing:
            return [self.finding("waits")]
        try:
            return list(getattr(self, self.check)() or ()) or [self.finding()]
        except Code as error:
            return [self.refusal(error)]

    def refusal(self, error: Code) -> Finding:
        """Return the finding for what a call of the check has raised."""
        raise error

    def finding(self, name: str = "", native=None, state: str | None = None, **facts) -> Finding:
        """Return a finding of the check under way.

        :param name: of `advice`; without one all is well.
        :param facts: for the placeholders of its texts.
        """
        title = str(self.checks[self.check])
        if not name:
            return Finding(self.check, title)
        advice = self.advice[name]
        cause, remedy = (str(text) % facts for text in (advice.cause, advice.remedy))
        return Finding(self.check, title, state or advice.state, name, cause, remedy, advice.place, native)
