"""Two administrators decide about one person at once, over HTTP on two workers: one wins, the other is told."""

import pytest
from sqlalchemy import create_engine, text
from support.admin_client import AdminBrowser, make_one_time_link, open_database
from support.admin_races import send_at_once
from support.portal_app import both_databases
from support.rows import add_account, add_person, add_request

pytestmark = both_databases


@pytest.fixture
def engine(database):
    engine = create_engine(database)
    yield engine
    engine.dispose()


def at_once(server, engine, *calls):
    """Send calls at once, of which one is refused."""
    answers = send_at_once(server, engine, *calls)
    assert sorted(answer.status_code for answer in answers) == [303, 409], server.output()
    return answers


def ask(engine, query):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture
def two(portal, serve):
    """The server, and two administrators at their desks."""
    server = serve(workers=2)
    return server, *(AdminBrowser(server, make_one_time_link(portal, name)) for name in ("alice", "bob"))


def test_one_person_for_two_accounts(portal, two, engine):
    server, alice, bob = two
    with open_database(portal):
        who, mine, theirs = add_person("zw").id, add_account("mine").id, add_account("theirs").id
    first, second = at_once(
        server,
        engine,
        lambda: alice.post("/admin/bindings/bind", identity=who, account=mine),
        lambda: bob.post("/admin/bindings/bind", identity=who, account=theirs),
    )
    winner, loser, name = (mine, second, "Alice") if first.status_code == 303 else (theirs, first, "Bob")
    assert ask(engine, f"SELECT account_id FROM identity WHERE id = {who}") == [(winner,)]
    assert f"Changed in the meantime by {name.lower()}" in loser.text
    assert ask(engine, "SELECT count(*) FROM audit_event WHERE action = 'binding.make' AND result = 40900") == [(1,)]


def test_two_people_for_one_account(portal, two, engine):
    server, alice, bob = two
    with open_database(portal):
        one, other, own = add_person("one").id, add_person("other").id, add_account("own").id
    answers = at_once(
        server,
        engine,
        lambda: alice.post("/admin/bindings/bind", identity=one, account=own),
        lambda: bob.post("/admin/bindings/bind", identity=other, account=own),
    )
    assert ask(engine, f"SELECT count(*) FROM identity WHERE account_id = {own}") == [(1,)]
    assert any("This account already has a person of that company" in answer.text for answer in answers)


@pytest.mark.parametrize(("what", "fields"), [("create", {}), ("refuse", {"reason": "no"})])
def test_one_request_decided_twice(portal, two, engine, what, fields):
    server, alice, bob = two
    with open_database(portal):
        request, own = add_request(add_person("zw")).id, add_account("own").id
    at_once(
        server,
        engine,
        lambda: alice.post(f"/admin/queue/{request}/bind", account=own),
        lambda: bob.post(f"/admin/queue/{request}/{what}", **fields),
    )
    [(state, bound)] = ask(
        engine, "SELECT state, account_id FROM binding_request JOIN identity ON identity_id = identity.id"
    )
    assert (state, bound is None) in (("done", False), ("refused", True))
    made = ask(engine, "SELECT count(*) FROM account WHERE username = 'zw'") == [(1,)]
    assert made == (what == "create" and bound != own)


def test_unbinding_and_moving(portal, two, engine):
    server, alice, bob = two
    with open_database(portal):
        own, other = add_account("own"), add_account("other")
        who = add_person("zw", account=own)
        who, own, other = who.id, own.id, other.id
    at_once(
        server,
        engine,
        lambda: alice.post(f"/admin/bindings/{who}/unbind", seen=own),
        lambda: bob.post("/admin/bindings/bind", identity=who, account=other, seen=own),
    )
    assert ask(engine, f"SELECT account_id, last_account_id FROM identity WHERE id = {who}") in (
        [(None, own)],
        [(other, own)],
    )


def test_two_who_swap_the_holders_of_two_accounts(portal, two, engine):
    """Each locks the people of both; in one order, so that neither waits for the other for good."""
    server, alice, bob = two
    with open_database(portal):
        first, second = add_account("first"), add_account("second")
        one, other = add_person("one", account=first), add_person("other", account=second)
        one, other, first, second = one.id, other.id, first.id, second.id
    at_once(
        server,
        engine,
        lambda: alice.post(f"/admin/bindings/{one}/replace", account=second, holder=other, seen=first),
        lambda: bob.post(f"/admin/bindings/{other}/replace", account=first, holder=one, seen=second),
    )
    bound = ask(engine, "SELECT id, account_id FROM identity WHERE account_id IS NOT NULL")
    assert bound in ([(one, second)], [(other, first)])
