"""The database of the administrators' portal."""

import pytest
from support.admin_client import open_database

import app as portal_app
from portal.database import db


@pytest.fixture(scope="module")
def store(office):
    """The portal's database, to put rows in: `with store(): person("zw")`."""
    portal = portal_app.create_app(office.settings)
    yield lambda: open_database(portal)
    with portal.app_context():
        db.engine.dispose()
