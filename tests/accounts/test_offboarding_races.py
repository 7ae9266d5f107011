"""Two administrators off-board one account at once, over HTTP on two workers: one act, and no fault."""

from functools import partial

import pytest
from support.admin_client import AdminBrowser, make_one_time_link, open_database
from support.http_visitors import run_at_once
from support.portal_app import both_databases
from support.rows import add_account, add_person

pytestmark = both_databases


@pytest.fixture
def desks(portal, serve):
    """Two administrators at their desks, and a server of two workers."""
    links = [make_one_time_link(portal, name) for name in ("alice", "bob")]
    server = serve(workers=2)
    return server, [AdminBrowser(server, link) for link in links]


def test_one_off_boarding_wins(portal, desks, sql):
    server, administrators = desks
    for number in range(5):
        with open_database(portal):
            own = add_account(f"leaver{number}")
            person, id = add_person(f"leaver{number}", account=own).id, own.id
        path = f"/admin/accounts/{id}/offboard"
        answers = run_at_once([partial(administrator.post, path, confirm="yes") for administrator in administrators])
        assert [answer.status_code for answer in answers] == [303, 303], server.output()
        assert sql(f"SELECT account_id, last_account_id FROM identity WHERE id = {person}") == [(None, id)]
        acts = f"SELECT action FROM audit_event WHERE account_id = {id} ORDER BY id"
        assert sql(acts) == [("binding.end",), ("account.offboard",)]


def test_an_off_boarding_and_a_binding_leave_no_person_bound_to_a_closed_account(portal, desks, sql):
    server, (alice, bob) = desks
    for number in range(5):
        with open_database(portal):
            id, person = add_account(f"closing{number}").id, add_person(f"closing{number}").id
        run_at_once(
            [
                partial(alice.post, f"/admin/accounts/{id}/offboard", confirm="yes"),
                partial(bob.post, "/admin/bindings/bind", identity=person, account=id),
            ]
        )
        bound = "SELECT count(*) FROM identity JOIN account ON account.id = account_id WHERE NOT account.active"
        assert sql(bound) == [(0,)], server.output()


def test_two_last_administrators_do_not_off_board_each_other(portal, desks, sql):
    server, administrators = desks
    ids = dict(sql("SELECT username, id FROM account"))
    paths = [f"/admin/accounts/{ids[other]}/offboard" for other in ("bob", "alice")]
    pairs = zip(administrators, paths, strict=True)
    answers = run_at_once([partial(administrator.post, path, confirm="yes") for administrator, path in pairs])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([303, 401], [303, 409]), server.output()
    assert sql("SELECT count(*) FROM account WHERE active AND role = 'admin'") == [(1,)]
