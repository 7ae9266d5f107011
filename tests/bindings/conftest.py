"""Fixtures for the tests of bindings."""

from functools import partial

import pytest
from sqlalchemy import select
from support.admin_client import open_database
from support.csv_uploads import store_person

from portal.models import Identity


@pytest.fixture
def person(portal):
    """Return a function that stores a person; it gives their id."""
    return partial(store_person, portal)


@pytest.fixture
def bound(portal):
    """Return a function that says which account a person opens."""

    def read(id):
        with open_database(portal) as session:
            return session.scalar(select(Identity.account_id).where(Identity.id == id))

    return read
