"""Tickets that do not work."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from support.gate_browser import HOST, PAGE, add_application, change_rows, get_ticket, start
from support.portal_app import both_databases

from portal.clocks import now
from portal.models import Door, LoginSession, Ticket


def refuse(visitor, address, read_trail):
    answer = visitor.go(address, headers=PAGE)
    assert answer.status_code == 400
    assert "Please start again" in answer.text
    assert f'href="{HOST}/_portal/wiki/start?to=/"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert read_trail("door.refuse")[-1] == (40300, {"application": "wiki"})


@both_databases
def test_a_ticket_works_once(wiki, read_trail):
    handed = get_ticket(wiki)
    assert wiki.go(handed).status_code == 303
    refuse(wiki, handed, read_trail)


@both_databases
@pytest.mark.parametrize(
    ("table", "values"),
    [
        (Ticket, {"expires_at": now() - timedelta(seconds=1)}),
        (Ticket, {"expires_at": now() + timedelta(hours=1)}),
        (Ticket, {"host": "http://wiki.localhost:9001"}),
        (LoginSession, {"ended_at": now()}),
        (LoginSession, {"expires_at": now()}),
    ],
)
def test_a_ticket_that_no_longer_holds_is_refused(portal, wiki, read_trail, table, values):
    handed = get_ticket(wiki)
    change_rows(portal, table, **values)
    refuse(wiki, handed, read_trail)


def test_the_ticket_of_another_browser_is_refused(portal, wiki, read_trail):
    """Otherwise an attacker's ticket would sign people in as the attacker."""
    victim = portal.test_client()
    victim.sign_in(person="lisi")
    start(victim)
    handed = get_ticket(wiki)
    answer = victim.go(handed, headers=PAGE)
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    assert read_trail("door.refuse") == [(40300, {"application": "wiki"})]
    assert wiki.go(handed).status_code == 303


def test_of_tabs_that_open_at_once_each_comes_in(wiki):
    """Each begins without a cookie, and the browser keeps the nonce of the last."""
    first = start(wiki, "/first").location
    wiki.delete_cookie("portal_wiki_start", domain="wiki.localhost")
    last = start(wiki, "/last").location
    answer = wiki.go(wiki.go(first).location, headers=PAGE)
    assert (answer.status_code, answer.headers["Refresh"]) == (400, f"0; url={HOST}/_portal/wiki/start?to=/first")
    again = wiki.go(answer.headers["Refresh"].partition("=")[2])
    assert wiki.go(wiki.go(again.location).location).location == "/first"
    assert wiki.go(wiki.go(last).location).location == "/last"


def test_the_ticket_of_another_application_is_refused(portal, wiki, read_trail):
    add_application(portal, "docs")
    host = "http://docs.localhost:9000"
    wiki.get("/_portal/docs/start", base_url=host)
    handed = wiki.go(start(wiki).location).location
    answer = wiki.go(handed.replace(HOST, host).replace("/wiki/", "/docs/"))
    assert answer.status_code == 400


@pytest.mark.parametrize("ticket", ["", "x", "x" * 43, "é", "\x00", "x" * 4000])
def test_a_ticket_that_can_be_none_is_refused(wiki, read_trail, ticket):
    start(wiki)
    refuse(wiki, f"{HOST}/_portal/wiki/enter?ticket={quote(ticket)}", read_trail)


def test_a_browser_without_the_cookie_reads_why(portal, wiki):
    handed = get_ticket(wiki)
    answer = portal.test_client().go(handed, headers=PAGE)
    assert answer.status_code == 400
    assert "Your browser did not send a cookie" in answer.text
    assert wiki.go(handed).status_code == 303


def test_head_consumes_nothing(portal, wiki):
    address = start(wiki).location
    assert wiki.go(address, method="HEAD").status_code == 200
    handed = wiki.go(address).location
    for path in ("start", "enter?" + handed.partition("?")[2]):
        answer = wiki.open(f"/_portal/wiki/{path}", method="HEAD", base_url=HOST)
        assert (answer.status_code, answer.data, answer.headers.get("Set-Cookie")) == (200, b"", None)
    assert wiki.go(handed).status_code == 303


def test_refused_tickets_are_limited(portal, wiki, read_trail):
    start(wiki)
    for _number in range(301):
        answer = wiki.go(f"{HOST}/_portal/wiki/enter?ticket=x", headers=PAGE)
    assert answer.status_code == 429
    assert len(read_trail("door.refuse")) == 300


def test_a_session_keeps_so_many_doors_at_a_host(portal, wiki):
    for _number in range(25):
        wiki.go(get_ticket(wiki))
    with portal.app_context():
        assert Door.query.count() == 20
