"""Sign-ins counted by day, and why some of them failed.

The days before today do not change any more. The worker stores their numbers, so that a page counts today alone.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from functools import cache

from sqlalchemy import CompoundSelect, bindparam, func, literal, select, union_all

from portal import stored_counts
from portal.clocks import find_day_bounds, list_last_days, now
from portal.database import Moment, db
from portal.models import AuditEvent

DAYS = 30
STORED = "sign_ins"  # the name of the stored numbers
SETTLED = timedelta(minutes=5)  # after its end, no transaction adds to a day any more
COUNTED_AT_ONCE = 5  # days in one statement of the worker, which has three seconds

Results = dict[int, int]  # error number, or 0 -> sign-ins


@dataclass(frozen=True)
class SignInDay:
    """The sign-ins of one day.

    `results` holds their number by error number; 0 stands for success.
    """

    day: date
    results: Results

    @property
    def total(self) -> int:
        return sum(self.results.values())

    @property
    def succeeded(self) -> int:
        return self.results.get(0, 0)

    @property
    def failed(self) -> int:
        return self.total - self.succeeded


def load_sign_in_days(number: int = DAYS, zone: tzinfo = UTC) -> list[SignInDay]:
    """Return the last days with their sign-ins, the oldest first."""
    days, stored = list_last_days(number, zone), read_stored(zone)
    counted = count_results([day for day in days if day not in stored], zone)
    return [SignInDay(day, stored[day] if day in stored else counted[day]) for day in days]


def count_causes(days: Iterable[SignInDay]) -> list[tuple[int, int]]:
    """Return error numbers and how many sign-ins failed so.

    The most frequent come first.
    """
    causes = Counter()
    for day in days:
        causes.update({result: count for result, count in day.results.items() if result})
    return sorted(causes.items(), key=lambda pair: (-pair[1], pair[0]))


def store_past_days(zone: tzinfo = UTC) -> None:
    """Count and store the past days that are missing."""
    moment, stored = now(), read_stored(zone)
    days = [day for day in list_last_days(DAYS, zone) if find_day_bounds(day, zone)[1] < moment - SETTLED]
    missing = [day for day in days if day not in stored]
    for first in range(0, len(missing), COUNTED_AT_ONCE):
        stored |= count_results(missing[first : first + COUNTED_AT_ONCE], zone)
    if missing:
        kept = {day.isoformat(): stored[day] for day in days}
        stored_counts.store_count(STORED, {"zone": str(zone), "days": kept}, moment)


def read_stored(zone: tzinfo) -> dict[date, Results]:
    """Return the stored numbers by day.

    Days of another time zone are other days.
    """
    row = stored_counts.find_count(STORED)
    if row is None or row.counts["zone"] != str(zone):
        return {}
    days = row.counts["days"].items()
    return {date.fromisoformat(day): {int(code): count for code, count in results.items()} for day, results in days}


def count_results(days: list[date], zone: tzinfo) -> dict[date, Results]:
    """Return the sign-ins of some days by error number."""
    results, bounds = {day: {} for day in days}, {}
    for place, day in enumerate(days):
        bounds[f"begin_{place}"], bounds[f"end_{place}"] = find_day_bounds(day, zone)
    for place, result, count in db.session.execute(select_days(len(days)), bounds) if days else ():
        results[days[place]][result] = count
    return results


@cache
def select_days(number: int) -> CompoundSelect:
    """Return the statement that counts the sign-ins of some days.

    An index holds all that it reads. It is made once, for making it takes longer than a small company's answer.
    """
    return union_all(
        *(
            select(literal(place).label("place"), AuditEvent.result, func.count())
            .where(
                AuditEvent.action == "login",
                AuditEvent.at >= bindparam(f"begin_{place}", type_=Moment),
                AuditEvent.at < bindparam(f"end_{place}", type_=Moment),
            )
            .group_by(AuditEvent.result)
            for place in range(number)
        )
    )
