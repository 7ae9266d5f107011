"""The members of a group as lines of text.

A line is `department <provider>/<tenant>/<dept_id>`, perhaps with ` below` at its end, `role <role>`,
`account <username>` or `everybody`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext as _

from portal.applications.group_members import KINDS, read_member
from portal.models import GroupMember
from portal.text import clean

BELOW = " below"


@dataclass(frozen=True)
class Line:
    """A line as it was written.

    :param entry: what it says, by `kind`, `value` and `below`.
    :param row: the member in the table, not stored; `None` where there is no such member.
    :param fault: why the line can't be used, for people.
    """

    text: str
    entry: dict
    row: GroupMember | None = None
    fault: str = ""


def write_line(entry: Mapping) -> str:
    """Return the line of a member."""
    words = f"{entry['kind']} {entry.get('value', '')}".strip()
    return words + (BELOW if entry.get("below") else "")


def write_lines(entries: Iterable[Mapping]) -> str:
    """Return the lines of members as one text."""
    return "\n".join(map(write_line, entries))


def parse_lines(text: str) -> list[Line]:
    """Return the lines of a text, each checked.

    Empty lines, and a second line for the same member, are left out.
    """
    lines = {}
    for words in dict.fromkeys(filter(None, map(clean, text.splitlines()))):
        line = parse_line(words)
        key = (line.row.kind, line.row.value) if line.row else words
        if key not in lines or (line.row and line.row.below):
            lines[key] = line
    return list(lines.values())


def parse_line(words: str) -> Line:
    """Return what a line says."""
    entry = split_line(words)
    if entry["kind"] not in KINDS:
        return Line(words, entry, fault=_("A line begins with department, role, account or everybody."))
    try:
        kind, value = read_member(entry)
    except ValueError as error:
        return Line(words, entry, fault=error.args[0])
    return Line(words, entry, GroupMember(kind=kind, value=value, below=entry.get("below", False)))


def split_line(words: str) -> dict:
    """Return the parts of a line."""
    kind, _blank, value = words.partition(" ")
    if kind != "department":
        return {"kind": kind, "value": value.strip()}
    below = value.endswith(BELOW)
    return {"kind": kind, "value": value.removesuffix(BELOW).strip(), "below": below}


def add_line(text: str, words: str) -> str:
    """Return a text with one more line.

    A department is in it once, with those below it or without.
    """
    entry, lines = split_line(words), text.splitlines()
    return "\n".join([*(line for line in lines if not is_about(line, entry)), words]) if words.strip() else text


def remove_line(text: str, words: str) -> str:
    """Return a text without a line."""
    entry = split_line(words)
    return "\n".join(line for line in text.splitlines() if not is_about(line, entry))


def is_about(line: str, entry: Mapping) -> bool:
    """Tell whether a line is empty or about a member."""
    other = split_line(clean(line))
    return not line.strip() or (other["kind"], other["value"]) == (entry["kind"], entry["value"])
