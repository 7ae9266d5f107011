"""Texts of a platform are cleaned.

They are stored bounded, shown escaped, and have the right type.
"""

import pytest
from support.portal_app import both_databases

from portal.database import db
from portal.directory import cleaning
from portal.elements import FSInnerType
from portal.models import Identity
from portal.text import one_line

PROFILE = {"name": "张三", "open_id": "ou_1", "union_id": "on_1", "tenant_key": "736588c9260f1750"}
CONTACT = "/open-apis/contact/v3/users/*"
NASTY = "<script>alert(1)</script>{{7*7}}'\"--\u0000\ud800\u202e\u2066\r\n<b>"


def read_person(client):
    with client.application.app_context():
        return db.session.query(Identity).one()


@both_databases
@pytest.mark.parametrize("policy", ["create", "queue"])
@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
def test_a_person_with_hostile_text_in_every_field_is_shown_escaped(make_portal, element, policy):
    client = make_portal(PORTAL_UNKNOWN_PEOPLE=policy).test_client()
    page = client.get(client.sign_in(element, "hostile").location).text
    assert ("Waiting for approval" in page) == (policy == "queue")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{7*7}}" in page
    assert not set("\u0000\u202e\u2066\ud800") & set(page)
    identity = read_person(client)
    for value in (identity.name, identity.position, identity.email, identity.mobile, identity.avatar):
        assert value.isprintable()
    assert identity.avatar == ""


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (NASTY, "<script>alert(1)</script>{{7*7}}'\"--  <b>"),
        ("x" * 1_000_000, "x" * 255),
        ("  张\u200b三 ", "张三"),
        (None, ""),
        (5, ""),
        (["张三"], ""),
        ({"a": 1}, ""),
        (True, ""),
    ],
)
def test_text_is_cleaned_to_one_line(value, kept):
    assert one_line(value) == kept


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://s1-imfile.feishucdn.com/a.png", True),
        ("https://www.feishu.cn/a.png", True),
        ("http://s1-imfile.feishucdn.com/a.png", False),
        ("javascript:alert(1)", False),
        ("data:image/png;base64,AAAA", False),
        ("//s1-imfile.feishucdn.com/a.png", False),
        ("https://evil.example/a.png", False),
        ("https://feishucdn.com.evil.example/a.png", False),
        ("https://evilfeishucdn.com/a.png", False),
        ("https://user@s1-imfile.feishucdn.com/a.png", False),
        ("https://s1-imfile.feishucdn.com:8443/a.png", False),
        ("https://s1-imfile.feishucdn.com\\@evil.example/", False),
        ("https://[::1/a.png", False),
        ("https://s1-imfile.feishucdn.com/" + "a" * 2000, False),
        (["https://s1-imfile.feishucdn.com/a.png"], False),
        (None, False),
    ],
)
def test_pictures_come_from_the_providers_own_hosts(address, kept):
    assert cleaning.clean_avatar(address, FSInnerType.avatar_hosts) == (address if kept else "")


@both_databases
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 5, "job_title": ["x"], "gender": "female", "status": "ok", "department_ids": "od-1", "avatar": "x"},
        {"name": {"a": 1}, "gender": [1], "status": {"is_frozen": "no"}, "department_ids": [None, 1, {"a": 1}, "2"]},
        {"name": None, "gender": True, "status": None, "department_ids": [["x"]], "orders": "x", "email": 1},
        {"department_ids": ["\ud800", "2"], "orders": 5, "name": "\ud800", "open_id": "\ud800"},
        {"gender": 10**30, "orders": [None, {"department_id": {}, "is_primary_dept": 1}], "department_ids": ["2"]},
        {},
    ],
)
def test_wrong_types_from_feishus_directory_do_no_harm(client, sandbox, wrong):
    sandbox.fail(CONTACT, body={"code": 0, "msg": "success", "data": {"user": wrong}})
    assert client.sign_in().status_code == 303
    identity = read_person(client)
    assert identity.name == "张三"
    assert isinstance(identity.department, list)
    assert all(isinstance(dept, str) for dept in identity.department)
    assert identity.gender in (0, 1, 2)


@both_databases
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 5, "position": ["x"], "gender": ["1"], "status": "1", "department": "1", "is_leader_in_dept": "1"},
        {"name": None, "gender": {}, "status": True, "department": [1, "2", None], "is_leader_in_dept": [1]},
        {"department": [[1], {"a": 1}], "is_leader_in_dept": [1, 1], "main_department": {}, "status": 99},
        {"department": ["\ud800", 1], "name": "\ud800", "position": "\ud800"},
        {"department": [10**40], "is_leader_in_dept": [{}], "avatar": ["x"], "gender": 10**30},
    ],
)
def test_wrong_types_from_wecoms_directory_do_no_harm(client, sandbox, wrong):
    body = {"errcode": 0, "errmsg": "ok", "userid": "zhangsan", **wrong}
    sandbox.fail("/cgi-bin/user/get", body=body)
    assert client.sign_in("QywxInnerExample").status_code == 303
    identity = read_person(client)
    assert all(isinstance(dept, str) for dept in identity.department)
    assert identity.status == 1


SURROGATE = "on_\ud800"
TOKEN_PAGE, APP_TOKEN_PAGE = "/open-apis/authen/v2/oauth/token", "/open-apis/auth/v3/app_access_token/internal"


@pytest.mark.parametrize(
    ("element", "path", "body"),
    [
        ("FSInnerExample", "/open-apis/authen/v1/user_info", {"code": 0, "data": {**PROFILE, "union_id": SURROGATE}}),
        ("FSInnerExample", "/open-apis/authen/v1/user_info", {"code": 0, "data": {**PROFILE, "tenant_key": SURROGATE}}),
        ("FSInnerExample", "/open-apis/authen/v1/user_info", {"code": 0, "data": {**PROFILE, "open_id": SURROGATE}}),
        ("FSInnerExample", "/open-apis/authen/v1/user_info", {"code": 0, "data": ["x"]}),
        ("FSInnerExample", TOKEN_PAGE, {"code": 0, "access_token": "u-\ud800"}),
        ("FSInnerExample", TOKEN_PAGE, {"code": 0, "access_token": "u-\r\nX: y"}),
        ("FSInnerExample", TOKEN_PAGE, {"code": 0, "access_token": "u-令牌"}),
        ("QywxInnerExample", "/cgi-bin/auth/getuserinfo", {"errcode": 0, "userid": "\ud800"}),
        ("QywxInnerExample", "/cgi-bin/auth/getuserinfo", {"errcode": 0, "userid": "x" * 300}),
        ("QywxInnerExample", "/cgi-bin/gettoken", {"errcode": 0, "access_token": "\ud800", "expires_in": 7200}),
        ("QywxInnerExample", "/cgi-bin/gettoken", {"errcode": 0, "access_token": "t", "expires_in": 10**15}),
        ("QywxInnerExample", "/cgi-bin/gettoken", {"errcode": 0, "access_token": "t", "expires_in": "7200"}),
        ("QywxInnerExample", "/cgi-bin/gettoken", {"errcode": 0, "access_token": "t", "expires_in": -1}),
    ],
)
def test_impossible_ids_and_tokens_are_no_answer(client, sandbox, element, path, body):
    sandbox.fail(path, count=3, body=body)
    answer = client.sign_in(element)
    assert answer.status_code == 503, answer.text
    assert client.session().status_code == 401


@pytest.mark.parametrize(
    "more", [{"expires_in": "x"}, {"expires_at": []}, {"token_type": "mac"}, {"expires_in": 10**30}]
)
def test_unused_parts_of_a_token_answer_are_ignored(client, sandbox, more):
    sandbox.fail(TOKEN_PAGE, body={"code": 0, "access_token": "u-any", **more})
    sandbox.fail("/open-apis/authen/v1/user_info", body={"code": 0, "data": PROFILE})
    assert client.sign_in().status_code == 303


def test_an_app_token_of_an_odd_life_only_costs_the_contact_data(client, sandbox):
    body = {"code": 0, "msg": "ok", "app_access_token": "t-x", "tenant_access_token": "t-x", "expire": 10**15}
    sandbox.fail(APP_TOKEN_PAGE, count=3, body=body)
    assert client.sign_in().status_code == 303


def test_an_answer_about_another_person_is_no_answer(client, sandbox):
    sandbox.fail("/cgi-bin/user/get", body={"errcode": 0, "errmsg": "ok", "userid": "lisi", "name": "x", "status": 1})
    client.sign_in("QywxInnerExample")
    assert client.session().json["identity"]["userId"] == "zhangsan"


def test_no_platform_text_is_on_an_error_page(client, sandbox):
    sandbox.fail(
        "/open-apis/authen/v2/oauth/token",
        status=400,
        body={"code": 31337, "error": "<b>secret words</b>", "error_description": "more secret words", "msg": "words"},
    )
    page = client.sign_in().text
    assert "words" not in page
    assert "31337" in page


def test_a_withheld_field_never_erases_a_stored_one(client, sandbox):
    client.sign_in("QywxInnerExample")
    with client.application.app_context():
        identity = db.session.query(Identity).one()
        identity.mobile, identity.email, identity.gender = "+8613800000000", "zhangsan@example.com", 1
        db.session.commit()
    sandbox.fail("/cgi-bin/user/get", body={"errcode": 48002, "errmsg": "x"})
    client.sign_in("QywxInnerExample")
    identity = read_person(client)
    assert (identity.name, identity.position) == ("张三", "工程师")
    assert (identity.mobile, identity.email, identity.gender) == ("+8613800000000", "zhangsan@example.com", 1)


def test_an_emptied_field_is_emptied_in_the_portal(client, sandbox):
    client.sign_in("QywxInnerExample")
    body = {"errcode": 0, "errmsg": "ok", "userid": "zhangsan", "name": "张三", "position": "", "department": []}
    sandbox.fail("/cgi-bin/user/get", body=body)
    client.sign_in("QywxInnerExample")
    identity = read_person(client)
    assert (identity.position, identity.department) == ("", [])
