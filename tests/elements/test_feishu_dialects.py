"""The five dialects that exchange a Feishu code.

The tests compare requests and translated refusals.
"""

import json

import pytest
from support.portal_app import parse_query

from jit.errcode import Code

DIALECTS = ("v2", "oidc", "v1", "passport", "v3")
PATHS = {
    "v2": "/open-apis/authen/v2/oauth/token",
    "oidc": "/open-apis/authen/v1/oidc/access_token",
    "v1": "/open-apis/authen/v1/access_token",
    "passport": "/suite/passport/oauth/token",
    "v3": "/oauth/v3/token",
}


@pytest.fixture
def sign_in_by(elements, make_portal, sandbox):
    """Return a function that signs zhangsan in by a dialect.

    It returns the browser.
    """

    def sign_in(dialect, **settings):
        elements.feishu(tokenDialect=dialect, **settings)
        client = make_portal().test_client()
        assert client.sign_in().status_code == 303
        return client

    return sign_in


def find_exchange(sandbox, dialect):
    [call] = sandbox.calls(PATHS[dialect])
    return call


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_signs_in(sign_in_by, dialect):
    identity = sign_in_by(dialect).session().json["identity"]
    assert identity == {"element": "FSInnerExample", "userId": "zhangsan", "name": "张三"}


@pytest.mark.parametrize(
    ("dialect", "calls"),
    [("v2", 2), ("oidc", 2), ("v1", 1), ("passport", 2), ("v3", 2)],
)
def test_a_login_makes_no_call_too_many(sign_in_by, sandbox, dialect, calls):
    client = sign_in_by(dialect)
    paths = [call["path"] for call in sandbox.calls() if "authorize" not in call["path"]]
    assert paths.count("/open-apis/auth/v3/app_access_token/internal") == 1
    assert sum(path.startswith("/open-apis/contact/") for path in paths) == 1
    sandbox.forget_calls()
    client.sign_in()  # what we hold of the person is fresh now
    assert len([call for call in sandbox.calls() if "authorize" not in call["path"]]) == calls


def test_oidc_request_reads_as_documented(sign_in_by, sandbox):
    sign_in_by("oidc")
    call = find_exchange(sandbox, "oidc")
    assert call["method"] == "POST"
    assert call["headers"]["Content-Type"] == "application/json; charset=utf-8"
    assert call["headers"]["Authorization"].startswith("Bearer ")
    body = json.loads(call["body"])
    assert set(body) == {"grant_type", "code"}
    assert body["grant_type"] == "authorization_code"


def test_v1_sends_the_same_as_oidc(sign_in_by, sandbox):
    sign_in_by("v1")
    call = find_exchange(sandbox, "v1")
    assert set(json.loads(call["body"])) == {"grant_type", "code"}
    assert call["headers"]["Authorization"].startswith("Bearer ")


def test_v2_sends_json_with_credentials_redirect_address_and_verifier(sign_in_by, sandbox):
    sign_in_by("v2")
    call = find_exchange(sandbox, "v2")
    body = json.loads(call["body"])
    assert set(body) == {"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier"}
    assert 43 <= len(body["code_verifier"]) <= 128
    assert "Authorization" not in call["headers"]


@pytest.mark.parametrize("dialect", ["v3", "passport"])
def test_v3_and_passport_send_a_form(sign_in_by, sandbox, dialect):
    sign_in_by(dialect)
    call = find_exchange(sandbox, dialect)
    assert call["headers"]["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert set(parse_query(f"?{call['body']}")) == {"grant_type", "client_id", "client_secret", "code", "redirect_uri"}


def test_the_verifier_is_this_logins_own(sign_in_by, sandbox, elements, make_portal):
    """A stolen code fails in another login."""
    client = make_portal().test_client()
    stolen, own = client.scan(), client.scan()
    code, state = parse_query(stolen)["code"], parse_query(own)["state"]
    answer = client.get("/login/FSInnerExample/callback", query_string={"code": code, "state": state})
    assert answer.status_code == 400
    assert "This sign-in code can" in answer.text


REFUSALS = [
    (200, {"code": 20003, "msg": "x"}, 40029),
    (200, {"code": 20004, "msg": "x"}, 40029),
    (200, {"code": 20007, "msg": "x"}, 40029),
    (400, {"code": 20065, "error": "invalid_grant", "error_description": "x"}, 40029),
    (400, {"code": 20024, "error": "invalid_grant", "error_description": "x"}, 40029),
    (400, {"code": 20049, "error": "invalid_grant", "error_description": "x"}, 40029),
    (400, {"code": 20002, "error": "invalid_client", "error_description": "x"}, 40013),
    (400, {"code": 20048, "error": "invalid_client", "error_description": "x"}, 40013),
    (200, {"code": 20028, "msg": "x"}, 40013),
    (200, {"code": 20035, "msg": "x"}, 40013),
    (400, {"code": 20009, "error": "x"}, 60020),
    (200, {"code": 20029, "msg": "x"}, 60020),
    (200, {"code": 20042, "msg": "x"}, 60020),
    (200, {"code": 20046, "msg": "x"}, 60020),
    (400, {"code": 20069, "error": "x"}, 60020),
    (400, {"code": 20071, "error": "x"}, 60020),
    (400, {"code": 99991401, "msg": "x"}, 60020),
    (200, {"code": 20008, "msg": "x"}, 40302),
    (400, {"code": 20010, "error": "x"}, 40302),
    (200, {"code": 20021, "msg": "x"}, 40302),
    (200, {"code": 20022, "msg": "x"}, 40302),
    (200, {"code": 20023, "msg": "x"}, 40302),
    (400, {"code": 20066, "error": "x"}, 40302),
    (500, {"code": 20050, "error": "x"}, 50300),
    (503, {"code": 20072, "error": "x"}, 50300),
    (429, {"code": 99991400, "msg": "x"}, 50300),
    (400, {"code": 20063, "error": "x"}, 50000),
    (400, {"code": 31337, "error": "x"}, 50000),
]
NONSENSE = [
    (200, {}),
    (200, {"code": 0}),
    (200, {"code": "0", "access_token": "u-x"}),
    (200, {"code": False, "access_token": "u-x"}),
    (200, {"code": 0.0, "access_token": "u-x"}),
    (200, {"code": None, "access_token": "u-x"}),
    (200, {"access_token": "u-x"}),
    (200, {"code": 0, "access_token": ""}),
    (200, {"code": 0, "access_token": None}),
    (200, {"code": 0, "access_token": {"a": 1}}),
    (404, {"code": 0, "access_token": "u-x"}),
    (200, ["code", 0]),
    (200, "null"),
    (200, "<html>proxy login</html>"),
    (404, "404 page not found"),
    (502, "bad gateway"),
]


@pytest.mark.parametrize(("status", "body", "number"), REFUSALS)
def test_a_refused_exchange_is_translated(portal, sandbox, status, body, number):
    sandbox.fail(PATHS["v2"], status=status, body=body)
    assert refusal(portal, sandbox).code == number


@pytest.mark.parametrize(("status", "body"), NONSENSE)
def test_an_unusable_answer_is_not_a_success(portal, sandbox, status, body):
    sandbox.fail(PATHS["v2"], status=status, body=body)
    assert refusal(portal, sandbox).code == 50300


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_code_unknown_to_the_platform_is_40029_in_every_dialect(elements, make_portal, dialect):
    elements.feishu(qrTokenDialect=dialect)
    portal = make_portal()
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement("auths.loginTypes.FSInnerExample").getLoginCode("no-such-code")
    assert error.value.code == 40029


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_wrong_secret_is_40013_in_every_dialect(elements, make_portal, sandbox, dialect):
    elements.feishu(qrTokenDialect=dialect, appSecret="wrong")
    assert refusal(make_portal(), sandbox).code == 40013


@pytest.mark.parametrize("dialect", ["v2", "v3", "passport"])
def test_another_redirect_address_is_60020_and_says_so(elements, make_portal, sandbox, dialect):
    elements.feishu(tokenDialect=dialect)
    portal = make_portal()
    with portal.app_context():
        element = portal.getElement("auths.loginTypes.FSInnerExample")
        state = element.getLoginConfig(kind="redirect")["state"]
        code = sandbox.code("feishu", "zhangsan", redirect_uri="http://127.0.0.1:9/another")
        with pytest.raises(Code) as error:
            element.getLoginCode(code, state)
    assert error.value.code == 60020
    assert error.value.reason == "the redirect address differs from the one the login began with"


@pytest.mark.parametrize("person", ["resigned", "frozen"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_leavers_and_frozen_people_are_refused_in_every_dialect(elements, make_portal, sandbox, dialect, person):
    sandbox.person("feishu", "lisi", **{"resigned": {"resign": True}, "frozen": {"freeze": True}}[person])
    elements.feishu(tokenDialect=dialect)
    client = make_portal().test_client()
    answer = client.sign_in(person="lisi")
    assert answer.status_code == 403
    assert client.session().status_code == 401


@pytest.mark.parametrize("number", [20013, 20014, 99991663, 99991664])
def test_a_refused_app_token_is_renewed_once_and_the_code_sent_again(elements, make_portal, sandbox, number):
    elements.feishu(qrTokenDialect="oidc")
    portal = make_portal()
    sandbox.fail(PATHS["oidc"], body={"code": number, "msg": "x"})
    with portal.app_context():
        element = portal.getElement("auths.loginTypes.FSInnerExample")
        assert element.getLoginCode(sandbox.code("feishu", "zhangsan"))["name"] == "张三"
    assert len(sandbox.calls(PATHS["oidc"])) == 2
    assert len(sandbox.calls("/open-apis/auth/v3/app_access_token/internal")) == 2


def test_a_token_refused_twice_is_40014_and_no_third_try(elements, make_portal, sandbox):
    elements.feishu(qrTokenDialect="oidc")
    sandbox.fail(PATHS["oidc"], count=9, body={"code": 20014, "msg": "x"})
    assert refusal(make_portal(), sandbox).code == 40014
    assert len(sandbox.calls(PATHS["oidc"])) == 2


def refusal(portal, sandbox):
    """Return the error of a login from Python."""
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement("auths.loginTypes.FSInnerExample").getLoginCode(sandbox.code("feishu", "zhangsan"))
    return error.value
