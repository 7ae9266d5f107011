"""Rows for the tests about bindings: accounts, people, departments, requests. To be called inside an app's context."""

from contextvars import Context

from support.admin_client import sign_in_administrator

from portal.clocks import now
from portal.database import db
from portal.models import Account, BindingRequest, Department, Identity, LoginSession, Membership

TENANT = "wwsandbox00000001"
HOSTILE = "<script>alert(1)</script>{{7*7}}' OR 1=1;--"


def store_row(row):
    """Store a row."""
    db.session.rollback()  # SQLite lets nobody write who has read before another has written
    db.session.add(row)
    db.session.commit()
    return row


def add_account(username, **fields):
    return store_row(Account(username=username, **{"name": username, **fields}))


def add_person(user_id, account=None, departments=(), provider="wecom", **fields):
    """Store somebody, with a seat in each of the departments."""
    fields = {"tenant": TENANT, "subject": user_id, "name": user_id, **fields}
    seats = [each.dept_id for each in departments]
    made = store_row(Identity(provider=provider, user_id=user_id, account=account, department=seats, **fields))
    for each in departments:
        db.session.add(Membership(department_id=each.id, identity_id=made.id))
    db.session.commit()
    return made


def add_department(dept_id, name, parent="", provider="wecom"):
    return store_row(Department(provider=provider, tenant=TENANT, dept_id=dept_id, name=name, parent_id=parent))


def add_request(who, state="waiting", **fields):
    """Put somebody into the queue."""
    fields = {"reference": "ABCD-23", "element": "QywxInnerExample", "address": "192.0.2.17", **fields}
    return store_row(BindingRequest(identity_id=who.id, state=state, **fields))


def add_session(who):
    token = str(who.id).encode().ljust(32)
    owner = {"account_id": who.account_id, "identity_id": who.id}
    return store_row(LoginSession(token_hash=token, how="qr", expires_at=now().replace(year=2999), **owner))


def open_admin_browser(portal, username="alice"):
    """Return a browser in which an administrator has signed in; see `apart()`."""
    return isolate_context(Context().run(sign_in_administrator, portal, username))


def isolate_context(browser):
    """Let a browser's requests begin without the test's own app context: they would share what one request knows."""
    inner = browser.open
    browser.open = lambda *args, **kwargs: Context().run(inner, *args, **kwargs)
    return browser


def reload_row(row):
    """Return a row as the database has it now."""
    db.session.rollback()
    return db.session.get(type(row), row.id, populate_existing=True)
