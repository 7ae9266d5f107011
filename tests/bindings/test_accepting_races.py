"""Two administrators accept the same suggestions at once, over HTTP on two workers: each pair is bound once."""

import re

import pytest
from sqlalchemy import create_engine, text
from support.admin_client import AdminBrowser, make_one_time_link, open_database, strip_markup
from support.admin_races import send_at_once
from support.portal_app import both_databases
from support.rows import add_account, add_person

pytestmark = both_databases
ACCEPT = "/admin/bindings/accept"
PAIRS = 60  # more than are bound in one transaction


@pytest.fixture
def engine(database):
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def two(portal, serve):
    """The server, and two administrators at their desks."""
    server = serve(workers=2)
    return server, *(AdminBrowser(server, make_one_time_link(portal, name)) for name in ("alice", "bob"))


def accept_at_once(server, engine, *calls):
    """Send calls at once, and return their answers."""
    answers = send_at_once(server, engine, *calls)
    assert [answer.status_code for answer in answers] == [303, 303], server.output()
    return answers


def ask(engine, query):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def read_bound(page):
    """Return the number of bound people that a page tells."""
    return int(re.search(r"([0-9]+) (?:person is|people are) bound\.", strip_markup(page))[1])


def test_the_same_pairs(portal, two, engine):
    server, alice, bob = two
    with open_database(portal):
        people = [add_person(f"p{each}", name=f"王小{each}", employee_number=f"E{each}").id for each in range(PAIRS)]
        accounts = [add_account(f"a{each}", employee_number=f"E{each}").id for each in range(PAIRS)]
    pairs = [f"{person}:{account}" for person, account in zip(people, accounts, strict=True)]
    answers = accept_at_once(
        server,
        engine,
        lambda: alice.post(ACCEPT, pair=pairs, confirm="yes", count=str(PAIRS)),
        lambda: bob.post(ACCEPT, pair=pairs[::-1], confirm="yes", count=str(PAIRS)),
    )
    assert ask(engine, "SELECT id, account_id FROM identity ORDER BY id") == list(zip(people, accounts, strict=True))
    made = "SELECT count(*), count(DISTINCT identity_id) FROM audit_event WHERE action = 'binding.make' AND result = 0"
    assert ask(engine, made) == [(PAIRS, PAIRS)]
    pages = [who.get(answer.headers["Location"]).text for who, answer in zip((alice, bob), answers, strict=True)]
    numbers = [read_bound(page) for page in pages]
    assert sum(numbers) == PAIRS
    for page, number in zip(pages, numbers, strict=True):
        others = page.count(">王小") if number < PAIRS else 0  # by name
        assert others == PAIRS - number


def test_two_people_for_one_account(portal, two, engine):
    server, alice, bob = two
    with open_database(portal):
        one, other = (add_person(name, employee_number="E1").id for name in ("one", "other"))
        own = add_account("own", employee_number="E1").id
    answers = accept_at_once(
        server,
        engine,
        lambda: alice.post(ACCEPT, pair=f"{one}:{own}", confirm="yes"),
        lambda: bob.post(ACCEPT, pair=f"{other}:{own}", confirm="yes"),
    )
    assert ask(engine, f"SELECT count(*) FROM identity WHERE account_id = {own}") == [(1,)]
    pages = [who.get(answer.headers["Location"]).text for who, answer in zip((alice, bob), answers, strict=True)]
    assert sorted(read_bound(page) for page in pages) == [0, 1]
