"""A session works while account, identity and limits allow it.

A change counts from the very next request.
"""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import event, update
from support.portal_app import FEISHU_APP, both_databases

from portal import endings
from portal.clocks import now
from portal.database import db, write
from portal.models import Account, Identity, LoginSession
from portal.signin import administrator_links


@pytest.fixture
def visitor(client):
    client.sign_in()
    assert client.session().status_code == 200
    return client


def test_only_the_hash_of_a_token_is_stored(visitor, portal):
    token = visitor.cookie()
    assert len(token) == 43
    with portal.app_context():
        row = db.session.query(LoginSession).one()
        assert row.token_hash == hashlib.sha256(token.encode()).digest()


def test_every_sign_in_has_a_new_token_and_ends_the_old_one(visitor, portal):
    old = visitor.cookie()
    visitor.sign_in()
    assert visitor.cookie() != old
    other = portal.test_client()
    other.set_portal_cookie(old)
    assert other.session().status_code == 401
    with portal.app_context():
        assert [row.ended_why for row in db.session.query(LoginSession).order_by(LoginSession.id)] == [
            "signed in anew",
            None,
        ]


def test_a_planted_token_is_not_used(client, portal):
    planted = "p" * 43
    client.set_portal_cookie(planted)
    client.sign_in()
    assert client.cookie() != planted
    other = portal.test_client()
    other.set_portal_cookie(planted)
    assert other.session().status_code == 401


def attributes(answer, name):
    [cookie] = [value for value in answer.headers.getlist("Set-Cookie") if value.startswith(f"{name}=")]
    return {part.strip().lower().partition("=")[0]: part.strip().partition("=")[2] for part in cookie.split(";")[1:]}


def test_cookies_over_http(client):
    answer = client.get(client.scan())
    assert attributes(answer, "portal_session") == {"httponly": "", "path": "/", "samesite": "Lax"}
    assert attributes(client.post_form("/language", language="en"), "portal_visit") == {
        "httponly": "",
        "path": "/",
        "samesite": "Lax",
    }


class TestOverHttps:
    @pytest.fixture
    def base(self):
        return "https://portal.example.com"

    def test_cookies_are_bound_to_the_host(self, client, sandbox, base):
        registered = [f"{base}/login/FSInnerExample/callback"]
        sandbox.app("feishu", app_id=FEISHU_APP["appId"], redirect_uris=registered)
        answer = client.get(client.scan())
        assert attributes(answer, "__Host-portal_session") == {
            "httponly": "",
            "path": "/",
            "samesite": "Lax",
            "secure": "",
        }
        visit = attributes(client.post_form("/language", language="en"), "__Host-portal_visit")
        assert visit == {"httponly": "", "path": "/", "samesite": "Lax", "secure": ""}
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_signing_out_deletes_the_cookie_with_the_same_attributes(visitor):
    cookie = attributes(visitor.post_form("/logout"), "portal_session")
    assert cookie.pop("max-age") == "0"
    cookie.pop("expires")
    assert cookie == {"httponly": "", "path": "/", "samesite": "Lax"}


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (Account, {"active": False}),
        (Identity, {"account_id": None}),
        (Identity, {"status": 2}),
        (Identity, {"status": 3}),
        (LoginSession, {"ended_at": now()}),
        (LoginSession, {"expires_at": now() - timedelta(seconds=1)}),
        (LoginSession, {"last_seen_at": now() - timedelta(seconds=7201)}),
    ],
)
def test_the_very_next_request_is_refused(visitor, change, table, values):
    change(table, **values)
    assert visitor.session().status_code == 401
    assert visitor.get("/account").status_code == 401
    assert visitor.get("/").location == "/login"


def test_a_moved_identity_no_longer_opens_the_old_account(visitor, change, portal):
    with portal.app_context():
        db.session.add(Account(username="other"))
        db.session.commit()
    change(Identity, account_id=2)
    assert visitor.session().status_code == 401


def test_a_new_role_counts_from_the_next_request(visitor, change):
    change(Account, role="admin")
    assert visitor.session().json["account"]["role"] == "admin"


def test_both_limits_follow_the_settings(make_portal, change):
    portal = make_portal(PORTAL_SESSION_IDLE="100", PORTAL_SESSION_LIFETIME="1000")
    client = portal.test_client()
    client.sign_in()
    with portal.app_context():
        row = db.session.query(LoginSession).one()
        assert row.expires_at - row.signed_in_at == timedelta(seconds=1000)
    change(LoginSession, last_seen_at=now() - timedelta(seconds=98))
    assert client.session().status_code == 200
    change(LoginSession, last_seen_at=now() - timedelta(seconds=101))
    assert client.session().status_code == 401


def test_use_is_recorded_at_most_once_a_minute(visitor, portal, change):
    writes = []
    with portal.app_context():
        engine = db.engine
    listen = lambda *args: writes.append(args[2]) if args[2].startswith("UPDATE") else None  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    for _ in range(3):
        visitor.session()
    assert writes == []
    change(LoginSession, last_seen_at=now() - timedelta(seconds=61))
    writes.clear()
    for _ in range(3):
        visitor.session()
    assert len(writes) == 1
    assert visitor.session().status_code == 200


@both_databases
def test_a_request_in_flight_cannot_reopen_a_session(visitor, portal):
    """A request that read an open session can't reopen it."""
    from portal.signin import sessions

    with portal.app_context():
        [row] = db.session.query(LoginSession)
        with write():
            endings.end_sessions(LoginSession.id == row.id, why="ended by an administrator")
        sessions.note_use(row.id, now() - timedelta(hours=1))
    assert visitor.session().status_code == 401


def test_a_person_found_to_have_left_loses_sessions_at_once(client, portal, sandbox):
    """A scan of a leaver ends the open sessions.

    The transaction that stores the new state does it.
    """
    client.sign_in("QywxInnerExample")
    other = portal.test_client()
    address = other.scan("QywxInnerExample")
    sandbox.person("wecom", "zhangsan", freeze=True)
    assert other.get(address).status_code == 403
    with portal.app_context():
        [row] = db.session.query(LoginSession)
        assert row.ended_why == "frozen"
    with portal.app_context():
        db.session.execute(update(Identity).values(status=1))
        db.session.commit()
    assert client.session().status_code == 401  # what has ended does not revive


class TestOneTimeLinks:
    @pytest.fixture
    def token(self, portal):
        with portal.app_context():
            return administrator_links.make_administrator("alice", promote=True).token

    def test_the_page_of_a_link_names_the_account_and_its_button_signs_in(self, client, token):
        page = client.get(f"/login/once/{token}")
        assert page.status_code == 200
        assert "alice" in page.text
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert client.session().status_code == 401
        answer = client.post_form(f"/login/once/{token}")
        assert (answer.status_code, answer.location) == (303, "/account")
        assert client.session().json == {
            "account": {"id": 1, "username": "alice", "name": "alice", "role": "admin"},
            "identity": None,
        }

    def test_a_link_works_once(self, client, token):
        assert client.post_form(f"/login/once/{token}").status_code == 303
        for answer in (client.get(f"/login/once/{token}"), client.post_form(f"/login/once/{token}")):
            assert answer.status_code == 410
            assert "This link can't be used" in answer.text

    def test_the_page_of_a_link_can_be_opened_often(self, client, token):
        assert {client.get(f"/login/once/{token}").status_code for _ in range(30)} == {200}

    def test_a_link_ends_after_fifteen_minutes(self, client, token, change):
        from portal.models import OneTimeLink

        change(OneTimeLink, expires_at=now() - timedelta(seconds=1))
        assert client.get(f"/login/once/{token}").status_code == 410
        assert client.post_form(f"/login/once/{token}").status_code == 410

    def test_a_newer_link_ends_the_older(self, client, token, portal):
        with portal.app_context():
            newer = administrator_links.make_administrator("alice", promote=True).token
        assert client.get(f"/login/once/{token}").status_code == 410
        assert client.get(f"/login/once/{newer}").status_code == 200

    def test_a_link_does_not_open_a_disabled_account(self, client, token, change):
        change(Account, active=False)
        assert client.get(f"/login/once/{token}").status_code == 410
        assert client.post_form(f"/login/once/{token}").status_code == 410
        assert client.session().status_code == 401

    def test_a_link_needs_the_form_token(self, client, token):
        assert client.post(f"/login/once/{token}").status_code == 400
        assert client.get(f"/login/once/{token}").status_code == 200

    @pytest.mark.parametrize("method", ["get", "post_form"])
    def test_after_ten_wrong_links_the_address_has_to_wait(self, client, method):
        answers = [getattr(client, method)(f"/login/once/wrong{number}").status_code for number in range(12)]
        assert answers == [410] * 10 + [429] * 2

    def test_wrong_guesses_elsewhere_do_not_block_a_link(self, client, token):
        for number in range(12):
            client.get(f"/login/once/wrong{number}")
        assert client.get(f"/login/once/{token}").status_code == 200
        assert client.post_form(f"/login/once/{token}").status_code == 303

    def test_a_link_restores_a_disabled_or_demoted_administrator(self, portal, client, token, change):
        change(Account, active=False, role="user")
        with portal.app_context():
            again = administrator_links.make_administrator("alice", promote=True).token
        assert client.post_form(f"/login/once/{again}").status_code == 303
        assert client.session().json["account"]["role"] == "admin"
