"""Codes, tokens, pages and ids of Feishu across several calls."""

import base64
import hashlib

import pytest
from support.sandbox_tokens import CALLBACK, OIDC, V2, RequestFiller, build_exchange, send_request


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/open-apis/authen/v1/access_token", 20007),
        (OIDC, 20003),
        (V2, 20065),
        ("/oauth/v3/token", 20065),
        ("/suite/passport/oauth/token", "invalid_grant"),
    ],
)
def test_a_code_works_once(sandbox, path, refusal):
    filler = RequestFiller(sandbox)
    fields = build_exchange(sandbox, filler.code())
    headers = {"Authorization": f"Bearer {filler.tenant_token()}"} if "v1" in path else {}
    words = {"data": fields} if "passport" in path else {"json": fields}

    first = send_request(sandbox, "POST", path, headers=headers, **words).json()
    second = send_request(sandbox, "POST", path, headers=headers, **words).json()

    assert "access_token" in first.get("data", first)
    assert second.get("code", second.get("error")) == refusal


def test_a_code_of_another_app_is_refused(sandbox):
    sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", secret="two")
    code = sandbox.code("feishu", "zhangsan", app_id="cli_5a4db0c5a4db0c02")

    answer = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, code))

    assert (answer.status_code, answer.json()["code"]) == (400, 20024)


def test_a_refused_exchange_leaves_the_code_good(sandbox):
    code = RequestFiller(sandbox).code()
    wrong = send_request(
        sandbox, "POST", V2, json=build_exchange(sandbox, code, redirect_uri="http://127.0.0.1/other")
    ).json()

    beyond = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, code, scope="offline_access")).json()
    right = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, code, redirect_uri=CALLBACK)).json()

    assert (wrong["code"], beyond["code"]) == (20071, 20068)
    assert right["code"] == 0


VERIFIER = "a-verifier-that-is-long-enough-for-the-rules-0123"
S256 = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize("path", [V2, "/oauth/v3/token"])
@pytest.mark.parametrize(
    ("challenge", "sent", "number"),
    [
        ({"code_challenge": S256, "code_challenge_method": "S256"}, VERIFIER, 0),
        ({"code_challenge": S256, "code_challenge_method": "S256"}, VERIFIER[::-1], 20049),
        ({"code_challenge": S256, "code_challenge_method": "S256"}, None, 20049),
        ({"code_challenge": VERIFIER}, VERIFIER, 0),
        ({"code_challenge": VERIFIER}, VERIFIER[::-1], 20049),
        ({}, None, 0),
    ],
)
def test_the_verifier_has_to_fit_the_challenge(sandbox, path, challenge, sent, number):
    fields = build_exchange(
        sandbox, RequestFiller(sandbox).code(**challenge), **({"code_verifier": sent} if sent else {})
    )

    assert send_request(sandbox, "POST", path, json=fields).json()["code"] == number


@pytest.mark.parametrize(("path", "number"), [(V2, 0), ("/oauth/v3/token", 20049)])
def test_a_verifier_without_a_challenge_matters_to_v3_only(sandbox, path, number):
    fields = build_exchange(sandbox, RequestFiller(sandbox).code(), code_verifier=VERIFIER)

    assert send_request(sandbox, "POST", path, json=fields).json()["code"] == number


def test_v2_takes_credentials_in_the_header(sandbox):
    fields = {"grant_type": "authorization_code", "code": RequestFiller(sandbox).code()}
    app = (sandbox.FEISHU["app_id"], sandbox.FEISHU["app_secret"])

    assert send_request(sandbox, "POST", V2, data=fields, auth=(app[0], "wrong")).json()["code"] == 20002
    assert send_request(sandbox, "POST", V2, data=fields, auth=app).json()["code"] == 0


def test_token_lifetime_can_be_set(sandbox):
    sandbox.app("feishu", token_lifetime=60)
    sandbox.app("wecom", token_lifetime=60)
    filler = RequestFiller(sandbox)

    user = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, filler.code())).json()
    corp = filler.corp_token()
    sandbox.clock(61)

    assert user["expires_in"] == 60
    assert send_request(sandbox, "GET", f"/cgi-bin/department/list?access_token={corp}").json()["errcode"] == 42001
    headers = {"Authorization": f"Bearer {user['access_token']}"}
    assert send_request(sandbox, "GET", "/open-apis/authen/v1/user_info", headers=headers).json()["code"] == 99991668


def test_a_code_from_the_client_has_no_redirect_uri(sandbox):
    code = sandbox.code("feishu", "zhangsan", source="requestAccess")

    with_one = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, code, redirect_uri=CALLBACK)).json()
    without = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, code)).json()

    assert (with_one["code"], without["code"]) == (20071, 0)


def test_a_code_from_the_client_lives_three_minutes(sandbox):
    code = sandbox.code("feishu", "zhangsan", source="requestAccess")
    sandbox.clock(181)

    assert send_request(sandbox, "POST", V2, json=build_exchange(sandbox, code)).json()["code"] == 20004


def test_a_dialect_can_be_limited_to_some_codes(sandbox):
    sandbox.app("feishu", accept_codes={"v2": ["authorize"]})
    scanned = sandbox.code("feishu", "zhangsan", source="passport")
    redirected = sandbox.code("feishu", "zhangsan", source="authorize")

    assert send_request(sandbox, "POST", V2, json=build_exchange(sandbox, scanned)).json()["code"] == 20003
    assert send_request(sandbox, "POST", V2, json=build_exchange(sandbox, redirected)).json()["code"] == 0


def test_a_feishu_refresh_token_rotates_and_the_access_token_lives_on(sandbox):
    filler = RequestFiller(sandbox)
    first = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, filler.offline_code())).json()
    refresh = {**build_exchange(sandbox, ""), "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    second = send_request(sandbox, "POST", V2, json=refresh).json()
    again = send_request(sandbox, "POST", V2, json=refresh).json()
    profile = send_request(
        sandbox, "GET", "/open-apis/authen/v1/user_info", headers={"Authorization": f"Bearer {first['access_token']}"}
    ).json()

    assert second["refresh_token"] != first["refresh_token"]
    assert again["code"] == 20073
    assert profile["code"] == 0


def test_a_scan_gives_no_refresh_token_even_after_a_grant(sandbox):
    filler = RequestFiller(sandbox)
    first = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, filler.offline_code())).json()
    scanned = send_request(sandbox, "POST", V2, json=build_exchange(sandbox, filler.code(source="passport"))).json()

    assert "refresh_token" in first
    assert "refresh_token" not in scanned
    assert scanned["scope"] == "auth:user.id:read"


def test_consent_cannot_be_prolonged_beyond_a_year(sandbox):
    token = RequestFiller(sandbox).v2_refresh_token()
    for _ in range(61):  # 366 days
        sandbox.clock(6 * 86400)
        refresh = {**build_exchange(sandbox, ""), "grant_type": "refresh_token", "refresh_token": token}
        answer = send_request(sandbox, "POST", V2, json=refresh).json()
        if answer["code"]:
            break
        token = answer["refresh_token"]

    assert answer["code"] == 20037


def test_a_feishu_app_token_is_renewed_in_its_last_half_hour(sandbox):
    def ask():
        words = {"app_id": sandbox.FEISHU["app_id"], "app_secret": sandbox.FEISHU["app_secret"]}
        return send_request(sandbox, "POST", "/open-apis/auth/v3/tenant_access_token/internal", json=words).json()

    first = ask()
    sandbox.clock(5000)
    same = ask()
    sandbox.clock(500)
    new = ask()
    old = send_request(
        sandbox,
        "GET",
        "/open-apis/contact/v3/scopes",
        headers={"Authorization": f"Bearer {first['tenant_access_token']}"},
    )

    assert same["tenant_access_token"] == first["tenant_access_token"]
    assert 2190 <= same["expire"] <= 2200
    assert new["tenant_access_token"] != first["tenant_access_token"]
    assert new["expire"] == 7200
    assert old.json()["code"] == 0


def test_the_pages_of_a_list_are_complete(sandbox):
    headers = {"Authorization": f"Bearer {RequestFiller(sandbox).tenant_token()}"}
    ids, more = [], {}
    while more.get("has_more", True):
        query = {"fetch_child": "true", "page_size": 3, "page_token": more.get("page_token")}
        path = "/open-apis/contact/v3/departments/0/children"
        more = send_request(sandbox, "GET", path, params=query, headers=headers).json()["data"]
        ids += [entry["department_id"] for entry in more["items"]]

    assert sorted(ids) == ["2", "3", "4", "6", "7", "8", "marketing-cn"]
    assert len(ids) == len(set(ids))


def test_an_open_id_of_another_app_has_its_own_refusal(sandbox):
    filler = RequestFiller(sandbox)
    sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", secret="two")
    body = {"app_id": "cli_5a4db0c5a4db0c02", "app_secret": "two"}
    other = filler.post("/open-apis/auth/v3/tenant_access_token/internal", json=body)["tenant_access_token"]
    path = "/open-apis/contact/v3/users/zhangsan?user_id_type=user_id"
    user = send_request(sandbox, "GET", path, headers={"Authorization": f"Bearer {other}"}).json()["data"]["user"]

    path = f"/open-apis/contact/v3/users/{user['open_id']}"
    answer = send_request(sandbox, "GET", path, headers={"Authorization": f"Bearer {filler.tenant_token()}"}).json()

    assert answer["code"] == 99992361
    assert user["union_id"].startswith("on_")


def test_hostile_text_arrives_unchanged(sandbox):
    headers = {"Authorization": f"Bearer {RequestFiller(sandbox).tenant_token()}"}
    path = "/open-apis/contact/v3/users/hostile?user_id_type=user_id"

    answer = send_request(sandbox, "GET", path, headers=headers)

    assert rb"\u0000\ud800" in answer.content
    assert answer.json()["data"]["user"]["name"].startswith("龥 <script>alert(1)</script>{{7*7}}' OR 1=1;--\0\ud800")
