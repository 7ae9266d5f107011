"""Reads the pages of the docs: their text, links, tables, examples and the names in them."""

import re
from functools import cache
from pathlib import Path

from support.portal_app import ROOT

CODE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ITALIC = re.compile(r"(?<![*\w])\*([^*\n]+)\*(?![*\w])(\s+\([^)]*[\u4e00-\u9fff][^)]*\))?")


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def pages() -> list[str]:
    """Return the paths of all pages, in either language, below the root folder."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def prose(page: str) -> str:
    """Return a page's text without its blocks of code."""
    return CODE.sub("", text(page))


def code_blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code that are marked with a language."""
    return [code for name, code in CODE.findall(text(page)) if name == language]


def shell_blocks(page: str, heading: str) -> list[str]:
    """Return the blocks of shell commands below a heading."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text(page), re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def python_file(page: str, path: str) -> str:
    """Return the block of Python that begins with a comment naming this path."""
    [code] = [code for code in code_blocks(page, "python") if code.startswith(f"# {path}\n")]
    return code


def table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the table whose first heading this is; a bar in a cell would part it."""
    lines = text(page).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def tables(page: str, heading: str) -> list[list[str]]:
    """Return the rows of all tables whose first heading this is."""
    rows, inside = [], False
    for line in text(page).splitlines():
        if not line.startswith("|"):
            inside = False
        elif line.startswith(f"| {heading} |"):
            inside = True
        elif inside and not line.startswith("|-"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def names(cell: str) -> list[str]:
    """Return the plain names in a cell that are set as code."""
    return re.findall(r"`(\w+)`", cell)


def links(page: str) -> list[tuple[str, str]]:
    """Return each link of a page within the repository: the file's path, and the heading's anchor or ""."""
    found = []
    for target in LINK.findall(text(page)):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        found.append((relative(file), anchor))
    return found


def relative(file: Path) -> str:
    """Return a file's path below the root folder, or the whole path where it is outside."""
    file = file.resolve()
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)


def anchors(page: str) -> list[str]:
    """Return the anchors that GitHub gives to headings, in order."""
    headings = (re.sub(r"[`*]", "", heading).lower() for heading in HEADING.findall(CODE.sub("", text(page))))
    return [re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings]


def inline_code(page: str) -> list[str]:
    return INLINE.findall(prose(page))


def italics(page: str) -> list[str]:
    """Return what is set in italics, but for places in a platform's console, which have their Chinese behind them."""
    return [words for words, console in ITALIC.findall(prose(page)) if not console]
