"""Rows for the tests about bindings.

Call these functions inside an app's context.
"""

from contextvars import Context

from support.admin_client import sign_in_administrator

from portal.clocks import now
from portal.database import db
from portal.models import Account, BindingRequest, Department, Identity, LoginSession, Membership

TENANT = "wwsandbox00000001"
HOSTILE = "<script>alert(1)</script>{{7*7}}' OR 1=1;--"


def store_row(row):
    """Store a row."""
    db.session.rollback()  # in SQLite a transaction that has read before another one wrote cannot write
    db.session.add(row)
    db.session.commit()
    return row


def add_account(username, **fields):
    return store_row(Account(username=username, **{"name": username, **fields}))


def add_person(user_id, account=None, departments=(), provider="wecom", **fields):
    """Store a person with a seat in each department."""
    fields = {"tenant": TENANT, "subject": user_id, "name": user_id, **fields}
    seats = [row.dept_id for row in departments]
    person = store_row(Identity(provider=provider, user_id=user_id, account=account, department=seats, **fields))
    for row in departments:
        db.session.add(Membership(department_id=row.id, identity_id=person.id))
    db.session.commit()
    return person


def add_department(dept_id, name, parent="", provider="wecom"):
    return store_row(Department(provider=provider, tenant=TENANT, dept_id=dept_id, name=name, parent_id=parent))


def add_request(person, state="waiting", **fields):
    """Store a person's request to be bound."""
    fields = {"reference": "ABCD-23", "element": "QywxInnerExample", "address": "192.0.2.17", **fields}
    return store_row(BindingRequest(identity_id=person.id, state=state, **fields))


def add_session(person, **fields):
    """Store an open session of a person."""
    token = str(person.id).encode().ljust(32)
    owner = {"account_id": person.account_id, "identity_id": person.id}
    return store_row(
        LoginSession(token_hash=token, how="qr", **{"expires_at": now().replace(year=2999), **owner, **fields})
    )


def open_admin_browser(portal, username="alice"):
    """Return a browser in which an administrator has signed in.

    Its requests begin without the test's own app context.
    """
    return isolate_context(Context().run(sign_in_administrator, portal, username))


def isolate_context(browser):
    """Make a browser's requests begin without the test's app context.

    They would share in it what belongs to one request.
    """
    open_ = browser.open
    browser.open = lambda *args, **kwargs: Context().run(open_, *args, **kwargs)
    return browser


def reload_row(row):
    """Return a row as it is in the database now."""
    db.session.rollback()
    return db.session.get(type(row), row.id, populate_existing=True)
