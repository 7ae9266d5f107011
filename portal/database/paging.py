"""Pages of long lists."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select

from portal.database import db

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list.

    :param number: of the page, from 1.
    :param size: rows on a full page.
    :param total: rows on all pages.
    """

    rows: list[Item]
    number: int
    size: int
    total: int


def load_page(statement: Select, total: int, number: int, size: int) -> Page:
    """Load a page of what a statement selects.

    :param number: from 1; one beyond the last page means the last.
    """
    number = limit_page_number(number, total, size)
    rows = db.session.scalars(statement.limit(size).offset((number - 1) * size))
    return Page(list(rows), number, size, total)


def limit_page_number(number: int, total: int, size: int) -> int:
    """Return the nearest number of a page that exists."""
    return max(1, min(number, -(-total // size)))
