"""An account has twenty sessions at most.

One more ends the oldest. Long lists of older ones have pages.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import insert, select
from support.admin_client import open_database, strip_markup
from support.portal_app import both_databases
from support.rows import open_admin_browser

from portal.audit import Actor
from portal.clocks import now
from portal.models import AuditEvent, LoginSession
from portal.signin import one_time_links, sessions

MOST = 20


def list_open_sessions(portal):
    with open_database(portal) as session:
        open_rows = select(LoginSession.id).where(LoginSession.account_id == 1, *sessions.list_open_conditions())
        return session.scalars(open_rows).all()


def store_sessions(portal, number, **fields):
    """Store open sessions of the first account.

    They are from the last hour, each younger than the one before.
    """
    fields = {"account_id": 1, "how": "qr", "expires_at": now() + timedelta(hours=1), "last_seen_at": now(), **fields}
    fields |= {"address": "192.0.2.17", "agent": ""}
    moment = now() - timedelta(minutes=59)
    rows = [
        {"token_hash": f"{at:032}".encode(), "signed_in_at": moment + timedelta(milliseconds=at), **fields}
        for at in range(number)
    ]
    with open_database(portal) as session:
        session.execute(insert(LoginSession), rows)
        session.commit()


def age_session(portal, session_id):
    with open_database(portal) as session:
        session.get(LoginSession, session_id).signed_in_at = now() - timedelta(hours=1)
        session.commit()


@both_databases
class TestLimit:
    def test_a_further_sign_in_ends_the_oldest_session(self, portal):
        browsers = [portal.test_client() for _ in range(MOST + 2)]
        for browser in browsers:
            assert browser.sign_in().status_code == 303
        assert [browser.session().status_code for browser in browsers] == [401, 401] + [200] * MOST
        with open_database(portal) as session:
            ended = session.scalars(select(AuditEvent).where(AuditEvent.action == "session.end")).all()
            assert [event.details for event in ended] == [{"why": "too many", "sessions": 1}] * 2
            assert session.get(LoginSession, 1).ended_why == "too many"

    def test_signing_in_again_in_the_same_browser_ends_no_other(self, portal):
        browsers = [portal.test_client() for _ in range(MOST)]
        for browser in browsers:
            browser.sign_in()
        browsers[-1].sign_in()
        assert {browser.session().status_code for browser in browsers} == {200}

    def test_a_one_time_link_counts_as_well(self, portal):
        client, by_link = portal.test_client(), portal.test_client()
        client.sign_in()
        store_sessions(portal, MOST - 1)
        age_session(portal, 1)
        assert client.session().status_code == 200
        with open_database(portal):
            token = one_time_links.hand_out_link(1, by=Actor(1))
        by_link.post_form(f"/login/once/{token}")
        assert (client.session().status_code, by_link.session().status_code) == (401, 200)
        assert len(list_open_sessions(portal)) == MOST

    def test_hundreds_from_before_the_limit_end_as_well(self, portal):
        client = portal.test_client()
        client.sign_in()
        store_sessions(portal, 500)
        portal.test_client().sign_in()
        assert client.session().status_code == 200 and len(list_open_sessions(portal)) == MOST

    def test_expired_sessions_do_not_count(self, portal):
        client = portal.test_client()
        client.sign_in()
        store_sessions(portal, 30, last_seen_at=now() - timedelta(hours=3))
        age_session(portal, 1)
        portal.test_client().sign_in()
        assert client.session().status_code == 200

    def test_of_simultaneous_ones_the_newest_twenty_stay(self, portal):
        portal.test_client().sign_in()
        store_sessions(portal, MOST - 2)
        browsers = [portal.test_client() for _ in range(6)]
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda browser: browser.sign_in().status_code, browsers))
        assert answers == [303] * len(browsers)
        assert len(list_open_sessions(portal)) == MOST


@both_databases
def test_many_sessions_are_shown_a_page_at_a_time(portal):
    client = portal.test_client()
    client.sign_in()
    store_sessions(portal, 20_000)
    page = client.get("/account")
    assert len(page.data) < 50_000
    assert "1–20 of 20,001" in page.text and 'href="/account?sessions=2#sessions"' in page.text
    assert "19,981–20,000 of 20,001" in client.get("/account?sessions=1000").text
    for nonsense in ("99999999", "9" * 30, "-1", "x", "0"):
        assert client.get(f"/account?sessions={nonsense}").status_code == 200
    alice = open_admin_browser(portal)
    page = alice.get("/admin/accounts/1")
    assert len(page.data) < 60_000 and "1–20 of 20,001" in page.text
    assert "21–40 of 20,001" in alice.get("/admin/accounts/1?sessions=2").text
    assert "20001 sessions end now." in strip_markup(alice.get("/admin/accounts/1/end-sessions").text).replace(",", "")
    assert portal.test_client().sign_in().status_code == 303  # it ends some of them, not all in one go
    assert MOST < len(list_open_sessions(portal)) < 20_001


def test_the_audit_log_says_why_they_ended(portal):
    for _ in range(MOST + 1):
        portal.test_client().sign_in()
    words = strip_markup(open_admin_browser(portal).get("/admin/audit").text)
    assert "The oldest sessions of zhangsan ended because an account can have at most twenty" in words
