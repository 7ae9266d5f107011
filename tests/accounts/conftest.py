"""Fixtures for the tests of accounts."""

import pytest
from sqlalchemy import select
from support.admin_client import open_database

from portal.models import Account, AuditEvent


@pytest.fixture
def read_account(portal):
    """Return a function that reads an account from the database."""

    def read(id):
        with open_database(portal) as session:
            return session.get_one(Account, id)

    return read


@pytest.fixture
def read_trail(portal):
    """Return a function that reads an action's audit rows.

    A row is (result, actor, account).
    """

    def read(action):
        columns = (AuditEvent.result, AuditEvent.actor_id, AuditEvent.account_id)
        with open_database(portal) as session:
            rows = select(*columns).where(AuditEvent.action == action).order_by(AuditEvent.id)
            return [tuple(row) for row in session.execute(rows)]

    return read
