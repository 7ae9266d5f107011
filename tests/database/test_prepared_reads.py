"""A prepared read finds what SQLAlchemy finds, and fails as SQLAlchemy fails."""

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, select, text
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
