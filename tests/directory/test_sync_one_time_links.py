"""One-time links end like sessions where nobody can sign in as their account any more."""

import pytest
from sqlalchemy import select
from support.admin_client import open_database
from support.portal_app import both_databases
from support.syncs import FEISHU, PROVIDERS, WECOM, find_person, run_sync, sign_in_person

from portal.audit import Actor
from portal.models import Account, Identity, LoginSession
from portal.signin import one_time_links

pytestmark = [both_databases, pytest.mark.parametrize("name", [FEISHU, WECOM])]


def other_than(name):
    return {FEISHU: WECOM, WECOM: FEISHU}[name]


def share_account(portal, name):
    """Let bob sign in to the account `bob` by both platforms, synced by one."""
    sign_in_person(portal, name, "bob"), sign_in_person(portal, other_than(name), "bob")
    run_sync(portal, name)
    with open_database(portal) as session:
        mine = find_person(portal, name, "bob").account_id
        session.execute(Identity.__table__.update().values(account_id=mine).where(Identity.user_id == "bob"))
        session.commit()


def link_for(portal, username):
    """Return the token of a link that an administrator hands out."""
    with open_database(portal) as session:
        mine = session.scalar(select(Account.id).where(Account.username == username))
        return one_time_links.hand_out_link(mine, by=Actor(mine))


def by_link(portal, username):
    """Return a browser that has signed in with such a link."""
    browser = portal.test_client()
    assert browser.post_form(f"/login/once/{link_for(portal, username)}").status_code == 303
    return browser


@pytest.mark.parametrize(("how", "why"), [("resign", "left"), ("exit", "left"), ("freeze", "frozen")])
def test_sessions_and_links_of_an_account_without_a_way_in_end(portal, sandbox, name, how, why):
    sign_in_person(portal, name, "bob")
    run_sync(portal, name)
    browser, link = by_link(portal, "bob"), link_for(portal, "bob")
    sandbox.person(PROVIDERS[name], "bob", **{how: True})
    run_sync(portal, name)
    assert browser.session().status_code == 401
    assert portal.test_client().post_form(f"/login/once/{link}").status_code == 410
    with open_database(portal) as session:
        assert set(session.scalars(select(LoginSession.ended_why))) == {why}


def test_a_frozen_person_is_no_way_in_for_a_leavers_account(portal, sandbox, name):
    share_account(portal, name)
    browser = by_link(portal, "bob")
    for each, how in ((other_than(name), "freeze"), (name, "resign")):
        assert browser.session().status_code == 200
        sandbox.person(PROVIDERS[each], "bob", **{how: True})
        run_sync(portal, each)
    assert browser.session().status_code == 401


def test_a_link_for_somebody_frozen_already_holds(portal, sandbox, name):
    sign_in_person(portal, name, "bob")
    sandbox.person(PROVIDERS[name], "bob", freeze=True)
    run_sync(portal, name)
    browser = by_link(portal, "bob")
    sandbox.person(PROVIDERS[name], "bob", name="Robert")
    assert run_sync(portal, name).counts["changed"] == 1
    assert browser.session().status_code == 200


def test_they_stay_where_another_person_can_sign_in(portal, sandbox, name):
    share_account(portal, name)
    browser = by_link(portal, "bob")
    sandbox.person(PROVIDERS[name], "bob", resign=True)
    run_sync(portal, name)
    assert browser.session().status_code == 200
