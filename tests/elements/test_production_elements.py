"""In production no element may use this machine's addresses.

A program there could sign anybody in.
"""

import logging

import pytest
from support.admin_client import sign_in_administrator
from support.portal_app import ROOT, Browser, make_settings

import app as portal_app
from jit.errcode import Code
from portal.database import db
from portal.elements import doctor
from portal.models import Account, Identity

SHIPPED = {"FSInnerExample": "openBaseUrl", "QywxInnerExample": "apiBaseUrl"}
LOCAL = [
    "127.0.0.1",
    "127.0.0.1:8443",
    "127.8.9.10",
    "LocalHost",
    "localhost.",
    "feishu.localhost",
    "Open.Feishu.LOCALHOST.",
    "localhost.localdomain",
    "ip6-localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[::]",
    "[::1%25lo]",
    "0.0.0.0",
    "0.1.2.3",
    "0",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0X7F.0.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "１２７.0.0.1",
    "127。0。0。1",
    "ⓛocalhost",
]
ELSEWHERE = ["10.0.0.1", "[2001:db8::1]", "128.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "a_b.example"]
FEISHU_KEYS = ("openBaseUrl", "accountsBaseUrl", "passportBaseUrl", "qrSdkUrl", "h5SdkUrl")
WECOM_KEYS = ("apiBaseUrl", "loginBaseUrl", "oauthBaseUrl")


@pytest.fixture
def production(elements, make_portal):
    """Return a function that makes a portal for production.

    It has one element, `X`, with the settings given.
    """

    def make(type, **settings):
        elements.add("X", type, settings)
        return make_portal(PORTAL_ENV="production")

    return make


def feishu(**more):
    return {"type": "FSInnerType", "appId": "cli_1", "appSecret": "x", **more}


def wecom(base, **more):
    return {
        "type": "QywxInnerType",
        "corpId": "ww1",
        "corpSecret": "x",
        "agentId": "1",
        "redirectUri": f"{base}/cb",
        **more,
    }


def read_problem(portal, name="X"):
    with pytest.raises(Code) as error:
        portal.getElement(f"auths.loginTypes.{name}")
    return error.value


class TestTheShippedExamples:
    """The shipped examples use the sandbox on this machine.

    It would sign in any person.
    """

    @pytest.fixture
    def portal(self, sandbox, database, base, tmp_path, caplog):
        caplog.set_level(logging.INFO)
        environ = {**make_settings(database, ROOT, base), "SANDBOX_URL": sandbox.url, "PORTAL_ENV": "production"}
        made = portal_app.create_app(environ)
        made.test_client_class = Browser
        yield made
        with made.app_context():
            db.session.remove()
            db.engine.dispose()

    @pytest.mark.parametrize("name", SHIPPED)
    def test_no_person_can_sign_in(self, portal, sandbox, name):
        client = portal.test_client()
        token = client.get("/api/csrf").json["csrfToken"]
        code = sandbox.code("feishu" if name == "FSInnerExample" else "wecom", "zhangsan")
        sandbox.forget_calls()
        headers = {"X-CSRFToken": token}
        api = f"/api/auths/loginTypes/{name}"
        for answer in (
            client.get(f"/login/{name}"),
            client.get(f"/login/{name}/in-app"),
            client.get(f"/login/{name}/callback?code={code}&state=x"),
            client.post(f"{api}/getLoginConfig", json={}, headers=headers),
            client.post(f"{api}/getLoginCode", json={"authCode": code}, headers=headers),
        ):
            assert answer.status_code == 500, answer.text
            assert "47001" in answer.text
        assert read_problem(portal, name).code == 47001
        assert client.session().status_code == 401
        assert sandbox.calls() == []
        with portal.app_context():
            assert db.session.query(Account).count() == db.session.query(Identity).count() == 0

    def test_log_and_doctor_name_file_and_key(self, portal, caplog):
        log = "\n".join(record.getMessage() for record in caplog.get_records("setup"))
        for name, key in SHIPPED.items():
            reason = f"auths/loginTypes/{name}/{name}.json: {key} is an address of this machine"
            page = portal.test_client().get(f"/login?via={name}").text
            assert "is not available because it is not set up correctly" in page and "/login/" not in page
            assert f"element {name} is broken: 47001: {reason}" in log
            with portal.app_context():
                findings = doctor.examine(portal.elements.instances[name])
            assert reason in findings[0].cause and findings[0].state == doctor.PROBLEM

    def test_the_page_elements_names_them(self, portal):
        page = sign_in_administrator(portal).get("/admin/elements").text
        for name, key in SHIPPED.items():
            assert f"auths/loginTypes/{name}/{name}.json: {key} is an address of this machine" in page


@pytest.mark.parametrize("host", LOCAL)
def test_every_spelling_of_this_machine_is_refused(production, host):
    error = read_problem(production(**feishu(openBaseUrl=f"https://{host}", tenantKeys=["t"])))
    assert error.code == 47001
    assert error.reason.startswith("auths/loginTypes/X/X.json: openBaseUrl is ")


@pytest.mark.parametrize("key", FEISHU_KEYS + WECOM_KEYS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_is_refused_in_every_address(production, base, key, scheme):
    path = "/sdk.js" if key.endswith("SdkUrl") else ""
    more = {key: f"{scheme}://localhost:8100{path}"}
    error = read_problem(
        production(**(feishu(tenantKeys=["t"], **more) if key in FEISHU_KEYS else wecom(base, **more)))
    )
    assert error.code == 47001
    assert f"X.json: {key} is an address of this machine" in error.reason


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_hosts_are_allowed(production, base, host):
    assert production(**wecom(base, apiBaseUrl=f"https://{host}")).getElement("auths.loginTypes.X")


def test_a_forward_proxy_may_be_on_this_machine(production, base):
    portal = production(**wecom(base, httpProxy="http://127.0.0.1:3128"))
    assert portal.getElement("auths.loginTypes.X")
    assert production(**feishu(httpProxy="http://localhost:3128")).getElement("auths.loginTypes.X")


@pytest.mark.parametrize("host", ["%31%32%37.0.0.1", "127.0.0.1%2f", "a b", "a\tb", "", "..", "ex*mple", "a\\@b"])
def test_an_impossible_host_is_refused(production, host):
    error = read_problem(production(**feishu(openBaseUrl=f"https://{host}")))
    assert (error.code, "X.json: openBaseUrl " in error.reason) == (47001, True)


class TestTenantKeys:
    """A foreign host may name any company in a profile."""

    @pytest.mark.parametrize("key", ["openBaseUrl", "accountsBaseUrl", "passportBaseUrl"])
    @pytest.mark.parametrize("host", ["feishu.example.com", "open.feishu.cn.example.com", "notfeishu.cn", "10.0.0.1"])
    def test_tenant_keys_are_required_for_foreign_hosts(self, production, key, host):
        error = read_problem(production(**feishu(**{key: f"https://{host}"})))
        assert error.code == 47000
        assert f"X.json: tenantKeys is missing: {key} is not Feishu's or Lark's own" in error.reason
        assert production(**feishu(**{key: f"https://{host}"}, tenantKeys=["t"])).getElement("auths.loginTypes.X")

    @pytest.mark.parametrize("region", ["feishu", "lark"])
    def test_tenant_keys_are_optional_for_the_platforms_hosts(self, production, region):
        assert production(**feishu(region=region)).getElement("auths.loginTypes.X")
        own = feishu(openBaseUrl="https://Open.Larksuite.com", accountsBaseUrl="https://accounts.feishu.cn")
        assert production(**own).getElement("auths.loginTypes.X")

    def test_tenant_keys_are_optional_in_development(self, elements, make_portal):
        settings = feishu(openBaseUrl="https://feishu.example.com")
        elements.add("X", settings.pop("type"), settings)
        assert make_portal().getElement("auths.loginTypes.X")
