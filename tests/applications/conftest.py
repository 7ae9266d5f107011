"""Fixtures for the tests of applications and groups."""

import pytest
from sqlalchemy import select
from support.admin_client import open_database
from support.gate_browser import Visitor, add_application

from portal.models import AuditEvent


@pytest.fixture
def store(portal):
    """Open the database for a whole test."""
    with open_database(portal) as session:
        yield session


@pytest.fixture
def read_trail(portal):
    """Return a function that reads an action's audit rows.

    A row is (result, details).
    """

    def read(action):
        with open_database(portal) as session:
            rows = select(AuditEvent.result, AuditEvent.details).where(AuditEvent.action == action)
            found = [tuple(row) for row in session.execute(rows.order_by(AuditEvent.id))]
            session.rollback()
            return found

    return read


@pytest.fixture
def visitor(portal):
    """A browser that can enter applications."""
    portal.test_client_class = Visitor
    return portal.test_client()


@pytest.fixture
def inside(portal, visitor):
    """Zhang San, in the wiki."""
    add_application(portal)
    visitor.sign_in()
    visitor.enter()
    return visitor


@pytest.fixture
def wiki(portal, visitor):
    """The wiki, and Zhang San signed in at the portal."""
    add_application(portal)
    visitor.sign_in()
    return visitor
