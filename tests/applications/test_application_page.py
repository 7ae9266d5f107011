"""The administrators' page of an application."""

import re

import pytest
from support.admin_client import strip_markup
from support.application_rows import add_application, add_event, add_group, add_problem, add_secret
from support.rows import add_account, reload_row

from portal.clocks import now
from portal.database import db
from portal.models import ApplicationSecret

pytestmark = pytest.mark.usefixtures("alice", "context")

WIKI = "/admin/applications/wiki"


def test_it_says_what_the_application_is(alice):
    dev = add_group("dev", "Developers")
    add_application("wiki", [dev], username_from="employee_number", contact="it@a.com", fresh_minutes=30)
    words = strip_markup(alice.get(WIKI).text)
    for part in (
        "Who may enter Developers dev",
        "A leaver is out next request",
        "Kind Gate",
        "Addresses https://wiki.example.com",
        "It is told username, name, e-mail, groups",
        "Username employee number",
        "at most 30 minutes old",
        "Contact it@a.com",
    ):
        assert part in words, part


def test_trying_it_leads_to_its_start_page(alice):
    add_application("wiki")
    assert '<a class="button" href="https://wiki.example.com" target="_blank" rel="noopener">' in alice.get(WIKI).text
    add_application("crm", launch_url="https://crm.example.com/start")
    page = alice.get("/admin/applications/crm").text
    assert '<a class="button" href="https://crm.example.com/start" target="_blank" rel="noopener">' in page


def test_what_is_missing_is_said_with_the_way_to_it(alice):
    add_application("wiki", hosts=[])
    page = alice.get(WIKI).text
    assert "The portal does not know where this application is." in page
    assert "Nobody may enter yet: no group is chosen." in page
    assert 'href="/admin/applications/wiki/edit#hosts"' in page and 'href="/admin/applications/wiki/edit#entry"' in page
    assert "Try it" not in page and "Snippets" not in page


@pytest.mark.parametrize(
    ("kind", "detail", "text", "remedy"),
    [
        (
            "incomplete",
            "X-Original-URL",
            "The snippet of wiki is incomplete: X-Original-URL is missing",
            "Copy the snippet below anew",
        ),
        (
            "host",
            "https://wiki2.example.com",
            "Asked for https://wiki2.example.com: add it or correct the proxy",
            "add it to the hosts",
        ),
        (
            "forged",
            "Remote-User",
            "A request came with Remote-User, which only the gate may set",
            "it removes this header",
        ),
    ],
)
def test_a_problem_of_the_proxy_has_its_remedy(alice, kind, detail, text, remedy):
    wiki = add_application("wiki")
    assert "message-bad" not in alice.get(WIKI).text
    add_problem(wiki, kind, detail)
    words = strip_markup(alice.get(WIKI).text)
    assert text in words and remedy in words


def test_the_snippets_are_filled_in(alice):
    add_application("wiki", [add_group("dev")])
    page = alice.get(WIKI).text
    for proxy in ("nginx", "Caddy", "Traefik"):
        assert f"<summary>{proxy}</summary>" in page
    snippets = re.findall(r'<code id="snippet-\d+" translate="no">(.*?)</code>', page, re.DOTALL)
    assert all("/_portal/wiki/" in text for text in snippets[:3])


def test_entries_and_refusals_are_counted_by_day(alice):
    wiki, other, person = add_application("wiki"), add_application("other"), add_account("zhang.wei")
    for days in (0, 0, 0, 2, 8):
        add_event("application.enter", wiki, person, days=days)
    add_event("application.refuse", wiki, person, result=40306)
    add_event("door.refuse", wiki, person, result=40300)
    add_event("application.enter", other, person)
    page = alice.get(WIKI).text
    [table] = re.findall(r'<table class="chart-table">.*?</table>', page, re.DOTALL)
    rows = [strip_markup(row) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]]
    assert len(rows) == 7
    assert rows[0].endswith("2 refused 3")
    assert [row.split()[-1] for row in rows] == ["3", "0", "1", "0", "0", "0", "0"]
    history = page[page.index('id="history"') :]
    assert history.count("<tr>") - 1 == 6


def test_switching_off_says_first_what_happens(alice):
    wiki = add_application("wiki", open_to_all=True)
    page = alice.get(f"{WIKI}/switch").text
    assert "From the next request on nobody can enter" in page
    assert reload_row(wiki).active
    answer = alice.post_form(f"{WIKI}/switch", active="0")
    assert (answer.status_code, answer.location) == (303, WIKI)
    assert not reload_row(wiki).active
    page = alice.get(WIKI).text
    assert "switched off" in page and "Try it" not in page
    assert "switched off already" in alice.get(f"{WIKI}/switch").text
    alice.post_form(f"{WIKI}/switch", active="1")
    assert reload_row(wiki).active


def test_secrets_are_for_clients(alice):
    add_application("wiki")
    assert "Secrets" not in alice.get(WIKI).text


def test_a_secret_is_shown_once(alice):
    client = add_application("wiki", redirect_uris=["https://wiki.example.com/back"])
    answer = alice.post_form(f"{WIKI}/secret")
    assert answer.status_code == 200
    secret = re.search(r'<code id="secret" translate="no">([^<]+)</code>', answer.text)[1]
    assert len(secret) >= 43
    page = alice.get(WIKI).text
    assert secret not in page and f"…{secret[-4:]}" in page
    db.session.rollback()
    [stored] = db.session.query(ApplicationSecret).filter_by(application_id=client.id)
    assert stored.secret_hash != secret.encode()


def test_a_secret_is_expired(alice):
    client = add_application("wiki", redirect_uris=["https://wiki.example.com/back"])
    kept, ended = add_secret(client, hint="kept"), add_secret(client, hint="gone")
    answer = alice.post_form(f"{WIKI}/secret/{ended.id}/expire")
    assert answer.status_code == 303
    assert reload_row(ended).expires_at <= now() and reload_row(kept).expires_at is None
    page = alice.get(WIKI).text
    assert page.count("/expire") == 1 and f"/secret/{kept.id}/expire" in page
    assert alice.post_form(f"{WIKI}/secret/{ended.id + 99}/expire").status_code == 404


def test_a_third_secret_waits_for_the_end_of_another(alice):
    client = add_application("wiki", redirect_uris=["https://wiki.example.com/back"])
    add_secret(client), add_secret(client)
    answer = alice.post_form(f"{WIKI}/secret")
    assert answer.status_code == 409 and 'href="/admin/applications/wiki#secrets">Back</a>' in answer.text
