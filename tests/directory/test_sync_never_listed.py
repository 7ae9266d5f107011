"""People no sync has listed: each sync looks at everybody who could sign in, and leavers lose it."""

import pytest
from sqlalchemy import select, update
from support.admin_client import open_database, sign_in_administrator
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    MEMBER_PATHS,
    PROVIDERS,
    WECOM,
    WriteCounter,
    find_person,
    run_sync,
    sign_in_person,
)

from portal.models import LEFT, BindingRequest, Identity, Listing, LoginSession

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])
RANGES = {  # what the app may not ask, so that nobody tells who is in its range
    FEISHU: {"drop_permissions": ["contact:group:readonly"]},
    WECOM: {"drop_permissions": ["agent/get"]},
}


def sign_in(portal, sandbox, name):
    sandbox.person(PROVIDERS[name], "newcomer", add=True, departments=["7"])
    return sign_in_person(portal, name, "newcomer")


def before_the_first_sync(portal, sandbox, name):
    return sign_in(portal, sandbox, name)


def between_two_syncs(portal, sandbox, name):
    run_sync(portal, name)
    return sign_in(portal, sandbox, name)


def out_of_sight_at_one_sync(portal, sandbox, name):
    browser = sign_in(portal, sandbox, name)
    run_sync(portal, name)
    sandbox.person(PROVIDERS[name], "newcomer", hide=True)
    assert run_sync(portal, name).counts["out_of_sight"] == 1
    sandbox.person(PROVIDERS[name], "newcomer", hide=False, resign=True)
    return browser


def in_a_range_nobody_tells(portal, sandbox, name):
    browser = sign_in(portal, sandbox, name)
    sandbox.group(PROVIDERS[name], "5", users=["newcomer"])
    reach = {"departments": ["2"], "users": [], "groups": ["5"]}
    sandbox.app(**APPS[name], contact_range=reach, **RANGES[name])
    run = run_sync(portal, name)
    assert list(run.report["warnings"]) == [{FEISHU: "unread_group", WECOM: "unread_range"}[name]]
    assert browser.session().status_code == 200
    return browser


WAYS = [before_the_first_sync, between_two_syncs, out_of_sight_at_one_sync, in_a_range_nobody_tells]


@both_databases
@both_platforms
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_leaver_is_out_and_the_id_opens_nothing_to_the_next_person(portal, sandbox, name, way):
    browser = way(portal, sandbox, name)
    account_id = find_person(portal, name, "newcomer").account_id
    sandbox.person(PROVIDERS[name], "newcomer", resign=True)
    run = run_sync(portal, name)
    assert (run.state, run.counts["left"], run.report["left"]) == ("done", 1, ["newcomer"])
    left = find_person(portal, name, "newcomer")
    assert (left.status, left.account_id, left.last_account_id) == (2, None, account_id)
    assert browser.session().status_code == 401

    sandbox.person(PROVIDERS[name], "newcomer", activate=True, name="另一个人")
    portal.test_client().wait(name, "newcomer")
    with open_database(portal) as session:
        assert session.scalars(select(BindingRequest)).one().identity_id == left.id
    run_sync(portal, name)
    assert find_person(portal, name, "newcomer").account_id is None


@both_databases
@both_platforms
class TestOutOfSight:
    @pytest.fixture
    def browser(self, portal, sandbox, name):
        """Somebody who has signed in, and whom the app may not see."""
        browser = sign_in(portal, sandbox, name)
        sandbox.person(PROVIDERS[name], "newcomer", hide=True)
        return browser

    def test_they_keep_all_and_are_asked_about_every_time(self, portal, sandbox, name, browser, database):
        before = find_person(portal, name, "newcomer")
        run_sync(portal, name)
        counter = WriteCounter(database)
        for _ in range(2):
            sandbox.forget_calls()
            run = run_sync(portal, name)
            assert (run.state, run.counts["asked"], run.counts["out_of_sight"]) == ("done", 1, 1)
            assert len(sandbox.calls(MEMBER_PATHS[name])) == 1
        assert counter.take_counts() == {}
        counter.close()
        after = find_person(portal, name, "newcomer")
        assert (after.status, after.account_id) == (1, before.account_id)
        assert browser.session().status_code == 200

    def test_whoever_is_frozen_loses_the_session_once_the_platform_tells(self, portal, sandbox, name, browser):
        body = {FEISHU: {"code": 0, "msg": "success", "data": {}}, WECOM: {"errcode": 0, "errmsg": "ok", "status": 2}}
        stored = find_person(portal, name, "newcomer")
        body[WECOM]["userid"] = "newcomer"
        body[FEISHU]["data"]["user"] = {"union_id": stored.subject, "status": {"is_frozen": True}}
        sandbox.fail(MEMBER_PATHS[name], body=body[name])
        run = run_sync(portal, name)
        assert (run.state, run.counts["changed"]) == ("done", 1)
        assert (find_person(portal, name, "newcomer").status, browser.session().status_code) == (3, 401)
        assert find_person(portal, name, "newcomer").account_id == stored.account_id

    def test_an_answer_about_somebody_else_is_a_warning(self, portal, sandbox, name, browser):
        body = {FEISHU: {"code": 0, "msg": "success", "data": {}}, WECOM: {"errcode": 0, "errmsg": "ok", "status": 5}}
        body[WECOM]["userid"] = "somebody"
        body[FEISHU]["data"]["user"] = {"union_id": "on_somebody", "status": {"is_resigned": True}}
        sandbox.fail(MEMBER_PATHS[name], body=body[name])
        run = run_sync(portal, name)
        assert (run.state, run.report["warnings"]) == ("done", {"unanswered_person": ["newcomer"]})
        assert browser.session().status_code == 200


@both_platforms
def test_a_leaver_without_a_binding_loses_an_open_session(portal, sandbox, name):
    browser = sign_in(portal, sandbox, name)
    with open_database(portal) as session:
        session.execute(update(Identity).where(Identity.user_id == "newcomer").values(account_id=None))
        session.commit()
    sandbox.person(PROVIDERS[name], "newcomer", resign=True)
    assert run_sync(portal, name).counts["left"] == 1
    with open_database(portal) as session:
        assert session.scalars(select(LoginSession)).one().ended_why == "left"
    assert browser.session().status_code == 401


@both_platforms
def test_whoever_a_login_found_to_have_left_is_unbound_by_the_next_sync(portal, sandbox, name):
    sign_in_person(portal, name, "bob")
    run_sync(portal, name)
    sandbox.person(PROVIDERS[name], "bob", exit=True)
    with open_database(portal) as session:
        session.execute(update(Identity).where(Identity.user_id == "bob").values(status=LEFT))
        session.execute(update(Listing).values(digest=None))
        session.commit()
    assert run_sync(portal, name).counts["left"] == 1
    assert find_person(portal, name, "bob").account_id is None


@both_databases
@both_platforms
def test_a_leaver_who_waits_in_the_queue_cannot_be_let_in(make_portal, sandbox, name):
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
    sandbox.person(PROVIDERS[name], "newcomer", add=True, departments=["7"])
    portal.test_client().wait(name, "newcomer")
    sandbox.person(PROVIDERS[name], "newcomer", resign=True)
    assert run_sync(portal, name).counts["left"] == 1
    with open_database(portal) as session:
        waiting = session.scalars(select(BindingRequest.id)).one()
    assert sign_in_administrator(portal).post_form(f"/admin/queue/{waiting}/create").status_code == 403
    assert find_person(portal, name, "newcomer").account_id is None
