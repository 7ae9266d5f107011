"""Everything that lets people into an account ends in one act."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from support.admin_client import make_one_time_link, strip_markup
from support.portal_app import both_databases
from support.rows import add_account, add_person, add_session, isolate_context, reload_row, store_row

from portal.clocks import now
from portal.database import db
from portal.models import LEFT, Account, AuditEvent, Import, LoginSession, OneTimeLink

pytestmark = pytest.mark.usefixtures("alice", "context")


def offboard(browser, account, **fields):
    return browser.post_form(f"/admin/accounts/{account.id}/offboard", **{"confirm": "yes", **fields})


def list_acts(account):
    db.session.rollback()
    rows = select(AuditEvent.action, AuditEvent.result, AuditEvent.details).where(AuditEvent.account_id == account.id)
    return [tuple(row) for row in db.session.execute(rows.order_by(AuditEvent.id))]


@pytest.fixture
def leaver(context):
    """An account with two people, their sessions, a link and an uploaded file."""
    own = add_account("lina", name="李娜", role="admin")
    people = [add_person("lina", account=own, name="李娜"), add_person("ln", account=own, provider="feishu")]
    sessions = [add_session(person) for person in people]
    link = store_row(OneTimeLink(token_hash=b"x" * 32, account_id=own.id, expires_at=now() + timedelta(minutes=5)))
    file = store_row(Import(account_id=own.id, state="checked", expires_at=now() + timedelta(hours=1)))
    return own, people, sessions, link, file


def test_what_would_end_is_shown_first(alice, leaver):
    own, people, sessions, *_ = leaver
    for page in (alice.get(f"/admin/accounts/{own.id}/offboard"), offboard(alice, own, confirm="")):
        assert page.status_code == 200
        words = strip_markup(page.text)
        for text in (
            "李娜 (WeCom) is unbound.",
            "ln (Feishu) is unbound.",
            "2 sessions end now.",
            "The unused one-time link no longer works.",
            "1 uploaded file that was not applied is discarded.",
        ):
            assert text in words
    assert reload_row(own).active and reload_row(people[0]).account_id == own.id
    assert reload_row(sessions[0]).ended_at is None


@both_databases
def test_account_bindings_sessions_and_link_end_together(alice, leaver):
    own, people, sessions, _link, file = leaver
    by_link = {"token_hash": b"y" * 32, "account_id": own.id, "how": "link", "expires_at": now() + timedelta(hours=1)}
    extra = store_row(LoginSession(**by_link))
    answer = offboard(alice, own)
    assert (answer.status_code, answer.location) == (303, f"/admin/accounts/{own.id}")
    assert "The account is off-boarded. 2 people are unbound. 3 sessions have ended." in alice.get(answer.location).text
    assert not reload_row(own).active
    assert [(reload_row(row).account_id, row.last_account_id) for row in people] == [(None, own.id)] * 2
    assert all(reload_row(row).ended_at for row in (*sessions, extra))
    assert db.session.scalars(select(OneTimeLink)).all() == []
    assert reload_row(file).expires_at <= now()
    assert list_acts(own) == [
        ("binding.end", 0, {"sessions": 1}),
        ("binding.end", 0, {"sessions": 1}),
        ("link.revoke", 0, {}),
        ("account.offboard", 0, {"sessions": 3, "people": 2}),
    ]
    assert "alice off-boarded lina" in alice.get(f"/admin/audit?account={own.id}").text


def test_an_old_sign_in_is_enough(alice, leaver):
    own, *_ = leaver
    db.session.execute(LoginSession.__table__.update().values(signed_in_at=now() - timedelta(hours=1)))
    db.session.commit()
    assert offboard(alice, own).status_code == 303
    assert not reload_row(own).active


@both_databases
def test_the_last_administrator_stays(alice):
    own = db.session.scalar(select(Account).where(Account.username == "alice"))
    person = add_person("alice", account=own)
    answer = offboard(alice, own)
    assert answer.status_code == 409 and "This is the last administrator" in answer.text
    assert "This is the last active administrator." in alice.get(f"/admin/accounts/{own.id}/offboard").text
    assert reload_row(own).active and reload_row(person).account_id == own.id
    assert list_acts(own)[-1][:2] == ("account.offboard", 40900)
    assert "because it is the last administrator" in alice.get(f"/admin/audit?account={own.id}").text


def test_a_second_time_nothing_is_left_to_end(alice, leaver):
    own, *_ = leaver
    offboard(alice, own)
    acts = list_acts(own)
    answer = offboard(alice, own)
    assert "The account was already off-boarded." in alice.get(answer.location).text
    assert list_acts(own) == acts


def test_a_disabled_account_loses_its_bindings(alice):
    own = add_account("closed", active=False)
    person = add_person("zw", account=own)
    assert "Off-board…" in alice.get(f"/admin/accounts/{own.id}").text
    offboard(alice, own)
    assert reload_row(person).account_id is None
    assert "Off-board…" not in alice.get(f"/admin/accounts/{own.id}").text


def test_administrators_may_off_board_themselves(alice, portal):
    make_one_time_link(portal, "bob")  # so that another one stays
    own = db.session.scalar(select(Account).where(Account.username == "alice"))
    assert "You will be signed out." in alice.get(f"/admin/accounts/{own.id}/offboard").text
    assert offboard(alice, own).status_code == 303
    assert alice.get("/admin/accounts").status_code == 401


def test_the_list_offers_it_where_people_have_left(alice):
    left, here = add_account("left"), add_account("here")
    add_person("a", account=left, status=LEFT), add_person("b", account=here)
    page = alice.get("/admin/accounts").text
    assert f'href="/admin/accounts/{left.id}/offboard"' in page
    assert f'href="/admin/accounts/{here.id}/offboard"' not in page


def test_users_can_not_off_board(alice, portal, leaver):
    own, *_ = leaver
    visitor = isolate_context(portal.test_client())
    assert visitor.post_form(f"/admin/accounts/{own.id}/offboard", confirm="yes").status_code == 401
    assert reload_row(own).active
