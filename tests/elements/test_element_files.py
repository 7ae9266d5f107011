"""Element files are read at the start.

The message about a wrong one names file and key.
"""

import pytest
from support.portal_app import FEISHU_APP, WECOM_APP, parse_query, read_problem

from portal.errors import Code

FULL = "auths.loginTypes."


@pytest.mark.parametrize("key", ["appId", "appSecret"])
def test_a_missing_feishu_key_is_47000_naming_file_and_key(elements, make_portal, key):
    elements.add("X", "FSInnerType", {name: value for name, value in FEISHU_APP.items() if name != key})
    problem = read_problem(make_portal(), "X")
    assert (problem.code, problem.reason) == (47000, f"auths/loginTypes/X/X.json: {key} is missing")


@pytest.mark.parametrize("key", ["corpId", "corpSecret", "agentId", "redirectUri"])
def test_a_missing_wecom_key_is_47000_naming_file_and_key(elements, make_portal, base, key):
    whole = {**WECOM_APP, "redirectUri": f"{base}/cb"}
    elements.add("X", "QywxInnerType", {name: value for name, value in whole.items() if name != key})
    problem = read_problem(make_portal(), "X")
    assert (problem.code, problem.reason) == (47000, f"auths/loginTypes/X/X.json: {key} is missing")


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
def test_a_wrong_feishu_value_is_47001_naming_file_and_key(elements, make_portal, key, value):
    elements.feishu("X", **{key: value})
    problem = read_problem(make_portal(), "X")
    assert problem.code == 47001
    assert problem.reason.startswith(f"auths/loginTypes/X/X.json: {key} ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agentId", "10 00"),
        ("agentId", "one"),
        ("scope", "snsapi_userinfo"),
        ("panel", "yes"),
        ("httpProxy", "proxy:3128"),
        ("domainVerification", "WW_verify_x.txt"),
        ("domainVerification", {"file": "../../etc/passwd", "content": "x"}),
        ("domainVerification", {"file": "WW_verify_abc.txt"}),
        ("apiBaseUrl", "http://qyapi.weixin.qq.com"),
    ],
)
def test_a_wrong_wecom_value_is_47001_naming_file_and_key(elements, make_portal, key, value):
    elements.wecom("X", **{key: value})
    problem = read_problem(make_portal(), "X")
    assert problem.code == 47001
    assert problem.reason.startswith(f"auths/loginTypes/X/X.json: {key} ")


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
def test_an_unusable_declaration_is_refused(elements, make_portal, declared, number, where):
    elements.feishu("X")
    (elements.folder / "X" / "e.json").write_text(declared)
    problem = read_problem(make_portal(), "X")
    assert problem.code == number
    assert where in problem.reason


def test_a_missing_settings_file_is_named(elements, make_portal):
    elements.feishu("X")
    (elements.folder / "X" / "X.json").unlink()
    problem = read_problem(make_portal(), "X")
    assert (problem.code, problem.reason) == (47000, "auths/loginTypes/X/X.json is missing")


def test_blanks_byte_order_mark_and_unknown_keys_are_ignored(elements, make_portal):
    elements.wecom(agentId=1000002, corpSecret=" sandbox-wecom-secret\n", somethingElse={"a": 1})
    file = elements.folder / "QywxInnerExample" / "QywxInnerExample.json"
    for part in (file, file.with_name("e.json")):
        part.write_text(part.read_text(), encoding="utf-8-sig")
    assert make_portal().test_client().sign_in("QywxInnerExample").status_code == 303


def test_an_unknown_element_is_refused(portal):
    for name in ("Nothing", ""):
        assert read_problem(portal, name).code == 47000
    with pytest.raises(Code):
        portal.getElement("FSInnerExample")


def test_the_folder_may_be_missing(make_portal, tmp_path):
    client = make_portal(PORTAL_APP_DIR=str(tmp_path / "nothing")).test_client()
    page = client.get("/login")
    assert page.status_code == 200
    assert "No login is set up yet" in page.text


def test_values_may_come_from_variable_file_default_or_setting(elements, make_portal, tmp_path, base):
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


def test_an_unset_variable_is_47000(elements, make_portal):
    elements.feishu(appId="${FS_ID}")
    problem = read_problem(make_portal(), "FSInnerExample")
    assert problem.code == 47000
    assert problem.reason == (
        "auths/loginTypes/FSInnerExample/FSInnerExample.json: appId needs the variable FS_ID, which is not set"
    )


def test_an_empty_default_is_a_missing_value(elements, make_portal):
    elements.feishu(appId="${FS_ID:-}")
    assert read_problem(make_portal(), "FSInnerExample").code == 47000
