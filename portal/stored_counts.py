"""Numbers that take too long to count for every page.

The worker counts them from time to time. Pages read what it has stored.
"""

from datetime import datetime

from portal import database
from portal.database import db
from portal.models import StoredCount


def find_count(name: str) -> StoredCount | None:
    """Return stored numbers by their name, if there are any."""
    return db.session.get(StoredCount, name)


@database.retried
def store_count(name: str, counts: dict, counted_at: datetime) -> None:
    """Store numbers in place of older ones.

    :param counted_at: when the counting began.
    """
    with database.write() as session:
        session.merge(StoredCount(name=name, counts=counts, counted_at=counted_at))


def remove_count(name: str) -> None:
    """Remove stored numbers that are not needed any more."""
    with database.write() as session:
        if (row := session.get(StoredCount, name)) is not None:
            session.delete(row)
