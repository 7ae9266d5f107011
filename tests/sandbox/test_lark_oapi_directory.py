"""The directory by Feishu's own Python SDK, lark-oapi."""

import pytest
from lark_oapi.api.contact.v3 import (
    BasicBatchUserRequest,
    BasicBatchUserRequestBody,
    BatchDepartmentRequest,
    BatchGetIdUserRequest,
    BatchGetIdUserRequestBody,
    BatchUserRequest,
    ChildrenDepartmentRequest,
    FindByDepartmentUserRequest,
    GetDepartmentRequest,
    GetUserRequest,
    ListScopeRequest,
    ParentDepartmentRequest,
    SimplelistGroupMemberRequest,
)
from lark_oapi.api.tenant.v2 import QueryTenantRequest
from support.lark_client import connect_lark


@pytest.fixture
def client(sandbox):
    return connect_lark(sandbox)


def test_a_user_is_shown_within_the_range_only(client):
    def ask(user_id):
        request = GetUserRequest.builder().user_id_type("user_id").department_id_type("department_id").user_id(user_id)
        return client.contact.v3.user.get(request.build())

    user = ask("wangwu").data.user

    assert (user.name, user.department_ids, user.status.is_activated) == ("王五", ["3", "marketing-cn"], True)
    assert [seat.is_primary_dept for seat in user.orders] == [True, False]
    assert ask("zhengshi").code == 41050
    assert ask("nobody").code == 41012


def test_a_batch_of_users_leaves_unknown_ones_out(client):
    def ask(*user_ids):
        request = BatchUserRequest.builder().user_ids(list(user_ids)).user_id_type("user_id").build()
        return client.contact.v3.user.batch(request)

    assert [user.name for user in ask("lisi", "nobody", "bob").data.items] == ["李四", "Bob Miller"]
    assert ask(*["lisi"] * 51).code == 40001


def test_a_page_token_belongs_to_one_department(client):
    def ask(department_id, page_token=None):
        request = FindByDepartmentUserRequest.builder().department_id(department_id).page_size(2)
        request = request.department_id_type("department_id")
        return client.contact.v3.user.find_by_department(
            request.page_token(page_token).build() if page_token else request.build()
        )

    first = ask("3")
    second = ask("3", ask("marketing-cn").data.page_token)

    assert [user.name for user in first.data.items] == ["王五", "孙七"]
    assert not first.data.has_more
    assert second.code == 40012  # a token of another list
    assert ask("nonsense").code == 40015


def test_unknown_contact_data_is_answered_without_an_id(client):
    def ask(emails):
        body = BatchGetIdUserRequestBody.builder().emails(emails).include_resigned(True).build()
        request = BatchGetIdUserRequest.builder().user_id_type("user_id").request_body(body).build()
        return client.contact.v3.user.batch_get_id(request)

    users = ask(["zhaoliu@example.com", "nobody@example.com"]).data.user_list

    assert [(entry.email, entry.user_id) for entry in users] == [
        ("zhaoliu@example.com", "zhaoliu"),
        ("nobody@example.com", None),
    ]
    assert ask(["a@example.com"] * 51).code == 40001


def test_names_are_shown_out_of_range(client):
    def ask(*user_ids):
        body = BasicBatchUserRequestBody.builder().user_ids(list(user_ids)).build()
        request = BasicBatchUserRequest.builder().user_id_type("user_id").request_body(body).build()
        return client.contact.v3.user.basic_batch(request)

    assert [user.name for user in ask("zhengshi").data.users] == ["郑十"]
    assert ask(*map(str, range(11))).code == 40001


def test_sub_departments_are_complete_page_by_page(client):
    names, token = [], None
    while True:
        request = ChildrenDepartmentRequest.builder().department_id("0").fetch_child(True).page_size(3)
        request = request.page_token(token) if token else request
        answer = client.contact.v3.department.children(request.build())
        names += [department.name for department in answer.data.items]
        token = answer.data.page_token
        if not answer.data.has_more:
            break

    assert len(names) == len(set(names)) == 7
    assert {"研发中心", "平台组", "前端组", "登录小组"} <= set(names)


def test_sub_departments_out_of_range_are_refused(sandbox, client):
    sandbox.app("feishu", contact_range={"departments": ["5"], "users": []})
    request = ChildrenDepartmentRequest.builder().department_id("0").build()

    assert client.contact.v3.department.children(request).code == 40004


def test_a_department_is_shown_with_its_parent(client):
    def ask(department_id):
        request = GetDepartmentRequest.builder().department_id_type("department_id").department_id(department_id)
        return client.contact.v3.department.get(request.build())

    department = ask("2").data.department

    assert (department.name, department.order, department.parent_department_id) == ("研发中心", "100", "0")
    assert ask("nonsense").code == 40015


def test_a_batch_of_departments_needs_a_permission(sandbox, client):
    request = BatchDepartmentRequest.builder().department_ids(["2", "marketing-cn"]).department_id_type("department_id")
    names = [department.name for department in client.contact.v3.department.batch(request.build()).data.items]
    sandbox.app("feishu", drop_permissions=["contact:contact.base:readonly"])

    refused = client.contact.v3.department.batch(request.build())

    assert names == ["研发中心", "市场部"]
    assert refused.code == 99991672


def test_parents_are_listed_from_below(client):
    def ask(department_id):
        request = ParentDepartmentRequest.builder().department_id_type("department_id").page_size(50)
        return client.contact.v3.department.parent(request.department_id(department_id).build())

    assert [department.name for department in ask("6").data.items] == ["前端组", "平台组", "研发中心"]
    assert ask("nonsense").code == 40015


def test_the_contact_range_is_listed(client):
    def ask(page_size):
        request = ListScopeRequest.builder().user_id_type("user_id").department_id_type("department_id")
        return client.contact.v3.scope.list(request.page_size(page_size).build())

    assert (ask(100).data.department_ids, ask(100).data.user_ids) == (["2", "marketing-cn", "7"], ["chenyi"])
    assert ask(101).code == 40011


def test_a_user_group_has_users_and_departments(sandbox, client):
    sandbox.group("feishu", "g1", users=["lisi", "bob"], departments=["3"])
    members = {}
    for kind, ids in (("user", "user_id"), ("department", "department_id")):
        request = SimplelistGroupMemberRequest.builder().group_id("g1").member_type(kind).member_id_type(ids).build()
        members[kind] = client.contact.v3.group_member.simplelist(request).data.memberlist

    assert [member.member_id for member in members["user"]] == ["lisi", "bob"]
    assert [(member.member_id, member.member_type) for member in members["department"]] == [("3", "department")]


def test_the_company_is_named_with_a_permission(sandbox, client):
    request = QueryTenantRequest.builder().build()
    company = client.tenant.v2.tenant.query(request)
    sandbox.app("feishu", drop_permissions=["tenant:tenant:readonly"])

    assert company.data.tenant.tenant_key == "5a4db0c5a4db0c01"
    assert client.tenant.v2.tenant.query(request).code == 99991672


def test_a_rate_limit_tells_when_to_retry(sandbox, client):
    sandbox.app("feishu", rate=1)
    request = ListScopeRequest.builder().build()

    answers = [client.contact.v3.scope.list(request) for _ in range(3)]

    limited = next(answer for answer in answers if answer.code == 99991400)
    assert limited.raw.status_code == 429
    assert limited.raw.headers["x-ogw-ratelimit-reset"] == "1"


def test_each_kind_of_call_has_limits_of_its_own(sandbox, client):
    sandbox.app("feishu", limits=[[2, 1], [3, 60]])
    scopes, tenant = ListScopeRequest.builder().build(), QueryTenantRequest.builder().build()

    answers = [client.contact.v3.scope.list(scopes) for _ in range(3)]

    assert client.tenant.v2.tenant.query(tenant).code == 0
    assert [answer.code for answer in answers] == [0, 0, 99991400]
    assert answers[2].raw.headers["x-ogw-ratelimit-limit"] == "2"
    sandbox.clock(advance=2)
    answers = [client.contact.v3.scope.list(scopes) for _ in range(2)]
    assert [answer.code for answer in answers] == [0, 99991400]
    assert 50 < int(answers[1].raw.headers["x-ogw-ratelimit-reset"]) <= 60
