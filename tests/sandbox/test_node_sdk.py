"""Feishu's own SDK for Node works with the sandbox.

https://github.com/larksuite/node-sdk
"""

import json
import os
import shutil
import subprocess

import pytest
from support.groups import report_missing
from support.portal_app import ROOT

pytestmark = pytest.mark.node
CALLBACK = "http://127.0.0.1:9/callback"
IDS = {"user_id_type": "user_id", "department_id_type": "department_id"}


@pytest.fixture
def sdk(sandbox):
    """Return a function that makes calls with the SDK.

    A call has a name, a payload and perhaps a user's token.
    """
    if shutil.which("node") is None:
        report_missing("node", "Node is not installed")
    if not (ROOT / "node_modules" / "@larksuiteoapi" / "node-sdk").is_dir():
        report_missing("node", "npm has not installed @larksuiteoapi/node-sdk")

    def make(*calls):
        named = [dict(zip(("call", "payload", "user"), call, strict=False)) for call in calls]
        task = {"url": sandbox.url, "app": sandbox.FEISHU, "calls": named}
        environ = {**os.environ, "NO_PROXY": "127.0.0.1"}
        command = ["node", str(ROOT / "tests" / "support" / "node_sdk.js")]
        done = subprocess.run(command, input=json.dumps(task), env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return make


def list_codes(answers):
    return [answer["code"] for answer in answers]


def build_exchange(code):
    return {"data": {"grant_type": "authorization_code", "code": code}}


def build_refresh(token):
    return {"data": {"grant_type": "refresh_token", "refresh_token": token}}


def test_the_app_token_needs_the_right_app_and_secret(sandbox, sdk):
    app, wrong = sandbox.FEISHU, {**sandbox.FEISHU, "app_secret": "wrong"}

    tenant, own, refused, unknown = sdk(
        ("auth.v3.tenantAccessToken.internal", {"data": app}),
        ("auth.v3.appAccessToken.internal", {"data": app}),
        ("auth.v3.tenantAccessToken.internal", {"data": wrong}),
        ("auth.v3.appAccessToken.internal", {"data": {**app, "app_id": "nonsense"}}),
    )

    assert tenant["tenant_access_token"] == own["app_access_token"]
    assert (refused["code"], refused["msg"]) == (10014, "app secret invalid")
    assert unknown["code"] == 10003


def test_oidc_takes_each_code_and_refresh_token_once(sandbox, sdk):
    code = sandbox.code("feishu", "zhangsan")

    first, again = sdk(
        ("authen.v1.oidcAccessToken.create", build_exchange(code)),
        ("authen.v1.oidcAccessToken.create", build_exchange(code)),
    )
    token = first["data"]["refresh_token"]
    profile, renewed, used = sdk(
        ("authen.v1.userInfo.get", {}, first["data"]["access_token"]),
        ("authen.v1.oidcRefreshAccessToken.create", build_refresh(token)),
        ("authen.v1.oidcRefreshAccessToken.create", build_refresh(token)),
    )

    assert (profile["data"]["name"], profile["data"]["user_id"]) == ("张三", "zhangsan")
    assert renewed["data"]["refresh_token"] != token
    assert (again["code"], used["code"]) == (20003, 20038)


def test_v1_returns_the_profile_and_takes_a_code_once(sandbox, sdk):
    code = sandbox.code("feishu", "alice")

    first, again = sdk(
        ("authen.v1.accessToken.create", build_exchange(code)), ("authen.v1.accessToken.create", build_exchange(code))
    )
    [renewed] = sdk(("authen.v1.refreshAccessToken.create", build_refresh(first["data"]["refresh_token"])))

    assert first["data"]["name"] == renewed["data"]["name"] == "Alice Johnson"
    assert again["code"] == 20007


def test_v2_answers_a_raw_request(sandbox, sdk):
    client = {"client_id": sandbox.FEISHU["app_id"], "client_secret": sandbox.FEISHU["app_secret"]}

    def request(code):
        data = {"grant_type": "authorization_code", **client, "code": code}
        return {"method": "POST", "url": "/open-apis/authen/v2/oauth/token", "data": data}

    good, bad = sdk(("request", request(sandbox.code("feishu", "bob"))), ("request", request("nonsense")))

    assert good["access_token"].startswith("eyJ")
    assert (bad["status"], bad["code"], bad["error"]) == (400, 20003, "invalid_grant")


def test_v3_takes_a_code_once_and_renews_tokens(sandbox, sdk):
    code = sandbox.code("feishu", "alice", redirect_uri=CALLBACK, scope="offline_access")
    by_code = {"code": code, "redirectUri": CALLBACK}

    token, again = sdk(
        ("accessToken.retrieveByAuthorizationCode", by_code), ("accessToken.retrieveByAuthorizationCode", by_code)
    )
    renewed, profile = sdk(
        ("accessToken.refresh", {"refreshToken": token["refreshToken"]}),
        ("authen.v1.userInfo.get", {}, token["accessToken"]),
    )

    assert token["scope"] == "auth:user.id:read offline_access"
    assert renewed["refreshToken"] != token["refreshToken"]
    assert profile["data"]["name"] == "Alice Johnson"
    assert (again["status"], again["code"]) == (400, 20065)


def test_people_are_found_by_every_call(sandbox, sdk):
    one, several, members, deprecated, ids, names = sdk(
        ("contact.v3.user.get", {"path": {"user_id": "wangwu"}, "params": IDS}),
        ("contact.v3.user.batch", {"params": {**IDS, "user_ids": ["lisi", "nobody", "bob"]}}),
        ("contact.v3.user.findByDepartment", {"params": {**IDS, "department_id": "3"}}),
        ("contact.v3.user.list", {"params": {**IDS, "department_id": "3"}}),
        (
            "contact.v3.user.batchGetId",
            {"params": {"user_id_type": "user_id"}, "data": {"emails": ["alice@example.com"]}},
        ),
        (
            "contact.v3.user.basicBatch",
            {"params": {"user_id_type": "user_id"}, "data": {"user_ids": ["zhengshi"]}},
        ),
    )

    assert (one["data"]["user"]["name"], one["data"]["user"]["department_ids"]) == ("王五", ["3", "marketing-cn"])
    assert one["data"]["user"]["description"] == ""
    assert "nickname" not in one["data"]["user"]
    assert [user["name"] for user in several["data"]["items"]] == ["李四", "Bob Miller"]
    assert members["data"] == deprecated["data"]
    assert [user["name"] for user in members["data"]["items"]] == ["王五", "孙七"]
    assert ids["data"]["user_list"][0]["user_id"] == "alice"
    assert names["data"]["users"][0]["name"] == "郑十"


def test_departments_are_found_by_every_call(sandbox, sdk):
    below = {**IDS, "fetch_child": True, "page_size": 50}

    one, several, children, deprecated, parents, scope, company = sdk(
        ("contact.v3.department.get", {"path": {"department_id": "2"}, "params": IDS}),
        ("contact.v3.department.batch", {"params": {**IDS, "department_ids": ["2", "marketing-cn"]}}),
        ("contact.v3.department.children", {"path": {"department_id": "2"}, "params": below}),
        ("contact.v3.department.list", {"params": {**below, "parent_department_id": "2"}}),
        ("contact.v3.department.parent", {"params": {**IDS, "department_id": "6"}}),
        ("contact.v3.scope.list", {"params": IDS}),
        ("tenant.v2.tenant.query", {}),
    )

    assert one["data"]["department"]["i18n_name"] == {"zh_cn": "", "ja_jp": "", "en_us": ""}
    assert [department["name"] for department in several["data"]["items"]] == ["研发中心", "市场部"]
    assert [department["name"] for department in children["data"]["items"]] == ["平台组", "前端组", "登录小组"]
    assert deprecated["data"] == children["data"]
    assert [department["name"] for department in parents["data"]["items"]] == ["前端组", "平台组", "研发中心"]
    assert scope["data"]["department_ids"] == ["2", "marketing-cn", "7"]
    assert company["data"]["tenant"]["tenant_key"] == "5a4db0c5a4db0c01"


def test_refusals_have_the_platforms_numbers(sandbox, sdk):
    sandbox.app("feishu", drop_permissions=["contact:user.id:readonly"])

    refused = sdk(
        ("contact.v3.user.get", {"path": {"user_id": "zhengshi"}, "params": IDS}),
        ("contact.v3.user.get", {"path": {"user_id": "nobody"}, "params": IDS}),
        ("contact.v3.department.get", {"path": {"department_id": "nonsense"}, "params": IDS}),
        ("contact.v3.user.batchGetId", {"data": {"emails": ["alice@example.com"]}}),
        ("authen.v1.userInfo.get", {}, "u-nonsense"),
    )

    assert list_codes(refused) == [41050, 41012, 40015, 99991672, 99991668]
    assert refused[3]["error"]["permission_violations"][0]["type"] == "action_scope_required"
