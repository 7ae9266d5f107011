"""The worker counts suggestions where many people are unbound."""

from datetime import timedelta

import pytest
from support.admin_client import strip_markup
from support.large_company import fill_company
from support.portal_app import both_databases
from support.rows import add_account, add_person

from portal import audit, stored_counts
from portal.audit import Actor
from portal.bindings import people_counts, suggestion_counts
from portal.clocks import now
from portal.database import db, write

pytestmark = pytest.mark.usefixtures("context")


def age_count(minutes):
    """Make the stored count older."""
    row = stored_counts.find_count(people_counts.STORED)
    stored_counts.store_count(row.name, {"suggested": 7, "conflict": 1}, now() - timedelta(minutes=minutes))


def record_act(action, minutes=0, **facts):
    with write():
        audit.record(action, Actor(), at=now() - timedelta(minutes=minutes), **facts)


@both_databases
def test_a_large_company_is_counted_in_the_background(portal, alice, monkeypatch):
    fill_company(db.session, people=2_400, strong=2_012, weak=40)
    counts = people_counts.count_by_status()
    assert counts["open"] > people_counts.MOST_COUNTED
    assert (counts["suggested"], counts["conflict"], counts["counted_at"]) == (None, None, None)

    monkeypatch.setattr(suggestion_counts, "COMPARED_AT_ONCE", 100)
    suggestion_counts.renew_counts()

    counts = people_counts.count_by_status()
    whole = people_counts.count_suggestions()
    assert {name: counts[name] for name in whole} == whole
    assert whole["suggested"] > 600 and whole["conflict"] > 0
    assert now() - counts["counted_at"] < timedelta(minutes=5)
    number = f"{whole['suggested']:,}"
    assert f"Suggestions about {number}" in strip_markup(alice.get("/admin/bindings").text)
    assert f"about {number} suggestions counted just now" in strip_markup(alice.get("/admin").text)


def test_a_small_company_is_counted_by_its_pages_and_stores_nothing(portal, monkeypatch):
    add_person("li", employee_number="E1"), add_account("li", employee_number="E1")
    suggestion_counts.renew_counts()
    assert stored_counts.find_count(people_counts.STORED) is None
    assert people_counts.count_by_status()["suggested"] == 1

    monkeypatch.setattr(people_counts, "MOST_COUNTED", 0)
    suggestion_counts.renew_counts()
    assert stored_counts.find_count(people_counts.STORED).counts == {"suggested": 1, "conflict": 0}

    monkeypatch.undo()
    suggestion_counts.renew_counts()
    assert stored_counts.find_count(people_counts.STORED) is None


@both_databases
@pytest.mark.parametrize(
    ("act", "age", "is_due"),
    [
        ({"action": "binding.make"}, 6, True),
        ({"action": "binding.make"}, 4, False),  # it may wait some minutes
        ({"action": "login", "result": 40303}, 6, True),  # an unknown person has scanned
        ({"action": "login"}, 6, False),
        ({"action": "sync.end"}, 4, True),
        ({"action": "binding.make", "minutes": 9}, 6, False),  # before the last count
        (None, 600, False),
    ],
)
def test_they_are_counted_anew_once_something_has_changed(portal, monkeypatch, act, age, is_due):
    add_person("li")
    monkeypatch.setattr(people_counts, "MOST_COUNTED", 0)
    suggestion_counts.renew_counts()
    age_count(age)
    if act:
        record_act(**act)

    suggestion_counts.renew_counts()

    assert (stored_counts.find_count(people_counts.STORED).counts["suggested"] == 0) == is_due
