"""Departments of a sync, also as no company should have them."""

import pytest
from sqlalchemy import delete
from support.admin_client import open_database
from support.portal_app import both_databases
from support.syncs import (
    APPS,
    FEISHU,
    LIST_PATHS,
    LISTED_PEOPLE,
    PROVIDERS,
    WECOM,
    find_person,
    list_departments,
    list_members,
    list_people,
    run_sync,
)

from portal.directory import departments as directory_departments
from portal.models import Department

both_platforms = pytest.mark.parametrize("name", [FEISHU, WECOM])


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


def test_a_department_of_more_than_a_page_is_read_to_its_end(portal, sandbox):
    for number in range(60):
        sandbox.person("feishu", f"more{number:02}", add=True, departments=["7"])
    assert run_sync(portal, FEISHU).counts["people"] == len(LISTED_PEOPLE) + 60
    assert sum("page_token" in call["query"] for call in sandbox.calls(LIST_PATHS[FEISHU])) == 1
