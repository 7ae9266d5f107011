"""The guard: where many would lose their access, a sync stops, and goes on with a yes to the very list it has shown."""

import pytest
from support.portal_app import both_databases
from support.syncs import (
    FEISHU,
    MEMBER_PATHS,
    PROVIDERS,
    WECOM,
    add_people,
    bind_people,
    change_people,
    compute_checksum,
    find_person,
    list_people,
    run_sync,
    sign_in_person,
)

from portal.directory import runs
from portal.models import MAY_SIGN_IN

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


@both_databases
@both_platforms
class TestGuard:
    def test_more_than_ten_of_a_few_stop_the_run_and_nothing_has_changed(self, portal, sandbox, name, database):
        some = add_people(sandbox, name, 11)
        browser = sign_in_person(portal, name, some[0])
        run_sync(portal, name)
        before = compute_checksum(database)
        change_people(sandbox, name, some, resign=True)
        sandbox.person(PROVIDERS[name], "bob", name="Robert", departments=["7"])
        run = run_sync(portal, name)
        assert (run.state, run.counts["losing"], run.counts["unseen"]) == ("stopped", 11, 11)
        assert sorted(run.report["losing"]) == sorted(some)
        assert compute_checksum(database) == before
        assert browser.session().status_code == 200
        assert sandbox.calls(MEMBER_PATHS[name])[1:] == []

    def test_an_administrators_yes_goes_on(self, portal, sandbox, name):
        some = add_people(sandbox, name, 11)
        run_sync(portal, name)
        change_people(sandbox, name, some, resign=True)
        run_sync(portal, name)
        run = run_sync(portal, name, accept_leavers=True)
        assert (run.state, run.counts["left"], run.counts["asked"]) == ("done", 11, 11)
        assert {list_people(portal, name)[key].status for key in some} == {2}
        assert run_sync(portal, name).state == "done"


@both_platforms
class TestMany:
    def test_ten_are_no_reason_to_stop(self, portal, sandbox, name):
        some = add_people(sandbox, name, 10)
        run_sync(portal, name)
        change_people(sandbox, name, some, resign=True)
        assert run_sync(portal, name).counts["left"] == 10

    def test_of_many_it_is_a_tenth(self, portal, sandbox, name):
        some = add_people(sandbox, name, 140)  # with the company's nine who are active or not activated: 149
        run_sync(portal, name)
        change_people(sandbox, name, some[:14], resign=True)
        assert run_sync(portal, name).state == "done"
        change_people(sandbox, name, some[14:28], resign=True)  # 14 of 135
        assert run_sync(portal, name).state == "stopped"

    def test_whom_the_platform_lists_as_left_counts_like_the_unseen(self, portal, sandbox, name):
        some = add_people(sandbox, name, 12)
        run_sync(portal, name)
        change_people(sandbox, name, some[:6], exit=True)
        change_people(sandbox, name, some[6:], hide=True)
        run = run_sync(portal, name)
        assert (run.state, run.counts["losing"], run.counts["unseen"]) == ("stopped", 12, 6)
        assert sorted(run.report["losing"]) == sorted(some)
        run = run_sync(portal, name, accept_leavers=True)
        assert (run.state, run.counts["left"], run.counts["out_of_sight"]) == ("done", 6, 6)

    def test_who_has_been_left_or_frozen_before_does_not_count(self, portal, sandbox, name):
        some = add_people(sandbox, name, 12)
        change_people(sandbox, name, some, freeze=True)
        run_sync(portal, name)
        change_people(sandbox, name, some, resign=True)
        run = run_sync(portal, name)
        assert (run.state, run.counts["losing"], run.counts["left"]) == ("done", 0, 12)

    @both_databases
    @pytest.mark.parametrize("how", [{"freeze": True}, {"exit": True}])
    def test_people_shown_as_frozen_or_left_count(self, portal, sandbox, name, how):
        some = add_people(sandbox, name, 30)
        browser = sign_in_person(portal, name, some[0])
        run_sync(portal, name)
        change_people(sandbox, name, some, **how)
        run = run_sync(portal, name)
        assert (run.state, run.counts["losing"]) == ("stopped", 30)
        assert browser.session().status_code == 200
        assert {list_people(portal, name)[key].status for key in some} == {1}
        assert run_sync(portal, name, accept_leavers=True).state == "done"
        assert browser.session().status_code == 401


@both_databases
@both_platforms
class TestFirst:
    """People who have signed in before an element's first sync."""

    @pytest.mark.parametrize("how", [{"freeze": True}, {"exit": True}, {"resign": True}])
    def test_thirty_losses_at_a_first_sync_wait_for_a_yes(self, portal, sandbox, name, how):
        some = add_people(sandbox, name, 30)
        bind_people(portal, name, some)
        change_people(sandbox, name, some, **how)
        run = run_sync(portal, name)
        assert (run.state, run.counts["losing"]) == ("stopped", 30)
        assert kept(portal, name, some) == 30
        assert "bob" in list_people(portal, name)  # all others are stored
        run = run_sync(portal, name, accept_leavers=True)
        assert run.state == "done"
        assert kept(portal, name, some) == 0
        assert {list_people(portal, name)[key].account_id is None for key in some} == {"freeze" not in how}

    def test_a_few_lose_it_at_once(self, portal, sandbox, name):
        some = add_people(sandbox, name, 10)
        bind_people(portal, name, some)
        change_people(sandbox, name, some[:5], resign=True)
        change_people(sandbox, name, some[5:], freeze=True)
        assert run_sync(portal, name).state == "done"
        assert kept(portal, name, some) == 0


def kept(portal, name, keys):
    """Return how many of these people may sign in and are bound."""
    stored = list_people(portal, name)
    return sum(stored[key].status in MAY_SIGN_IN and stored[key].account_id is not None for key in keys)


@both_platforms
class TestYes:
    @pytest.fixture
    def some(self, portal, sandbox, name):
        """People of whom the first twelve have left, and the sync that has stopped because of them."""
        some = add_people(sandbox, name, 40)
        run_sync(portal, name)
        change_people(sandbox, name, some[:12], resign=True)
        assert run_sync(portal, name).state == "stopped"
        return some

    def test_ten_more_than_shown_are_within_it(self, portal, sandbox, name, some):
        change_people(sandbox, name, some[12:22], resign=True)
        assert run_sync(portal, name, accept_leavers=True).counts["left"] == 22

    def test_more_than_that_stop_again_and_the_new_list_can_be_accepted(self, portal, sandbox, name, some):
        change_people(sandbox, name, some[12:23], resign=True)
        run = run_sync(portal, name, accept_leavers=True)
        assert (run.state, run.counts["losing"], run.counts["asked"]) == ("stopped", 23, 0)
        assert run_sync(portal, name, accept_leavers=True).counts["left"] == 23

    def test_people_who_turn_out_to_have_left_only_when_asked_count_too(self, portal, sandbox, name, some):
        others = [f"two{at:02}" for at in range(11)]
        for key in others:
            sandbox.person(PROVIDERS[name], key, add=True, departments=["7"])
        bind_people(portal, name, others)
        change_people(sandbox, name, others, resign=True)
        run = run_sync(portal, name, accept_leavers=True)
        assert (run.state, run.counts["losing"], run.counts["asked"]) == ("stopped", 23, 23)
        assert find_person(portal, name, others[0]).account_id is not None
        assert run_sync(portal, name, accept_leavers=True).counts["left"] == 23

    def test_it_is_spent_by_the_run_it_started(self, portal, sandbox, name, some):
        run_sync(portal, name, accept_leavers=True)
        change_people(sandbox, name, some[12:24], resign=True)
        assert run_sync(portal, name, accept_leavers=True).state == "stopped"

    def test_it_is_spent_by_a_run_that_failed(self, portal, sandbox, name, some):
        sandbox.fail(MEMBER_PATHS[name], status=400, body={"code": 99991672, "errcode": 48002})
        assert run_sync(portal, name, accept_leavers=True).state == "failed"
        assert run_sync(portal, name, accept_leavers=True).state == "stopped"

    def test_it_is_for_no_list_from_before_a_sync_that_was_done(self, portal, sandbox, name, some):
        change_people(sandbox, name, some[:12], activate=True)
        assert run_sync(portal, name).state == "done"
        change_people(sandbox, name, some[12:24], resign=True)
        assert run_sync(portal, name, accept_leavers=True).state == "stopped"

    def test_a_dry_run_does_not_spend_it(self, portal, sandbox, name, some):
        assert run_sync(portal, name, accept_leavers=True, dry_run=True).counts["left"] == 12
        assert run_sync(portal, name, accept_leavers=True).counts["left"] == 12

    def test_it_is_for_the_run_whose_list_was_shown(self, portal, sandbox, name, some):
        with portal.app_context():
            shown = runs.find_stopped(name).id
        change_people(sandbox, name, some[12:30], resign=True)
        assert run_sync(portal, name).counts["losing"] == 30
        assert run_sync(portal, name, accept_leavers=True, stopped_id=shown).state == "stopped"


@both_platforms
def test_a_yes_without_a_list_shown_is_none(portal, sandbox, name):
    some = add_people(sandbox, name, 11)
    run_sync(portal, name)
    change_people(sandbox, name, some, resign=True)
    assert run_sync(portal, name, accept_leavers=True).state == "stopped"
    assert run_sync(portal, name, accept_leavers=True).state == "done"
