"""Values in a platform's answer, checked for their type."""

from collections.abc import Mapping
from typing import Any

from portal.errors import UNAVAILABLE, Code

YEAR = 31_536_000  # seconds
LARGEST = 2**63 - 1  # what a database holds as a number
DIGITS = 4000  # of a number sent as text


def text(value: object) -> str:
    """Return a text that a platform sent.

    Anything else becomes "".
    """
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """Return a list of ids as text, each once.

    What is neither text nor a whole number is left out.
    """
    items = value if isinstance(value, list) else []
    kept = (str(item) for item in items if isinstance(item, (str, int)) and not isinstance(item, bool))
    return list(dict.fromkeys(kept))


def whole_number(value: object) -> int:
    """Return a whole number, sent as number or as text.

    One too large for a column becomes the largest it holds. Anything else becomes 0.
    """
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) <= DIGITS:
        value = int(value)
    return max(-LARGEST, min(value, LARGEST)) if type(value) is int else 0


def look_up(table: Mapping, value: object) -> Any:
    """Return the meaning of a platform's value.

    `None` for a value that is not in the table, whatever its type.
    """
    return table.get(value) if type(value) in (int, str) else None


def token_in(answer: Mapping, name: str) -> str:
    """Return a token a platform issued.

    :raises Code: UNAVAILABLE for what no header or address could carry.
    """
    value = text(answer.get(name))
    if not value or not value.isascii() or not value.isprintable():
        raise Code(UNAVAILABLE, f"the platform's answer holds no usable {name}")
    return value


def life_in(answer: Mapping, name: str) -> int:
    """Return a token's life in seconds, up to a year.

    :raises Code: UNAVAILABLE for anything else.
    """
    value = answer.get(name)
    if type(value) is not int or not 0 < value <= YEAR:
        raise Code(UNAVAILABLE, f"the platform's answer holds no usable {name}")
    return value
