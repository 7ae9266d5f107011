"""Administrators for the tests, in the process and over HTTP."""

import re
from contextlib import contextmanager
from html import unescape

import requests
from sqlalchemy import func, select, text

from portal.database import db
from portal.models import Account
from portal.signin import administrator_links


@contextmanager
def open_database(portal):
    """Open the portal's database as a request would.

    Nothing stays open after the block.
    """
    with portal.app_context():
        yield db.session


def make_one_time_link(portal, username):
    """Return the token of an administrator's one-time link.

    The administrator is made if there is none.
    """
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
    """Store an account and return its id."""
    with open_database(portal) as session:
        account = Account(username=username, **{"name": username.title(), **fields})
        session.add(account)
        session.commit()
        return account.id


def count_rows(portal, model, *conditions):
    """Count the rows of a table that meet conditions."""
    with open_database(portal) as session:
        number = session.scalar(select(func.count()).select_from(model).where(*conditions))
        session.rollback()
        return number


@contextmanager
def lock_rows(engine, table):
    """Keep other connections from writing a table's rows.

    On SQLite they can't write at all.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text(f"SELECT id FROM {table} ORDER BY id FOR UPDATE"))
        yield connection
        connection.commit()


class AdminBrowser:
    """An administrator's browser over HTTP.

    Without a link it has not signed in.
    """

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


def read_form(page, form):
    """Return the fields that a form sends as it stands: its hidden inputs and ticked boxes.

    :param form: a piece of its opening tag.
    """
    inside = re.search(rf"<form [^>]*{re.escape(form)}[^>]*>(.*?)</form>", page, re.DOTALL)[1]
    sent = {}
    for tag in re.findall(r"<input [^>]*>", inside):
        kind, name, value = (re.search(rf' {key}="([^"]*)"', tag) for key in ("type", "name", "value"))
        if kind and (kind[1] == "hidden" or (kind[1] == "checkbox" and " checked" in tag)) and name[1] != "csrf_token":
            sent.setdefault(name[1], []).append(unescape(value[1]))
    return sent


def strip_markup(page):
    """Return a page's words without markup, one blank apart."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
