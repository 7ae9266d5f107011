"""Groups of departments, roles and accounts."""

import pytest
from sqlalchemy import select
from support.admin_client import store_account
from support.portal_app import both_databases

from portal.applications import catalogue, groups
from portal.audit import Actor
from portal.directory import departments
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code
from portal.models import Department, GroupMember

BY = Actor()


@pytest.fixture
def sales(store):
    """Return the address of a stored department."""
    store.add(Department(provider="feishu", tenant="t1", dept_id="d/7", name="Sales"))
    store.commit()
    return "feishu/t1/d/7"


def create(**values):
    return groups.create_group({"name": "dev", "title": "Developers", **values}, by=BY)


def read_problems(values):
    """Return the texts for fields that can't be used."""
    with pytest.raises(groups.InvalidFields) as error:
        groups.clean_group(values)
    return {field: str(text) for field, text in error.value.problems.items()}


@both_databases
def test_members_are_stored_by_number_and_written_by_name(store, portal, sales, read_trail):
    bob = store_account(portal, "bob")
    members = [
        {"kind": "department", "value": sales, "below": True},
        {"kind": "account", "value": "bob"},
        {"kind": "role", "value": "admin"},
        {"kind": "everybody"},
    ]
    group = create(members=members)
    assert [member.value for member in group.members] == ["1", str(bob), "admin", ""]
    assert groups.write_members(groups.find_group("dev")) == members
    assert read_trail("group.create") == [(0, {"group": "dev"})]


def test_an_account_is_found_without_regard_to_case(store, portal):
    bob = store_account(portal, "Bob")
    fields = groups.clean_group({"members": [{"kind": "account", "value": "bob"}]})
    assert fields["members"] == [{"kind": "account", "value": str(bob), "below": False}]


def test_a_member_given_twice_is_one(store, sales):
    twice = [{"kind": "department", "value": sales}, {"kind": "department", "value": sales, "below": "1"}]
    assert groups.clean_group({"members": twice})["members"] == [{"kind": "department", "value": "1", "below": True}]


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ({"kind": "department", "value": "feishu/t1/d9"}, "There is no department feishu/t1/d9."),
        ({"kind": "department", "value": "feishu"}, "There is no department feishu."),
        ({"kind": "account", "value": "eve"}, "There is no account eve."),
        ({"kind": "account"}, "There is no account ."),
        ({"kind": "role", "value": "root"}, "Please choose a role."),
        ({"kind": "group", "value": "dev"}, "Choose one of: department, role, account, everybody."),
        ({"value": "dev"}, "Choose one of: department, role, account, everybody."),
        ({"kind": "account", "value": 7}, "Choose one of: department, role, account, everybody."),
        ("bob", "Enter a list of members."),
    ],
)
def test_a_member_that_is_not_there_is_refused(store, member, problem):
    assert read_problems({"members": [member]}) == {"members": problem}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Dev", "Use 2 to 40 letters a-z, digits and hyphens, a letter first."),
        ("create", "This name is reserved."),
    ],
)
def test_a_name_that_addresses_cannot_have_is_refused(store, name, problem):
    assert read_problems({"name": name}) == {"name": problem}


@both_databases
def test_a_name_is_taken_once(store, read_trail):
    create(), create(name="ops")
    for act in (create, lambda: groups.edit_group("ops", {"name": "dev"}, 1, by=BY)):
        with pytest.raises(groups.InvalidFields) as error:
            act()
        assert str(error.value.problems["name"]) == "This name is taken."
    assert [result for result, _details in read_trail("group.create")] == [0, 0, CONFLICT]
    assert read_trail("group.edit") == [(CONFLICT, {"group": "ops"})]


@both_databases
def test_an_edit_says_what_it_changed(store, portal, sales, read_trail):
    store_account(portal, "bob")
    department = {"kind": "department", "value": sales}
    kept = create(members=[department, {"kind": "everybody"}]).members[0].id
    values = {"title": "Developers", "members": [{**department, "below": True}, {"kind": "account", "value": "bob"}]}
    assert groups.edit_group("dev", values, 1, by=BY) == ["members"]
    assert groups.edit_group("dev", values, 2, by=BY) == []
    members = store.scalars(select(GroupMember).order_by(GroupMember.id)).all()
    assert [(member.kind, member.below) for member in members] == [("department", True), ("account", False)]
    assert members[0].id == kept
    assert read_trail("group.edit") == [(0, {"group": "dev", "fields": ["members"]})]


@both_databases
def test_an_edit_of_what_has_changed_meanwhile_is_refused(store, read_trail):
    create()
    groups.edit_group("dev", {"title": "First"}, 1, by=BY)
    with pytest.raises(groups.GroupChanged) as error:
        groups.edit_group("dev", {"title": "Second"}, 1, by=BY)
    assert error.value.status == 409
    assert groups.find_group("dev").title == "First"
    assert [result for result, _details in read_trail("group.edit")] == [0, CONFLICT]


@both_databases
def test_a_group_in_use_stays_and_its_applications_are_named(store, read_trail):
    create(members=[{"kind": "everybody"}])
    for name in ("wiki", "board"):
        catalogue.create_application({"name": name, "title": name.title(), "groups": ["dev"]}, by=BY)
    with pytest.raises(groups.GroupInUse) as error:
        groups.delete_group("dev", by=BY)
    assert (error.value.status, error.value.meaning.title) == (409, "This group is in use")
    assert error.value.meaning.advice == "Take it from these applications first: Board, Wiki."
    for name in ("wiki", "board"):
        catalogue.edit_application(name, {"groups": []}, 1, by=BY)
    groups.delete_group("dev", by=BY)
    assert (groups.list_groups(), store.scalars(select(GroupMember)).all()) == ([], [])
    assert read_trail("group.delete") == [(CONFLICT, {"group": "dev"}), (0, {"group": "dev"})]


@pytest.mark.parametrize(
    "act",
    [
        lambda: groups.find_group("dev"),
        lambda: groups.edit_group("dev", {}, 1, by=BY),
        lambda: groups.delete_group("dev", by=BY),
    ],
)
def test_a_group_that_is_not_there_is_no_page(store, act):
    with pytest.raises(Code) as error:
        act()
    assert error.value.code == NO_SUCH_PAGE


@both_databases
def test_a_department_that_goes_leaves_its_groups(store, sales, read_trail):
    """Its number may be another department's next: SQLite gives the highest one again."""
    create(members=[{"kind": "department", "value": sales, "below": True}, {"kind": "role", "value": "admin"}])
    told = {"deptId": "d9", "openId": "", "parentId": "", "name": "Others", "leaders": [], "position": 0}
    departments.save_departments("feishu", "t1", [told], departments.WHOLE)
    store.rollback()
    assert groups.write_members(groups.find_group("dev")) == [{"kind": "role", "value": "admin"}]
    assert [member.kind for member in groups.find_group("dev").members] == ["role"]
