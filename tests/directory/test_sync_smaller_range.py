"""Apps that may see a part of the company, and several apps of one company."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LISTED_PEOPLE,
    PROVIDERS,
    WECOM,
    WriteCounter,
    find_person,
    list_departments,
    list_members,
    list_people,
    run_sync,
)

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


@both_platforms
def test_a_smaller_range_leaves_what_another_login_of_the_company_has_stored(
    portal, elements, make_portal, sandbox, name, database
):
    """Two apps of one company, one of which sees a part: neither undoes what the other has read."""
    if name == FEISHU:
        sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", secret="second")
        elements.feishu("Second", appId="cli_5a4db0c5a4db0c02", appSecret="second")
        sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", contact_range={"departments": ["3"], "users": []})
    else:
        sandbox.app("wecom", corpid="wwsandbox00000001", agentid="1000003", secret="second")
        elements.wecom("Second", corpSecret="second", agentId="1000003")
        reach = {"departments": ["3"], "users": []}
        sandbox.app("wecom", corpid="wwsandbox00000001", agentid="1000003", contact_range=reach)
    portal = make_portal()
    run_sync(portal, name)
    before = list_departments(portal, name), list_members(portal, name), find_person(portal, name, "wangwu").department
    assert run_sync(portal, "Second").state == "done"
    assert list_departments(portal, name).keys() == before[0].keys()
    assert list_members(portal, name) == before[1]
    assert find_person(portal, name, "wangwu").department == before[2]
    assert len(list_people(portal, name)) == len(LISTED_PEOPLE)
    run_sync(portal, name), run_sync(portal, "Second")
    counter = WriteCounter(database)
    assert (run_sync(portal, name).state, run_sync(portal, "Second").state) == ("done", "done")
    assert counter.take_counts() == {}
    counter.close()
    sandbox.department("6", remove=True)
    sandbox.person(PROVIDERS[name], "carol", departments=["4"])
    run_sync(portal, "Second")
    assert before[0].keys() - list_departments(portal, name).keys() == {"6"}


class TestFeishuRange:
    def test_a_smaller_range_is_read_from_its_departments_and_people(self, portal, sandbox):
        reach = {"departments": ["2", "3"], "users": ["alice", "hostile"]}
        sandbox.app(**APPS[FEISHU], contact_range=reach)
        run = run_sync(portal, FEISHU)
        assert (run.state, run.report.get("warnings")) == ("done", None)
        assert set(list_departments(portal, FEISHU)) == {"2", "3", "4", "6"}
        listed = {"zhangsan", "lisi", "wangwu", "bob", "carol", "sunqi", "zhouba", "alice", "hostile"}
        assert set(list_people(portal, FEISHU)) == listed

    def test_many_people_by_themselves_are_read_in_bundles(self, portal, sandbox):
        extra = [f"one{number:03}" for number in range(60)]
        for key in extra:
            sandbox.person("feishu", key, add=True, departments=["7"])
        sandbox.app(**APPS[FEISHU], contact_range={"departments": [], "users": extra})
        run = run_sync(portal, FEISHU)
        assert (run.state, run.counts["people"]) == ("done", 60)
        bundles = sandbox.calls("/open-apis/contact/v3/users/batch")
        assert sorted(len(call["query"]["user_ids"]) for call in bundles) == [10, 50]


@both_databases
@both_platforms
def test_two_logins_of_one_company_can_be_synced_at_once(portal, elements, make_portal, sandbox, name):
    """They write the same people, some new, some changed: neither fails, and nobody is there twice."""
    provider = PROVIDERS[name]
    if name == FEISHU:
        sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", secret="second")
        elements.feishu("Second", appId="cli_5a4db0c5a4db0c02", appSecret="second")
    else:
        sandbox.app("wecom", corpid="wwsandbox00000001", agentid="1000003", secret="second")
        elements.wecom("Second", corpSecret="second", agentId="1000003")
    portal = make_portal()
    for round in range(3):
        for number in range(40):
            sandbox.person(provider, f"one{round}{number}", add=True, departments=["7"])
            if round:
                sandbox.person(provider, f"one{round - 1}{number}", name=f"Renamed {number}", departments=["2", "5"])
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda which: run_sync(portal, which), (name, "Second")))
        assert [(run.state, run.failure) for run in found] == [("done", None)] * 2
        assert len(list_people(portal, name)) == len(LISTED_PEOPLE) + 40 * (round + 1)
    assert sum("one0" in key for key in list_members(portal, name)["2"]) == 40
    again = [run_sync(portal, which) for which in (name, "Second")]
    assert all(run.counts["new"] + run.counts["changed"] + run.counts["moved"] == 0 for run in again)
