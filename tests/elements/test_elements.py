"""Elements are read from their folders; a broken one says where and takes nothing else down."""

import json

import pytest
from support.portal_app import FEISHU_APP, WECOM_APP, parse_query

from portal.database import db
from portal.elements import FSInnerType, Meta, Person, QywxInnerType
from portal.errors import Code
from portal.models import FSInnerAuthModel, Identity, QywxInnerAuthModel

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


@pytest.fixture
def own_type(elements):
    """Return a function that writes a developer's Type."""

    def write(name, code, base="Meta"):
        folder = elements.folder / name
        folder.mkdir(parents=True)
        (folder / "e.json").write_text(json.dumps({"title": name, "type": f"{FULL}{base}"}))
        (folder / "__init__.py").write_text(code)

    return write


def problem(portal, name):
    with pytest.raises(Code) as error:
        portal.getElement(FULL + name)
    return error.value


class TestFiles:
    @pytest.mark.parametrize("key", ["appId", "appSecret"])
    def test_a_missing_feishu_key_is_47000_naming_file_and_key(self, elements, make_portal, key):
        elements.add("X", "FSInnerType", {name: value for name, value in FEISHU_APP.items() if name != key})
        found = problem(make_portal(), "X")
        assert (found.code, found.reason) == (47000, f"auths/loginTypes/X/X.json: {key} is missing")

    @pytest.mark.parametrize("key", ["corpId", "corpSecret", "agentId", "redirectUri"])
    def test_a_missing_wecom_key_is_47000_naming_file_and_key(self, elements, make_portal, base, key):
        whole = {**WECOM_APP, "redirectUri": f"{base}/cb"}
        elements.add("X", "QywxInnerType", {name: value for name, value in whole.items() if name != key})
        found = problem(make_portal(), "X")
        assert (found.code, found.reason) == (47000, f"auths/loginTypes/X/X.json: {key} is missing")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("appId", ["x"]),
            ("appId", "  "),
            ("region", "mars"),
            ("tokenDialect", "v9"),
            ("qrTokenDialect", "v9"),
            ("authCodeDialect", True),
            ("isActive", "yes"),
            ("ownPage", 1),
            ("tenantKeys", "abc"),
            ("tenantKeys", []),
            ("tenantKeys", [1]),
            ("openBaseUrl", "http://open.feishu.cn"),
            ("openBaseUrl", "https://open.feishu.cn/open-apis"),
            ("openBaseUrl", "https://user@open.feishu.cn"),
            ("openBaseUrl", "open.feishu.cn"),
            ("accountsBaseUrl", "https://a.example:port"),
            ("passportBaseUrl", "javascript:alert(1)"),
            ("qrSdkUrl", "http://cdn.example/x.js"),
            ("redirectUri", "https://elsewhere.example/cb"),
        ],
    )
    def test_a_wrong_feishu_value_is_47001_naming_file_and_key(self, elements, make_portal, key, value):
        elements.feishu("X", **{key: value})
        found = problem(make_portal(), "X")
        assert found.code == 47001
        assert found.reason.startswith(f"auths/loginTypes/X/X.json: {key} ")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("agentId", "10 00"),
            ("agentId", "one"),
            ("scope", "snsapi_userinfo"),
            ("httpProxy", "proxy:3128"),
            ("domainVerification", "WW_verify_x.txt"),
            ("domainVerification", {"file": "../../etc/passwd", "content": "x"}),
            ("domainVerification", {"file": "WW_verify_abc.txt"}),
            ("apiBaseUrl", "http://qyapi.weixin.qq.com"),
        ],
    )
    def test_a_wrong_wecom_value_is_47001_naming_file_and_key(self, elements, make_portal, key, value):
        elements.wecom("X", **{key: value})
        found = problem(make_portal(), "X")
        assert found.code == 47001
        assert found.reason.startswith(f"auths/loginTypes/X/X.json: {key} ")

    @pytest.mark.parametrize(
        ("declared", "number", "where"),
        [
            ('{"title": "X"}', 47000, "e.json: type is missing"),
            ('{"type": "auths.loginTypes.FSInnerType"}', 47000, "e.json: title is missing"),
            ('{"title": "X", "type": "auths.loginTypes.Nothing"}', 47000, "there is no element"),
            ('{"title": "X", "type": "auths.loginTypes.Meta"}', 47001, "e.json: type must name a Type with a login"),
            ('{"title": "X", "type": "auths.loginTypes.FSInnerExample"}', 47001, "e.json: type must name a Type"),
            ("{", 47001, "e.json can't be read as JSON"),
            ("[]", 47001, "e.json must hold a JSON object"),
            ("[" * 100_000, 47001, "e.json can't be read as JSON"),
        ],
    )
    def test_a_declaration_that_makes_no_sense(self, elements, make_portal, declared, number, where):
        elements.feishu("X")
        (elements.folder / "X" / "e.json").write_text(declared)
        found = problem(make_portal(), "X")
        assert found.code == number
        assert where in found.reason

    def test_a_missing_settings_file(self, elements, make_portal):
        elements.feishu("X")
        (elements.folder / "X" / "X.json").unlink()
        found = problem(make_portal(), "X")
        assert (found.code, found.reason) == (47000, "auths/loginTypes/X/X.json is missing")

    def test_blanks_a_byte_order_mark_and_unknown_keys_do_no_harm(self, elements, make_portal):
        elements.wecom(agentId=1000002, corpSecret=" sandbox-wecom-secret\n", somethingElse={"a": 1})
        file = elements.folder / "QywxInnerExample" / "QywxInnerExample.json"
        for part in (file, file.with_name("e.json")):
            part.write_text(part.read_text(), encoding="utf-8-sig")
        assert make_portal().test_client().sign_in("QywxInnerExample").status_code == 303

    def test_an_unknown_element(self, portal):
        for name in ("Nothing", ""):
            assert problem(portal, name).code == 47000
        with pytest.raises(Code):
            portal.getElement("FSInnerExample")

    def test_no_folder_at_all(self, make_portal, tmp_path):
        client = make_portal(PORTAL_APP_DIR=str(tmp_path / "nothing")).test_client()
        page = client.get("/login")
        assert page.status_code == 200
        assert "No login is set up yet" in page.text


class TestVariables:
    def test_from_the_environment_a_file_a_default_and_the_setting(self, elements, make_portal, tmp_path, base):
        (tmp_path / "secret").write_text("sandbox-feishu-secret\n", encoding="utf-8-sig")  # as Windows' editors do
        elements.feishu(
            appId="${FS_ID}",
            appSecret="${FS_SECRET}",
            region="${FS_REGION:-feishu}",
            redirectUri="${PORTAL_BASE_URL}/feishu/back",
        )
        portal = make_portal(FS_ID="cli_5a4db0c5a4db0c01", FS_SECRET_FILE=str(tmp_path / "secret"))
        client = portal.test_client()
        assert parse_query(client.start("FSInnerExample"))["redirect_uri"] == f"{base}/feishu/back"
        assert client.sign_in().status_code == 303

    def test_unset_is_47000(self, elements, make_portal):
        elements.feishu(appId="${FS_ID}")
        found = problem(make_portal(), "FSInnerExample")
        assert found.code == 47000
        assert found.reason == (
            "auths/loginTypes/FSInnerExample/FSInnerExample.json: appId needs the variable FS_ID, which is not set"
        )

    def test_an_empty_default_is_a_missing_value(self, elements, make_portal):
        elements.feishu(appId="${FS_ID:-}")
        assert problem(make_portal(), "FSInnerExample").code == 47000


class TestOnTheWeb:
    def test_a_broken_element_is_shown_without_a_button_and_the_others_work(self, elements, make_portal):
        elements.feishu("Broken", appId="")
        client = make_portal().test_client()
        assert ">Broken</span>" in client.get("/login").text
        page = client.get("/login?via=Broken").text
        assert "Broken is not available" in page
        assert 'href="/login/Broken"' not in page
        for path in ("/login/Broken", "/login/Broken/callback?state=x&code=y"):
            answer = client.get(path)
            assert answer.status_code == 500
            assert "Error 47000" in answer.text
        assert client.sign_in().status_code == 303

    def test_an_inactive_element_has_no_button_no_routes_and_ends_open_logins(self, elements, make_portal, portal):
        client = portal.test_client()
        address = client.scan()
        client.sign_in("QywxInnerExample")
        elements.feishu(isActive=False)
        later = make_portal()
        again = later.test_client()
        for name in ("portal_visit", "portal_session"):
            again.set_portal_cookie(client.cookie(name), name)
        assert 'href="/login/FSInnerExample"' not in later.test_client().get("/login").text
        assert again.get("/login/FSInnerExample").status_code == 404
        assert again.get(address).status_code == 404
        assert again.session().status_code == 200
        assert later.getElement(FULL + "FSInnerExample").isActive is False

    def test_an_inactive_element_may_lack_its_secret(self, elements, make_portal):
        elements.feishu(isActive=False, appSecret="${FS_SECRET}")
        client = make_portal().test_client()
        assert "FSInnerExample" not in client.get("/login").text
        assert client.get("/login/FSInnerExample").status_code == 404

    def test_the_name_once_is_reserved(self, elements, make_portal):
        elements.feishu("once")
        assert problem(make_portal(), "once").code == 47001

    @pytest.mark.parametrize(
        "path", ["/account", "/login", "/login/FSInnerExample", "/api/session", "/static/x.js", "/healthz", "/logout"]
    )
    def test_a_redirect_address_that_is_a_page_of_the_portal_breaks_the_element(
        self, elements, make_portal, base, path
    ):
        elements.wecom("X", redirectUri=base + path)
        found = problem(make_portal(), "X")
        assert found.code == 47001
        assert path in found.reason

    @pytest.mark.parametrize(
        "path", ["/cb/<x>", "/cb/<bad:x>", "/cb/<", "/c b", "/cb#x", "/cb\u202e", "/cb\\x", "/\u4e2d"]
    )
    def test_a_redirect_path_no_address_can_have_breaks_the_element_alone(self, elements, make_portal, base, path):
        elements.wecom("X", redirectUri=base + path)
        portal = make_portal()
        assert problem(portal, "X").code == 47001
        assert portal.test_client().sign_in().status_code == 303

    @pytest.mark.parametrize("path", ["/%E4%B8%AD/cb", "/cb%20x", "/cb?a=1"])
    def test_a_redirect_path_with_escapes_is_served(self, elements, make_portal, base, path):
        elements.wecom(redirectUri=base + path)
        client = make_portal().test_client()
        assert parse_query(client.start("QywxInnerExample"))["redirect_uri"] == base + path
        assert client.sign_in("QywxInnerExample").status_code == 303

    def test_elements_may_share_a_redirect_address_the_state_decides(self, elements, make_portal, base):
        elements.feishu(redirectUri=f"{base}/api/auth/qywx/callback")
        portal = make_portal()
        for element in ("FSInnerExample", "QywxInnerExample"):
            client = portal.test_client()
            address = client.scan(element)
            assert address.startswith("/api/auth/qywx/callback?")
            assert client.get(address).status_code == 303
            assert client.session().json["identity"]["element"] == element

    def test_a_shared_address_answers_with_pages(self, client):
        answer = client.get("/api/auth/qywx/callback?code=x&state=y")
        assert answer.status_code == 400
        assert answer.content_type.startswith("text/html")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Please start again" in answer.text

    def test_the_own_callback_is_served_besides(self, client):
        address = client.scan("QywxInnerExample").replace("/api/auth/qywx/callback", "/login/QywxInnerExample/callback")
        assert client.get(address).status_code == 303

    def test_an_own_page_is_not_served(self, elements, make_portal, base):
        elements.wecom(redirectUri=f"{base}/my/page", ownPage=True)
        client = make_portal().test_client()
        assert parse_query(client.start("QywxInnerExample"))["redirect_uri"] == f"{base}/my/page"
        assert client.get("/my/page").status_code == 404

    def test_wecoms_verification_file_is_at_the_root(self, elements, make_portal):
        elements.wecom(domainVerification={"file": "WW_verify_a1B2c3.txt", "content": "a1B2c3"})
        client = make_portal().test_client()
        answer = client.get("/WW_verify_a1B2c3.txt")
        assert (answer.status_code, answer.text) == (200, "a1B2c3")
        assert answer.content_type == "text/plain; charset=utf-8"
        assert client.get("/WW_verify_other.txt").status_code == 404
        assert client.get("/robots.txt").status_code == 404


class TestTypes:
    def test_the_hierarchy(self, portal):
        feishu = portal.getElement(FULL + "FSInnerExample")
        assert isinstance(feishu, FSInnerType)
        assert issubclass(FSInnerType, Meta)
        assert portal.getElement(FULL + "FSInnerType") is FSInnerType
        assert portal.getElement(FULL + "QywxInnerType") is QywxInnerType
        assert portal.getElement(FULL + "Meta") is Meta
        assert feishu.FSInnerAuthModel is FSInnerAuthModel
        assert portal.getElement(FULL + "QywxInnerExample").QywxInnerAuthModel is QywxInnerAuthModel

    def test_an_own_type_changes_what_the_official_one_returns(self, own_type, elements, make_portal):
        own_type(
            "Shouting",
            """
from portal.elements import FSInnerType

class Shouting(FSInnerType):
    def getLoginConfig(self, **kwargs):
        return {**super().getLoginConfig(**kwargs), "hello": "world"}

    def getLoginCode(self, authCode, state=None):
        person = super().getLoginCode(authCode, state)
        return {**person, "name": person["name"] + "!", "position": "boss"}
""",
            base="FSInnerType",
        )
        elements.feishu("Loud", type="Shouting")
        portal = make_portal()
        client = portal.test_client()
        assert client.sign_in("Loud").status_code == 303
        assert client.session().json["identity"]["name"] == "张三!"
        assert portal.getElement(FULL + "Loud").getLoginConfig()["hello"] == "world"
        with portal.app_context():
            assert db.session.query(Identity).one().position == "boss"

    def test_an_own_type_cannot_lose_the_states_check(self, own_type, elements, make_portal, sandbox):
        own_type(
            "Careless",
            """
from portal.elements import FSInnerType

class Careless(FSInnerType):
    def getLoginCode(self, authCode, state=None):
        return super().getLoginCode(authCode)
""",
            base="FSInnerType",
        )
        elements.feishu("Loose", type="Careless")
        portal = make_portal()
        client = portal.test_client()
        assert portal.test_client().get(client.scan("Loose")).status_code == 400
        query = parse_query(client.scan("FSInnerExample"))
        assert client.get("/login/Loose/callback", query_string=query).status_code == 400
        assert client.session().status_code == 401

    def test_a_folder_named_like_an_official_type_replaces_it_everywhere(self, own_type, elements, make_portal):
        own_type(
            "FSInnerType",
            """
from portal.elements import FSInnerType as Official

class FSInnerType(Official):
    def getLoginCode(self, authCode, state=None):
        return {**super().getLoginCode(authCode, state), "name": "overridden"}
""",
            base="FSInnerType",
        )
        portal = make_portal()
        client = portal.test_client()
        client.sign_in()
        assert client.session().json["identity"]["name"] == "overridden"
        found = portal.getElement(FULL + "FSInnerType")
        assert found is not FSInnerType
        assert issubclass(found, FSInnerType)

    def test_a_type_directly_on_meta(self, own_type, elements, make_portal, base):
        own_type(
            "Badge",
            """
from portal.elements import Meta, Person
from .door import opened_by

class Badge(Meta):
    provider = "badge"

    def configure(self):
        self.gate = self.text("gate")

    def authorize_url(self, kind, state):
        return f"{self.gate}/?state={state}"

    def getLoginCode(self, authCode, state=None):
        return Person(provider="badge", tenant="hq", subject=opened_by(authCode), userId=authCode, name="Bo Badge")
""",
        )
        (elements.folder / "Badge" / "door.py").write_text("def opened_by(code):\n    return code.casefold()\n")
        elements.add("FrontDoor", "Badge", {"gate": "https://gate.example"}, title="Front door")
        portal = make_portal()
        client = portal.test_client()
        assert "Sign in with Front door" in client.get("/login?via=FrontDoor").text
        address = client.start("FrontDoor")
        assert address.startswith("https://gate.example/?state=")
        state = parse_query(address)["state"]
        assert client.get(f"/login/FrontDoor/callback?code=Bo7&state={state}").status_code == 303
        assert client.session().json["identity"] == {"element": "FrontDoor", "userId": "Bo7", "name": "Bo Badge"}
        with portal.app_context():
            row = db.session.query(Identity).one()
            assert (row.provider, row.tenant, row.subject, type(row)) == ("badge", "hq", "bo7", Identity)

    @pytest.mark.parametrize(
        ("code", "where"),
        [
            ("1/0", "can't be imported: ZeroDivisionError"),
            ("syntax error", "can't be imported: SyntaxError"),
            ("x = 1", "must export a class Bad"),
            ("Bad = 5", "must export a class Bad"),
            ("class Bad: pass", "must export a class Bad"),
        ],
    )
    def test_a_broken_type_breaks_its_instances_alone(self, own_type, elements, make_portal, code, where):
        own_type("Bad", code)
        elements.feishu("OfBad", type="Bad")
        portal = make_portal()
        for name in ("Bad", "OfBad"):
            found = problem(portal, name)
            assert found.code == 47001
            assert "auths/loginTypes/Bad/__init__.py" in found.reason
            assert where in found.reason
        assert portal.test_client().sign_in().status_code == 303

    def test_a_type_that_fails_at_its_start_breaks_its_instances_alone(self, own_type, elements, make_portal):
        own_type(
            "Bad",
            "from portal.elements import Meta\nclass Bad(Meta):\n    def configure(self):\n        raise KeyError('x')",
        )
        elements.feishu("OfBad", type="Bad")
        portal = make_portal()
        assert problem(portal, "OfBad").reason == "element OfBad fails at its start: KeyError"
        assert portal.test_client().sign_in().status_code == 303

    @pytest.mark.parametrize(
        "method",
        [
            "def page_sources(self, page): raise RuntimeError",
            "def page_sources(self, page): return None",
            "def page_sources(self, page): return {'script-src': [5]}",
            "def root_files(self): return {'a.txt': 5}",
            "def is_client(self, agent): raise RuntimeError",
            "def qr(self): raise RuntimeError",
            "def configure(self): super().configure(); self.redirectUri = 5",
            "def configure(self): super().configure(); self.title = None",
        ],
    )
    def test_a_type_whose_pages_fail_breaks_its_instances_alone(self, own_type, elements, make_portal, method):
        own_type("Bad", f"from portal.elements import FSInnerType\nclass Bad(FSInnerType):\n    {method}\n")
        elements.feishu("OfBad", type="Bad")
        portal = make_portal()
        assert problem(portal, "OfBad").code == 47001
        client = portal.test_client()
        assert client.get("/login").status_code == 200
        assert client.get("/robots.txt").status_code == 404
        assert client.sign_in().status_code == 303

    @pytest.mark.parametrize("result", ["None", "[]", "{}", "5", "{'name': 5}", "{'provider': 'x', 'userId': 'y'}"])
    @pytest.mark.parametrize("policy", ["create", "queue", "refuse"])
    def test_a_login_that_names_nobody_is_a_fault_not_a_session(self, own_type, elements, make_portal, result, policy):
        code = "from portal.elements import FSInnerType\nclass Odd(FSInnerType):\n    def getLoginCode(self, *a):\n"
        own_type("Odd", f"{code}        return {result}\n")
        elements.feishu("OfOdd", type="Odd")
        client = make_portal(PORTAL_UNKNOWN_PEOPLE=policy).test_client()
        assert client.sign_in("OfOdd").status_code in (500, 503)
        assert client.session().status_code == 401

    @pytest.mark.parametrize("name", ["5", "'\\ud800x'", "None"])
    def test_somebody_with_an_odd_name_waits_like_anybody(self, own_type, elements, make_portal, name):
        code = "from portal.elements import FSInnerType\nclass Odd(FSInnerType):\n    def getLoginCode(self, *a):\n"
        own_type("Odd", f"{code}        return {{**super().getLoginCode(*a), 'name': {name}}}\n")
        elements.feishu("OfOdd", type="Odd")
        answer = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client().sign_in("OfOdd")
        assert answer.status_code == 403
        assert "Waiting for approval" in answer.text

    def test_a_fault_in_an_own_login_is_a_page_not_a_trace(self, own_type, elements, make_portal):
        own_type(
            "Faulty",
            """
from portal.elements import FSInnerType

class Faulty(FSInnerType):
    def getLoginCode(self, authCode, state=None):
        raise RuntimeError("the secret is " + authCode)
""",
            base="FSInnerType",
        )
        elements.feishu("OfFaulty", type="Faulty")
        client = make_portal().test_client()
        answer = client.sign_in("OfFaulty")
        assert answer.status_code == 500
        assert "Something went wrong" in answer.text
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text


class TestMethods:
    """What `getLoginCode`, `getUserInfo` and `getAccessToken` return."""

    @pytest.fixture(params=["FSInnerExample", "QywxInnerExample"])
    def element(self, request, portal):
        with portal.app_context():
            yield portal.getElement(FULL + request.param)

    def code(self, element, sandbox, person):
        return sandbox.code(element.provider, person, redirect_uri=element.redirectUri)

    def test_a_login_tells_everything_the_company_lets_us_read(self, element, sandbox):
        person = element.getLoginCode(self.code(element, sandbox, "zhangsan"))
        assert set(person) >= BASE_KEYS
        assert (person["userId"], person["name"], person["position"]) == ("zhangsan", "张三", "工程师")
        assert (person["status"], person["isLeader"]) == (1, False)
        assert person["department"]
        assert [row["deptId"] for row in person["departments"]] == person["department"]

    def test_feishu_tells_more_than_wecom(self, portal, sandbox):
        with portal.app_context():
            feishu, wecom = (portal.getElement(FULL + name) for name in ("FSInnerExample", "QywxInnerExample"))
            rich = feishu.getLoginCode(self.code(feishu, sandbox, "zhangsan"))
            poor = wecom.getLoginCode(self.code(wecom, sandbox, "zhangsan"))
        assert rich["mobile"] and rich["email"] and rich["gender"] == 1
        assert (poor["mobile"], poor["email"], poor["avatar"], poor["gender"]) == ("", "", "", 0)

    def test_all_ten_keys_are_there_when_everything_is_withheld(self, portal, sandbox):
        sandbox.fail("/open-apis/contact/v3/users/*", status=400, body={"code": 99991672, "msg": "x"})
        with portal.app_context():
            element = portal.getElement(FULL + "FSInnerExample")
            sandbox.person("feishu", "zhangsan", withhold=["mobile", "email", "enterprise_email", "user_id"])
            person = element.getLoginCode(self.code(element, sandbox, "zhangsan"))
        assert person["userId"].startswith("ou_")
        expected = {"mobile": "", "email": "", "department": [], "position": "", "gender": 0, "status": 1}
        assert {key: person[key] for key in expected} == expected
        assert person["isLeader"] is False

    def test_python_calls_store_nobody(self, element, sandbox):
        element.getLoginCode(self.code(element, sandbox, "zhangsan"))
        element.getUserInfo("zhangsan")
        assert db.session.query(Identity).count() == 0

    def test_user_info_by_id(self, element):
        person = element.getUserInfo("lisi")
        assert set(person) >= BASE_KEYS
        assert (person["userId"], person["name"], person["position"]) == ("lisi", "李四", "研发总监")

    def test_feishu_ids_are_told_apart_by_their_shape(self, portal):
        with portal.app_context():
            element = portal.getElement(FULL + "FSInnerExample")
            person = element.getUserInfo("zhangsan")
            for key in ("openId", "unionId"):
                assert element.getUserInfo(person[key])["userId"] == "zhangsan"

    def test_wecom_leaders_are_told(self, portal):
        with portal.app_context():
            assert portal.getElement(FULL + "QywxInnerExample").getUserInfo("lisi")["isLeader"] is True

    def test_somebody_unknown_is_60111(self, element):
        with pytest.raises(Code) as error:
            element.getUserInfo("nosuchperson")
        assert error.value.code == 60111

    def test_a_leaver_can_be_read_with_their_status(self, portal, sandbox):
        sandbox.person("feishu", "lisi", resign=True)
        sandbox.person("wecom", "lisi", freeze=True)
        with portal.app_context():
            assert portal.getElement(FULL + "FSInnerExample").getUserInfo("lisi")["status"] == 2
            assert portal.getElement(FULL + "QywxInnerExample").getUserInfo("lisi")["status"] == 3

    def test_the_access_token_is_the_platforms_and_kept(self, element, sandbox):
        token = element.getAccessToken()
        assert isinstance(token, str) and token
        assert element.getAccessToken() == token
        tokens = [call for call in sandbox.calls() if "token" in call["path"]]
        assert len(tokens) == 1

    def test_the_config_holds_what_a_page_needs(self, portal, base):
        feishu = portal.getElement(FULL + "FSInnerExample").getLoginConfig()
        assert set(feishu) == {"appId", "redirectUri", "state"}
        assert feishu["redirectUri"] == f"{base}/login/FSInnerExample/callback"
        wecom = portal.getElement(FULL + "QywxInnerExample").getLoginConfig()
        assert set(wecom) == {"corpId", "agentId", "redirectUri", "state"}


def test_a_person_always_has_the_ten_keys():
    person = Person(provider="x", tenant="y", subject="z", userId="u", name="")
    assert set(person) == BASE_KEYS | {"provider", "tenant", "subject", "withheld"}
    assert person["withheld"] == sorted(BASE_KEYS - {"userId", "name"})
