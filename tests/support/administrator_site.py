"""A portal in Chromium on which an administrator is signed in."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from support.admin_client import open_database

import app as portal_app
from portal.database import db


@pytest.fixture(scope="module")
def office(browser, run_site):
    """A portal for administrators' work: who is unknown waits."""
    return run_site(PORTAL_UNKNOWN_PEOPLE="queue")


@pytest.fixture(scope="module")
def cookies(office, browser):
    """An administrator's session."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(office.one_time_link("root"))
    page.locator("main form button").click()
    page.wait_for_url(re.compile("/(account|apps)$"))
    found = [cookie for cookie in context.cookies(office.url) if cookie["name"] == "portal_session"]
    context.close()
    return found


@pytest.fixture
def desk(browse, cookies, rows):
    """Return a function that opens a page on which the administrator is signed in, as if just now."""

    def open_(**options):
        rows("UPDATE login_session SET signed_in_at = ? WHERE ended_at IS NULL", f"{datetime.now(UTC):%F %T.%f}")
        page = browse(**options)
        page.context.add_cookies(cookies)
        return page

    return open_


@pytest.fixture
def rows(office):
    """Return a function that asks the portal's database."""
    path = office.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///")

    def ask(query, *values):
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(query, values).fetchall()

    return ask


@pytest.fixture(scope="module")
def store(office):
    """The portal's database, to put rows in: `with store(): person("zw")`."""
    portal = portal_app.create_app(office.settings)
    yield lambda: open_database(portal)
    with portal.app_context():
        db.engine.dispose()
