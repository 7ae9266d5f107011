"""Measure how the repository reads and is built.

python tests/house/figures.py               print each figure with its goal; exit 1 when one is missed
python tests/house/figures.py --list NAME   print the places that one figure counts
"""

import argparse
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import english
import error_numbers
import naming
import platform_names
import structure
from repository import Measured


class Figure(NamedTuple):
    """Something to measure and the largest value that passes."""

    name: str
    meaning: str
    goal: int
    unit: str
    measure: Callable[[], Measured]

    def is_met(self, value: float | None) -> bool:
        """Tell whether a value passes, or can't be measured."""
        return value is None or value <= self.goal


FIGURES = [
    Figure("first-line-parts", "docstring first lines with ; or :", 5, "%", english.measure_first_line_parts),
    Figure("first-line-words", "words in a docstring's first line, mean", 9, "words", english.measure_first_line_words),
    Figure("first-line-length", "docstring first lines over ten words", 0, "%", english.measure_long_first_lines),
    Figure("pronouns", "who, whose, somebody … in docstrings", 5, "per 10,000 words", english.measure_pronouns),
    Figure("subject-words", "words in a commit subject, mean", 8, "words", english.measure_subject_words),
    Figure("subject-length", "commit subjects over 60 characters", 0, "commits", english.count_long_subjects),
    Figure("readme-words", "words in README.md", 1_000, "words", english.count_readme_words),
    Figure("readme-lines", "lines in README.md", 120, "lines", english.count_readme_lines),
    Figure("doubled-names", "functions or classes of one name in two modules", 9, "names", naming.count_doubled_names),
    Figure("verbs", "functions named without a verb", 9, "functions", naming.count_missing_verbs),
    Figure("locals", "locals named found, told, mine, each, known, seen", 20, "locals", naming.count_empty_locals),
    Figure("error-numbers", "error numbers without their name", 0, "numbers", error_numbers.count_bare_numbers),
    Figure("types", "public functions not fully annotated", 0, "functions", structure.count_untyped_functions),
    Figure("parameters", "functions with more than five parameters", 0, "functions", structure.count_long_signatures),
    Figure("circles", "imports between rooms that lead back", 0, "imports", structure.count_circular_imports),
    Figure("views", "imports of a view by another module", 0, "imports", structure.count_imported_views),
    Figure("queries", "queries in views", 0, "queries", structure.count_view_queries),
    Figure("files-portal", "files over 300 lines: portal", 0, "files", partial(structure.count_long_files, "portal")),
    Figure(
        "files-sandbox", "files over 300 lines: sandbox", 0, "files", partial(structure.count_long_files, "sandbox")
    ),
    Figure("files-tests", "files over 300 lines: tests", 3, "files", partial(structure.count_long_files, "tests")),
    Figure("template-160", "template lines over 160 characters", 1, "%", partial(structure.count_wide_lines, 160)),
    Figure("template-120", "template lines over 120 characters", 3, "%", partial(structure.count_wide_lines, 120)),
    Figure("platforms-code", "platform names in portal/", 0, "lines", platform_names.count_in_code),
    Figure("platforms-pages", "platform names in templates/ and static/", 0, "lines", platform_names.count_in_pages),
    Figure("platforms-texts", "texts that name both platforms", 0, "texts", platform_names.count_in_texts),
]


def print_table() -> bool:
    """Print every figure and return whether all goals are met."""
    rows, all_met = [("figure", "", "now", "goal", "", "")], True
    for figure in FIGURES:
        value, _, reason = figure.measure()
        is_met = figure.is_met(value)
        all_met = all_met and is_met
        now = "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.1f}"
        mark = reason if is_met else "missed"
        rows.append((figure.name, figure.meaning, now, f"{figure.goal:,}", figure.unit, mark))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for name, meaning, now, goal, unit, mark in rows:
        cells = (f"{name:{widths[0]}}", f"{meaning:{widths[1]}}", f"{now:>{widths[2]}}", f"{goal:>{widths[3]}}")
        print(*cells, f"{unit:{widths[4]}}", mark, sep="  ")
    return all_met


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how the repository reads and is built.")
    names = {figure.name: figure for figure in FIGURES}
    parser.add_argument("--list", metavar="NAME", choices=names, help="print the places one figure counts")
    arguments = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly in a pipe to `head`
    if arguments.list:
        print(*names[arguments.list].measure().offenders, sep="\n")
        return 0
    return 0 if print_table() else 1


if __name__ == "__main__":
    sys.exit(main())
