"""A session works only while account, identity and both limits say so, from the very next request."""

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
def signed_in(client):
    client.sign_in()
    assert client.session().status_code == 200
    return client


def test_the_token_is_at_rest_as_its_hash_alone(signed_in, portal):
    token = signed_in.cookie()
    assert len(token) == 43
    with portal.app_context():
        row = db.session.query(LoginSession).one()
        assert row.token_hash == hashlib.sha256(token.encode()).digest()


def test_every_sign_in_has_a_new_token_and_ends_the_old_one(signed_in, portal):
    old = signed_in.cookie()
    signed_in.sign_in()
    assert signed_in.cookie() != old
    other = portal.test_client()
    other.set_portal_cookie(old)
    assert other.session().status_code == 401
    with portal.app_context():
        assert [row.ended_why for row in db.session.query(LoginSession).order_by(LoginSession.id)] == [
            "signed in anew",
            None,
        ]


def test_a_token_somebody_planted_is_not_taken_over(client, portal):
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


def test_signing_out_deletes_the_cookie_with_the_same_attributes(signed_in):
    found = attributes(signed_in.post_form("/logout"), "portal_session")
    assert found.pop("max-age") == "0"
    found.pop("expires")
    assert found == {"httponly": "", "path": "/", "samesite": "Lax"}


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
def test_the_very_next_request_is_refused(signed_in, change, table, values):
    change(table, **values)
    assert signed_in.session().status_code == 401
    assert signed_in.get("/account").status_code == 401
    assert signed_in.get("/").location == "/login"


def test_an_identity_that_moved_to_another_account_signs_nobody_in_to_the_old_one(signed_in, change, portal):
    with portal.app_context():
        db.session.add(Account(username="other"))
        db.session.commit()
    change(Identity, account_id=2)
    assert signed_in.session().status_code == 401


def test_a_new_role_counts_from_the_next_request(signed_in, change):
    change(Account, role="admin")
    assert signed_in.session().json["account"]["role"] == "admin"


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


def test_use_is_noted_at_most_once_a_minute(signed_in, portal, change):
    writes = []
    with portal.app_context():
        engine = db.engine
    listen = lambda *args: writes.append(args[2]) if args[2].startswith("UPDATE") else None  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    for _ in range(3):
        signed_in.session()
    assert writes == []
    change(LoginSession, last_seen_at=now() - timedelta(seconds=61))
    writes.clear()
    for _ in range(3):
        signed_in.session()
    assert len(writes) == 1
    assert signed_in.session().status_code == 200


@both_databases
def test_an_end_wins_over_a_request_in_flight(signed_in, portal):
    """A request that has seen the session open can't bring it back."""
    from portal.signin import sessions

    with portal.app_context():
        [row] = db.session.query(LoginSession)
        with write():
            endings.end_sessions(LoginSession.id == row.id, why="ended by an administrator")
        sessions.note_use(row.id, now())
    assert signed_in.session().status_code == 401


def test_a_person_found_to_have_left_loses_sessions_at_once(client, portal, sandbox):
    """The scan that brings the news ends what was open elsewhere, in the transaction that stores the news."""
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

    def test_looking_shows_whose_it_is_and_the_button_signs_in(self, client, token):
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

    def test_it_works_once(self, client, token):
        assert client.post_form(f"/login/once/{token}").status_code == 303
        for answer in (client.get(f"/login/once/{token}"), client.post_form(f"/login/once/{token}")):
            assert answer.status_code == 410
            assert "This link can't be used" in answer.text

    def test_looking_often_is_free(self, client, token):
        assert {client.get(f"/login/once/{token}").status_code for _ in range(30)} == {200}

    def test_it_ends_after_fifteen_minutes(self, client, token, change):
        from portal.models import OneTimeLink

        change(OneTimeLink, expires_at=now() - timedelta(seconds=1))
        assert client.get(f"/login/once/{token}").status_code == 410
        assert client.post_form(f"/login/once/{token}").status_code == 410

    def test_a_newer_link_ends_the_older(self, client, token, portal):
        with portal.app_context():
            newer = administrator_links.make_administrator("alice", promote=True).token
        assert client.get(f"/login/once/{token}").status_code == 410
        assert client.get(f"/login/once/{newer}").status_code == 200

    def test_it_does_not_open_a_disabled_account(self, client, token, change):
        change(Account, active=False)
        assert client.get(f"/login/once/{token}").status_code == 410
        assert client.post_form(f"/login/once/{token}").status_code == 410
        assert client.session().status_code == 401

    def test_posting_needs_the_form_token(self, client, token):
        assert client.post(f"/login/once/{token}").status_code == 400
        assert client.get(f"/login/once/{token}").status_code == 200

    @pytest.mark.parametrize("method", ["get", "post_form"])
    def test_ten_wrong_ones_and_the_address_has_to_wait(self, client, method):
        answers = [getattr(client, method)(f"/login/once/wrong{number}").status_code for number in range(12)]
        assert answers == [410] * 10 + [429] * 2

    def test_wrong_guesses_of_others_do_not_close_the_way_in(self, client, token):
        for number in range(12):
            client.get(f"/login/once/wrong{number}")
        assert client.get(f"/login/once/{token}").status_code == 200
        assert client.post_form(f"/login/once/{token}").status_code == 303

    def test_it_is_the_way_in_for_an_administrator_who_was_disabled_or_demoted(self, portal, client, token, change):
        change(Account, active=False, role="user")
        with portal.app_context():
            again = administrator_links.make_administrator("alice", promote=True).token
        assert client.post_form(f"/login/once/{again}").status_code == 303
        assert client.session().json["account"]["role"] == "admin"
