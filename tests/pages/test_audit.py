"""The trail: every entry has words, finds its way by every filter, leaves as a file, and stays as it is."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, event, func, select, text, update
from sqlalchemy.exc import DBAPIError
from support.admin_client import open_database, store_account, strip_markup
from support.portal_app import ROOT, both_databases

from portal import audit, models
from portal.audit import Actor, Client, record
from portal.clocks import now
from portal.database import db, write
from portal.models import AuditEvent, QywxInnerAuthModel
from portal.pages.admin import audit_sentences
from portal.pages.login_flow import REFUSED_ACTIONS

THERE = Client("203.0.113.7", "", "7F3K-2Q")


@pytest.fixture
def happened(portal):
    """Return a function that adds an entry as the code does; it gives its id."""

    def add(action, client=THERE, actor_id=None, **facts):
        with portal.app_context():
            with write():
                record(action, Actor(actor_id, client), **facts)
            return db.session.scalar(select(func.max(AuditEvent.id)))

    return add


def entries(page):
    """Return the sentences on a page, the newest first."""
    return [strip_markup(found) for found in re.findall(r'<span class="said">(.*?)</span>', page.text, re.S)]


def table(answer):
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


# Only ever added


@both_databases
def test_an_entry_can_not_be_changed_and_not_be_removed_while_it_is_young(portal, happened):
    young = happened("login")
    with open_database(portal) as session:
        session.add(AuditEvent(action="login", at=now() - timedelta(days=models.AUDIT_KEPT + 1)))
        session.commit()
        old = session.scalar(select(func.max(AuditEvent.id)))
    for change in (
        update(AuditEvent).where(AuditEvent.id == young).values(result=0),
        update(AuditEvent).where(AuditEvent.id == old).values(actor_id=7),
        delete(AuditEvent).where(AuditEvent.id == young),
    ):
        with open_database(portal) as session, pytest.raises(DBAPIError):
            session.execute(change)
    with open_database(portal) as session:
        session.execute(delete(AuditEvent).where(AuditEvent.id == old))  # what a retention may take
        session.commit()
        assert session.scalars(select(AuditEvent.id)).all() == [young]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_trail_can_not_be_emptied_at_once(portal, happened):
    happened("login")
    with open_database(portal) as session, pytest.raises(DBAPIError):
        session.execute(text("TRUNCATE audit_event"))


def test_no_route_changes_the_trail(portal):
    rules = [rule for rule in portal.url_map.iter_rules() if rule.endpoint.startswith("admin_audit.")]
    assert {method for rule in rules for method in rule.methods} == {"GET", "HEAD", "OPTIONS"}


# Words


def actions():
    """Return the actions that the code writes, by what stands in its source."""
    found = set()
    for path in (ROOT / "portal").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:record|recorded)\(\s*"([a-z_.]+)"', source))
    return found | set(REFUSED_ACTIONS.values()) | {"audit.export", "bindings.export"}


def test_every_action_has_a_sentence_and_a_name_in_the_filter():
    found = actions()
    assert {"login", "session.end", "binding.make", "binding.end", "account.disable", "link.make"} <= found
    assert found == {key[0] for key in audit_sentences.SENTENCES} == set(audit_sentences.GROUPS)


def test_sentences_name_nobody_they_do_not_know():
    for key, sentence in audit_sentences.SENTENCES.items():
        assert set(re.findall(r"%\((\w+)\)s", str(sentence))) <= {"actor", "account", "person", "element"}, key


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"action": "login", "actor_id": 2, "account_id": 2, "identity_id": 1}, "张伟 signed in as bob"),
        ({"action": "login", "actor_id": 2, "account_id": 2, "details": {"how": "link"}}, "bob signed in with"),
        ({"action": "login", "result": 40303, "identity_id": 1}, "张伟 could not sign in You have no account here yet"),
        ({"action": "login", "result": 40029}, "An unknown person could not sign in This sign-in code can't be used"),
        ({"action": "binding.make", "actor_id": 1, "account_id": 2, "identity_id": 1}, "alice bound 张伟 to bob"),
        ({"action": "binding.make", "actor_id": 2, "account_id": 2, "identity_id": 1}, "bob bound 张伟 to their own"),
        ({"action": "binding.end", "account_id": 2, "identity_id": 1}, "张伟 left and was unbound from bob"),
        (
            {"action": "account.role", "actor_id": 1, "account_id": 2, "details": {"role": "user"}},
            "alice removed the administrator role from",
        ),
        ({"action": "account.disable", "actor_id": 1, "account_id": 2, "details": {"sessions": 2}}, "2 sessions ended"),
        ({"action": "account.edit", "actor_id": 1, "account_id": 2, "details": {"fields": ["mobile"]}}, "Changed: mob"),
        ({"action": "account.enable", "actor_id": 77, "account_id": 2}, "account no. 77 enabled bob"),
        ({"action": "binding.end", "actor_id": 1, "account_id": 2, "identity_id": 99}, "alice unbound person no. 99"),
        ({"action": "their.own", "actor_id": 1}, "alice: their.own"),
    ],
)
def test_an_entry_is_a_sentence(alice, portal, happened, facts, sentence):
    store_account(portal, "bob"), person(portal)
    happened(**facts)
    words = strip_markup(alice.get("/admin/audit").text).replace("&#39;", "'")
    assert sentence in words


def person(portal, **more):
    with open_database(portal) as session:
        facts = {"provider": "wecom", "tenant": "company", "subject": "zhangwei", "user_id": "zhangwei"}
        made = QywxInnerAuthModel(**{**facts, "name": "张伟", **more})
        session.add(made)
        session.commit()
        return made.id


# Filters and pages


@both_databases
def test_every_filter_narrows_and_all_of_them_together(alice, portal, happened):
    bob, zhang = store_account(portal, "bob", name="Bob Builder"), person(portal)
    happened("login", actor_id=bob, account_id=bob, identity_id=zhang, element="FSInnerExample")
    happened(
        "login", Client("198.51.100.9", "", "AAAA-22"), result=40303, identity_id=zhang, element="QywxInnerExample"
    )
    happened("account.disable", actor_id=1, account_id=bob)

    def number(query):
        return len(entries(alice.get(f"/admin/audit?{query}")))

    everything = number("")
    assert everything == 5  # alice was made, and signed in
    assert number("action=account.disable") == 1
    assert number("action=login") == 3
    assert number(f"account={bob}") == 2
    assert number(f"identity={zhang}") == 2
    assert number("actor=bob") == 1 and number("actor=nobody") == 0
    assert number("element=FSInnerExample") == 1
    assert (number("result=refused"), number("result=ok")) == (1, 4)
    assert number("text=aaaa-22") == number("text=198.51.100.9") == 1
    assert number("text=张") == 2 and number("text=builder") == 2 and number("text=xyz") == 0
    today = datetime.now(UTC).date()
    assert number(f"from={today}&to={today}") == everything
    assert number(f"from={today + timedelta(days=1)}") == number(f"to={today - timedelta(days=1)}") == 0
    assert number(f"action=login&account={bob}&identity={zhang}&result=ok&actor=bob&element=FSInnerExample") == 1
    nonsense = "action=x&account=x&identity=-1&from=yesterday&to=9999-12-31&result=x&older=x-y&newer=%F0-1&text="
    assert number(nonsense) == everything


def test_histories_lead_to_the_trail_and_back(alice, portal, happened):
    bob, zhang = store_account(portal, "bob"), person(portal)
    happened("account.enable", actor_id=1, account_id=bob)
    card = alice.get(f"/admin/accounts/{bob}")
    assert entries(card) == ["alice enabled bob"]
    assert f'href="/admin/audit?account={bob}"' in card.text
    page = alice.get(f"/admin/audit?account={bob}")
    assert "History of the account bob" in page.text and f'href="/admin/accounts/{bob}"' in page.text
    assert "History of 张伟" in alice.get(f"/admin/audit?identity={zhang}").text
    assert "No results" in alice.get(f"/admin/audit?identity={zhang}").text


@both_databases
def test_pages_go_back_and_forth_without_gap_or_repetition(portal, alice, happened):
    moment = now()
    with open_database(portal) as session:  # many at the same moment: the id tells them apart
        session.add_all([AuditEvent(action="login", at=moment, native=str(number)) for number in range(130)])
        session.commit()
    seen, query = [], ""
    while True:
        page = alice.get(f"/admin/audit{query}").text
        with portal.test_request_context():
            older = re.search(r'rel="next" href="/admin/audit(\?[^"]+)"', page)
        seen.append(len(re.findall('class="said"', page)))
        if not older:
            break
        query = older[1].replace("&amp;", "&")
    assert seen == [50, 50, 32]
    with portal.app_context():
        first = audit.search(audit.AuditFilter())
        second = audit.search(audit.AuditFilter(), older=first.older)
        again = audit.search(audit.AuditFilter(), newer=second.newer)
        ids = [entry.id for events in audit.iterate_events(audit.AuditFilter()) for entry in events]
    assert (first.newer, second.newer is None) == (None, False)
    assert [entry.id for entry in again.events] == [entry.id for entry in first.events]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 132


def test_a_page_asks_the_database_little(alice, portal, happened):
    for number in range(20):
        happened("account.enable", actor_id=store_account(portal, f"user{number}"), account_id=1)
    asked = []
    with portal.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert len(entries(alice.get("/admin/audit"))) == 22
    assert len([statement for statement in asked if statement.startswith("SELECT")]) < 8


@both_databases
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (audit.AuditFilter(), "ix_audit_event_at"),
        (audit.AuditFilter(action="link.make"), "ix_audit_event_action"),
        (audit.AuditFilter(account_id=7), "ix_audit_event_account_id"),
        (audit.AuditFilter(identity_id=7), "ix_audit_event_identity_id"),
        (audit.AuditFilter(element="x"), "ix_audit_event_element"),
        (audit.AuditFilter(since=datetime(2026, 1, 1, tzinfo=UTC)), "ix_audit_event_at"),
    ],
)
def test_each_filter_has_an_index_in_the_lists_order(portal, wanted, index):
    rows = select(AuditEvent.id).where(*wanted.list_conditions()).order_by(*audit.NEWEST_FIRST).limit(51)
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


# Taken along


def test_the_file_holds_what_the_filter_shows_masked_and_says_so_itself(alice, portal, happened):
    bob = store_account(portal, "bob", name="=1+1", mobile="13812345678", email="bob@example.com")
    happened("contact.reveal", actor_id=1, account_id=bob, details={"field": "mobile"})
    happened("login", result=40303, element="FSInnerExample")
    answer = alice.get(f"/admin/audit/export?account={bob}")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    [row] = table(answer)
    assert (row["What"], row["By"], row["Account"]) == ("alice viewed the mobile number of bob", "alice", "bob")
    assert (row["From"], row["Reference"], row["Result"]) == ("203.0.113.7", "7F3K-2Q", "0")
    assert "13812345678" not in answer.text and "bob@example.com" not in answer.text
    everything = table(alice.get("/admin/audit/export"))
    assert everything[0]["Action"] == everything[1]["Action"] == "audit.export"
    with open_database(portal) as session:
        details = session.scalars(select(AuditEvent.details).where(AuditEvent.action == "audit.export")).all()
    assert details == [{"filter": ["account_id"]}, {"filter": []}]


def test_no_name_in_the_file_is_a_formula(alice, portal, happened):
    bob, zhang = store_account(portal, "=cmd|'/c calc'!A1"), person(portal, name="@SUM(1)")
    happened("login", Client("+1", "", "-1"), actor_id=bob, account_id=bob, identity_id=zhang, element="\t=1")
    for row in csv.reader(io.StringIO(alice.get("/admin/audit/export").data.decode("utf-8-sig"), newline="")):
        assert not [cell for cell in row if cell.startswith(csv_starts())]


def csv_starts():
    return ("=", "+", "-", "@", "\t", "\r")


def test_a_long_trail_leaves_whole(alice, portal):
    with open_database(portal) as session:
        many = 2 * audit.EXPORTED_AT_ONCE + 7
        session.add_all([AuditEvent(action="login", native=str(number)) for number in range(many)])
        session.commit()
    assert len(table(alice.get("/admin/audit/export"))) == many + 3


HOSTILE = "<svg onload=alert(1)>{{7*7}}\"'"


def test_hostile_names_are_text(alice, portal, happened):
    bob, zhang = store_account(portal, HOSTILE), person(portal, name=HOSTILE)
    happened("binding.make", Client(HOSTILE, "", "<b>"), actor_id=bob, account_id=bob, identity_id=zhang, element="<i>")
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


def test_refusals_are_entries_as_well(alice, portal):
    store_account(portal, "bob")
    alice.post_form("/admin/accounts/create", username="bob")
    alice.post_form("/admin/accounts/1/disable")
    assert entries(alice.get("/admin/audit?result=refused")) == [
        "alice could not disable alice because it is the last administrator",
        "alice could not create an account because the username is taken",
    ]


@pytest.mark.parametrize("path", ["/admin/audit/export", "/admin/bindings/export"])
def test_asking_whether_a_file_is_there_takes_nothing_along(alice, portal, path):
    assert alice.head(path).status_code == 200
    with open_database(portal) as session:
        taken = select(func.count()).select_from(AuditEvent).where(AuditEvent.action.endswith(".export"))
        assert session.scalar(taken) == 0
