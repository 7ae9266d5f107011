"""Feishu's own Python SDK, lark-oapi, takes the sandbox for the platform: https://github.com/larksuite/oapi-sdk-python"""

import json

import lark_oapi as lark
import pytest
from lark_oapi.api.auth.v3 import (
    InternalAppAccessTokenRequest,
    InternalAppAccessTokenRequestBody,
    InternalTenantAccessTokenRequest,
    InternalTenantAccessTokenRequestBody,
)
from lark_oapi.api.authen.v1 import (
    CreateAccessTokenRequest,
    CreateAccessTokenRequestBody,
    CreateOidcAccessTokenRequest,
    CreateOidcAccessTokenRequestBody,
    CreateOidcRefreshAccessTokenRequest,
    CreateOidcRefreshAccessTokenRequestBody,
    CreateRefreshAccessTokenRequest,
    CreateRefreshAccessTokenRequestBody,
    GetUserInfoRequest,
)
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
from lark_oapi.core.access_token import AccessTokenException
from lark_oapi.core.exception import ObtainAccessTokenException
from lark_oapi.core.token.manager import TokenManager

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture(autouse=True)
def no_cached_tokens():
    """The SDK keeps tokens for the whole process, by application only."""
    TokenManager.cache.cache.clear()


@pytest.fixture
def client(sandbox):
    return connect(sandbox)


def connect(sandbox, secret=None):
    builder = lark.Client.builder().app_id(sandbox.FEISHU["app_id"]).app_secret(secret or sandbox.FEISHU["app_secret"])
    builder = builder.domain(sandbox.url).oauth_base_url(sandbox.url).enable_set_token(True)
    return builder.log_level(lark.LogLevel.ERROR).build()


def as_user(token):
    return lark.RequestOption.builder().user_access_token(token).build()


# Tokens of the application


def test_app_token(sandbox, client):
    def ask(secret):
        body = InternalAppAccessTokenRequestBody.builder().app_id(sandbox.FEISHU["app_id"]).app_secret(secret).build()
        request = InternalAppAccessTokenRequest.builder().request_body(body).build()
        return client.auth.v3.app_access_token.internal(request)

    good, bad = ask(sandbox.FEISHU["app_secret"]), ask("wrong")

    assert good.success()
    assert json.loads(good.raw.content)["app_access_token"].startswith("t-")
    assert (bad.code, bad.msg) == (10014, "app secret invalid")


def test_tenant_token(sandbox, client):
    def ask(app_id):
        body = InternalTenantAccessTokenRequestBody.builder().app_id(app_id).app_secret("wrong").build()
        request = InternalTenantAccessTokenRequest.builder().request_body(body).build()
        return client.auth.v3.tenant_access_token.internal(request)

    assert ask("cli_0000000000000000").code == 10014
    assert ask("nonsense").code == 10003


def test_automatic_tokens_are_asked_for_once_and_without_a_content_type(sandbox, client):
    for _ in range(2):
        assert client.contact.v3.scope.list(ListScopeRequest.builder().build()).success()

    calls = sandbox.calls("/open-apis/auth/v3/*")
    assert [call["path"] for call in calls] == ["/open-apis/auth/v3/tenant_access_token/internal"]
    assert "Content-Type" not in calls[0]["headers"]


def test_automatic_token_with_a_wrong_secret(sandbox):
    with pytest.raises(ObtainAccessTokenException) as caught:
        connect(sandbox, "wrong").contact.v3.scope.list(ListScopeRequest.builder().build())

    assert "10014" in str(caught.value)


# Tokens of a user


def oidc(client, code):
    body = CreateOidcAccessTokenRequestBody.builder().grant_type("authorization_code").code(code).build()
    return client.authen.v1.oidc_access_token.create(CreateOidcAccessTokenRequest.builder().request_body(body).build())


def legacy(client, code):
    body = CreateAccessTokenRequestBody.builder().grant_type("authorization_code").code(code).build()
    return client.authen.v1.access_token.create(CreateAccessTokenRequest.builder().request_body(body).build())


def test_oidc_exchange(sandbox, client):
    code = sandbox.code("feishu", "zhangsan")

    first, second = oidc(client, code), oidc(client, code)

    assert first.success()
    assert first.data.access_token.startswith("u-")
    assert (first.data.token_type, first.data.expires_in) == ("Bearer", 7199)
    assert second.code == 20003


def test_oidc_refresh(sandbox, client):
    def refresh(token):
        body = CreateOidcRefreshAccessTokenRequestBody.builder().grant_type("refresh_token").refresh_token(token)
        request = CreateOidcRefreshAccessTokenRequest.builder().request_body(body.build()).build()
        return client.authen.v1.oidc_refresh_access_token.create(request)

    token = oidc(client, sandbox.code("feishu", "zhangsan")).data.refresh_token
    first, second = refresh(token), refresh(token)

    assert first.success()
    assert first.data.refresh_token != token
    assert second.code == 20038
    assert refresh("ur-nonsense").code == 20026


def test_legacy_exchange_brings_the_profile(sandbox, client):
    code = sandbox.code("feishu", "zhangsan")

    first, second = legacy(client, code), legacy(client, code)

    assert (first.data.name, first.data.user_id, first.data.tenant_key) == ("张三", "zhangsan", "5a4db0c5a4db0c01")
    assert second.code == 20007


def test_legacy_refresh(sandbox, client):
    def refresh(token):
        body = CreateRefreshAccessTokenRequestBody.builder().grant_type("refresh_token").refresh_token(token).build()
        request = CreateRefreshAccessTokenRequest.builder().request_body(body).build()
        return client.authen.v1.refresh_access_token.create(request)

    first = refresh(legacy(client, sandbox.code("feishu", "zhangsan")).data.refresh_token)

    assert (first.code, first.data.name) == (0, "张三")
    assert refresh("ur-nonsense").code == 20007


def test_v3_exchange_and_refresh(sandbox, client):
    code = sandbox.code("feishu", "alice", redirect_uri=CALLBACK, scope="offline_access")

    token = client.access_token.retrieve_by_authorization_code(code, redirect_uri=CALLBACK)
    renewed = client.access_token.refresh(token.refresh_token)

    assert token.access_token.startswith("eyJ")
    assert token.scope == "auth:user.id:read offline_access"
    assert renewed.refresh_token != token.refresh_token
    with pytest.raises(AccessTokenException, match="20065"):
        client.access_token.retrieve_by_authorization_code(code, redirect_uri=CALLBACK)
    with pytest.raises(AccessTokenException, match="20073"):
        client.access_token.refresh(token.refresh_token)


def test_v3_checks_the_verifier(sandbox, client):
    verifier = "v" * 43
    code = sandbox.code("feishu", "alice", code_challenge=verifier)

    with pytest.raises(AccessTokenException, match="20049"):
        client.access_token.retrieve_by_authorization_code(code, code_verifier="w" * 43)
    assert client.access_token.retrieve_by_authorization_code(code, code_verifier=verifier).expires_in == 7200


def test_v2_by_a_raw_request(sandbox, client):
    def ask(code):
        body = {
            "grant_type": "authorization_code",
            "client_id": sandbox.FEISHU["app_id"],
            "client_secret": sandbox.FEISHU["app_secret"],
            "code": code,
        }
        request = lark.BaseRequest.builder().http_method(lark.HttpMethod.POST).uri("/open-apis/authen/v2/oauth/token")
        return client.request(request.body(body).build())

    good, bad = ask(sandbox.code("feishu", "bob")), ask("nonsense")

    assert json.loads(good.raw.content)["access_token"].startswith("eyJ")
    assert (bad.raw.status_code, bad.code) == (400, 20003)


def test_user_info(sandbox, client):
    token = oidc(client, sandbox.code("feishu", "alice")).data.access_token
    request = GetUserInfoRequest.builder().build()

    me = client.authen.v1.user_info.get(request, as_user(token))
    refused = client.authen.v1.user_info.get(request, as_user("u-nonsense"))

    assert (me.data.name, me.data.email, me.data.employee_no) == ("Alice Johnson", "alice@example.com", "E0004")
    assert me.get_log_id()
    assert refused.code == 99991668


# The directory


def test_user(client):
    def ask(user_id):
        request = GetUserRequest.builder().user_id_type("user_id").department_id_type("department_id").user_id(user_id)
        return client.contact.v3.user.get(request.build())

    user = ask("wangwu").data.user

    assert (user.name, user.department_ids, user.status.is_activated) == ("王五", ["3", "marketing-cn"], True)
    assert [seat.is_primary_dept for seat in user.orders] == [True, False]
    assert ask("zhengshi").code == 41050
    assert ask("nobody").code == 41012


def test_user_batch(client):
    def ask(*user_ids):
        request = BatchUserRequest.builder().user_ids(list(user_ids)).user_id_type("user_id").build()
        return client.contact.v3.user.batch(request)

    assert [user.name for user in ask("lisi", "nobody", "bob").data.items] == ["李四", "Bob Miller"]
    assert ask(*["lisi"] * 51).code == 40001


def test_members_of_a_department(client):
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


def test_ids_by_contact_data(client):
    def ask(emails):
        body = BatchGetIdUserRequestBody.builder().emails(emails).include_resigned(True).build()
        request = BatchGetIdUserRequest.builder().user_id_type("user_id").request_body(body).build()
        return client.contact.v3.user.batch_get_id(request)

    found = ask(["zhaoliu@example.com", "nobody@example.com"]).data.user_list

    assert [(entry.email, entry.user_id) for entry in found] == [
        ("zhaoliu@example.com", "zhaoliu"),
        ("nobody@example.com", None),
    ]
    assert ask(["a@example.com"] * 51).code == 40001


def test_names(client):
    def ask(*user_ids):
        body = BasicBatchUserRequestBody.builder().user_ids(list(user_ids)).build()
        request = BasicBatchUserRequest.builder().user_id_type("user_id").request_body(body).build()
        return client.contact.v3.user.basic_batch(request)

    assert [user.name for user in ask("zhengshi").data.users] == ["郑十"]
    assert ask(*map(str, range(11))).code == 40001


def test_sub_departments_page_by_page(client):
    found, token = [], None
    while True:
        request = ChildrenDepartmentRequest.builder().department_id("0").fetch_child(True).page_size(3)
        request = request.page_token(token) if token else request
        answer = client.contact.v3.department.children(request.build())
        found += [department.name for department in answer.data.items]
        token = answer.data.page_token
        if not answer.data.has_more:
            break

    assert len(found) == len(set(found)) == 7
    assert {"研发中心", "平台组", "前端组", "登录小组"} <= set(found)


def test_sub_departments_out_of_range(sandbox, client):
    sandbox.app("feishu", contact_range={"departments": ["5"], "users": []})
    request = ChildrenDepartmentRequest.builder().department_id("0").build()

    assert client.contact.v3.department.children(request).code == 40004


def test_department(client):
    def ask(department_id):
        request = GetDepartmentRequest.builder().department_id_type("department_id").department_id(department_id)
        return client.contact.v3.department.get(request.build())

    department = ask("2").data.department

    assert (department.name, department.order, department.parent_department_id) == ("研发中心", "100", "0")
    assert ask("nonsense").code == 40015


def test_department_batch(sandbox, client):
    request = BatchDepartmentRequest.builder().department_ids(["2", "marketing-cn"]).department_id_type("department_id")
    names = [department.name for department in client.contact.v3.department.batch(request.build()).data.items]
    sandbox.app("feishu", drop_permissions=["contact:contact.base:readonly"])

    refused = client.contact.v3.department.batch(request.build())

    assert names == ["研发中心", "市场部"]
    assert refused.code == 99991672


def test_parents_of_a_department(client):
    def ask(department_id):
        request = ParentDepartmentRequest.builder().department_id_type("department_id").page_size(50)
        return client.contact.v3.department.parent(request.department_id(department_id).build())

    assert [department.name for department in ask("6").data.items] == ["前端组", "平台组", "研发中心"]
    assert ask("nonsense").code == 40015


def test_contact_range(client):
    def ask(page_size):
        request = ListScopeRequest.builder().user_id_type("user_id").department_id_type("department_id")
        return client.contact.v3.scope.list(request.page_size(page_size).build())

    assert (ask(100).data.department_ids, ask(100).data.user_ids) == (["2", "marketing-cn", "7"], ["chenyi"])
    assert ask(101).code == 40011


def test_members_of_a_user_group(sandbox, client):
    sandbox.group("feishu", "g1", users=["lisi", "bob"], departments=["3"])
    found = {}
    for kind, ids in (("user", "user_id"), ("department", "department_id")):
        request = SimplelistGroupMemberRequest.builder().group_id("g1").member_type(kind).member_id_type(ids).build()
        found[kind] = client.contact.v3.group_member.simplelist(request).data.memberlist

    assert [member.member_id for member in found["user"]] == ["lisi", "bob"]
    assert [(member.member_id, member.member_type) for member in found["department"]] == [("3", "department")]


def test_company(sandbox, client):
    request = QueryTenantRequest.builder().build()
    known = client.tenant.v2.tenant.query(request)
    sandbox.app("feishu", drop_permissions=["tenant:tenant:readonly"])

    assert known.data.tenant.tenant_key == "5a4db0c5a4db0c01"
    assert client.tenant.v2.tenant.query(request).code == 99991672


def test_rate_limit(sandbox, client):
    sandbox.app("feishu", rate=1)
    request = ListScopeRequest.builder().build()

    answers = [client.contact.v3.scope.list(request) for _ in range(3)]

    limited = next(answer for answer in answers if answer.code == 99991400)
    assert limited.raw.status_code == 429
    assert limited.raw.headers["x-ogw-ratelimit-reset"] == "1"


def test_limits_of_each_kind_of_call(sandbox, client):
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
