"""Administrators for the tests: inside the process, and over HTTP."""

import re
from contextlib import contextmanager

import requests
from sqlalchemy import text

from portal.database import db
from portal.models import Account
from portal.signin import administrator_links


@contextmanager
def open_database(portal):
    """Work with the portal's database as a request would; nothing stays open behind."""
    with portal.app_context():
        yield db.session


def make_one_time_link(portal, username):
    """Return the token of a one-time link for an administrator, who is made where there is none."""
    with open_database(portal):
        token = administrator_links.make_administrator(username, promote=True).token
    return token


def sign_in_administrator(portal, username="alice"):
    """Return a browser in which an administrator has signed in."""
    browser = portal.test_client()
    answer = browser.post_form(f"/login/once/{make_one_time_link(portal, username)}")
    assert answer.status_code == 303, answer.text
    return browser


def store_account(portal, username, **fields):
    """Make an account; return its id."""
    with open_database(portal) as session:
        made = Account(username=username, **{"name": username.title(), **fields})
        session.add(made)
        session.commit()
        return made.id


@contextmanager
def lock_rows(engine, table):
    """Keep everybody else from writing a table's rows; on SQLite, from writing at all."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text(f"SELECT id FROM {table} ORDER BY id FOR UPDATE"))
        yield connection
        connection.commit()


class AdminBrowser:
    """An administrator's browser over HTTP; without a link, somebody's who has not signed in."""

    def __init__(self, server, token):
        self.server, self.http = server, requests.Session()
        self.token = self.get("/api/csrf").json()["csrfToken"]
        if token is None:
            return
        assert self.post(f"/login/once/{token}").status_code == 303
        self.token = self.get("/api/csrf").json()["csrfToken"]

    def get(self, path):
        return self.http.get(self.server.url + path, allow_redirects=False, timeout=20)

    def post(self, path, files=None, **fields):
        data = {**fields, "csrf_token": self.token}
        return self.http.post(self.server.url + path, data=data, files=files, allow_redirects=False, timeout=20)


def strip_markup(page):
    """Return a page's words without its markup, blanks as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
