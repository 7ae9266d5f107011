"""A login costs few statements and few writing transactions."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event
from support.portal_app import answer_platform, both_databases

from portal.database import db

ELEMENTS = ["FSInnerExample", "QywxInnerExample"]
CHANGES = ("INSERT", "UPDATE", "DELETE")
FIRST_LOGIN = 19  # statements at most of a person's first login, which makes identity and account
FIRST_OF_ALL = 21  # those where the app has no token yet, either


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


def collect_login(portal, browser, element, person="zhangsan"):
    """Sign a person in, and return the transactions."""
    with collect_statements(portal) as transactions:
        path = answer_platform(browser.start(element), person)
        assert browser.get(path).status_code == 303
    assert browser.session().status_code == 200
    return transactions


def count_statements(transactions):
    return sum(map(len, transactions))


def count_writing(transactions):
    return sum(any(statement.startswith(CHANGES) for statement in statements) for statements in transactions)


@both_databases
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("browser", ["new", "signed in before"])
def test_a_login_takes_at_most_ten_statements_and_three_writes(portal, client, element, browser):
    client.sign_in(element)
    browser = portal.test_client() if browser == "new" else client
    transactions = collect_login(portal, browser, element)
    assert count_statements(transactions) <= 10, transactions
    assert count_writing(transactions) <= 3, transactions


@both_databases
@pytest.mark.parametrize("element", ELEMENTS)
def test_a_first_login_makes_identity_and_account_in_the_same_three_writes(portal, client, element):
    client.sign_in(element, "lisi")  # the app has its token since
    transactions = collect_login(portal, portal.test_client(), element)
    assert count_statements(transactions) <= FIRST_LOGIN, transactions
    assert count_writing(transactions) <= 3, transactions


@both_databases
@pytest.mark.parametrize("element", ELEMENTS)
def test_the_first_login_of_all_fetches_the_apps_token_too(portal, client, element):
    transactions = collect_login(portal, client, element)
    assert count_statements(transactions) <= FIRST_OF_ALL, transactions
    assert count_writing(transactions) <= 5, transactions


@both_databases
def test_a_visitors_login_page_asks_the_database_nothing(portal, client):
    with collect_statements(portal) as transactions:
        assert client.get("/login").status_code == 200
    assert not any(transactions)
