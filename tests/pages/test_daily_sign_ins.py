"""Sign-ins are counted by the days of a time zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from support.portal_app import both_databases

from portal import audit, stored_counts
from portal.audit import Actor, daily_sign_ins
from portal.clocks import find_day_bounds, list_last_days, now
from portal.database import write

pytestmark = pytest.mark.usefixtures("context")


def sign_in(at, result=0, action="login"):
    with write():
        audit.record(action, Actor(), at=at, result=result)


def test_days_begin_at_midnight_of_the_zone_even_where_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    begin, end = find_day_bounds(date(2026, 10, 25), berlin)
    assert (begin, end) == (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
    days = list_last_days(3, berlin)
    assert days == [days[2] - timedelta(days=2), days[2] - timedelta(days=1), now().astimezone(berlin).date()]


@both_databases
@pytest.mark.parametrize("hours", [0, 8, -7, 5.75])
def test_each_sign_in_counts_on_its_day(portal, hours):
    zone = timezone(timedelta(hours=hours))
    begin, _end = find_day_bounds(list_last_days(1, zone)[0], zone)
    sign_in(begin)
    sign_in(begin - timedelta(microseconds=1), 40303)
    sign_in(begin - timedelta(days=1))
    sign_in(begin - timedelta(days=1))
    sign_in(begin - timedelta(days=29), 40305)
    sign_in(begin - timedelta(days=29, microseconds=1))
    sign_in(begin, 40303, action="login.confirm")

    days = daily_sign_ins.load_sign_in_days(zone=zone)

    assert len(days) == 30 and days[-1].day - days[0].day == timedelta(days=29)
    assert [(day.succeeded, day.failed) for day in days[-2:]] == [(2, 1), (1, 0)]
    assert days[0].results == {40305: 1}
    assert sum(day.total for day in days) == 5
    assert daily_sign_ins.count_causes(days) == [(40303, 1), (40305, 1)]


@both_databases
def test_past_days_are_stored_once_and_today_is_counted_each_time(portal):
    sign_in(now() - timedelta(days=3))
    daily_sign_ins.store_past_days()
    sign_in(now() - timedelta(days=3), 40302)
    sign_in(now(), 40303)

    days = daily_sign_ins.load_sign_in_days()

    assert (days[-4].results, days[-1].results) == ({0: 1}, {40303: 1})
    first = stored_counts.find_count("sign_ins").counted_at
    daily_sign_ins.store_past_days()
    assert stored_counts.find_count("sign_ins").counted_at == first
    other = daily_sign_ins.load_sign_in_days(zone=timezone(timedelta(hours=8)))
    assert sum(day.total for day in other) == 3
