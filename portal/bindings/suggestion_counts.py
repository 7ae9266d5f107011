"""Suggestions and conflicts counted in the background.

Where many people are unbound, this takes longer than a page may. The worker counts them once something has changed.
"""

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from portal import database, stored_counts
from portal.bindings import people_counts
from portal.clocks import SKEW, now
from portal.database import db
from portal.models import AuditEvent, Identity

COMPARED_AT_ONCE = 5_000  # people in one statement; the worker's have three seconds as well
PAUSE = timedelta(minutes=5)  # between two counts, unless a sync has ended
CHANGES = (  # the acts after which other people have suggestions
    *("account.create", "account.create_admin", "account.edit", "account.disable", "account.enable"),
    *("binding.make", "binding.end", "person.delete", "suggestion.decline", "queue.refuse", "queue.reopen"),
    *("account.offboard", "import.apply"),
)


def renew_counts() -> None:
    """Count the suggestions anew, if that is due.

    A small company's are counted by its pages, so nothing is stored.
    """
    stored = stored_counts.find_count(people_counts.STORED)
    if people_counts.count_open() <= people_counts.MOST_COUNTED:
        if stored is not None:
            stored_counts.remove_count(people_counts.STORED)
    elif stored is None or needs_counting(stored.counted_at):
        began_at = now()
        stored_counts.store_count(people_counts.STORED, count_in_parts(), began_at)


def needs_counting(counted_at: datetime) -> bool:
    """Tell whether the counts of some time should be renewed.

    A sync counts at once, other changes every few minutes.
    """
    since = counted_at - timedelta(seconds=SKEW)  # a transaction may be stored later than its time says
    is_change = AuditEvent.action == "sync.end"
    if now() - counted_at > PAUSE:
        has_failed = and_(AuditEvent.action == "login", AuditEvent.result != 0)  # an unknown person may have scanned
        is_change = or_(is_change, AuditEvent.action.in_(CHANGES), has_failed)
    return db.session.scalar(select(AuditEvent.at).where(is_change, AuditEvent.at > since).limit(1)) is not None


def count_in_parts() -> dict[str, int]:
    """Return the counts, reading some people at a time.

    No statement takes long, and no transaction stays open.
    """
    sums, after = {"suggested": 0, "conflict": 0}, 0
    while True:
        ids = select(Identity.id).where(people_counts.OPEN_PERSON, Identity.id > after).order_by(Identity.id)
        part = db.session.scalars(ids.limit(COMPARED_AT_ONCE)).all()
        if not part:
            return sums
        counts = people_counts.count_suggestions(after, part[-1])
        sums = {name: number + counts[name] for name, number in sums.items()}
        after = part[-1]
        database.end_transaction()
