"""Pages show times of the portal's time zone, and filter by its days."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.admin_client import open_database
from support.audit_entries import read_sentences, read_table
from support.portal_app import both_databases
from support.rows import open_admin_browser

from portal.models import AuditEvent

LATE = datetime(2026, 11, 26, 23, 21, 5, tzinfo=UTC)  # the next day in Shanghai
BUSY = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # Berlin's shortest day


@pytest.fixture
def settings(settings):
    return {**settings, "PORTAL_TIMEZONE": "Asia/Shanghai"}


def add_entry_at(portal, moment):
    """Add an entry of the audit log as of a time."""
    with open_database(portal) as session:
        session.add(AuditEvent(at=moment, action="login", result=40302, request_id="7F3K-2Q"))
        session.commit()


@pytest.mark.parametrize(
    ("language", "short", "exact"),
    [
        ("en", "27 Nov 2026, 07:21", "27 Nov 2026, 07:21:05 GMT+08:00"),
        ("zh", "2026-11-27 07:21", "2026-11-27 07:21:05 GMT+08:00"),
    ],
)
def test_a_time_is_local(alice, portal, language, short, exact):
    add_entry_at(portal, LATE)
    page = alice.get("/admin/audit", headers={"Accept-Language": language}).text
    assert f'<span class="way-note">{short}</span>' in page
    assert f'datetime="2026-11-26T23:21:05+00:00" title="{exact}"' in page


@both_databases
def test_a_day_of_the_filter_is_a_local_day(alice, portal):
    add_entry_at(portal, LATE)

    def count(query):
        return len(read_sentences(alice.get(f"/admin/audit?text=7F3K-2Q&{query}")))

    assert (count("from=2026-11-27"), count("to=2026-11-26")) == (1, 0)
    assert count("from=2026-11-27&to=2026-11-27") == 1


@pytest.mark.parametrize(("day", "number"), [("2026-03-28", 0), ("2026-03-29", 1), ("2026-03-30", 0)])
def test_a_day_may_have_fewer_than_24_hours(make_portal, day, number):
    portal = make_portal(PORTAL_TIMEZONE="Europe/Berlin")
    add_entry_at(portal, BUSY)
    page = open_admin_browser(portal).get(f"/admin/audit?text=7F3K-2Q&from={day}&to={day}")
    assert len(read_sentences(page)) == number


def test_an_export_has_utc(alice, portal):
    add_entry_at(portal, LATE)
    rows = read_table(alice.get("/admin/audit/export?text=7F3K-2Q"))
    assert [row["Time (UTC)"] for row in rows] == ["2026-11-26 23:21:05"]


def test_a_link_tells_until_when_it_works(alice):
    alice.post_form("/admin/accounts/1/link")
    until = re.search(r"works once, until ([^.]+)\.", alice.get("/admin/accounts/1").text)[1]
    shown = datetime.strptime(until, "%d %b %Y, %H:%M").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert abs(shown - datetime.now(UTC) - timedelta(minutes=15)) < timedelta(minutes=5)
