"""The overview agrees with the database, and is light and quick."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import event, insert
from support.admin_client import open_database, strip_markup
from support.large_company import fill_company
from support.portal_app import FEISHU, both_databases
from support.rows import add_account, add_person, add_request, isolate_context

from portal import audit
from portal.audit import Actor
from portal.clocks import now
from portal.database import db, write
from portal.models import LEFT, SyncRun

MOST_STATEMENTS = 15
MOST_BYTES = 100_000


def read_chart(page, name):
    """Return the cells of a section's table, a list for each row."""
    section = re.search(rf'<section class="panel" aria-labelledby="{name}">.*?</section>', page, re.S)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.S)
    return [[strip_markup(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows[1:]]


def add_sync(element, state, when, **counts):
    """Store a sync that took forty seconds."""
    times = {"created_at": when, "started_at": when, "ended_at": when + timedelta(seconds=40)}
    facts = {"element": element, "state": state, "counts": counts, "how": "schedule", "open": None}
    with write() as session:
        session.execute(insert(SyncRun).values(**facts, **times))


@both_databases
def test_to_do_counts_and_leads_to_each_list(portal, alice, context):
    add_request(add_person("waits"), created_at=now() - timedelta(hours=8))
    add_request(add_person("waits too"))
    add_person("fits", employee_number="E1"), add_account("fits", employee_number="E1")
    add_person("left", add_account("left"), status=LEFT)

    page = alice.get("/admin").text

    items = re.search(r'<ul class="to-do">.*?</ul>', page, re.S)[0]
    words = [strip_markup(item) for item in re.findall(r"<li.*?</li>", items, re.S)]
    assert words == [
        "2 waiting in the queue oldest: 8 hours ago",
        "1 suggestions",
        "0 conflicts",
        "1 departed, still bound",
    ]
    assert re.findall(r'href="([^"]+)"', items) == [
        "/admin/queue",
        *(f"/admin/bindings?status={status}" for status in ("suggested", "conflict", "left_bound")),
    ]
    assert re.search(r'<a href="/admin" aria-current="page">\s*Overview', page)
    assert page.count("aria-current=") == 1
    other = alice.get("/admin/bindings").text
    assert (
        re.search(r'<a href="/admin/bindings" aria-current="page">', other) and other.count('aria-current="page"') == 1
    )


@both_databases
def test_the_tables_of_the_charts_agree_with_the_database(portal, alice, context):
    add_person("bound", add_account("bound")), add_person("unbound"), add_person("feishu", provider="feishu")
    yesterday = now() - timedelta(days=1)
    with write():
        for result in (0, 0, 40303, 40303, 40305):
            audit.record("login", Actor(), at=yesterday, result=result)
    add_sync(FEISHU, "done", yesterday, people=1511)
    add_sync(FEISHU, "failed", yesterday)
    add_sync(FEISHU, "stopped", now() - timedelta(days=3))
    add_sync(FEISHU, "done", now() - timedelta(days=40))

    answer = alice.get("/admin")
    page = answer.text

    assert read_chart(page, "adoption") == [["WeCom", "1 / 2 50%"], ["Feishu", "0 / 1 0%"]]
    sign_ins = read_chart(page, "sign-ins")
    assert len(sign_ins) == 30 and sign_ins[1][1:] == ["2", "3"]
    assert sum(int(row[1]) for row in sign_ins) == 3  # and alice herself
    assert f'href="/admin/audit?action=login&amp;from={yesterday:%F}&amp;to={yesterday:%F}"' in page
    assert "2 sign-ins · 3 failed</title>" in page
    syncs = [row for row in read_chart(page, "syncs") if len(row) == 3]
    assert [row[1] for row in syncs[:2]] == ["2 syncs · 1 failed", "1 sync · 1 stopped"]
    assert page.count('class="failed" d="M') == 2 and page.count('class="stopped" d="M') == 2  # one is the key's
    assert read_chart(page, "causes") == [["Not bound to an account", "2"], ["Cancelled by the person", "1"]]
    assert '<a href="/admin/queue">Not bound to an account</a>' in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("people", "bound", "words"), [(300, 299, "99%"), (300, 1, "< 1%"), (300, 0, "0%"), (300, 300, "100%")]
)
def test_the_percentage_never_rounds_to_all_or_none(portal, people, bound, words):
    with portal.test_request_context():
        percent = portal.jinja_env.get_template("admin/_charts.html").module.percent

        assert html.unescape(percent(bound / people)) == words


@both_databases
@pytest.mark.parametrize("path", ["/admin", "/admin/search?q=王", "/admin/search?q=ABCD-23", "/admin/search?q=p1"])
def test_pages_stay_light_and_ask_little_of_the_database(portal, alice, path):
    with open_database(portal) as session:
        fill_company(session)
        engine = db.engine
    sent = []
    event.listen(engine, "before_cursor_execute", lambda *facts: sent.append(facts[2]))

    answer = isolate_context(alice).get(path)

    assert answer.status_code == 200
    assert len([text for text in sent if text.lstrip("( ").upper().startswith(("SELECT", "WITH"))]) < MOST_STATEMENTS, (
        sent
    )
    assert len(answer.data) < MOST_BYTES


def test_an_empty_portal_shows_first_steps_and_no_charts(alice):
    page = alice.get("/admin").text

    assert "First steps" in page and "No people yet" in page
    assert "<svg" not in page.partition("<main")[2]
