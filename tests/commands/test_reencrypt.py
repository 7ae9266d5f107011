"""`flask keys reencrypt` writes secrets anew under the first key."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from support.admin_client import open_database
from support.portal_app import WECOM, both_databases
from support.sql import open_sql

from portal.clocks import now
from portal.database import reencryption
from portal.models import AppToken, AuditEvent, Identity

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
MANY = 450  # more than two batches


@pytest.fixture
def settings(settings):
    settings["PORTAL_ENCRYPTION_KEYS"] = OLD
    return settings


@pytest.fixture
def reencrypt(make_portal):
    """Return a function that runs the command under some keys."""

    def run(keys):
        done = make_portal(PORTAL_ENCRYPTION_KEYS=keys).test_cli_runner().invoke(args=["keys", "reencrypt"])
        assert "Traceback" not in done.output
        return done.exit_code, done.output

    return run


def store_secrets(portal, many=MANY):
    with open_database(portal) as session:
        for number in range(many):
            facts = {"provider": "feishu", "tenant": "company", "subject": f"on_{number}", "user_id": f"u{number}"}
            tokens = {"access_token": f"access {number}", "refresh_token": f"refresh {number}" if number % 3 else None}
            session.add(Identity(**facts, **tokens, updated_at=now().replace(year=2020)))
        session.add(AppToken(provider="feishu", app="cli_1", secret_hash=b"s" * 32, value="app token"))
        session.commit()


def read_secrets(portal):
    with open_database(portal) as session:
        rows = session.execute(select(Identity.access_token, Identity.refresh_token).order_by(Identity.id)).all()
        return [*map(tuple, rows), session.scalar(select(AppToken.value))]


@both_databases
def test_all_secrets_are_under_the_first_key_afterwards(portal, make_portal, reencrypt):
    store_secrets(portal)
    before = read_secrets(portal)
    status, output = reencrypt(f"{NEW},{OLD}")
    assert status == 0
    assert "identity.access_token: 450 encrypted anew, 0 were under the first key" in output
    assert "identity.refresh_token: 300 encrypted anew, 0 were under the first key" in output
    assert "app_token.value: 1 encrypted anew, 0 were under the first key" in output
    assert read_secrets(make_portal(PORTAL_ENCRYPTION_KEYS=NEW)) == before
    assert None in read_secrets(portal)  # the former key decrypts none
    with open_database(portal) as session:
        assert {moment.year for moment in session.scalars(select(Identity.updated_at))} == {2020}
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "keys.reencrypt")).one()
        assert event.details["renewed"]["identity.access_token"] == 450


@both_databases
def test_a_second_run_changes_nothing(portal, database, reencrypt):
    store_secrets(portal, 5)
    reencrypt(f"{NEW},{OLD}")
    with open_sql(database) as sql:
        before = sql("SELECT access_token FROM identity ORDER BY id")
        status, output = reencrypt(f"{NEW},{OLD}")
        assert "identity.access_token: 0 encrypted anew, 5 were under the first key" in output
        assert status == 0
        assert sql("SELECT access_token FROM identity ORDER BY id") == before


@both_databases
def test_rows_that_no_key_decrypts_are_named_and_stay(portal, make_portal, reencrypt):
    store_secrets(portal, 3)
    status, output = reencrypt(NEW)
    assert status == 1
    assert "identity.access_token: 0 encrypted anew, 0 were under the first key" in output
    assert "no key decrypts that of row 2\n" in output
    assert "no key decrypts that of row feishu cli_1\n" in output
    assert read_secrets(portal)[0] == ("access 0", None)


@both_databases
def test_a_value_the_portal_changes_meanwhile_is_kept(portal, make_portal, monkeypatch):
    """The second pass finds it under the first key already."""
    store_secrets(portal, 3)
    moved = make_portal(PORTAL_ENCRYPTION_KEYS=f"{NEW},{OLD}")
    iterate, changed = reencryption.iterate_batches, []

    def change_after_reading(column):
        for rows in iterate(column):
            if column.name == "access_token" and not changed:
                changed.append(True)
                with open_database(moved) as session:
                    session.get(Identity, 2).access_token = "fresh"
                    session.commit()
            yield rows

    monkeypatch.setattr(reencryption, "iterate_batches", change_after_reading)
    with moved.app_context():
        columns = {column.name: column for column in reencryption.reencrypt_secrets()}
    result = columns["identity.access_token"]
    assert (result.renewed, result.current, result.changed) == (2, 1, 0)
    tokens = [access for access, _ in read_secrets(make_portal(PORTAL_ENCRYPTION_KEYS=NEW))[:3]]
    assert tokens == ["access 0", "fresh", "access 2"]


def test_a_portal_needs_no_new_token_afterwards(portal, make_portal, sandbox, reencrypt):
    name = f"auths.loginTypes.{WECOM}"
    with portal.app_context():
        token = portal.getElement(name).getAccessToken()
    assert reencrypt(f"{NEW},{OLD}")[0] == 0
    later = make_portal(PORTAL_ENCRYPTION_KEYS=NEW)
    with later.app_context():
        assert later.getElement(name).getAccessToken() == token
    assert len(sandbox.calls("/cgi-bin/gettoken")) == 1
