"""A full sync of both platforms: what is stored, what a second one writes, and what the tree may look like."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from support.admin_client import open_database
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
from portal.directory import departments as directory_departments
from portal.directory.sync import reading
from portal.models import Department, FSInnerAuthModel, QywxInnerAuthModel, SyncRun

MODELS = {FEISHU: FSInnerAuthModel, WECOM: QywxInnerAuthModel}
both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])
READS = {FEISHU: "/open-apis/contact/v3/users/*", WECOM: "/cgi-bin/user/get"}


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


@both_databases
@both_platforms
def test_a_department_stored_after_its_people_gets_them_at_the_next_sync(portal, sandbox, name):
    """Whoever stored it may have been cut off right after that."""
    run_sync(portal, name)
    before, tenant = list_members(portal, name), find_person(portal, name, "bob").tenant
    with open_database(portal) as session:
        session.execute(delete(Department).where(Department.dept_id == "4"))
        session.commit()
    assert "4" not in list_members(portal, name)
    with portal.app_context():
        told = dict.fromkeys(("parentId", "name", "leaders", "position"))
        told = [{"deptId": "4", "openId": "od-4" if name == FEISHU else "", **told}]
        directory_departments.save_departments(PROVIDERS[name], tenant, told, directory_departments.ONE)
    again = run_sync(portal, name)
    assert again.counts["unchanged"] == len(LISTED_PEOPLE)
    assert again.counts["departments_new"] == 0
    assert list_members(portal, name) == before


@both_databases
def test_what_no_database_holds_is_left_out_of_a_department(portal):
    told = {"deptId": "8", "openId": "", "parentId": "half \ud83d", "name": "a\0b \ud83d", "position": 0}
    told["leaders"] = ["anna", "\ud83d", "a\0b"]
    with portal.app_context():
        for _ in range(2):
            directory_departments.save_departments("wecom", "ww1", [dict(told)], directory_departments.WHOLE)
    stored = list_departments(portal, WECOM)["8"]
    assert (stored.parent_id, stored.name, stored.leaders) == ("half", "ab", ["anna"])


@both_platforms
class TestTrees:
    """Departments as no company should have them."""

    def set(self, sandbox, name, key, **fields):
        names = {"parent": "parent_department_id", "id": "open_department_id"}
        if name == WECOM:
            names = {"parent": "parentid", "id": "id"}
            fields = {field: int(value) for field, value in fields.items()}
        else:
            rows = {row["department_id"]: row["open_department_id"] for row in self.feishu_rows(sandbox)}
            fields = {field: rows.get(value, value) for field, value in fields.items()}
        sandbox.department(key, provider=PROVIDERS[name], set={names[field]: value for field, value in fields.items()})

    def feishu_rows(self, sandbox):
        app = {"app_id": "cli_5a4db0c5a4db0c01", "app_secret": "sandbox-feishu-secret"}
        token = sandbox.http.post(f"{sandbox.url}/open-apis/auth/v3/tenant_access_token/internal", json=app)
        headers = {"Authorization": f"Bearer {token.json()['tenant_access_token']}"}
        path = f"{sandbox.url}/open-apis/contact/v3/departments/0/children?fetch_child=true&page_size=50"
        return sandbox.http.get(path, headers=headers).json()["data"]["items"]

    def test_a_cycle_ends_in_a_named_warning(self, portal, sandbox, name):
        self.set(sandbox, name, "3", parent="6")
        run = run_sync(portal, name)
        assert run.state == "done"
        assert list(run.report["warnings"]) == ["cycle"]
        assert set(run.report["warnings"]["cycle"]) <= {"3", "4", "6"}
        rows = list_departments(portal, name)
        assert [rows[key].parent_id for key in ("3", "4", "6")].count("") == 1

    def test_a_department_above_itself_ends_in_a_named_warning(self, portal, sandbox, name):
        self.set(sandbox, name, "4", parent="4")
        run = run_sync(portal, name)
        assert (run.state, run.report["warnings"]) == ("done", {"own_parent": ["4"]})
        assert list_departments(portal, name)["4"].parent_id == ""

    def test_one_id_twice_ends_in_a_named_warning(self, portal, sandbox, name):
        sandbox.department("90", add=True, name="again", parent="1")
        self.set(sandbox, name, "90", id="7")
        run = run_sync(portal, name)
        assert run.state == "done"
        assert list(run.report["warnings"]) == ["duplicate_department"]
        assert list_departments(portal, name)["7"].name == "行政部"
        assert set(list_people(portal, name)) >= {"hostile", "bob"}

    def test_a_root_whose_parent_is_not_visible_stands_at_the_top(self, portal, sandbox, name):
        sandbox.app(**APPS[name], contact_range={"departments": ["3"], "users": []})
        run = run_sync(portal, name)
        rows = list_departments(portal, name)
        assert (run.state, set(rows)) == ("done", {"3", "4", "6"})
        assert rows["3"].parent_id not in rows
        assert (rows["4"].parent_id, rows["6"].parent_id) == ("3", "4")
        assert set(list_people(portal, name)) == {"wangwu", "bob", "carol", "sunqi", "zhouba"}


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


@both_platforms
class TestWithheld:
    def test_what_is_withheld_later_stays_as_it_was(self, portal, sandbox, name):
        sandbox.app(**APPS[name], **({"old_app": True} if name == WECOM else {}))
        run_sync(portal, name)
        before = find_person(portal, name, "lisi")
        fields = ("mobile", "email", "gender", "position", "avatar", "employee_number", "name")
        held = ["mobile", "email", "gender", "position", "job_title", "avatar", "employee_no", "name", "biz_mail"]
        sandbox.person(PROVIDERS[name], "lisi", withhold=[*held, "enterprise_email"])
        assert run_sync(portal, name).state == "done"
        after = find_person(portal, name, "lisi")
        assert [getattr(after, field) for field in fields] == [getattr(before, field) for field in fields]
        assert all(getattr(before, field) for field in ("mobile", "email", "gender", "position"))

    def test_what_an_app_may_not_read_of_departments_stays_as_it_was(self, portal, sandbox, name):
        run_sync(portal, name)
        before = list_departments(portal, name)
        if name == FEISHU:
            staff = ["contact:user.base:readonly", "contact:user.employee_id:readonly", "contact:user.id:readonly"]
            staff += ["contact:department.base:readonly", "tenant:tenant:readonly"]
            staff += ["contact:user.department:readonly", "contact:user.employee:readonly"]
            sandbox.app(**APPS[name], permissions=[*staff, "contact:contact.base:readonly"])
        else:
            for key in before:
                sandbox.department(key, provider="wecom", withhold=["name", "department_leader", "order"])
        assert run_sync(portal, name).state == "done"
        after = list_departments(portal, name)
        kept = ("name", "parent_id", "leaders", "position")
        for key, row in before.items():
            assert [getattr(after[key], field) for field in kept] == [getattr(row, field) for field in kept]
        assert find_person(portal, name, "lisi").isLeader is True


class TestFreshness:
    @both_platforms
    def test_after_a_sync_nobody_is_asked_for_again_within_a_day(self, portal, sandbox, name):
        run_sync(portal, name)
        sandbox.forget_calls()
        with portal.app_context():
            portal.getElement(f"auths.loginTypes.{name}").syncUserInfo("lisi")
        assert sandbox.calls(READS[name]) == []

    def test_a_login_within_a_day_of_a_sync_asks_the_directory_nothing(self, portal, sandbox):
        run_sync(portal, FEISHU)
        sandbox.forget_calls()
        assert portal.test_client().sign_in(FEISHU, "lisi").status_code == 303
        assert sandbox.calls(READS[FEISHU]) == []
        assert find_person(portal, FEISHU, "lisi").position == "研发总监"

    @pytest.mark.parametrize(
        "changes",
        [{"state": "failed"}, {"state": "stopped"}, {"dry_run": True}, {"age": 25}],
        ids=["failed", "stopped", "a dry run", "of yesterday"],
    )
    def test_a_sync_that_was_none_makes_nobody_fresh(self, portal, sandbox, changes):
        run_sync(portal, FEISHU)
        age_of(portal, **changes)
        sandbox.forget_calls()
        portal.test_client().sign_in(FEISHU, "lisi")
        assert len(sandbox.calls(READS[FEISHU])) == 1

    def test_who_was_not_listed_is_asked_for(self, portal, sandbox):
        sandbox.app(**APPS[FEISHU], contact_range={"departments": ["5"], "users": []})
        run_sync(portal, FEISHU)
        sandbox.app(**APPS[FEISHU], contact_range=None)
        sandbox.forget_calls()
        portal.test_client().sign_in(FEISHU, "lisi")
        assert len(sandbox.calls(READS[FEISHU])) == 1

    def test_what_a_login_has_read_since_counts_more_than_what_the_sync_read_before(self, portal, sandbox):
        """Somebody signs in while the sync waits at another department: what is newer stays."""
        run_sync(portal, FEISHU)
        with open_database(portal) as session:
            session.execute(SyncRun.__table__.delete())
            session.commit()
        sandbox.person("feishu", "bob", name="Bob the Elder")
        met = []

        def tell(run):
            if run.phase == "leavers" and not met:
                sandbox.person("feishu", "bob", name="Bob the Younger", freeze=False)
                met.append(portal.test_client().sign_in(FEISHU, "bob").status_code)

        run = run_sync(portal, FEISHU, tell=tell)
        assert (run.state, met) == ("done", [303])
        assert find_person(portal, FEISHU, "bob").name == "Bob the Younger"
        assert run_sync(portal, FEISHU).counts["unchanged"] == len(LISTED_PEOPLE) - 1


def age_of(portal, age=0, **changes):
    """Change the last run; let it have ended so many hours earlier."""
    with open_database(portal) as session:
        run = session.scalars(select(SyncRun)).one()
        run.ended_at -= timedelta(hours=age)
        for key, value in changes.items():
            setattr(run, key, value)
        session.commit()


def test_a_department_of_more_than_a_page_is_read_to_its_end(portal, sandbox):
    for number in range(60):
        sandbox.person("feishu", f"more{number:02}", add=True, departments=["7"])
    assert run_sync(portal, FEISHU).counts["people"] == len(LISTED_PEOPLE) + 60
    assert sum("page_token" in call["query"] for call in sandbox.calls(LIST_PATHS[FEISHU])) == 1


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
