"""Who a scan may be: a member of this company, known by the platform's stable id and nothing else."""

import pytest

from portal.database import db
from portal.errors import Code
from portal.models import Account, AuditEvent, Identity

USER_INFO = "/open-apis/authen/v1/user_info"
PROFILE = {
    "name": "张三",
    "open_id": "ou_00000000000000000000000000000001",
    "union_id": "on_00000000000000000000000000000001",
    "tenant_key": "736588c9260f1750",
}


def accounts(portal):
    with portal.app_context():
        return db.session.query(Account).count()


def refused(client, element, person, title, status=403):
    answer = client.sign_in(element, person)
    assert answer.status_code == status
    assert title in answer.text
    assert client.session().status_code == 401


@pytest.mark.parametrize("person", ["outsider", "customer"])
def test_somebody_outside_the_wecom_company_is_refused(client, portal, person):
    refused(client, "QywxInnerExample", person, "You are not a member of this company")
    assert accounts(portal) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"errcode": 0, "errmsg": "ok", "openid": "oSBX000001"},
        {"errcode": 0, "errmsg": "ok", "openid": "oSBX000001", "external_userid": "wm1"},
        {"errcode": 0, "errmsg": "ok", "userid": "wwother/lihua"},
        {"errcode": 0, "errmsg": "ok", "userid": "", "openid": "oSBX000001"},
    ],
)
def test_answers_that_name_no_member_are_refused(client, portal, sandbox, body):
    sandbox.fail("/cgi-bin/auth/getuserinfo", body=body)
    refused(client, "QywxInnerExample", "zhangsan", "You are not a member of this company")
    assert accounts(portal) == 0


def test_an_answer_that_names_nobody_is_no_answer(client, sandbox):
    sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": 0, "errmsg": "ok"})
    refused(client, "QywxInnerExample", "zhangsan", "A service the portal needs is not responding", status=503)


def test_keys_of_the_older_spelling_are_understood(client, sandbox):
    sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": 0, "errmsg": "ok", "UserId": "zhangsan"})
    assert client.sign_in("QywxInnerExample").status_code == 303


def test_a_feishu_company_that_is_not_on_the_list_is_refused(elements, make_portal):
    elements.feishu(tenantKeys=["anothertenantkey"])
    portal = make_portal()
    refused(portal.test_client(), "FSInnerExample", "zhangsan", "You are not a member of this company")
    assert accounts(portal) == 0


def test_a_feishu_company_on_the_list_is_let_in(elements, make_portal, sandbox, client):
    client.sign_in()
    with client.application.app_context():
        tenant = db.session.scalars(db.select(Identity.tenant)).one()
    elements.feishu(tenantKeys=["another", tenant])
    assert make_portal().test_client().sign_in().status_code == 303


@pytest.mark.parametrize("missing", ["union_id", "tenant_key", "open_id"])
@pytest.mark.parametrize("value", [None, "", 5, ["x"]])
def test_a_profile_without_a_stable_id_is_no_profile(client, portal, sandbox, missing, value):
    sandbox.fail(USER_INFO, body={"code": 0, "msg": "success", "data": {**PROFILE, missing: value}})
    refused(client, "FSInnerExample", "zhangsan", "A service the portal needs is not responding", status=503)
    assert accounts(portal) == 0


@pytest.mark.parametrize("bad", ["on_1\u202e", "on_1\u0000", " on_1", "on_1\n"])
def test_an_id_that_needs_cleaning_is_nobodys(client, portal, sandbox, bad):
    """Cleaned, it could be somebody else's."""
    sandbox.fail(USER_INFO, body={"code": 0, "msg": "success", "data": {**PROFILE, "union_id": bad}})
    refused(client, "FSInnerExample", "zhangsan", "A service the portal needs is not responding", status=503)
    assert accounts(portal) == 0


@pytest.mark.parametrize(
    ("change", "title"),
    [({"resign": True}, "You can't sign in"), ({"freeze": True}, "You can't sign in")],
)
@pytest.mark.parametrize(("element", "provider"), [("FSInnerExample", "feishu"), ("QywxInnerExample", "wecom")])
def test_leavers_and_frozen_people_are_refused_at_the_next_login(client, sandbox, element, provider, change, title):
    assert client.sign_in(element).status_code == 303
    client.post_form("/logout")
    sandbox.person(provider, "zhangsan", **change)
    refused(client, element, "zhangsan", title)


def test_a_wecom_member_outside_the_apps_range_is_refused(client, sandbox):
    address = client.start("QywxInnerExample")
    code = sandbox.code("wecom", "zhangsan")
    sandbox.person("wecom", "zhangsan", hide=True)
    state = address.partition("state=")[2].partition("&")[0]
    answer = client.get(f"/api/auth/qywx/callback?code={code}&state={state}")
    assert answer.status_code == 403
    assert "You can't sign in" in answer.text


def test_equal_names_numbers_and_addresses_do_not_make_one_person(client, portal):
    """Both platforms have a zhangsan with one mobile and e-mail: two accounts, until somebody binds them."""
    client.sign_in("FSInnerExample")
    other = portal.test_client()
    other.sign_in("QywxInnerExample")
    names = [one.session().json["account"]["username"] for one in (client, other)]
    assert names == ["zhangsan", "zhangsan-2"]


def test_an_account_that_exists_is_never_taken_over(client, portal):
    with portal.app_context():
        db.session.add(Account(username="zhangsan", name="Somebody else", role="admin", email="zhangsan@example.com"))
        db.session.commit()
    client.sign_in()
    account = client.session().json["account"]
    assert (account["username"], account["role"]) == ("zhangsan-2", "user")


def test_a_wecom_id_is_the_same_in_any_case(client, portal, sandbox):
    client.sign_in("QywxInnerExample")
    for spelling in ("ZhangSan", "ZHANGSAN"):
        sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": 0, "errmsg": "ok", "userid": spelling})
        user = {"errcode": 0, "errmsg": "ok", "userid": spelling, "name": "张三", "status": 1}
        sandbox.fail("/cgi-bin/user/get", body=user)
        assert client.sign_in("QywxInnerExample").status_code == 303
    assert accounts(portal) == 1
    assert client.session().json["identity"]["userId"] == "ZHANGSAN"


def test_the_same_id_in_two_companies_is_two_people(elements, make_portal, sandbox):
    sandbox.app("wecom", corpid="wwsandbox00000009", agentid="1000002", secret="other")
    elements.wecom("Other", corpId="wwsandbox00000009", corpSecret="other")
    portal = make_portal()
    assert portal.test_client().sign_in("QywxInnerExample").status_code == 303
    client = portal.test_client()
    assert client.sign_in("Other").status_code == 303
    assert accounts(portal) == 2


def test_a_login_before_activation_makes_the_person_active(client, portal, sandbox):
    sandbox.person("wecom", "zhangsan", deactivate=True)
    assert client.sign_in("QywxInnerExample").status_code == 303
    with portal.app_context():
        assert db.session.query(Identity).one().status == 1


def test_a_stored_leaver_is_asked_for_again_at_once(client, portal, sandbox):
    client.sign_in()
    with portal.app_context():
        identity = db.session.query(Identity).one()
        identity.status = 2
        db.session.commit()
    assert client.sign_in().status_code == 303
    with portal.app_context():
        assert db.session.query(Identity).one().status == 1


def test_where_the_directory_is_silent_the_stored_status_decides(client, portal, sandbox):
    client.sign_in()
    client.post_form("/logout")
    with portal.app_context():
        db.session.query(Identity).one().status = 3
        db.session.commit()
    sandbox.fail("/open-apis/contact/v3/users/*", status=500, body="down", count=3)
    refused(client, "FSInnerExample", "zhangsan", "You can't sign in")


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("/open-apis/contact/v3/users/*", {"status": 400, "body": {"code": 99991672, "msg": "x"}}),
        ("/open-apis/contact/v3/users/*", {"status": 400, "body": {"code": 41050, "msg": "x"}}),
        ("/open-apis/contact/v3/users/*", {"status": 500, "body": "down"}),
        ("/open-apis/contact/v3/users/*", {"drop": True}),
        ("/cgi-bin/user/get", {"body": {"errcode": 48002, "errmsg": "x"}}),
        ("/cgi-bin/user/get", {"body": {"errcode": -1, "errmsg": "x"}}),
        ("/cgi-bin/user/get", {"drop": True}),
    ],
)
def test_without_contact_data_the_login_goes_on(client, sandbox, path, how):
    sandbox.fail(path, count=3, **how)
    element = "FSInnerExample" if "contact" in path else "QywxInnerExample"
    assert client.sign_in(element).status_code == 303


def test_a_member_of_a_linked_company_is_refused(client, sandbox):
    sandbox.person("wecom", "outsider", set={"company": "linked"})
    refused(client, "QywxInnerExample", "outsider", "You are not a member of this company")


@pytest.mark.parametrize("number", [60011, 50002, 60111])
def test_a_member_the_directory_does_not_know_is_refused(client, sandbox, number):
    sandbox.fail("/cgi-bin/user/get", body={"errcode": number, "errmsg": "x"})
    refused(client, "QywxInnerExample", "zhangsan", "You can't sign in")


def test_every_login_and_refusal_leaves_a_line(client, portal):
    client.sign_in()
    client.get(client.scan(action="deny"))
    client.sign_in("QywxInnerExample", "outsider")
    with portal.app_context():
        lines = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "login").order_by(AuditEvent.id))
        assert [(line.element, line.result) for line in lines] == [
            ("FSInnerExample", 0),
            ("FSInnerExample", 40305),
            ("QywxInnerExample", 40301),
        ]


@pytest.mark.parametrize("number", [40001, 40013, 41002, 41004])
def test_a_credential_that_wecom_does_not_take_is_told_as_such(portal, sandbox, number):
    sandbox.fail("/cgi-bin/gettoken", body={"errcode": number, "errmsg": "x"})
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement("auths.loginTypes.QywxInnerExample").getAccessToken()
    assert (error.value.code, error.value.native) == (40013, number)
