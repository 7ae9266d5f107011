"""No log at any level holds a secret.

Secrets are codes, states, tokens, session ids and mobile numbers.
"""

import io
import json
import logging
import secrets
import traceback

import pytest
from support.portal_app import parse_query

from portal import logs
from portal.database import db
from portal.errors import Code
from portal.models import AppToken
from portal.signin import administrator_links

SECRETS = ("sandbox-feishu-secret", "sandbox-wecom-secret", "a secret key for tests, long enough to be one")


@pytest.fixture
def read_log(caplog):
    """Everything that is logged, at the finest level."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(
        f"{record.getMessage()} {record.args} {record.exc_text or ''} {record.exc_info or ''}"
        for record in caplog.records
    )


@pytest.fixture(params=["json", "text"])
def read_lines(request):
    """Everything as it is written, with the finest level of each library."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(logs.FORMATTERS[request.param]())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


def collect_canaries(client, sandbox):
    """Sign people in and out in many ways.

    Return the values that may be in no log.
    """
    canaries = set(SECRETS)
    for element in ("FSInnerExample", "QywxInnerExample"):
        address = client.scan(element)
        canaries |= set(parse_query(address).values())
        client.get(address)
        canaries.add(client.cookie())
        client.get(address)
        client.get(client.scan(element, action="deny"))
        client.post_form("/logout")
    for path, how in (
        ("/open-apis/authen/v2/oauth/token", {"status": 400, "body": {"code": 20003, "error": "canary-error-text"}}),
        ("/open-apis/authen/v2/oauth/token", {"drop": True}),
        ("/open-apis/authen/v1/user_info", {"body": "canary-body-text"}),
        ("/cgi-bin/auth/getuserinfo", {"body": {"errcode": 40029, "errmsg": "canary-message-text"}}),
        ("/cgi-bin/auth/getuserinfo", {"drop": True}),
        ("/cgi-bin/user/get", {"drop": True}),
        ("/cgi-bin/user/get", {"status": 500, "body": "x"}),
    ):
        sandbox.fail(path, **how)
        address = client.scan("FSInnerExample" if "open-apis" in path else "QywxInnerExample")
        canaries |= set(parse_query(address).values())
        client.get(address)
    canaries |= {"canary-error-text", "canary-body-text", "canary-message-text"}
    with client.application.app_context():
        token = administrator_links.make_administrator("alice", promote=True).token
        canaries |= {token}
        for row in db.session.query(AppToken):
            canaries |= set(json.loads(row.value).values())
    client.get(f"/login/once/{token}")
    client.post_form(f"/login/once/{token}")
    client.get("/login/once/canary-wrong-link")
    canaries.add("canary-wrong-link")
    for call in sandbox.calls("/open-apis/authen/v2/oauth/token"):
        canaries.add(json.loads(call["body"])["code_verifier"])
    for call in sandbox.calls("/open-apis/authen/v1/user_info"):
        canaries.add(call["headers"]["Authorization"].removeprefix("Bearer "))
    canaries |= {"13800000001"}
    return {canary for canary in canaries if canary}


def test_logs_hold_none_of_the_canaries(client, sandbox, read_log):
    canaries = collect_canaries(client, sandbox)
    assert len(canaries) > 30
    logged = read_log()
    assert "signed in" in logged
    assert [canary for canary in canaries if canary in logged] == []


def test_lines_as_they_are_written_hold_none_either(client, sandbox, read_lines):
    logging.getLogger("urllib3").setLevel(logging.DEBUG)  # what its filter would keep back is harmless, too
    try:
        canaries = collect_canaries(client, sandbox)
    finally:
        logging.getLogger("urllib3").setLevel(logs.QUIET_LEVELS["urllib3"])
    lines = read_lines()
    assert "signed in" in lines or '"sign_in"' in lines
    assert "/cgi-bin/auth/getuserinfo" in lines
    assert [canary for canary in canaries if canary in lines] == []
    names = ("张三", ascii("张三")[1:-1], "zhangsan")
    assert [name for name in names if name in lines] == []


def test_a_traceback_has_no_addresses(elements, make_portal):
    """WeCom's secrets are in addresses, which errors quote."""
    elements.wecom(apiBaseUrl="http://127.0.0.1:9")
    portal, code = make_portal(), secrets.token_hex(16)
    with portal.app_context(), pytest.raises(Code) as error:
        portal.getElement("auths.loginTypes.QywxInnerExample").getLoginCode(code)
    trace = "".join(traceback.format_exception(error.value))
    assert "50300" in trace
    assert code not in trace
    assert not [secret for secret in SECRETS if secret in trace]


def test_a_leak_would_be_found(client, sandbox, read_log):
    address = client.scan()
    logging.getLogger("portal.pages.login").debug("callback %s", address)
    assert parse_query(address)["code"] in read_log()


def test_one_line_says_how_a_login_ended(client, sandbox, caplog):
    caplog.set_level(logging.INFO)
    client.sign_in()
    client.sign_in("QywxInnerExample", "outsider")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("portal.pages")]
    assert [line.split(" ", 1)[1] for line in lines] == [
        "FSInnerExample: signed in, account 1",
        "QywxInnerExample: 40301: the visitor is not a member of this company (platform None)",
    ]


def test_a_fault_of_ours_is_logged_without_its_text(elements, make_portal, caplog):
    folder = elements.folder / "Faulty"
    folder.mkdir()
    (folder / "e.json").write_text('{"title": "x", "type": "auths.loginTypes.FSInnerType"}')
    (folder / "__init__.py").write_text(
        "from portal.elements import FSInnerType\n"
        "class Faulty(FSInnerType):\n"
        "    def getLoginCode(self, authCode, state=None):\n"
        "        raise RuntimeError('canary ' + authCode)\n"
    )
    elements.feishu("OfFaulty", type="Faulty")
    client = make_portal().test_client()
    assert client.sign_in("OfFaulty").status_code == 500
    assert "canary" not in caplog.text
    assert "RuntimeError at" in caplog.text
    assert "getLoginCode" in caplog.text
