"""Texts and numbers as addresses and forms bring them, in a shape that every database takes."""

from portal.text import clean

ID = "<int(max=2147483647):id>"  # of a row, in a route
LARGEST = 2**31 - 1  # no id is larger, and no list has as many pages
LONGEST = 100  # characters of a text to search for


def text(value: str | None, longest: int = LONGEST) -> str:
    """Return a parameter as one line, cleaned as stored texts are; "" where it is absent."""
    return clean(value or "")[:longest]


def number(value: str | None) -> int | None:
    """Return a parameter as a whole number, at most `LARGEST`; `None` for what is none."""
    if not value or not value.isascii() or not value.isdecimal():
        return None
    return LARGEST if len(value.lstrip("0")) > len(str(LARGEST)) else min(int(value), LARGEST)


def page(args) -> int:
    """Return which page of a list an address asks for, from 1; it may be beyond the last one."""
    return max(1, number(args.get("page")) or 1)
