"""The two JSON calls with which a script signs in.

They have an envelope, error numbers, and the same guards as the pages.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from support.portal_app import answer_platform, both_databases, parse_query

EXCHANGES = {"FSInnerExample": "/open-apis/authen/v2/oauth/token", "QywxInnerExample": "/cgi-bin/auth/getuserinfo"}
EACH = pytest.mark.parametrize("element", EXCHANGES)


def call(client, element, method, body, **headers):
    """Post as our script would and return status and envelope."""
    token = client.get("/api/csrf").json["csrfToken"]
    path = f"/api/auths/loginTypes/{element}/{method}"
    answer = client.post(path, json=body, headers={"X-CSRFToken": token, **headers})
    assert set(answer.json) == {"errcode", "errmsg", "requestId", "data"}
    return answer.status_code, answer.json


def get_config(client, element, **body):
    status, envelope = call(client, element, "getLoginConfig", body)
    assert (status, envelope["errcode"], envelope["errmsg"]) == (200, 0, None)
    return envelope["data"]


def begin_and_answer(client, element, person="zhangsan"):
    """Begin by JSON and answer the platform as a person.

    Return code and state.
    """
    return parse_query(answer_platform(get_config(client, element)["authorizeUrl"], person))


def finish_login(client, element, code, state, **headers):
    return call(client, element, "getLoginCode", {"authCode": code, "state": state}, **headers)


@both_databases
@EACH
def test_a_script_signs_in(client, element):
    query = begin_and_answer(client, element)
    status, envelope = finish_login(client, element, query["code"], query["state"])
    assert (status, envelope["errcode"]) == (200, 0)
    data = envelope["data"]
    assert (data["userId"], data["name"], data["accountId"]) == ("zhangsan", "张三", 1)
    assert {"mobile", "email", "avatar", "department", "position", "gender", "status", "isLeader"} < set(data)
    assert client.session().json["identity"]["element"] == element


def test_the_answer_has_only_the_promised_fields(client):
    query = begin_and_answer(client, "FSInnerExample")
    _, envelope = finish_login(client, "FSInnerExample", query["code"], query["state"])
    assert set(envelope["data"]) == {
        *("userId", "name", "mobile", "email", "avatar", "department", "position", "gender", "status", "isLeader"),
        *("accountId", "next"),
    }


def test_each_kind_has_its_config(client, sandbox, base):
    feishu = {
        kind: get_config(client, "FSInnerExample", kind=kind) for kind in ("qr", "redirect", "in_app", "auth_code")
    }
    assert {kind: set(fields) for kind, fields in feishu.items()} == dict.fromkeys(
        feishu, {"appId", "redirectUri", "state", "authorizeUrl"}
    )
    assert feishu["qr"]["authorizeUrl"].startswith(f"{sandbox.url}/suite/passport/oauth/authorize?")
    assert "code_challenge=" in feishu["redirect"]["authorizeUrl"]
    assert feishu["in_app"]["authorizeUrl"] is None
    assert feishu["auth_code"]["authorizeUrl"] is None
    wecom = get_config(client, "QywxInnerExample")
    assert set(wecom) == {"corpId", "agentId", "redirectUri", "state", "authorizeUrl"}
    assert wecom["authorizeUrl"].startswith(f"{sandbox.url}/wwlogin/sso/login?")
    assert "/connect/oauth2/authorize?" in get_config(client, "QywxInnerExample", kind="in_app")["authorizeUrl"]


def test_a_script_may_name_the_next_page(client):
    state = get_config(client, "QywxInnerExample", next="/account?a=1")
    query = parse_query(answer_platform(state["authorizeUrl"]))
    assert finish_login(client, "QywxInnerExample", query["code"], query["state"])[1]["data"]["next"] == "/account?a=1"
    for bad in ("//evil.example", "/\ud800", "/\u202e", 5):
        query = parse_query(answer_platform(get_config(client, "QywxInnerExample", next=bad)["authorizeUrl"]))
        assert finish_login(client, "QywxInnerExample", query["code"], query["state"])[1]["data"]["next"] is None


@pytest.mark.parametrize("kind", ["in_app", "auth_code"])
def test_codes_of_the_client_need_no_redirect_address(client, sandbox, kind):
    state = get_config(client, "FSInnerExample", kind=kind)["state"]
    source = {"in_app": "requestAccess", "auth_code": "requestAuthCode"}[kind]
    code = sandbox.code("feishu", "carol", source=source)
    status, envelope = finish_login(client, "FSInnerExample", code, state)
    assert (status, envelope["data"]["userId"]) == (200, "carol")


def expect_refusal(answer, status, number):
    assert (answer[0], answer[1]["errcode"], answer[1]["data"]) == (status, number, None)
    assert isinstance(answer[1]["errmsg"], str) and answer[1]["errmsg"]


@EACH
@pytest.mark.parametrize("method", ["getLoginConfig", "getLoginCode"])
class TestRequests:
    def post(self, client, element, method, **kwargs):
        answer = client.post(f"/api/auths/loginTypes/{element}/{method}", **kwargs)
        return answer.status_code, answer.json

    def test_a_request_needs_the_form_token(self, client, element, method):
        expect_refusal(self.post(client, element, method, json={}), 400, 40310)

    def test_a_request_from_another_site_is_refused(self, client, element, method):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            expect_refusal(call(client, element, method, {}, **headers), 400, 40310)

    @pytest.mark.parametrize("body", ["", "x", "[]", '"x"', "{", "null", "[" * 60_000])
    def test_a_body_that_is_no_object_is_refused(self, client, element, method, body):
        token = client.get("/api/csrf").json["csrfToken"]
        headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
        expect_refusal(self.post(client, element, method, data=body, headers=headers), 400, 40310)

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    def test_a_type_that_other_sites_can_send_is_refused(self, client, element, method, kind):
        token = client.get("/api/csrf").json["csrfToken"]
        headers = {"X-CSRFToken": token, "Content-Type": kind}
        expect_refusal(self.post(client, element, method, data="{}", headers=headers), 400, 40310)

    def test_a_get_is_refused(self, client, element, method):
        answer = client.get(f"/api/auths/loginTypes/{element}/{method}")
        expect_refusal((answer.status_code, answer.json), 405, 40500)

    def test_a_large_body_is_refused(self, client, element, method):
        expect_refusal(call(client, element, method, {"x": "x" * 70_000}), 413, 41300)

    def test_an_unknown_switched_off_or_broken_element_is_refused(self, client, element, method, elements, make_portal):
        elements.feishu("Off", isActive=False)
        elements.feishu("Broken", appId="")
        client = make_portal().test_client()
        expect_refusal(call(client, "Nothing", method, {}), 404, 47000)
        expect_refusal(call(client, "Off", method, {}), 404, 47000)
        expect_refusal(call(client, "Broken", method, {}), 500, 47000)


def test_an_unknown_kind_is_refused(client):
    for kind in ("pigeon", "", None, 5, ["qr"]):
        expect_refusal(call(client, "FSInnerExample", "getLoginConfig", {"kind": kind}), 400, 40300)


@EACH
@pytest.mark.parametrize("state", [None, "", 5, ["x"], "x", "0" * 76, "é", "x" * 9000])
def test_an_unusable_state_is_refused(client, sandbox, element, state):
    expect_refusal(finish_login(client, element, "code", state), 400, 40300)
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
@pytest.mark.parametrize("code", [None, "", 5, ["x"], "é", "x" * 9000])
def test_an_unusable_code_is_refused(client, sandbox, element, code):
    state = get_config(client, element)["state"]
    expect_refusal(finish_login(client, element, code, state), 400, 40029)
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_a_state_of_another_browser_is_refused(portal, sandbox, element):
    first, other = portal.test_client(), portal.test_client()
    query = begin_and_answer(first, element)
    expect_refusal(finish_login(other, element, query["code"], query["state"]), 400, 40300)
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_a_state_used_before_is_refused(client, sandbox, element):
    query = begin_and_answer(client, element)
    finish_login(client, element, query["code"], query["state"])
    expect_refusal(finish_login(client, element, query["code"], query["state"]), 400, 40300)
    assert len(sandbox.calls(EXCHANGES[element])) == 1


def test_a_state_of_another_element_is_refused(client):
    query = begin_and_answer(client, "FSInnerExample")
    expect_refusal(finish_login(client, "QywxInnerExample", query["code"], query["state"]), 400, 40300)


@EACH
def test_the_platforms_refusals_have_numbers(client, sandbox, element):
    expect_refusal(finish_login(client, element, "nosuchcode", get_config(client, element)["state"]), 400, 40029)
    sandbox.fail(EXCHANGES[element], status=500, body="down")
    expect_refusal(finish_login(client, element, "x", get_config(client, element)["state"]), 503, 50300)


def test_people_that_wait_or_are_no_members_are_refused(make_portal):
    client = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    query = begin_and_answer(client, "FSInnerExample")
    expect_refusal(finish_login(client, "FSInnerExample", query["code"], query["state"]), 403, 40303)
    query = begin_and_answer(client, "QywxInnerExample", "outsider")
    expect_refusal(finish_login(client, "QywxInnerExample", query["code"], query["state"]), 403, 40301)


@both_databases
def test_one_of_ten_simultaneous_posts_of_a_code_succeeds(serve, sandbox):
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
