"""Old sessions, links, addresses and audit rows are removed in time."""

from datetime import timedelta

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, select, text
from support.admin_client import count_rows, make_one_time_link, open_database, store_account
from support.old_rows import count_deletions, put_rows
from support.portal_app import FEISHU, both_databases
from support.syncs import run_command, wait_for

from portal import audit
from portal.audit import Actor
from portal.clocks import now
from portal.database import db, write
from portal.directory import jobs
from portal.models import (
    Account,
    AuditEvent,
    BindingRequest,
    Identity,
    Listing,
    LoginAttempt,
    LoginSession,
    Membership,
    OneTimeLink,
)

MANY = 3000
SESSIONS = (
    "{numbers} INSERT INTO login_session"
    " (token_hash, account_id, how, signed_in_at, last_seen_at, expires_at, address, agent, ended_at)"
    " SELECT {hash}, 1, 'qr', '2020-01-01', '2020-01-01', '2020-01-02', '192.0.2.9', 'Browser',"
    " CASE WHEN (i & 1) = 0 THEN '2020-01-01' END{cast} FROM n"
)
ATTEMPTS = (
    "INSERT INTO login_attempt (state_hash, element, kind, purpose, browser_hash, created_at, expires_at, session_id)"
    " SELECT token_hash, 'Old', 'qr', 'login', token_hash, '2020-01-01', '2999-01-02', id FROM login_session"
    " WHERE expires_at < '2021-01-01'"
)
TRAIL = (
    "{numbers} INSERT INTO audit_event (at, action, result, address, request_id, details)"
    " SELECT '2020-01-01', 'login', 0, '192.0.2.9', 'old', '{{}}' FROM n"
)


@pytest.fixture
def sweep(portal):
    """Return a function that runs the worker's clean-up once."""

    def sweep_rows():
        with portal.app_context():
            jobs.remove_old_rows()

    return sweep_rows


def put_sessions(portal, many):
    store_account(portal, "holder")
    with portal.app_context():
        cast = "::timestamptz" if db.engine.dialect.name == "postgresql" else ""
        db.session.rollback()
    put_rows(portal, SESSIONS.replace("{cast}", cast), ATTEMPTS, many=many)


@both_databases
def test_sessions_go_ninety_days_after_their_end(portal, signed_in, sweep):
    moments = {"ended": timedelta(days=91), "lately": timedelta(days=89)}
    with open_database(portal) as session:
        row = session.scalars(select(LoginSession)).one()
        facts = {"account_id": row.account_id, "identity_id": row.identity_id, "how": "qr"}
        for name, ago in moments.items():
            for column in ("ended_at", "expires_at"):
                times = {"expires_at": now() + timedelta(days=1), column: now() - ago}
                session.add(LoginSession(token_hash=f"{name}{column}".encode(), agent=name, **facts, **times))
        session.commit()
    sweep()
    with open_database(portal) as session:
        assert sorted(session.scalars(select(LoginSession.agent))) == sorted([row.agent, "lately", "lately"])
    assert signed_in.session().status_code == 200


@both_databases
def test_many_old_sessions_go_in_short_transactions(portal, signed_in, sweep):
    """Attempts that name them go, too."""
    put_sessions(portal, MANY)
    with count_deletions(portal) as counts:
        wait_for(lambda: sweep() or count_rows(portal, LoginSession) == 1, seconds=120)
    assert max(counts) <= 200
    assert count_rows(portal, LoginAttempt, LoginAttempt.element == "Old") == 0
    assert count_rows(portal, LoginAttempt, LoginAttempt.element == FEISHU) == 1
    assert signed_in.session().status_code == 200


@both_databases
def test_the_removal_of_sessions_finds_them_by_an_index(portal):
    put_sessions(portal, MANY)
    with open_database(portal) as session:
        is_sqlite = db.engine.dialect.name == "sqlite"
        session.execute(text("ANALYZE"))
        if not is_sqlite:
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for condition, name in (
            ("ended_at < '2020-01-01'", "ended"),
            ("ended_at IS NULL AND expires_at < '2020-01-01'", "open"),
        ):
            query = f"SELECT id FROM login_session WHERE {condition}"
            plan = session.execute(text(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{query}")).all()
            assert f"ix_login_session_{name}" in str(plan), plan
        session.rollback()


@both_databases
def test_expired_links_go_and_open_ones_stay(portal, client, sweep):
    open_link = make_one_time_link(portal, "alice")
    make_one_time_link(portal, "bob")
    with open_database(portal) as session:
        bob = session.scalars(select(Account).where(Account.username == "bob")).one()
        session.scalars(select(OneTimeLink).where(OneTimeLink.account_id == bob.id)).one().expires_at = now()
        session.commit()
    sweep()
    assert count_rows(portal, OneTimeLink) == 1
    assert client.get(f"/login/once/{open_link}").status_code == 200


@both_databases
def test_addresses_of_old_requests_are_forgotten(make_portal):
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
    for person, ago in (("zhangsan", 91), ("lisi", 89)):
        portal.test_client().wait(person=person)
        with open_database(portal) as session:
            request = session.scalars(select(BindingRequest).order_by(BindingRequest.id.desc()).limit(1)).one()
            request.seen_at = now() - timedelta(days=ago)
            session.commit()
    with portal.app_context():
        jobs.remove_old_rows()
    with open_database(portal) as session:
        rows = session.execute(select(BindingRequest.address, BindingRequest.state).order_by(BindingRequest.id)).all()
    assert rows == [("", "waiting"), ("127.0.0.1", "waiting")]


@both_databases
@pytest.mark.parametrize(("days", "left"), [("365", 2), ("30", 1)])
def test_audit_rows_go_after_the_days_of_the_setting(make_portal, days, left):
    portal = make_portal(PORTAL_AUDIT_DAYS=days)
    put_rows(portal, TRAIL, many=MANY)
    with open_database(portal) as session:
        session.add(AuditEvent(action="login", at=now() - timedelta(days=40)))
        session.commit()
        with write():
            audit.record("login", Actor())
    with portal.app_context():
        wait_for(lambda: jobs.remove_old_rows() or count_rows(portal, AuditEvent) <= 2, seconds=120)
    assert count_rows(portal, AuditEvent) == left


@both_databases
def test_a_running_worker_removes_all_of_these(portal, settings):
    put_sessions(portal, 500)
    put_rows(portal, TRAIL, many=500)
    with run_command(settings, "worker", PORTAL_SYNC_EVERY="0"):
        wait_for(lambda: count_rows(portal, LoginSession) + count_rows(portal, AuditEvent) == 0, seconds=150)


@both_databases
def test_the_upgrade_keeps_people_with_their_departments(portal, sandbox):
    portal.test_client().sign_in()
    with portal.app_context():
        portal.getElement(f"auths.loginTypes.{FEISHU}").syncDepartmentInfo()
        portal.getElement(f"auths.loginTypes.{FEISHU}").syncUserInfo("zhangsan")
        with write() as session:
            session.add(Listing(element=FEISHU, identity_id=session.scalar(select(Identity.id))))
    before = [count_rows(portal, model) for model in (Identity, Membership, Listing, LoginSession)]
    assert all(before)
    with portal.app_context():
        downgrade(revision="0011")
        upgrade()
    assert [count_rows(portal, model) for model in (Identity, Membership, Listing, LoginSession)] == before


@both_databases
def test_the_number_of_a_deleted_person_is_never_given_again(portal):
    with open_database(portal) as session:
        facts = {"provider": "wecom", "tenant": "company"}
        session.add(Identity(subject="first", user_id="first", **facts))
        session.commit()
        first = session.scalar(select(func.max(Identity.id)))
        session.execute(text("DELETE FROM identity"))
        session.add(Identity(subject="second", user_id="second", **facts))
        session.commit()
        assert session.scalar(select(func.max(Identity.id))) > first
