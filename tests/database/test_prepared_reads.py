"""A prepared read finds what SQLAlchemy finds, and fails as SQLAlchemy fails."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import NullPool, bindparam, create_engine, select, text, update
from sqlalchemy.exc import DBAPIError
from support.portal_app import both_databases

from portal import database
from portal.clocks import now
from portal.database import db
from portal.models import LoginSession

COLUMNS = (LoginSession.id, LoginSession.token_hash, LoginSession.signed_in_at, LoginSession.ended_at)
STATEMENT = select(*COLUMNS).where(LoginSession.account_id == bindparam("account"), LoginSession.expires_at > now())


@both_databases
def test_it_finds_the_same_row(portal, client):
    client.sign_in()
    with portal.app_context():
        found = database.read_row(database.PreparedRead(STATEMENT), account=1)
        assert found == tuple(db.session.execute(STATEMENT, {"account": 1}).one())
        assert found[2].tzinfo is not None and now() - found[2] < timedelta(minutes=5)
        assert database.read_row(database.PreparedRead(STATEMENT), account=2) is None


@both_databases
def test_a_failure_of_the_driver_is_sqlalchemys_own(portal):
    read = database.PreparedRead(select(text("missing")).select_from(LoginSession))
    with portal.app_context():
        with pytest.raises(DBAPIError):
            database.read_row(read)
        assert db.session.scalar(select(1)) == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_is_asked_without_a_transaction(portal, client):
    client.sign_in()
    with portal.app_context():
        with closing(db.engine.raw_connection()) as connection:  # the read gets the same one, as the last one back
            pid = connection.driver_connection.info.backend_pid
        assert database.read_row(database.PreparedRead(STATEMENT), account=1)
        last = text("SELECT query FROM pg_stat_activity WHERE pid = :pid")
        with create_engine(db.engine.url, poolclass=NullPool).connect() as other:
            assert other.scalar(last, {"pid": pid}).startswith("SELECT login_session.id")

        db.session.execute(update(LoginSession).values(how="changed"))
        db.session.rollback()
        assert "changed" not in db.session.scalars(select(LoginSession.how)).all()
