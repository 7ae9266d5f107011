"""wechatpy, an independent client for WeCom, works with the sandbox.

https://www.wechatpy.org
"""

import pytest
import requests
from wechatpy.exceptions import APILimitedException, WeChatClientException
from wechatpy.work import WeChatClient

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def client(sandbox):
    return connect(sandbox)


def connect(sandbox, **words):
    """Return a client that sends all calls to the sandbox.

    Its token call has an address of its own.
    """

    class SandboxClient(WeChatClient):
        API_BASE_URL = f"{sandbox.url}/cgi-bin/"

        def fetch_access_token(self):
            params = {"corpid": self.corp_id, "corpsecret": self.secret}
            return self._fetch_access_token(url=f"{self.API_BASE_URL}gettoken", params=params)

    words = {"corpid": sandbox.WECOM["corpid"], "corpsecret": sandbox.WECOM["corpsecret"], **words}
    return SandboxClient(words["corpid"], words["corpsecret"], timeout=10)


def find_refusal(call, *values, **words):
    """Return the number with which the sandbox refuses a call."""
    with pytest.raises(WeChatClientException) as caught:
        call(*values, **words)
    return caught.value.errcode


def test_a_token_is_fetched_once(sandbox, client):
    assert client.access_token == client.access_token
    assert len(sandbox.calls("/cgi-bin/gettoken")) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"corpsecret": ""}, 41004),
        ({"corpid": ""}, 41002),
        ({"corpid": "wwnobody"}, 40013),
        ({"corpsecret": "x"}, 40001),
    ],
)
def test_a_token_needs_company_and_secret(sandbox, words, expected):
    assert find_refusal(connect(sandbox, **words).fetch_access_token) == expected


def test_the_old_call_identifies_a_member_once(sandbox, client):
    code = sandbox.code("wecom", "lisi")

    assert client.oauth.get_user_info(code)["UserId"] == "lisi"
    assert find_refusal(client.oauth.get_user_info, code) == 40029


def test_the_new_call_identifies_members_and_outsiders(sandbox, client):
    def ask(code):
        return client.get("auth/getuserinfo", params={"code": code})

    assert ask(sandbox.code("wecom", "lisi"))["userid"] == "lisi"
    assert ask(sandbox.code("wecom", "outsider"))["openid"].startswith("o")
    assert find_refusal(ask, "CODE+/= 1") == 40029
    assert find_refusal(ask, "") == 41008


def test_a_ticket_gives_the_consented_fields(sandbox, client):
    def get_detail(ticket):
        return client.post("auth/getuserdetail", data={"user_ticket": ticket})

    code = sandbox.code("wecom", "alice", source="oauth2", scope="snsapi_privateinfo")
    ticket = client.get("auth/getuserinfo", params={"code": code})["user_ticket"]

    fields = get_detail(ticket)

    assert (fields["userid"], fields["gender"], fields["email"]) == ("alice", "2", "alice@example.com")
    assert "name" not in fields
    assert find_refusal(get_detail, "UT中") == 84015


def test_a_member_is_shown_without_sensitive_fields(client):
    member = client.user.get("wangwu")

    assert (member["name"], member["department"], member["is_leader_in_dept"]) == ("王五", [3, 5], [1, 0])
    assert not {"mobile", "email", "avatar", "gender"} & member.keys()
    assert find_refusal(client.user.get, "nobody") == 60111
    assert find_refusal(client.user.get, "zhengshi") == 60011


def test_members_of_a_department_are_listed_in_full(client):
    assert [member["userid"] for member in client.user.list(2)] == ["zhangsan", "lisi"]
    assert find_refusal(client.user.list, 99999) == 60003


def test_members_of_a_department_are_listed_in_short(sandbox, client):
    members = client.user.list(2, fetch_child=True, simple=True)
    sandbox.app("wecom", contact_range={"departments": ["5"], "users": []})

    assert members == [
        {"userid": "zhangsan", "name": "张三", "department": [2]},
        {"userid": "lisi", "name": "李四", "department": [2]},
    ]
    assert find_refusal(client.user.list, 2, simple=True) == 60011


def test_departments_are_listed_with_those_below(client):
    assert [department["id"] for department in client.department.list()] == [1, 2, 5, 7, 3, 8, 4, 6]
    assert [department["id"] for department in client.department.list(3)] == [3, 4, 6]
    assert find_refusal(client.department.list, 99999) == 60123


def test_a_department_is_shown_by_its_number(client):
    assert client.department.get(1)["parentid"] == 0
    assert find_refusal(client.department.get, "x") == 40035


def test_department_ids_need_a_permission(sandbox, client):
    assert {"id": 6, "parentid": 4, "order": 100} in client.department.simple_list()
    sandbox.app("wecom", drop_permissions=["department/simplelist"])

    assert find_refusal(client.department.simple_list) == 48002


def test_users_of_a_department_include_those_below(client):
    assert [member["userid"] for member in client.department.get_users(4, fetch_child=1)] == ["bob", "zhouba"]
    assert find_refusal(client.department.get_users, 99999) == 60003


def test_tickets_need_a_trusted_address(sandbox, client):
    assert client.jsapi.get_ticket()["expires_in"] == 7200
    assert client.jsapi.get_agent_ticket()["ticket"] != client.jsapi.get_ticket()["ticket"]
    sandbox.app("wecom", trusted_ip=False)

    assert find_refusal(client.jsapi.get_ticket) == 60020
    assert find_refusal(client.jsapi.get_agent_ticket) == 60020


def test_the_authorize_url_leads_to_a_code(sandbox, client):
    link = client.oauth.authorize_url(f"{CALLBACK}?a=1&b=中", "state1")
    link = link.replace("https://open.weixin.qq.com", sandbox.url)
    agent = {"User-Agent": "Mozilla/5.0 Chrome/120 wxwork/5.0.11 (MicroMessenger/6.2)"}

    answer = requests.get(link, headers=agent, allow_redirects=False, timeout=10)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{CALLBACK}?a=1&b=%E4%B8%AD&code=")
    assert answer.headers["Location"].endswith("&state=state1")


def test_the_authorize_url_of_another_domain_is_refused(sandbox, client):
    link = client.oauth.authorize_url("https://evil.example/", "state1").replace(
        "https://open.weixin.qq.com", sandbox.url
    )

    answer = requests.get(link, headers={"User-Agent": "wxwork/5.0"}, allow_redirects=False, timeout=10)

    assert answer.status_code == 200
    assert "50001" in answer.text


@pytest.mark.parametrize("how", [{"expire_tokens": True}, {"revoke_tokens": True}, {"revoke_tokens": 42001}])
def test_a_refused_token_is_renewed_at_once(sandbox, client, how):
    client.user.get("lisi")
    sandbox.app("wecom", **how)

    assert client.user.get("lisi")["name"] == "李四"
    assert len(sandbox.calls("/cgi-bin/gettoken")) == 2


def test_too_many_calls_are_refused(sandbox, client):
    client.user.get("lisi")
    sandbox.app("wecom", rate=0)

    with pytest.raises(APILimitedException):
        client.user.get("lisi")


def test_a_tag_has_members_and_departments(sandbox, client):
    sandbox.group("wecom", "5", users=["lisi", "bob"], departments=["3"])
    tag = client.tag.get_users(5)
    assert [user["userid"] for user in tag["userlist"]] == ["lisi", "bob"]
    assert tag["partylist"] == [3]
    assert find_refusal(client.tag.get_users, 6) == 40068
