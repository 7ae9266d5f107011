"""CSV files as spreadsheets read and write them.

Bytes become rows, and rows become a file that hides no formula.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator

from portal.text import UNSEEN, clean

DELIMITERS = ",;\t"
ENCODING_MARKS = {  # what programs write before a text in their encoding
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
CELL_START, SIGN = "(^|;)", '[\\s"]*[=+\\-@\t\r\n＝＋－＠﹢﹣﹦﹫]'
RISKY = re.compile(f"{CELL_START}(?='*{SIGN})|^(?='+[0-9])")
DEFUSED = re.compile(f"{CELL_START}'(?='*{SIGN})|^'(?='*[0-9])")
AS_TEXT = re.compile(r'="((?:[^"]|"")*)"')  # how spreadsheets are told to keep leading zeros


class UnreadableFile(ValueError):
    """The file is no CSV file of text.

    :param why: `unreadable`, `quotes`, `columns`, `long_line` or `too_long`.
    :param line: the number of the line, for all but the first.
    """

    def __init__(self, why: str, line: int | None = None):
        super().__init__(why)
        self.why, self.line = why, line


def write_csv(headings: list, rows: Iterable[list]) -> Iterator[str]:
    """Yield the text of a file in parts."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    buffer.write(BOM)
    writer.writerow([defuse_cell(cell) for cell in headings])
    for row in rows:
        writer.writerow([defuse_cell(cell) for cell in row])
        if buffer.tell() > 8192:
            yield drain_buffer(buffer)
    yield drain_buffer(buffer)


def drain_buffer(buffer: io.StringIO) -> str:
    """Return the text of a buffer, and empty it."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def defuse_cell(cell: object) -> str:
    """Return a cell's text that no spreadsheet runs.

    An apostrophe stands before what it would run.
    """
    return RISKY.sub(r"\1'", "" if cell is None else str(cell))


def read_cell(cell: str) -> str:
    """Return the text of a cell.

    The apostrophes of :func:`defuse_cell` are gone, and so is `="…"` around it.
    """
    text = cell.strip()
    quoted = AS_TEXT.fullmatch(text)
    return quoted[1].replace('""', '"') if quoted else DEFUSED.sub(r"\1", text)


def read_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file with their line numbers.

    Empty ones are left out. None is kept in memory.

    :param content: UTF-8, UTF-16 with its mark or GB18030; cells parted by comma, semicolon or tab.
    :raises UnreadableFile: when it is no text, or no table.
    """
    skipped, delimiter = find_layout(content)
    lines = read_lines(content)
    for _ in range(skipped):
        next(lines)
    reader, before = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True), skipped
    try:
        for row in reader:
            line, before = before + 1, skipped + reader.line_num
            if not any(row):
                continue
            if any(row[MOST_COLUMNS:]):
                raise UnreadableFile("columns", line)
            cells = [clean(read_cell(clean(cell))) for cell in row[:MOST_COLUMNS]]
            if any(cells):
                yield line, cells
    except csv.Error:
        raise UnreadableFile("quotes", before + 1) from None


def find_layout(content: bytes) -> tuple[int, str]:
    """Return how many lines precede the table, and its delimiter."""
    for number, line in enumerate(read_lines(content), 1):
        separator = SEPARATOR_LINE.fullmatch(line)
        if separator:
            return number, separator[1]
        if not line.isspace() and clean(line):
            return 0, max(DELIMITERS, key=line.count)
    return 0, ","


def read_lines(content: bytes) -> Iterator[str]:
    """Yield the lines of a file without unseen marks.

    They are decoded bit by bit.

    :raises UnreadableFile: when it is no text, or lines are longer or more than any sheet's.
    """
    encoding, start = find_encoding(content)
    file = io.BytesIO(content)
    file.seek(start)
    text = io.TextIOWrapper(file, encoding, newline="")
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if number > MOST_ROWS:
            raise UnreadableFile("too_long", number)
        if len(line) == LONGEST_LINE:
            raise UnreadableFile("long_line", number)
        yield line if line.isascii() else strip_unseen(line)


def strip_unseen(line: str) -> str:
    """Return a line without unseen marks.

    Before a quotation mark, one would hide that the cell is quoted.
    """
    return UNSEEN.sub(lambda mark: mark[0] if mark[1] or mark[0] in "\t\n\r" else "", line)


def find_encoding(content: bytes) -> tuple[str, int]:
    """Return a text's encoding, and the length of its mark.

    :raises UnreadableFile: when it is no text.
    """
    marked = [(encoding, len(mark)) for mark, encoding in ENCODING_MARKS.items() if content.startswith(mark)]
    for encoding, start in marked or [("utf-8", 0), ("gb18030", 0)]:
        if is_text(content, encoding, start):
            return encoding, start
    raise UnreadableFile("unreadable")


def is_text(content: bytes, encoding: str, start: int) -> bool:
    """Tell whether bytes are a text without NUL."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(start, len(content), CHUNK):
            if "\0" in decoder.decode(content[at : at + CHUNK], final=at + CHUNK >= len(content)):
                return False
    except UnicodeDecodeError:
        return False
    return True
