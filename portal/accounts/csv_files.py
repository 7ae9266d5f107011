"""CSV as spreadsheets read and write it: the file's bytes to rows, and rows to a file that no formula hides in."""

import csv
import io
from collections.abc import Iterable, Iterator

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet runs a cell that begins so
DELIMITERS = ",;\t"
ENCODINGS = ("utf-8-sig", "gb18030")
BOM = "\ufeff"  # or Excel takes UTF-8 for the machine's own encoding


class Unreadable(ValueError):
    """The file is no CSV file of text."""


def write(headings: list, rows: Iterable[list]) -> Iterator[str]:
    """Give a file's text line by line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerow([safe(cell) for cell in headings])
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        if buffer.tell() > 8192:
            yield taken(buffer)
    yield taken(buffer)


def taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def safe(cell) -> str:
    """Return a cell's text; one that a spreadsheet would run gets an apostrophe in front."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text


def plain(cell: str) -> str:
    """Return what a cell says, without blanks around it and without the apostrophe of :func:`safe`."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def read(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Give a file's rows that are not empty, each with the number of its line.

    :param content: UTF-8 with or without a mark in front, or GB18030; cells parted by comma, semicolon or tab.
    :raises Unreadable: when it is no text, or no table.
    """
    text = decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        before = 0
        for row in reader:
            line, before = before + 1, reader.line_num
            if any(cell.strip() for cell in row):
                yield line, [plain(cell) for cell in row]
    except csv.Error:
        raise Unreadable from None


def decoded(content: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise Unreadable
        return text
    raise Unreadable
