"""Figures of the docstrings, commit subjects and README."""

import re
import subprocess
from statistics import mean

from repository import ROOT, Measured, Offender, read_modules, split_words

COMMITS_AFTER = "064eac04bd11"  # the last commit with a subject from before the rule
HEADLESS = re.compile(r"\b(who|whom|whose|whoever|somebody|nobody)\b", re.IGNORECASE)
LONGEST_FIRST_LINE = 10  # words
LONGEST_SUBJECT = 60  # characters


def list_first_lines() -> list[Offender]:
    """Return the first line of every docstring in portal/."""
    return [
        module.point_at(node, text.splitlines()[0])
        for module in read_modules("portal")
        for node, text in module.docstrings
    ]


def measure_first_line_parts() -> Measured:
    """Measure the share of first lines that have two parts."""
    lines = list_first_lines()
    return Measured.share([line for line in lines if re.search("[;:]", line.text)], len(lines))


def measure_long_first_lines() -> Measured:
    """Measure the share of first lines over ten words."""
    lines = list_first_lines()
    return Measured.share([line for line in lines if len(split_words(line.text)) > LONGEST_FIRST_LINE], len(lines))


def measure_first_line_words() -> Measured:
    """Measure the mean length of first lines."""
    return _measure_words(list_first_lines())


def measure_pronouns() -> Measured:
    """Count pronouns without a noun, per 10,000 docstring words."""
    total, offenders = 0, []
    for module in read_modules("portal"):
        for node, text in module.docstrings:
            total += len(split_words(text))
            for number in range(node.lineno, node.end_lineno + 1):
                line = module.lines[number - 1]
                offenders += [Offender(module.name, number, line.strip()) for _ in HEADLESS.findall(line)]
    return Measured.share(offenders, total, of=10_000)


def measure_subject_words() -> Measured:
    """Measure the mean length of commit subjects."""
    lines = read_subjects()
    return _report_shallow_clone() if lines is None else _measure_words(lines)


def count_long_subjects() -> Measured:
    """Count commit subjects over sixty characters."""
    lines = read_subjects()
    if lines is None:
        return _report_shallow_clone()
    return Measured.count([line for line in lines if len(line.text) > LONGEST_SUBJECT])


def read_subjects() -> list[Offender] | None:
    """Return the commit subjects since the rule.

    `None` means that the clone does not hold them.
    """
    command = ["git", "log", "--no-merges", "--format=%h %s", f"{COMMITS_AFTER}..HEAD"]
    try:
        log = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except FileNotFoundError:
        return None
    if log.returncode:
        return None
    pairs = [line.split(" ", 1) for line in log.stdout.splitlines()]
    return [Offender(f"commit {commit}", 1, subject) for commit, subject in pairs]


def count_readme_words() -> Measured:
    """Count the words of README.md."""
    total = len(split_words(_read_readme()))
    return Measured(total, [Offender("README.md", 1, f"{total} words")])


def count_readme_lines() -> Measured:
    """Count the lines of README.md."""
    total = len(_read_readme().splitlines())
    return Measured(total, [Offender("README.md", total, "the last line")])


def _read_readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def _report_shallow_clone() -> Measured:
    return Measured(None, [], f"commit {COMMITS_AFTER} is not in this clone")


def _measure_words(lines: list[Offender]) -> Measured:
    """Measure the mean number of words in a line.

    The offenders are the lines above it, longest first.
    """
    lengths = {line: len(split_words(line.text)) for line in lines}
    average = mean([len(split_words(line.text)) for line in lines] or [0])
    above = [line for line in lengths if lengths[line] > average]
    return Measured(average, sorted(above, key=lambda line: -lengths[line]))
