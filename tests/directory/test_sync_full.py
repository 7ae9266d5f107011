"""A full sync of both platforms stores everyone, and a second one writes only changes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    LISTED_PEOPLE,
    PROVIDERS,
    WECOM,
    WriteCounter,
    find_person,
    list_departments,
    list_members,
    list_people,
    run_sync,
    wait_for,
)

from portal.clocks import now
from portal.directory.sync import reading
from portal.models import FSInnerAuthModel, QywxInnerAuthModel

MODELS = {FEISHU: FSInnerAuthModel, WECOM: QywxInnerAuthModel}
both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


def marketing(name):
    """Return the id of the department that has a readable one of its own at Feishu."""
    return "marketing-cn" if name == FEISHU else "5"


@pytest.fixture
def written(database):
    counter = WriteCounter(database)
    yield counter
    counter.close()


@both_databases
@both_platforms
class TestFirst:
    def test_everybody_is_stored_with_every_field(self, portal, sandbox, name):
        sandbox.app(**APPS[name], **({"old_app": True} if name == WECOM else {}))
        pictures = {FEISHU: "https://p1.feishucdn.com/lisi.png", WECOM: "https://wework.qpic.cn/lisi.png"}
        sandbox.person(PROVIDERS[name], "lisi", set={"avatar": pictures[name]})
        run = run_sync(portal, name)
        assert (run.state, run.failure) == ("done", None)
        found = list_people(portal, name)
        assert {key.lower() for key in found} == LISTED_PEOPLE
        lisi = found["lisi"]
        assert type(lisi) is MODELS[name]
        mobile = "+8613800000002" if name == FEISHU else "13800000002"
        told = (lisi.userId, lisi.name, lisi.mobile, lisi.email, lisi.position, lisi.gender, lisi.status)
        assert told == ("lisi", "李四", mobile, "lisi@example.com", "研发总监", 2, 1)
        assert lisi.avatar == pictures[name]
        assert (lisi.department, lisi.isLeader) == (["2"], True)
        assert (lisi.accessToken, lisi.refreshToken, lisi.expiresAt) == (None, None, None)
        assert lisi.createdAt <= now() and lisi.updatedAt <= now()
        assert lisi.employee_number == ("E0002" if name == FEISHU else "")
        states = {key: row.status for key, row in found.items() if row.status != 1}
        assert states == {"sunqi": 3, "zhouba": 4, "wujiu": 2}

    def test_somebody_in_several_departments_is_one_person_and_a_member_of_each(self, portal, sandbox, name):
        run = run_sync(portal, name)
        assert run.counts["people"] == run.counts["new"] + run.counts["left"] == len(LISTED_PEOPLE)
        assert find_person(portal, name, "wangwu").department == ["3", marketing(name)]
        seats = list_members(portal, name)
        assert "wangwu" in seats["3"] and "wangwu" in seats[marketing(name)]
        assert sum("wangwu" in found for found in seats.values()) == 2
        led = {key for key, row in list_people(portal, name).items() if row.isLeader}
        assert led == {"lisi", "alice", "wangwu", "carol", "hostile"} | ({"chenyi"} if name == WECOM else set())

    def test_a_second_one_writes_no_row(self, portal, sandbox, name, written):
        run_sync(portal, name)
        first = written.take_counts()
        assert first["identity"] == len(LISTED_PEOPLE) and first["department"] >= 7 and first["membership"] >= 10
        again = run_sync(portal, name)
        assert again.state == "done"
        assert again.counts["unchanged"] == again.counts["people"] == len(LISTED_PEOPLE)
        assert written.take_counts() == {}

    def test_one_changed_person_is_one_written_row(self, portal, sandbox, name, written):
        run_sync(portal, name)
        written.take_counts()
        sandbox.person(PROVIDERS[name], "bob", name="Robert Miller")
        again = run_sync(portal, name)
        assert (again.counts["changed"], again.report["changed"]) == (1, ["Robert Miller"])
        assert written.take_counts() == {"identity": 1}
        assert find_person(portal, name, "bob").name == "Robert Miller"

    def test_who_moves_is_a_member_there_alone(self, portal, sandbox, name):
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", departments=["7"])
        again = run_sync(portal, name)
        assert (again.counts["moved"], again.counts["changed"]) == (1, 0)
        seats = list_members(portal, name)
        assert "bob" in seats["7"] and "bob" not in seats.get("4", set())

    def test_departments_are_moved_renamed_made_and_deleted(self, portal, sandbox, name):
        sandbox.department("90", add=True, name="旧部门", parent="7")
        sandbox.person(PROVIDERS[name], "bob", departments=["90", "4"])
        run_sync(portal, name)
        assert "bob" in list_members(portal, name)["90"]
        sandbox.department("90", remove=True)
        sandbox.department("6", parent="7", name="登录组")
        sandbox.department("91", add=True, name="新部门", parent="2")
        run = run_sync(portal, name)
        rows = list_departments(portal, name)
        assert (rows["6"].parent_id, rows["6"].name, rows["91"].parent_id) == ("7", "登录组", "2")
        assert "90" not in rows and "90" not in list_members(portal, name)
        kinds = [run.counts[f"departments_{kind}"] for kind in ("new", "changed", "removed")]
        assert kinds == [1, 1, 1]
        assert find_person(portal, name, "bob").department == ["4"]

    def test_a_new_leader_is_known_at_the_next_sync(self, portal, sandbox, name):
        run_sync(portal, name)
        sandbox.person(PROVIDERS[name], "bob", leads=["4"])
        sandbox.person(PROVIDERS[name], "carol", leads=[])
        run_sync(portal, name)
        assert find_person(portal, name, "bob").isLeader is True
        assert find_person(portal, name, "carol").isLeader is False


@both_databases
@both_platforms
def test_the_first_writes_while_it_reads_and_keeps_that_when_it_fails(portal, sandbox, name, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_SIZE", 1)
    sandbox.gate(LIST_PATHS[name], after=6)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(run_sync, portal, name)
        wait_for(lambda: sandbox.count_waiting() and list_people(portal, name))
        sandbox.fail(LIST_PATHS[name], count=10**6, status=400)
        sandbox.open_gates()
        assert run.result().state == "failed"
    kept = set(list_people(portal, name))
    assert set() < kept < LISTED_PEOPLE
    sandbox.reset()
    again = run_sync(portal, name)
    assert (again.state, again.counts["unchanged"]) == ("done", len(kept))
    assert set(list_people(portal, name)) == LISTED_PEOPLE
