"""A platform's result number is an integer or no answer.

That holds at every call of both platforms.
"""

import pytest
from support.portal_app import parse_query

from jit.errcode import Code

FEISHU = ("/open-apis/authen/v2/oauth/token", "/open-apis/authen/v1/user_info")
WECOM = ("/cgi-bin/gettoken", "/cgi-bin/auth/getuserinfo")
ODD = ["<b>", "0", "20003", "", 0.0, 1.5, True, False, None, [], [0], {}]
NAMES = {
    "access_token": "x",
    "expires_in": 7200,
    "userid": "zhangsan",
    "data": {"name": "x", "open_id": "ou_1", "union_id": "on_1", "tenant_key": "736588c9260f1750"},
}


@pytest.mark.parametrize("number", ODD, ids=repr)
@pytest.mark.parametrize("path", FEISHU + WECOM)
def test_a_number_that_is_no_integer_is_no_answer(client, sandbox, path, number):
    """Even an otherwise complete success is refused."""
    element, key = ("FSInnerExample", "code") if path in FEISHU else ("QywxInnerExample", "errcode")
    address = client.scan(element)
    sandbox.fail(path, body={key: number, **NAMES})
    answer = client.get(address)
    assert (answer.status_code, "Error 50300" in answer.text) == (503, True), answer.text
    assert "&lt;b&gt;" not in answer.text
    assert client.session().status_code == 401


@pytest.mark.parametrize("dialect", ["oidc", "v1", "passport", "v3"])
@pytest.mark.parametrize("number", ["<b>", None, 0.0])
def test_every_dialect_refuses_such_a_number(elements, make_portal, sandbox, dialect, number):
    elements.feishu(tokenDialect=dialect)
    client = make_portal().test_client()
    address = client.scan()
    page = {
        "oidc": "/open-apis/authen/v1/oidc/access_token",
        "v1": "/open-apis/authen/v1/access_token",
        "passport": "/suite/passport/oauth/token",
        "v3": "/oauth/v3/token",
    }[dialect]
    sandbox.fail(page, body={"code": number, **NAMES})
    answer = client.get(address)
    assert (answer.status_code, "Error 50300" in answer.text) == (503, True), answer.text


@pytest.mark.parametrize("path", ["/open-apis/contact/v3/users/*", "/open-apis/auth/v3/app_access_token/internal"])
def test_the_directory_refuses_such_a_number(portal, sandbox, path):
    sandbox.fail(path, body={"code": "<b>", "data": {}}, count=3)
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement("auths.loginTypes.FSInnerExample").getUserInfo("zhangsan")
    assert error.value.code == 50300


@pytest.mark.parametrize("name", ["FSInnerExample", "QywxInnerExample"])
@pytest.mark.parametrize("code", [None, "", " ", 5, b"x", ["x"], "a b", "x\n", "\x00", "\ud800", "码", "x" * 5000])
def test_an_impossible_code_is_refused_before_any_call(portal, sandbox, name, code):
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement(f"auths.loginTypes.{name}").getLoginCode(code)
    assert error.value.code == 40029
    assert sandbox.calls("/open-apis/*") == sandbox.calls("/cgi-bin/*") == []


@pytest.mark.parametrize("name", ["FSInnerExample", "QywxInnerExample"])
@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda state: f" {state}",
        lambda state: f"{state}\n",
        lambda state: f"{state[:2]} {state[2:]}",
        lambda state: f"{state[:2]}\t{state[2:]}",
        str.encode,
    ],
)
def test_from_python_the_state_is_compared_exactly(portal, client, sandbox, name, change):
    state = parse_query(client.start(name))["state"]
    sandbox.forget_calls()
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement(f"auths.loginTypes.{name}").getLoginCode("some-code", change(state))
    assert error.value.code == 40300
    assert sandbox.calls("/open-apis/*") == sandbox.calls("/cgi-bin/*") == []
