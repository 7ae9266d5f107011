"""The audit log's page filters, pages and escapes names."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select, text
from support.admin_client import open_database, store_account
from support.audit_entries import add_entry, read_sentences, store_person
from support.portal_app import both_databases

from portal.audit import Client, searching
from portal.clocks import now
from portal.database import db
from portal.models import AuditEvent


@both_databases
def test_every_filter_narrows_and_all_of_them_together(alice, portal):
    bob, zhang = store_account(portal, "bob", name="Bob Builder"), store_person(portal)
    add_entry(portal, "login", actor_id=bob, account_id=bob, identity_id=zhang, element="FSInnerExample")
    add_entry(
        portal,
        "login",
        Client("198.51.100.9", "", "AAAA-22"),
        result=40303,
        identity_id=zhang,
        element="QywxInnerExample",
    )
    add_entry(portal, "account.disable", actor_id=1, account_id=bob)

    def number(query):
        return len(read_sentences(alice.get(f"/admin/audit?{query}")))

    everything = number("")
    assert everything == 5  # alice was made, and signed in
    assert number("action=account.disable") == 1
    assert number("action=login") == 3
    assert number(f"account={bob}") == 2
    assert number(f"identity={zhang}") == 2
    assert number("actor=bob") == 1 and number("actor=nobody") == 0
    assert number("element=FSInnerExample") == 1
    outcomes = ("ok", "refused", "failed", "unfinished")
    assert [number(f"result={outcome}") for outcome in outcomes] == [4, 0, 0, 1]
    assert number("text=aaaa-22") == number("text=198.51.100.9") == 1
    assert number("text=张") == 2 and number("text=builder") == 2 and number("text=xyz") == 0
    today = datetime.now(UTC).date()
    assert number(f"from={today}&to={today}") == everything
    assert number(f"from={today + timedelta(days=1)}") == number(f"to={today - timedelta(days=1)}") == 0
    assert number(f"action=login&account={bob}&identity={zhang}&result=ok&actor=bob&element=FSInnerExample") == 1
    nonsense = "action=x&account=x&identity=-1&from=yesterday&to=9999-12-31&result=x&older=x-y&newer=%F0-1&text="
    assert number(nonsense) == everything


def test_histories_link_to_the_audit_log_and_back(alice, portal):
    bob, zhang = store_account(portal, "bob"), store_person(portal)
    add_entry(portal, "account.enable", actor_id=1, account_id=bob)
    card = alice.get(f"/admin/accounts/{bob}")
    assert read_sentences(card) == ["alice enabled bob"]
    assert f'href="/admin/audit?account={bob}"' in card.text
    page = alice.get(f"/admin/audit?account={bob}")
    assert "History of the account bob" in page.text and f'href="/admin/accounts/{bob}"' in page.text
    assert "History of 张伟" in alice.get(f"/admin/audit?identity={zhang}").text
    assert "No results" in alice.get(f"/admin/audit?identity={zhang}").text


@both_databases
def test_a_long_number_of_a_platform_is_cut(alice, portal):
    add_entry(portal, "login", native="invalid_" * 20, result=40029)
    with open_database(portal) as session:
        stored = select(AuditEvent.native).where(AuditEvent.native.is_not(None))
        assert session.scalars(stored).all() == ["invalid_" * 8]


@both_databases
def test_paging_has_no_gap_and_no_repetition(portal, alice):
    moment = now()
    with open_database(portal) as session:  # many at the same moment: the id tells them apart
        session.add_all([AuditEvent(action="login", at=moment, native=str(number)) for number in range(130)])
        session.commit()
    counts, query = [], ""
    while True:
        page = alice.get(f"/admin/audit{query}").text
        with portal.test_request_context():
            older = re.search(r'rel="next" href="/admin/audit(\?[^"]+)"', page)
        counts.append(len(re.findall('class="said"', page)))
        if not older:
            break
        query = older[1].replace("&amp;", "&")
    assert counts == [50, 50, 32]
    with portal.app_context():
        first = searching.search(searching.AuditFilter())
        second = searching.search(searching.AuditFilter(), older=first.older)
        again = searching.search(searching.AuditFilter(), newer=second.newer)
        ids = [entry.id for events in searching.iterate_events(searching.AuditFilter()) for entry in events]
    assert (first.newer, second.newer is None) == (None, False)
    assert [entry.id for entry in again.events] == [entry.id for entry in first.events]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 132


def test_a_page_of_the_audit_log_needs_few_statements(alice, portal):
    for number in range(20):
        add_entry(portal, "account.enable", actor_id=store_account(portal, f"user{number}"), account_id=1)
    asked = []
    with portal.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert len(read_sentences(alice.get("/admin/audit"))) == 22
    assert len([statement for statement in asked if statement.startswith("SELECT")]) < 8


@both_databases
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (searching.AuditFilter(), "ix_audit_event_at"),
        (searching.AuditFilter(action="link.make"), "ix_audit_event_action"),
        (searching.AuditFilter(account_id=7), "ix_audit_event_account_id"),
        (searching.AuditFilter(identity_id=7), "ix_audit_event_identity_id"),
        (searching.AuditFilter(element="x"), "ix_audit_event_element"),
        (searching.AuditFilter(since=datetime(2026, 1, 1, tzinfo=UTC)), "ix_audit_event_at"),
    ],
)
def test_each_filter_has_an_index_in_the_lists_order(portal, wanted, index):
    rows = select(AuditEvent.id).where(*wanted.list_conditions()).order_by(*searching.NEWEST_FIRST).limit(51)
    with open_database(portal) as session:
        sqlite = db.engine.dialect.name == "sqlite"
        if not sqlite:
            session.execute(text("SET enable_seqscan = off"))
            session.execute(text("SET enable_sort = off"))
            session.execute(text("SET enable_bitmapscan = off"))
        query = rows.compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = str(session.execute(text(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{query}")).all())
    assert re.search(rf"\b{index}\b", plan), plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan


HOSTILE = "<svg onload=alert(1)>{{7*7}}\"'"


def test_hostile_names_are_text(alice, portal):
    bob, zhang = store_account(portal, HOSTILE), store_person(portal, name=HOSTILE)
    add_entry(
        portal,
        "binding.make",
        Client(HOSTILE, "", "<b>"),
        actor_id=bob,
        account_id=bob,
        identity_id=zhang,
        element="<i>",
    )
    for query in (
        "",
        f"?account={bob}",
        f"?identity={zhang}",
        "?text=%3Csvg%20onload",
        "?actor=%3Csvg",
        "?from=%3Csvg",
    ):
        page = alice.get(f"/admin/audit{query}").text
        assert "<svg" not in page and "<b>" not in page and "<i>" not in page


def test_refusals_are_recorded_as_well(alice, portal):
    store_account(portal, "bob")
    alice.post_form("/admin/accounts/create", username="bob")
    alice.post_form("/admin/accounts/1/disable")
    assert read_sentences(alice.get("/admin/audit?result=refused")) == [
        "alice could not disable alice because it is the last administrator",
        "alice could not create an account because the username is taken",
    ]
