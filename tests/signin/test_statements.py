"""A login costs few statements and few writing transactions."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event
from support.portal_app import answer_platform, both_databases

from portal.database import db

ELEMENTS = ["FSInnerExample", "QywxInnerExample"]
CHANGES = ("INSERT", "UPDATE", "DELETE")


@contextmanager
def collect_statements(portal):
    """Collect the transactions inside the block, as lists of statements."""
    transactions = [[]]

    def note(_connection, _cursor, statement, *_):
        if not statement.startswith("BEGIN"):
            transactions[-1].append(statement)

    def end(_connection):
        transactions.append([])

    with portal.app_context():
        engine = db.engine
    listeners = {"before_cursor_execute": note, "commit": end, "rollback": end}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield transactions
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def count_writing(transactions):
    return sum(any(statement.startswith(CHANGES) for statement in statements) for statements in transactions)


@both_databases
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("browser", ["new", "signed in before"])
def test_a_login_takes_at_most_ten_statements_and_three_writes(portal, client, element, browser):
    client.sign_in(element)
    browser = portal.test_client() if browser == "new" else client
    with collect_statements(portal) as transactions:
        address = browser.start(element)
        path = answer_platform(address)
        assert browser.get(path).status_code == 303
    assert browser.session().status_code == 200
    statements = [statement for transaction in transactions for statement in transaction]
    assert len(statements) <= 10, "\n".join(statements)
    assert count_writing(transactions) <= 3, transactions


@both_databases
def test_a_visitors_login_page_asks_the_database_nothing(portal, client):
    with collect_statements(portal) as transactions:
        assert client.get("/login").status_code == 200
    assert not any(transactions)
