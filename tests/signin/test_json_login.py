"""The two JSON calls by which a script signs in: envelope, numbers, and the same guards as the pages."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.portal_app import answer_platform, both_databases, parse_query

EXCHANGES = {"FSInnerExample": "/open-apis/authen/v2/oauth/token", "QywxInnerExample": "/cgi-bin/auth/getuserinfo"}
EACH = pytest.mark.parametrize("element", EXCHANGES)


def call(client, element, method, body, **headers):
    """Post as a script of ours would; return HTTP status and envelope."""
    token = client.get("/api/csrf").json["csrfToken"]
    path = f"/api/auths/loginTypes/{element}/{method}"
    answer = client.post(path, json=body, headers={"X-CSRFToken": token, **headers})
    assert set(answer.json) == {"errcode", "errmsg", "requestId", "data"}
    return answer.status_code, answer.json


def config(client, element, **body):
    status, envelope = call(client, element, "getLoginConfig", body)
    assert (status, envelope["errcode"], envelope["errmsg"]) == (200, 0, None)
    return envelope["data"]


def answered(client, element, person="zhangsan"):
    """Begin by JSON, let the person answer at the platform's page; return code and state."""
    return parse_query(answer_platform(config(client, element)["authorizeUrl"], person))


def finish(client, element, code, state, **headers):
    return call(client, element, "getLoginCode", {"authCode": code, "state": state}, **headers)


@both_databases
@EACH
def test_a_script_signs_in(client, element):
    query = answered(client, element)
    status, envelope = finish(client, element, query["code"], query["state"])
    assert (status, envelope["errcode"]) == (200, 0)
    data = envelope["data"]
    assert (data["userId"], data["name"], data["accountId"]) == ("zhangsan", "张三", 1)
    assert {"mobile", "email", "avatar", "department", "position", "gender", "status", "isLeader"} < set(data)
    assert client.session().json["identity"]["element"] == element


def test_the_answer_holds_nothing_but_what_the_seeds_promise(client):
    query = answered(client, "FSInnerExample")
    _, envelope = finish(client, "FSInnerExample", query["code"], query["state"])
    assert set(envelope["data"]) == {
        *("userId", "name", "mobile", "email", "avatar", "department", "position", "gender", "status", "isLeader"),
        *("accountId", "next"),
    }


def test_the_config_of_each_kind(client, sandbox, base):
    feishu = {kind: config(client, "FSInnerExample", kind=kind) for kind in ("qr", "redirect", "in_app", "auth_code")}
    assert {kind: set(found) for kind, found in feishu.items()} == dict.fromkeys(
        feishu, {"appId", "redirectUri", "state", "authorizeUrl"}
    )
    assert feishu["qr"]["authorizeUrl"].startswith(f"{sandbox.url}/suite/passport/oauth/authorize?")
    assert "code_challenge=" in feishu["redirect"]["authorizeUrl"]
    assert feishu["in_app"]["authorizeUrl"] is None
    assert feishu["auth_code"]["authorizeUrl"] is None
    wecom = config(client, "QywxInnerExample")
    assert set(wecom) == {"corpId", "agentId", "redirectUri", "state", "authorizeUrl"}
    assert wecom["authorizeUrl"].startswith(f"{sandbox.url}/wwlogin/sso/login?")
    assert "/connect/oauth2/authorize?" in config(client, "QywxInnerExample", kind="in_app")["authorizeUrl"]


def test_a_script_may_say_where_to_go_on(client):
    state = config(client, "QywxInnerExample", next="/account?a=1")
    query = parse_query(answer_platform(state["authorizeUrl"]))
    assert finish(client, "QywxInnerExample", query["code"], query["state"])[1]["data"]["next"] == "/account?a=1"
    for bad in ("//evil.example", "/\ud800", "/\u202e", 5):
        query = parse_query(answer_platform(config(client, "QywxInnerExample", next=bad)["authorizeUrl"]))
        assert finish(client, "QywxInnerExample", query["code"], query["state"])[1]["data"]["next"] is None


@pytest.mark.parametrize("kind", ["in_app", "auth_code"])
def test_codes_of_the_client_need_no_redirect_address(client, sandbox, kind):
    state = config(client, "FSInnerExample", kind=kind)["state"]
    source = {"in_app": "requestAccess", "auth_code": "requestAuthCode"}[kind]
    code = sandbox.code("feishu", "carol", source=source)
    status, envelope = finish(client, "FSInnerExample", code, state)
    assert (status, envelope["data"]["userId"]) == (200, "carol")


def refused(answer, status, number):
    assert (answer[0], answer[1]["errcode"], answer[1]["data"]) == (status, number, None)
    assert isinstance(answer[1]["errmsg"], str) and answer[1]["errmsg"]


@EACH
@pytest.mark.parametrize("method", ["getLoginConfig", "getLoginCode"])
class TestRequests:
    def post(self, client, element, method, **kwargs):
        answer = client.post(f"/api/auths/loginTypes/{element}/{method}", **kwargs)
        return answer.status_code, answer.json

    def test_without_the_form_token(self, client, element, method):
        refused(self.post(client, element, method, json={}), 400, 40310)

    def test_from_a_page_elsewhere(self, client, element, method):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            refused(call(client, element, method, {}, **headers), 400, 40310)

    @pytest.mark.parametrize("body", ["", "x", "[]", '"x"', "{", "null", "[" * 60_000])
    def test_with_a_body_that_is_no_object(self, client, element, method, body):
        token = client.get("/api/csrf").json["csrfToken"]
        headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
        refused(self.post(client, element, method, data=body, headers=headers), 400, 40310)

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    def test_with_a_type_other_pages_can_send(self, client, element, method, kind):
        token = client.get("/api/csrf").json["csrfToken"]
        headers = {"X-CSRFToken": token, "Content-Type": kind}
        refused(self.post(client, element, method, data="{}", headers=headers), 400, 40310)

    def test_by_get(self, client, element, method):
        answer = client.get(f"/api/auths/loginTypes/{element}/{method}")
        refused((answer.status_code, answer.json), 405, 40500)

    def test_too_large(self, client, element, method):
        refused(call(client, element, method, {"x": "x" * 70_000}), 413, 41300)

    def test_for_an_element_that_is_unknown_off_or_broken(self, client, element, method, elements, make_portal):
        elements.feishu("Off", isActive=False)
        elements.feishu("Broken", appId="")
        client = make_portal().test_client()
        refused(call(client, "Nothing", method, {}), 404, 47000)
        refused(call(client, "Off", method, {}), 404, 47000)
        refused(call(client, "Broken", method, {}), 500, 47000)


def test_a_kind_there_is_not(client):
    for kind in ("pigeon", "", None, 5, ["qr"]):
        refused(call(client, "FSInnerExample", "getLoginConfig", {"kind": kind}), 400, 40300)


@EACH
@pytest.mark.parametrize("state", [None, "", 5, ["x"], "x", "0" * 76, "é", "x" * 9000])
def test_a_state_that_is_none(client, sandbox, element, state):
    refused(finish(client, element, "code", state), 400, 40300)
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
@pytest.mark.parametrize("code", [None, "", 5, ["x"], "é", "x" * 9000])
def test_a_code_that_is_none(client, sandbox, element, code):
    state = config(client, element)["state"]
    refused(finish(client, element, code, state), 400, 40029)
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_a_state_of_another_browser(portal, sandbox, element):
    mine, other = portal.test_client(), portal.test_client()
    query = answered(mine, element)
    refused(finish(other, element, query["code"], query["state"]), 400, 40300)
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_a_state_used_before(client, sandbox, element):
    query = answered(client, element)
    finish(client, element, query["code"], query["state"])
    refused(finish(client, element, query["code"], query["state"]), 400, 40300)
    assert len(sandbox.calls(EXCHANGES[element])) == 1


def test_a_state_of_another_element(client):
    query = answered(client, "FSInnerExample")
    refused(finish(client, "QywxInnerExample", query["code"], query["state"]), 400, 40300)


@EACH
def test_what_the_platform_refuses(client, sandbox, element):
    refused(finish(client, element, "nosuchcode", config(client, element)["state"]), 400, 40029)
    sandbox.fail(EXCHANGES[element], status=500, body="down")
    refused(finish(client, element, "x", config(client, element)["state"]), 503, 50300)


def test_somebody_who_waits_or_is_no_member(make_portal):
    client = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    query = answered(client, "FSInnerExample")
    refused(finish(client, "FSInnerExample", query["code"], query["state"]), 403, 40303)
    query = answered(client, "QywxInnerExample", "outsider")
    refused(finish(client, "QywxInnerExample", query["code"], query["state"]), 403, 40301)


@both_databases
def test_ten_posts_of_one_code_at_once(serve, sandbox):
    server, browser = serve(), requests.Session()
    headers = {"X-CSRFToken": browser.get(f"{server.url}/api/csrf").json()["csrfToken"]}
    path = f"{server.url}/api/auths/loginTypes/QywxInnerExample"
    began = browser.post(f"{path}/getLoginConfig", json={}, headers=headers).json()["data"]
    query = parse_query(answer_platform(began["authorizeUrl"]))
    sandbox.fail(EXCHANGES["QywxInnerExample"], delay=0.5)
    barrier = threading.Barrier(10)
    cookies = browser.cookies.get_dict()

    def post(_):
        barrier.wait()
        body = {"authCode": query["code"], "state": query["state"]}
        return requests.post(f"{path}/getLoginCode", json=body, headers=headers, cookies=cookies, timeout=20)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(10)))
    numbers = sorted((answer.status_code, json.loads(answer.text)["errcode"]) for answer in answers)
    assert numbers == [(200, 0)] + [(400, 40300)] * 9
    assert len(sandbox.calls(EXCHANGES["QywxInnerExample"])) == 1
