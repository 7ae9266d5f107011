"""CSV as spreadsheets read and write it: the file's bytes to rows, and rows to a file that no formula hides in."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator

from portal.text import UNSEEN, clean

DELIMITERS = ",;\t"
MARKS = {  # what programs write before a text in their encoding
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe": "utf-16-le",  # what Excel calls Unicode text
    b"\xfe\xff": "utf-16-be",
    b"\x84\x31\x95\x33": "gb18030",
}
BOM = "\ufeff"  # or Excel takes UTF-8 for the machine's own encoding
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?[,;]*\s*', re.IGNORECASE)  # Excel's own: it is no row
LONGEST_LINE = 131_072  # characters, which is also the csv module's limit for a cell
MOST_COLUMNS = 200
MOST_ROWS = 1_048_576  # which is also a sheet's limit; empty ones count
CHUNK = 65_536  # bytes decoded at once
# A spreadsheet runs a cell that begins so; one that parts cells by semicolons sees them begin elsewhere, too.
START, SIGN = "(^|;)", '[\\s"]*[=+\\-@\t\r\n＝＋－＠﹢﹣﹦﹫]'
RISKY = re.compile(f"{START}(?='*{SIGN})|^(?='+[0-9])")
DEFUSED = re.compile(f"{START}'(?='*{SIGN})|^'(?='*[0-9])")
AS_TEXT = re.compile(r'="((?:[^"]|"")*)"')  # how spreadsheets are told to keep leading zeros


class Unreadable(ValueError):
    """The file is no CSV file of text.

    :param why: `unreadable`, `quotes`, `columns`, `long_line` or `too_long`.
    :param line: the number of the line, for all but the first.
    """

    def __init__(self, why: str, line: int | None = None):
        super().__init__(why)
        self.why, self.line = why, line


def write(headings: list, rows: Iterable[list]) -> Iterator[str]:
    """Give a file's text line by line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
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
    """Return a cell's text with an apostrophe before whatever a spreadsheet would run."""
    return RISKY.sub(r"\1'", "" if cell is None else str(cell))


def plain(cell: str) -> str:
    """Return what a cell says, without the apostrophes of :func:`safe` and out of its `="…"`."""
    text = cell.strip()
    kept = AS_TEXT.fullmatch(text)
    return kept[1].replace('""', '"') if kept else DEFUSED.sub(r"\1", text)


def read(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Give a file's rows that are not empty, each with the number of its line.

    None is kept in memory.

    :param content: UTF-8, UTF-16 with its mark or GB18030; cells parted by comma, semicolon or tab.
    :raises Unreadable: when it is no text, or no table.
    """
    skipped, delimiter = layout(content)
    lines = lines_of(content)
    for _ in range(skipped):
        next(lines)
    reader, before = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True), skipped
    try:
        for row in reader:
            line, before = before + 1, skipped + reader.line_num
            if not any(row):
                continue
            if any(row[MOST_COLUMNS:]):
                raise Unreadable("columns", line)
            cells = [clean(plain(clean(cell))) for cell in row[:MOST_COLUMNS]]
            if any(cells):
                yield line, cells
    except csv.Error:
        raise Unreadable("quotes", before + 1) from None


def layout(content: bytes) -> tuple[int, str]:
    """Return how many lines stand before the table, and what parts its cells."""
    for number, line in enumerate(lines_of(content), 1):
        told = SEPARATOR_LINE.fullmatch(line)
        if told:
            return number, told[1]
        if not line.isspace() and clean(line):
            return 0, max(DELIMITERS, key=line.count)
    return 0, ","


def lines_of(content: bytes) -> Iterator[str]:
    """Give a file's lines, decoded bit by bit, without what can't be seen.

    :raises Unreadable: when it is no text, or lines are longer or more than any sheet's.
    """
    encoding, start = encoding_of(content)
    file = io.BytesIO(content)
    file.seek(start)
    text = io.TextIOWrapper(file, encoding, newline="")
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if number > MOST_ROWS:
            raise Unreadable("too_long", number)
        if len(line) == LONGEST_LINE:
            raise Unreadable("long_line", number)
        yield line if line.isascii() else without_marks(line)


def without_marks(line: str) -> str:
    """Return a line without what can't be seen: before a quotation mark, it would hide that the cell is quoted."""
    return UNSEEN.sub(lambda mark: mark[0] if mark[1] or mark[0] in "\t\n\r" else "", line)


def encoding_of(content: bytes) -> tuple[str, int]:
    """Return a text's encoding, and how long the mark before it is.

    :raises Unreadable: when it is no text.
    """
    told = [(encoding, len(mark)) for mark, encoding in MARKS.items() if content.startswith(mark)]
    for encoding, start in told or [("utf-8", 0), ("gb18030", 0)]:
        if is_text(content, encoding, start):
            return encoding, start
    raise Unreadable("unreadable")


def is_text(content: bytes, encoding: str, start: int) -> bool:
    """Return whether bytes are a text without NUL."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(start, len(content), CHUNK):
            if "\0" in decoder.decode(content[at : at + CHUNK], final=at + CHUNK >= len(content)):
                return False
    except UnicodeDecodeError:
        return False
    return True
