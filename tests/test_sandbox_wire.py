"""The sandbox's raw answers, compared with the platforms' bodies in data/sandbox/*.json.

A case says what is `given`, what happens `later` (after codes and tokens were made), the request and the answer.
With a `source` it is an answer of the real platform that others have published.
`$name` in a request is made on the spot, see `Made`. In an answer, `"~abc"` is any text that starts with abc, `"~str"`
any text, `"~^…"` any text like the expression; everything else has to be equal, keys included. `only` narrows what is
compared of users and departments. The cases of `*_published.json` are answers of the platforms that others published.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from string import Template

import pytest
import requests

DATA = Path(__file__).parent / "data" / "sandbox"
CASES = [
    pytest.param(path.stem.split("_")[0], case, id=f"{path.stem}: {case['name']}")
    for path in sorted(DATA.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
]
CALLBACK = "http://127.0.0.1:9/callback"
V2 = "/open-apis/authen/v2/oauth/token"
OIDC = "/open-apis/authen/v1/oidc/access_token"


class Made:
    """Makes what a case names with `$`: credentials, codes, tokens."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.values = {**sandbox.FEISHU, **sandbox.WECOM}

    def fill(self, request):
        """Return the request with every `$name` in it replaced."""
        text = json.dumps(request)
        for name in re.findall(r"\$(\w+)", text):
            if name not in self.values:
                self.values[name] = getattr(self, name)()
        return json.loads(Template(text).substitute(self.values))

    def code(self, **how):
        return self.sandbox.code("feishu", "zhangsan", redirect_uri=CALLBACK, **how)

    def offline_code(self):
        return self.code(scope="offline_access")

    def tenant_token(self):
        body = {"app_id": self.values["app_id"], "app_secret": self.values["app_secret"]}
        return self.post("/open-apis/auth/v3/tenant_access_token/internal", json=body)["tenant_access_token"]

    def open_id(self):
        headers = {"Authorization": f"Bearer {self.tenant_token()}"}
        path = "/open-apis/contact/v3/users/zhangsan?user_id_type=user_id"
        return call(self.sandbox, "GET", path, headers=headers).json()["data"]["user"]["open_id"]

    def oidc(self):
        headers = {"Authorization": f"Bearer {self.tenant_token()}"}
        body = {"grant_type": "authorization_code", "code": self.code()}
        return self.post(OIDC, json=body, headers=headers)["data"]

    def user_token(self):
        return self.oidc()["access_token"]

    def refresh_token(self):
        return self.oidc()["refresh_token"]

    def v2_refresh_token(self):
        return self.post(V2, json=exchange(self.sandbox, self.offline_code()))["refresh_token"]

    def v3_refresh_token(self):
        return self.post("/oauth/v3/token", json=exchange(self.sandbox, self.offline_code()))["refresh_token"]

    def basic(self):
        return base64.b64encode(f"{self.values['app_id']}:{self.values['app_secret']}".encode()).decode()

    def app_jwt(self):
        app = {"client_id": self.values["app_id"], "client_secret": self.values["app_secret"]}
        return self.post("/oauth/v3/token", data={"grant_type": "client_credentials", **app})["access_token"]

    def passport(self):
        return self.post("/suite/passport/oauth/token", data=exchange(self.sandbox, self.code()))

    def passport_token(self):
        return self.passport()["access_token"]

    def passport_refresh_token(self):
        return self.passport()["refresh_token"]

    def corp_token(self, secret=None):
        query = {"corpid": self.values["corpid"], "corpsecret": secret or self.values["corpsecret"]}
        return call(self.sandbox, "GET", "/cgi-bin/gettoken", params=query).json()["access_token"]

    def sync_token(self):
        return self.corp_token("sandbox-contact-sync-secret")

    def sso_code(self):
        return self.sandbox.code("wecom", "zhangsan", redirect_uri=CALLBACK)

    def consent_code(self):
        return self.sandbox.code("wecom", "zhangsan", source="oauth2", scope="snsapi_privateinfo")

    def outsider_code(self):
        return self.sandbox.code("wecom", "outsider")

    def customer_code(self):
        return self.sandbox.code("wecom", "customer")

    def user_ticket(self):
        query = {"access_token": self.corp_token(), "code": self.consent_code()}
        return call(self.sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()["user_ticket"]

    def post(self, path, **words):
        return call(self.sandbox, "POST", path, **words).json()


def call(sandbox, method, path, **words):
    return requests.request(method, sandbox.url + path, timeout=10, **words)


def exchange(sandbox, code, **more):
    """Return the fields with which v2, v3 and passport exchange a code."""
    app = {"client_id": sandbox.FEISHU["app_id"], "client_secret": sandbox.FEISHU["app_secret"]}
    return {"grant_type": "authorization_code", **app, "code": code, **more}


def turn(sandbox, provider, knobs):
    for name, value in knobs.items():
        if name == "clock":
            sandbox.clock(value)
        elif name == "app":
            sandbox.app(provider, **value)
        else:
            for key, changes in value.items():
                sandbox.person(provider, key, **changes)


def is_like(found, wanted):
    if isinstance(wanted, str) and wanted.startswith("~^"):
        return isinstance(found, str) and re.match(wanted[1:], found) is not None
    if isinstance(wanted, str) and wanted.startswith("~"):
        return isinstance(found, str) and bool(found) and (wanted == "~str" or found.startswith(wanted[1:]))
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(is_like(found[name], wanted[name]) for name in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(is_like, found, wanted))
    return type(found) is type(wanted) and found == wanted


def narrow(found, names):
    """Return an answer whose entries hold nothing but these names."""
    if isinstance(found, list):
        return [narrow(entry, names) for entry in found]
    if isinstance(found, dict) and not found.keys().isdisjoint(names):
        return {name: value for name, value in found.items() if name in (*names, "errcode", "errmsg")}
    if isinstance(found, dict):
        return {name: narrow(value, names) for name, value in found.items()}
    return found


@pytest.mark.parametrize(("provider", "case"), CASES)
def test_answer_is_the_platforms(sandbox, provider, case):
    turn(sandbox, provider, case.get("given", {}))
    request = Made(sandbox).fill(case["request"])
    turn(sandbox, provider, case.get("later", {}))
    wanted = case["answer"]

    answer = call(
        sandbox,
        request["method"],
        request["path"],
        headers=request.get("headers"),
        json=request.get("json"),
        data=request.get("form") or request.get("data"),
    )

    assert answer.status_code == wanted["status"], answer.text
    for name, value in wanted.get("headers", {}).items():
        assert is_like(answer.headers.get(name), value), (name, answer.headers.get(name))
    if "text" in wanted:
        assert answer.text == wanted["text"]
        return
    body = narrow(answer.json(), case["only"]) if "only" in case else answer.json()
    assert is_like(body, wanted["body"]), f"\n{json.dumps(body, ensure_ascii=False)}\nis not like\n{wanted['body']}"


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
def test_feishu_code_works_once(sandbox, path, refusal):
    made = Made(sandbox)
    fields = exchange(sandbox, made.code())
    headers = {"Authorization": f"Bearer {made.tenant_token()}"} if "v1" in path else {}
    words = {"data": fields} if "passport" in path else {"json": fields}

    first = call(sandbox, "POST", path, headers=headers, **words).json()
    second = call(sandbox, "POST", path, headers=headers, **words).json()

    assert "access_token" in first.get("data", first)
    assert second.get("code", second.get("error")) == refusal


def test_code_of_another_app_is_refused(sandbox):
    sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", secret="two")
    code = sandbox.code("feishu", "zhangsan", app_id="cli_5a4db0c5a4db0c02")

    answer = call(sandbox, "POST", V2, json=exchange(sandbox, code))

    assert (answer.status_code, answer.json()["code"]) == (400, 20024)


def test_a_refused_exchange_leaves_the_code_good(sandbox):
    code = Made(sandbox).code()
    wrong = call(sandbox, "POST", V2, json=exchange(sandbox, code, redirect_uri="http://127.0.0.1/other")).json()

    right = call(sandbox, "POST", V2, json=exchange(sandbox, code, redirect_uri=CALLBACK)).json()

    assert wrong["code"] == 20071
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
def test_pkce(sandbox, path, challenge, sent, number):
    fields = exchange(sandbox, Made(sandbox).code(**challenge), **({"code_verifier": sent} if sent else {}))

    assert call(sandbox, "POST", path, json=fields).json()["code"] == number


@pytest.mark.parametrize(("path", "number"), [(V2, 0), ("/oauth/v3/token", 20049)])
def test_a_verifier_without_a_challenge_matters_to_v3_only(sandbox, path, number):
    fields = exchange(sandbox, Made(sandbox).code(), code_verifier=VERIFIER)

    assert call(sandbox, "POST", path, json=fields).json()["code"] == number


def test_v2_takes_credentials_in_the_header(sandbox):
    fields = {"grant_type": "authorization_code", "code": Made(sandbox).code()}
    app = (sandbox.FEISHU["app_id"], sandbox.FEISHU["app_secret"])

    assert call(sandbox, "POST", V2, data=fields, auth=(app[0], "wrong")).json()["code"] == 20002
    assert call(sandbox, "POST", V2, data=fields, auth=app).json()["code"] == 0


def test_token_lifetime_can_be_set(sandbox):
    sandbox.app("feishu", token_lifetime=60)
    sandbox.app("wecom", token_lifetime=60)
    made = Made(sandbox)

    user = call(sandbox, "POST", V2, json=exchange(sandbox, made.code())).json()
    corp = made.corp_token()
    sandbox.clock(61)

    assert user["expires_in"] == 60
    assert call(sandbox, "GET", f"/cgi-bin/department/list?access_token={corp}").json()["errcode"] == 42001
    headers = {"Authorization": f"Bearer {user['access_token']}"}
    assert call(sandbox, "GET", "/open-apis/authen/v1/user_info", headers=headers).json()["code"] == 99991668


def test_a_code_from_inside_the_client_has_no_redirect_uri(sandbox):
    code = sandbox.code("feishu", "zhangsan", source="requestAccess")

    with_one = call(sandbox, "POST", V2, json=exchange(sandbox, code, redirect_uri=CALLBACK)).json()
    without = call(sandbox, "POST", V2, json=exchange(sandbox, code)).json()

    assert (with_one["code"], without["code"]) == (20071, 0)


def test_a_code_from_inside_the_client_lives_three_minutes(sandbox):
    code = sandbox.code("feishu", "zhangsan", source="requestAccess")
    sandbox.clock(181)

    assert call(sandbox, "POST", V2, json=exchange(sandbox, code)).json()["code"] == 20004


def test_dialects_can_be_told_which_codes_to_take(sandbox):
    sandbox.app("feishu", accept_codes={"v2": ["authorize"]})
    scanned = sandbox.code("feishu", "zhangsan", source="passport")
    redirected = sandbox.code("feishu", "zhangsan", source="authorize")

    assert call(sandbox, "POST", V2, json=exchange(sandbox, scanned)).json()["code"] == 20003
    assert call(sandbox, "POST", V2, json=exchange(sandbox, redirected)).json()["code"] == 0


def test_a_feishu_refresh_token_rotates_and_the_access_token_lives_on(sandbox):
    made = Made(sandbox)
    first = call(sandbox, "POST", V2, json=exchange(sandbox, made.offline_code())).json()
    refresh = {**exchange(sandbox, ""), "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    second = call(sandbox, "POST", V2, json=refresh).json()
    again = call(sandbox, "POST", V2, json=refresh).json()
    profile = call(
        sandbox, "GET", "/open-apis/authen/v1/user_info", headers={"Authorization": f"Bearer {first['access_token']}"}
    ).json()

    assert second["refresh_token"] != first["refresh_token"]
    assert again["code"] == 20073
    assert profile["code"] == 0


def test_a_scan_brings_no_refresh_token_whatever_was_granted_before(sandbox):
    made = Made(sandbox)
    first = call(sandbox, "POST", V2, json=exchange(sandbox, made.offline_code())).json()
    scanned = call(sandbox, "POST", V2, json=exchange(sandbox, made.code(source="passport"))).json()

    assert "refresh_token" in first
    assert "refresh_token" not in scanned
    assert scanned["scope"] == "auth:user.id:read"


def test_consent_cannot_be_prolonged_beyond_a_year(sandbox):
    token = Made(sandbox).v2_refresh_token()
    for _ in range(61):  # 366 days
        sandbox.clock(6 * 86400)
        refresh = {**exchange(sandbox, ""), "grant_type": "refresh_token", "refresh_token": token}
        answer = call(sandbox, "POST", V2, json=refresh).json()
        if answer["code"]:
            break
        token = answer["refresh_token"]

    assert answer["code"] == 20037


def test_a_feishu_app_token_is_renewed_in_its_last_half_hour(sandbox):
    def ask():
        words = {"app_id": sandbox.FEISHU["app_id"], "app_secret": sandbox.FEISHU["app_secret"]}
        return call(sandbox, "POST", "/open-apis/auth/v3/tenant_access_token/internal", json=words).json()

    first = ask()
    sandbox.clock(5000)
    same = ask()
    sandbox.clock(500)
    new = ask()
    old = call(
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


def test_pages_of_a_list_meet_in_the_middle(sandbox):
    headers = {"Authorization": f"Bearer {Made(sandbox).tenant_token()}"}
    found, more = [], {}
    while more.get("has_more", True):
        query = {"fetch_child": "true", "page_size": 3, "page_token": more.get("page_token")}
        path = "/open-apis/contact/v3/departments/0/children"
        more = call(sandbox, "GET", path, params=query, headers=headers).json()["data"]
        found += [entry["department_id"] for entry in more["items"]]

    assert sorted(found) == ["2", "3", "4", "6", "7", "8", "marketing-cn"]
    assert len(found) == len(set(found))


def test_an_open_id_of_another_app_is_told_apart(sandbox):
    made = Made(sandbox)
    sandbox.app("feishu", app_id="cli_5a4db0c5a4db0c02", secret="two")
    body = {"app_id": "cli_5a4db0c5a4db0c02", "app_secret": "two"}
    other = made.post("/open-apis/auth/v3/tenant_access_token/internal", json=body)["tenant_access_token"]
    path = "/open-apis/contact/v3/users/zhangsan?user_id_type=user_id"
    theirs = call(sandbox, "GET", path, headers={"Authorization": f"Bearer {other}"}).json()["data"]["user"]

    path = f"/open-apis/contact/v3/users/{theirs['open_id']}"
    mine = call(sandbox, "GET", path, headers={"Authorization": f"Bearer {made.tenant_token()}"}).json()

    assert mine["code"] == 99992361
    assert theirs["union_id"].startswith("on_")


def test_hostile_text_arrives_as_it_is(sandbox):
    headers = {"Authorization": f"Bearer {Made(sandbox).tenant_token()}"}
    path = "/open-apis/contact/v3/users/hostile?user_id_type=user_id"

    answer = call(sandbox, "GET", path, headers=headers)

    assert rb"\u0000\ud800" in answer.content
    assert answer.json()["data"]["user"]["name"].startswith("龥 <script>alert(1)</script>{{7*7}}' OR 1=1;--\0\ud800")


def test_wecom_code_works_once(sandbox):
    made = Made(sandbox)
    query = {"access_token": made.corp_token(), "code": made.sso_code()}

    first = call(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()
    second = call(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()

    assert (first["errcode"], second["errcode"]) == (0, 40029)


def test_a_refused_wecom_token_leaves_the_code_good(sandbox):
    made = Made(sandbox)
    old, code = made.corp_token(), made.sso_code()
    sandbox.app("wecom", revoke_tokens=True)

    refused = call(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params={"access_token": old, "code": code}).json()
    fresh = {"access_token": made.corp_token(), "code": code}
    accepted = call(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=fresh).json()

    assert refused["errcode"] == 40014
    assert accepted["userid"] == "zhangsan"


def test_a_wecom_token_stays_the_same_until_it_ends(sandbox):
    made = Made(sandbox)
    first = made.corp_token()
    sandbox.clock(7000)
    same = made.corp_token()
    sandbox.clock(300)

    assert same == first
    assert made.corp_token() != first


def test_cursors_reach_every_seat(sandbox):
    token, rows, cursor = Made(sandbox).sync_token(), [], None
    while cursor != "":
        answer = call(
            sandbox, "POST", f"/cgi-bin/user/list_id?access_token={token}", json={"cursor": cursor or "", "limit": 4}
        ).json()
        rows += [(row["userid"], row["department"]) for row in answer["dept_user"]]
        cursor = answer["next_cursor"]

    assert {("wangwu", 3), ("wangwu", 5), ("carol", 6)} <= set(rows)
    assert len(rows) == len(set(rows))


def test_leaving_wecom_has_two_faces(sandbox):
    token = Made(sandbox).corp_token()

    def ask(userid):
        return call(sandbox, "GET", "/cgi-bin/user/get", params={"access_token": token, "userid": userid}).json()

    assert ask("zhaoliu")["errcode"] == 60111  # resigned: gone
    assert ask("wujiu")["status"] == 5  # left by themselves: still listed
    assert (ask("sunqi")["status"], ask("zhouba")["status"]) == (2, 4)
