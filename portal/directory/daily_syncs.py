"""Syncs summed up by login and day."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from functools import cache

from sqlalchemy import CompoundSelect, bindparam, func, literal, select, union_all

from portal.clocks import find_day_bounds, list_last_days
from portal.database import Moment, db
from portal.models import SyncRun

DAYS = 30


@dataclass(frozen=True)
class SyncDay:
    """The syncs of a login that ended on one day.

    :param took: how long the last one took.
    :param people: how many people the last one read; `None` where that is not known.
    """

    day: date
    number: int = 0
    failed: int = 0
    stopped: int = 0
    took: timedelta = timedelta()
    people: int | None = None

    @property
    def state(self) -> str:
        """Return the day's worst state.

        It is `failed`, `stopped`, `done` or `none`.
        """
        if not self.number:
            return "none"
        return "failed" if self.failed else "stopped" if self.stopped else "done"


def load_sync_days(elements: list[str], number: int = DAYS, zone: tzinfo = UTC) -> dict[str, list[SyncDay]]:
    """Return the last days of each element, the oldest first.

    Dry runs do not count.
    """
    days, bounds = list_last_days(number, zone), {"elements": elements}
    for place, day in enumerate(days):
        bounds[f"begin_{place}"], bounds[f"end_{place}"] = find_day_bounds(day, zone)
    sums = db.session.execute(select_sync_days(number), bounds).all() if elements else []
    last = find_runs([row.last_id for row in sums])
    by_day = {
        (row.element, row.place): SyncDay(days[row.place], row.number, row.failed, row.stopped, *last[row.last_id])
        for row in sums
    }
    return {
        element: [by_day.get((element, place), SyncDay(day)) for place, day in enumerate(days)] for element in elements
    }


def find_runs(ids: list[int]) -> dict[int, tuple[timedelta, int | None]]:
    """Return the duration of runs and their people, by id."""
    columns = (SyncRun.id, SyncRun.created_at, SyncRun.started_at, SyncRun.ended_at, SyncRun.counts)
    rows = db.session.execute(select(*columns).where(SyncRun.id.in_(ids))) if ids else ()
    return {row.id: (row.ended_at - (row.started_at or row.created_at), row.counts.get("people")) for row in rows}


@cache
def select_sync_days(number: int) -> CompoundSelect:
    """Return the statement that sums up syncs by day."""
    return union_all(
        *(
            select(
                literal(place).label("place"),
                SyncRun.element.label("element"),
                func.count().label("number"),
                func.count().filter(SyncRun.state == "failed").label("failed"),
                func.count().filter(SyncRun.state == "stopped").label("stopped"),
                func.max(SyncRun.id).label("last_id"),
            )
            .where(
                SyncRun.element.in_(bindparam("elements", expanding=True)),
                SyncRun.ended_at >= bindparam(f"begin_{place}", type_=Moment),
                SyncRun.ended_at < bindparam(f"end_{place}", type_=Moment),
                SyncRun.dry_run.is_(False),
            )
            .group_by(SyncRun.element)
            for place in range(number)
        )
    )
