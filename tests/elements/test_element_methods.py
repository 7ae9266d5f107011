"""The methods of elements return what they promise."""

import pytest

from portal.database import db
from portal.elements import Person
from portal.errors import Code
from portal.models import Identity

FULL = "auths.loginTypes."
BASE_KEYS = {
    "userId",
    "name",
    "mobile",
    "email",
    "avatar",
    "department",
    "position",
    "gender",
    "status",
    "isLeader",
}


@pytest.fixture(params=["FSInnerExample", "QywxInnerExample"])
def element(request, portal):
    with portal.app_context():
        yield portal.getElement(FULL + request.param)


def make_code(element, sandbox, person):
    return sandbox.code(element.provider, person, redirect_uri=element.redirectUri)


def test_a_login_returns_all_fields_the_company_allows(element, sandbox):
    person = element.getLoginCode(make_code(element, sandbox, "zhangsan"))
    assert set(person) >= BASE_KEYS
    assert (person["userId"], person["name"], person["position"]) == ("zhangsan", "张三", "工程师")
    assert (person["status"], person["isLeader"]) == (1, False)
    assert person["department"]
    assert [row["deptId"] for row in person["departments"]] == person["department"]


def test_feishu_returns_more_than_wecom(portal, sandbox):
    with portal.app_context():
        feishu, wecom = (portal.getElement(FULL + name) for name in ("FSInnerExample", "QywxInnerExample"))
        rich = feishu.getLoginCode(make_code(feishu, sandbox, "zhangsan"))
        poor = wecom.getLoginCode(make_code(wecom, sandbox, "zhangsan"))
    assert rich["mobile"] and rich["email"] and rich["gender"] == 1
    assert (poor["mobile"], poor["email"], poor["avatar"], poor["gender"]) == ("", "", "", 0)


def test_all_ten_keys_are_there_when_everything_is_withheld(portal, sandbox):
    sandbox.fail("/open-apis/contact/v3/users/*", status=400, body={"code": 99991672, "msg": "x"})
    with portal.app_context():
        element = portal.getElement(FULL + "FSInnerExample")
        sandbox.person("feishu", "zhangsan", withhold=["mobile", "email", "enterprise_email", "user_id"])
        person = element.getLoginCode(make_code(element, sandbox, "zhangsan"))
    assert person["userId"].startswith("ou_")
    expected = {"mobile": "", "email": "", "department": [], "position": "", "gender": 0, "status": 1}
    assert {key: person[key] for key in expected} == expected
    assert person["isLeader"] is False


def test_python_calls_store_no_person(element, sandbox):
    element.getLoginCode(make_code(element, sandbox, "zhangsan"))
    element.getUserInfo("zhangsan")
    assert db.session.query(Identity).count() == 0


def test_user_info_takes_an_id(element):
    person = element.getUserInfo("lisi")
    assert set(person) >= BASE_KEYS
    assert (person["userId"], person["name"], person["position"]) == ("lisi", "李四", "研发总监")


def test_feishu_ids_are_distinguished_by_their_shape(portal):
    with portal.app_context():
        element = portal.getElement(FULL + "FSInnerExample")
        person = element.getUserInfo("zhangsan")
        for key in ("openId", "unionId"):
            assert element.getUserInfo(person[key])["userId"] == "zhangsan"


def test_wecom_leaders_are_marked(portal):
    with portal.app_context():
        assert portal.getElement(FULL + "QywxInnerExample").getUserInfo("lisi")["isLeader"] is True


def test_an_unknown_person_is_60111(element):
    with pytest.raises(Code) as error:
        element.getUserInfo("nosuchperson")
    assert error.value.code == 60111


def test_a_leaver_can_be_read_with_their_status(portal, sandbox):
    sandbox.person("feishu", "lisi", resign=True)
    sandbox.person("wecom", "lisi", freeze=True)
    with portal.app_context():
        assert portal.getElement(FULL + "FSInnerExample").getUserInfo("lisi")["status"] == 2
        assert portal.getElement(FULL + "QywxInnerExample").getUserInfo("lisi")["status"] == 3


def test_the_access_token_is_the_platforms_and_kept(element, sandbox):
    token = element.getAccessToken()
    assert isinstance(token, str) and token
    assert element.getAccessToken() == token
    tokens = [call for call in sandbox.calls() if "token" in call["path"]]
    assert len(tokens) == 1


def test_the_config_holds_what_a_page_needs(portal, base):
    feishu = portal.getElement(FULL + "FSInnerExample").getLoginConfig()
    assert set(feishu) == {"appId", "redirectUri", "state"}
    assert feishu["redirectUri"] == f"{base}/login/FSInnerExample/callback"
    wecom = portal.getElement(FULL + "QywxInnerExample").getLoginConfig()
    assert set(wecom) == {"corpId", "agentId", "redirectUri", "state"}


def test_a_person_always_has_the_ten_keys():
    person = Person(provider="x", tenant="y", subject="z", userId="u", name="")
    assert set(person) == BASE_KEYS | {"provider", "tenant", "subject", "withheld"}
    assert person["withheld"] == sorted(BASE_KEYS - {"userId", "name"})
