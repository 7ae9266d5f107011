"""Texts and numbers from addresses and forms.

They have a shape that every database takes.
"""

from collections.abc import Mapping

from portal.text import clean

ID = "<int(max=2147483647):id>"  # of a row, in a route
LARGEST = 2**31 - 1  # no id is larger, and no list has as many pages
LONGEST = 100  # characters of a text to search for


def read_text(value: str | None, longest: int = LONGEST) -> str:
    """Return a parameter as one clean line.

    An absent one is "".
    """
    return clean(value or "")[:longest]


def read_number(value: str | None) -> int | None:
    """Return a parameter as a whole number, at most `LARGEST`.

    Anything else is `None`.
    """
    if not value or not value.isascii() or not value.isdecimal():
        return None
    return LARGEST if len(value.lstrip("0")) > len(str(LARGEST)) else min(int(value), LARGEST)


def read_sent_id(values: Mapping[str, str], name: str) -> int | None:
    """Return the id in a form or an address.

    It is `None` where none was sent, and 0, which no row has, for nonsense.
    """
    value = values.get(name)
    return None if value is None else read_number(value) or 0


def read_page_number(args: Mapping[str, str], name: str = "page") -> int:
    """Return the page number in an address.

    It is at least 1, and may be beyond the last page.
    """
    return max(1, read_number(args.get(name)) or 1)
