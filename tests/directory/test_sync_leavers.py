"""Who is not listed any more: nobody loses access by an accident, and whoever has left loses it at once."""

import pytest
from sqlalchemy import select
from support.admin_client import open_database, sign_in_administrator, store_account
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    LISTED_PEOPLE,
    MEMBER_PATHS,
    PROVIDERS,
    TREE_PATHS,
    WECOM,
    compute_checksum,
    find_person,
    list_members,
    list_people,
    run_sync,
    sign_in_person,
)

from portal.models import Account, AuditEvent, BindingRequest, LoginSession

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])
NOBODY = {
    FEISHU: {"code": 0, "msg": "success", "data": {"has_more": False, "items": []}},
    WECOM: {"errcode": 0, "errmsg": "ok", "userlist": []},
}
REFUSED = {FEISHU: {"code": 99991672, "msg": "x"}, WECOM: {"errcode": 48002, "errmsg": "x"}}
UNKNOWN = {FEISHU: {"code": 41012, "msg": "user id is invalid"}, WECOM: {"errcode": 60111, "errmsg": "x"}}
OUT_OF_RANGE = {FEISHU: {"code": 41050, "msg": "x"}, WECOM: {"errcode": 60011, "errmsg": "x"}}


def trail(portal, action):
    with open_database(portal) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


@both_databases
@both_platforms
class TestOne:
    @pytest.mark.parametrize("how", ["unseen", "unknown", "shown as left"])
    def test_whoever_has_left_is_out_at_once_and_the_account_is_free(self, portal, sandbox, name, how):
        browser = sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        bob = find_person(portal, name, "bob")
        assert "bob" in list_members(portal, name)["4"]
        sandbox.person(PROVIDERS[name], "bob", **{"exit" if how == "shown as left" else "resign": True})
        if how == "unknown":
            sandbox.fail(MEMBER_PATHS[name], body=UNKNOWN[name])
        run = run_sync(portal, name)
        assert (run.state, run.counts["left"], run.report["left"]) == ("done", 1, ["Bob Miller"])
        left = find_person(portal, name, "bob")
        assert (left.status, left.account_id, left.last_account_id) == (2, None, bob.account_id)
        assert browser.session().status_code == 401
        with open_database(portal) as session:
            assert session.scalars(select(LoginSession)).one().ended_why == "left"
            assert session.get_one(Account, bob.account_id).active
        (ended,) = trail(portal, "binding.end")
        assert (ended.identity_id, ended.account_id, ended.element) == (bob.id, bob.account_id, name)

    @pytest.mark.parametrize("how", ["hidden", "refused"])
    def test_whoever_is_only_out_of_sight_keeps_account_and_session(self, portal, sandbox, name, how):
        browser = sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        before = find_person(portal, name, "bob")
        sandbox.person(PROVIDERS[name], "bob", **{"hide" if how == "hidden" else "resign": True})
        if how == "refused":
            sandbox.fail(MEMBER_PATHS[name], body=OUT_OF_RANGE[name], count=2)
        run = run_sync(portal, name)
        assert (run.state, run.counts["left"], run.counts["out_of_sight"]) == ("done", 0, 1)
        after = find_person(portal, name, "bob")
        assert (after.status, after.account_id) == (1, before.account_id)
        assert browser.session().status_code == 200
        assert trail(portal, "binding.end") == []
        again = run_sync(portal, name)  # nobody is missing any more, and whoever is bound is asked about every time
        assert (again.counts["unseen"], again.counts["asked"], again.counts["out_of_sight"]) == (1, 1, 1)
        assert browser.session().status_code == 200

    def test_whoever_is_frozen_loses_the_session_and_keeps_the_account(self, portal, sandbox, name):
        browser = sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        before = find_person(portal, name, "bob")
        sandbox.person(PROVIDERS[name], "bob", freeze=True)
        run_sync(portal, name)
        after = find_person(portal, name, "bob")
        assert (after.status, after.account_id) == (3, before.account_id)
        assert browser.session().status_code == 401
        with open_database(portal) as session:
            assert session.scalars(select(LoginSession)).one().ended_why == "frozen"


@both_databases
@both_platforms
class TestNobodyByAccident:
    @pytest.fixture
    def browser(self, portal, sandbox, name):
        browser = sign_in_person(portal, name, "bob")
        assert run_sync(portal, name).state == "done"
        return browser

    def test_a_fetch_that_fails_removes_nobody(self, portal, sandbox, name, browser, database):
        before = compute_checksum(database)
        for path in (TREE_PATHS[name], LIST_PATHS[name]):
            sandbox.fail(path, body=REFUSED[name], count=1)
            assert run_sync(portal, name).state == "failed"
        assert compute_checksum(database) == before
        assert browser.session().status_code == 200

    def test_an_empty_fetch_removes_nobody(self, portal, sandbox, name, browser, database):
        before = compute_checksum(database)
        sandbox.fail(LIST_PATHS[name], body=NOBODY[name], count=99)
        for wish in (False, True):
            run = run_sync(portal, name, accept_leavers=wish)
            assert (run.state, run.failure[0]) == ("failed", 50300)
        assert compute_checksum(database) == before
        assert browser.session().status_code == 200

    def test_a_shrunken_range_removes_nobody(self, portal, sandbox, name, browser):
        before = list_people(portal, name)
        sandbox.app(**APPS[name], contact_range={"departments": ["5"], "users": []})
        run = run_sync(portal, name)
        assert (run.state, run.counts["left"]) == ("done", 0)
        after = list_people(portal, name)
        assert {key: (row.status, row.account_id) for key, row in after.items()} == {
            key: (row.status, row.account_id) for key, row in before.items()
        }
        assert browser.session().status_code == 200

    def test_where_the_platform_does_not_answer_about_them_nobody_is_removed(
        self, portal, sandbox, name, browser, database
    ):
        before = compute_checksum(database)
        sandbox.person(PROVIDERS[name], "bob", resign=True)
        sandbox.fail(MEMBER_PATHS[name], body=REFUSED[name])
        assert run_sync(portal, name).state == "failed"
        assert compute_checksum(database) == before
        assert browser.session().status_code == 200


@both_platforms
class TestComingBack:
    def test_who_comes_back_waits_for_an_administrator_who_is_told_the_old_account(self, portal, sandbox, name):
        sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        account_id = find_person(portal, name, "bob").account_id
        sandbox.person(PROVIDERS[name], "bob", resign=True)
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", activate=True)
        run = run_sync(portal, name)
        assert (run.counts["changed"], run.counts["new"]) == (1, 0)
        back = find_person(portal, name, "bob")
        assert (back.status, back.account_id, back.last_account_id) == (1, None, account_id)
        portal.test_client().wait(name, "bob")
        with open_database(portal) as session:
            waiting = session.scalars(select(BindingRequest)).one()
            assert (waiting.identity_id, waiting.state) == (back.id, "waiting")

    def test_an_id_that_is_given_to_somebody_else_opens_nothing(self, portal, sandbox, name):
        sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", resign=True)
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", activate=True, name="另一个人", set={"mobile": "13900000099"})
        run_sync(portal, name)
        assert find_person(portal, name, "bob").name == "另一个人"
        portal.test_client().wait(name, "bob")
        assert find_person(portal, name, "bob").account_id is None

    def test_who_signs_in_again_while_a_sync_is_under_way_is_no_leaver(self, portal, sandbox, name):
        sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", resign=True)

        def tell(run):
            if run.phase == "writing" and run.counts["written"] == 0:
                sandbox.person(PROVIDERS[name], "bob", activate=True)
                with portal.app_context():
                    portal.getElement(f"auths.loginTypes.{name}").syncUserInfo("bob", forceUpdate=True)

        assert run_sync(portal, name, tell=tell).state == "done"
        bob = find_person(portal, name, "bob")
        assert bob.status == 1 and bob.account_id is not None
        assert run_sync(portal, name).counts["unseen"] == 0


@both_platforms
class TestAccounts:
    def test_local_accounts_and_the_last_administrators_stay(self, portal, sandbox, name):
        local = store_account(portal, "local")
        sign_in_person(portal, name, "bob")
        run_sync(portal, name)
        with open_database(portal) as session:
            session.execute(Account.__table__.update().where(Account.username == "bob").values(role="admin"))
            session.commit()
        sandbox.person(PROVIDERS[name], "bob", resign=True)
        run_sync(portal, name)
        with open_database(portal) as session:
            admin = session.scalars(select(Account).where(Account.role == "admin")).one()
            assert (admin.username, admin.active) == ("bob", True)
            assert session.get_one(Account, local).active
        assert sign_in_administrator(portal, "bob").session().status_code == 200

    def test_an_account_with_two_logins_is_still_open_by_the_other(self, portal, sandbox, name):
        other = {FEISHU: WECOM, WECOM: FEISHU}[name]
        sign_in_person(portal, name, "bob")
        browser = sign_in_person(portal, other, "bob")
        mine = find_person(portal, name, "bob").account_id
        with open_database(portal) as session:
            theirs = session.get_one(type(find_person(portal, other, "bob")), find_person(portal, other, "bob").id)
            theirs.account_id = mine
            session.execute(LoginSession.__table__.update().values(account_id=mine))
            session.commit()
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", resign=True)
        run_sync(portal, name)
        assert browser.session().status_code == 200
        assert find_person(portal, other, "bob").account_id == mine


@both_platforms
def test_every_run_stands_in_the_trail_without_names(portal, sandbox, name):
    run_sync(portal, name)
    sandbox.fail(TREE_PATHS[name], body=REFUSED[name])
    run_sync(portal, name)
    done, failed = trail(portal, "sync.end")
    assert (done.result, done.element, done.details["state"]) == (0, name, "done")
    assert (done.details["people"], done.details["new"]) == (
        len(LISTED_PEOPLE),
        len(LISTED_PEOPLE) - done.details["left"],
    )
    assert (failed.result, failed.native, failed.details["state"]) == (
        60020,
        str(next(iter(REFUSED[name].values()))),
        "failed",
    )
    assert not any(isinstance(value, (str, list)) for key, value in done.details.items() if key != "state")
