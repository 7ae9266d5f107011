"""Tickets and doors on two worker processes, and processes that are killed."""

from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import requests
from support.http_visitors import PATIENCE, Visitor, run_at_once
from support.portal_app import FEISHU, both_databases
from support.syncs import wait_for

HOST = "http://wiki.localhost:9000"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
pytestmark = both_databases


@pytest.fixture
def wiki(sql):
    """An application that all accounts may enter."""
    sql(
        "INSERT INTO application (name, title, active, open_to_all, username_from, version, created_at, hosts, headers,"
        " header_encoding, redirect_uris, post_logout_uris, public, pkce, refresh, offline_days, scopes, token_minutes,"
        " claims_in_id_token, ask, all_groups, picture) VALUES ('wiki', 'Wiki', true, true, 'username', 1,"
        f" '2026-01-01', '[\"{HOST}\"]', '[\"user\"]', 'utf-8', '[]', '[]', false, 'required', false, 0, '[]', 15,"
        " true, false, false, false)"
    )


class Inside(Visitor):
    """A browser at the portal and at the wiki, which a proxy stands in front of."""

    def at_wiki(self, path, method="GET", **headers):
        """Send a request as the wiki's proxy hands it on."""
        address = self.server.url + path
        sent = {"Host": urlsplit(HOST).netloc, **PAGE, **headers}
        return self.http.request(method, address, headers=sent, allow_redirects=False, timeout=PATIENCE)

    def check(self):
        return self.at_wiki("/_portal/wiki/auth-request", **{"X-Original-URL": f"{HOST}/", "X-Original-Method": "GET"})

    def start(self, path="/"):
        """Begin to enter, and return the portal's path to the ticket."""
        address = self.at_wiki(f"/_portal/wiki/start?to={path}").headers["Location"]
        return address.removeprefix(self.server.url)

    def get_ticket(self, path="/"):
        """Go as far as the ticket, and return its path at the wiki."""
        return self.get(self.start(path)).headers["Location"].removeprefix(HOST)

    def copy(self):
        """Return another connection of the same browser."""
        other = Inside(self.server)
        other.http.cookies.update(self.http.cookies)
        return other


@pytest.fixture
def enter_portal(serve, wiki):
    """Return a function that starts the portal, and signs a browser in."""

    def start(**settings):
        browser = Inside(serve(**settings))
        browser.sign_in(FEISHU)
        return browser

    return start


def count_statuses(answers):
    return Counter(answer.status_code for answer in answers)


def test_of_twenty_uses_of_one_ticket_one_succeeds(enter_portal, sql):
    browser = enter_portal()
    ticket = browser.get_ticket()
    copies = [browser.copy() for _ in range(20)]
    answers = run_at_once([lambda copy=copy: copy.at_wiki(ticket) for copy in copies])
    assert count_statuses(answers) == {303: 1, 400: 19}
    assert sql("SELECT count(*) FROM door") == [(1,)]


def test_twenty_tabs_at_once_all_come_in(enter_portal, sql):
    browser = enter_portal()
    browser.start()
    tabs = [browser.copy() for _ in range(20)]

    def enter(tab, path):
        answer = tab.at_wiki(tab.get_ticket(path))
        return answer.status_code, answer.headers.get("Location"), tab.check().status_code

    came = run_at_once([lambda tab=tab, number=number: enter(tab, f"/{number}") for number, tab in enumerate(tabs)])
    assert came == [(303, f"/{number}", 200) for number in range(20)]


def test_signing_out_while_twenty_enter_leaves_no_open_door(enter_portal, sql):
    browser = enter_portal()
    tickets = [browser.get_ticket() for _ in range(20)]
    tabs = [browser.copy() for _ in tickets]
    leaving = browser.copy()
    token = browser.get("/api/csrf").json()["csrfToken"]
    leaving.http.cookies.update(browser.http.cookies)

    def sign_out():
        address = browser.server.url + "/logout"
        return leaving.http.post(address, {"csrf_token": token}, allow_redirects=False, timeout=PATIENCE)

    pairs = list(zip(tabs, tickets, strict=True))
    enter = [lambda tab=tab, ticket=ticket: tab.at_wiki(ticket) for tab, ticket in pairs]
    answers = run_at_once([*enter[:10], sign_out, *enter[10:]])
    assert answers[10].status_code == 303
    assert {tab.check().status_code for tab in tabs} == {401}


def test_a_door_renewed_by_many_at_once_is_right(enter_portal, sql):
    browser = enter_portal()
    browser.at_wiki(browser.get_ticket())
    for number in range(5):
        sql(f"UPDATE account SET username = 'zhang{number}', username_key = 'zhang{number}'")
        copies = [browser.copy() for _ in range(8)]
        answers = run_at_once([copy.check for copy in copies])
        assert {answer.headers.get("Remote-User") for answer in answers} == {f"zhang{number}"}


@pytest.mark.parametrize(
    "moment",
    [
        {"KILL_BEFORE": "INSERT INTO ticket"},
        {"KILL_AFTER": "INSERT INTO ticket"},
        {"KILL_BEFORE": "UPDATE ticket"},
        {"KILL_AFTER": "UPDATE ticket"},
        {"KILL_BEFORE": "INSERT INTO door"},
        {"KILL_AFTER": "INSERT INTO door"},
    ],
    ids=lambda moment: " ".join(f"{key} {value}" for key, value in moment.items()),
)
def test_a_process_killed_on_the_way_leaves_a_way_in(enter_portal, sql, tmp_path, moment):
    done = tmp_path / "killed"
    browser = enter_portal(app="support.killed_gate:create_app()", KILLED=str(done), **moment)
    with suppress(requests.ConnectionError, KeyError):
        browser.at_wiki(browser.get_ticket())
    assert done.exists()
    doors = sql("SELECT count(*) FROM door")[0][0]
    assert doors == sql("SELECT count(*) FROM ticket WHERE used_at IS NOT NULL")[0][0] == 0

    def enter():
        with suppress(requests.ConnectionError):
            return browser.at_wiki(browser.get_ticket("/x")).headers.get("Location") == "/x"

    wait_for(enter, seconds=60)
    assert browser.check().headers["Remote-User"] == "zhangsan"
