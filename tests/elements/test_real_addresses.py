"""The addresses of the real platforms are literally right.

Nothing here relies on the sandbox.
"""

import pytest
from support.portal_app import FEISHU_APP, parse_query
from support.user_agents import PHONE_BROWSER

DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
CALLBACK = "https://portal.example.com/login/Real/callback"
FEISHU = {
    "open": "https://open.feishu.cn",
    "accounts": "https://accounts.feishu.cn",
    "passport": "https://passport.feishu.cn",
}
LARK = {
    "open": "https://open.larksuite.com",
    "accounts": "https://accounts.larksuite.com",
    "passport": "https://passport.larksuite.com",
}
AUTHORIZE = {
    "v2": ("accounts", "/open-apis/authen/v1/authorize", "client_id"),
    "v3": ("accounts", "/open-apis/authen/v1/authorize", "client_id"),
    "oidc": ("open", "/open-apis/authen/v1/authorize", "app_id"),
    "v1": ("open", "/open-apis/authen/v1/authorize", "app_id"),
    "passport": ("passport", "/suite/passport/oauth/authorize", "client_id"),
}
TOKEN = {
    "v2": ("open", "/open-apis/authen/v2/oauth/token"),
    "v3": ("accounts", "/oauth/v3/token"),
    "oidc": ("open", "/open-apis/authen/v1/oidc/access_token"),
    "v1": ("open", "/open-apis/authen/v1/access_token"),
    "passport": ("passport", "/suite/passport/oauth/token"),
}
REGIONS = [("feishu", FEISHU), ("lark", LARK)]


@pytest.fixture
def base():
    return "https://portal.example.com"


@pytest.fixture
def read_element(elements, make_portal):
    """Return a function that reads an element without addresses."""

    def read(type="FSInnerType", **settings):
        app = (
            FEISHU_APP
            if type == "FSInnerType"
            else {
                "corpId": "ww0123456789abcdef",
                "corpSecret": "s",
                "agentId": "1000002",
                "redirectUri": "https://portal.example.com/login/Real/callback",
            }
        )
        elements.add("Real", type, {**app, **settings})
        return make_portal().getElement("auths.loginTypes.Real")

    return read


@pytest.mark.parametrize(("region", "hosts"), REGIONS)
@pytest.mark.parametrize("dialect", AUTHORIZE)
def test_feishus_authorize_and_token_addresses_are_right(read_element, region, hosts, dialect):
    element = read_element(region=region, tokenDialect=dialect)
    host, path, name = AUTHORIZE[dialect]
    state = element.getLoginConfig(kind="redirect")["state"]
    address = element.authorize_url("redirect", state)
    assert address.partition("?")[0] == hosts[host] + path
    query = parse_query(address)
    assert query[name] == "cli_5a4db0c5a4db0c01"
    assert (query["redirect_uri"], query["state"]) == (CALLBACK, state)
    assert ("code_challenge" in query) == (dialect == "v2")
    host, path = TOKEN[dialect]
    assert element.clients["redirect"].access_token_url == hosts[host] + path
    assert element.clients["redirect"].api_base_url == hosts["open"]


@pytest.mark.parametrize(("region", "hosts"), REGIONS)
@pytest.mark.parametrize("dialect", AUTHORIZE)
def test_the_qr_page_is_passports_and_has_a_dialect_of_its_own(read_element, region, hosts, dialect):
    element = read_element(region=region, qrTokenDialect=dialect)
    address = element.authorize_url("qr", element.getLoginConfig()["state"])
    assert address.partition("?")[0] == f"{hosts['passport']}/suite/passport/oauth/authorize"
    assert set(parse_query(address)) == {"client_id", "redirect_uri", "response_type", "state"}
    host, path = TOKEN[dialect]
    assert element.clients["qr"].access_token_url == hosts[host] + path


@pytest.mark.parametrize(("region", "hosts"), REGIONS)
def test_feishus_profile_addresses_are_right(read_element, region, hosts):
    pages = {dialect: read_element(region=region, tokenDialect=dialect) for dialect in ("v2", "passport")}
    addresses = {name: e.clients["redirect"].server_metadata["userinfo_endpoint"] for name, e in pages.items()}
    assert addresses == {
        "v2": f"{hosts['open']}/open-apis/authen/v1/user_info",
        "passport": f"{hosts['passport']}/suite/passport/oauth/userinfo",
    }


def test_the_authorize_link_of_the_open_host_reads_as_documented(read_element):
    element = read_element(tokenDialect="oidc", scope="bitable:app:readonly contact:contact")
    assert element.authorize_url("redirect", "RANDOMSTATE") == (
        "https://open.feishu.cn/open-apis/authen/v1/authorize?app_id=cli_5a4db0c5a4db0c01"
        "&redirect_uri=https%3A%2F%2Fportal.example.com%2Flogin%2FReal%2Fcallback"
        "&scope=bitable:app:readonly%20contact:contact&state=RANDOMSTATE"
    )


def test_wecoms_addresses_are_right(read_element):
    element = read_element("QywxInnerType")
    encoded = "https%3A%2F%2Fportal.example.com%2Flogin%2FReal%2Fcallback"
    assert element.authorize_url("redirect", "abc") == (
        "https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww0123456789abcdef"
        f"&agentid=1000002&redirect_uri={encoded}&state=abc"
    )
    assert element.authorize_url("in_app", "abc") == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww0123456789abcdef"
        f"&redirect_uri={encoded}&response_type=code&scope=snsapi_base&state=abc&agentid=1000002#wechat_redirect"
    )
    assert element.client.api_base_url == "https://qyapi.weixin.qq.com"


def read_policy(answer):
    rows = (row.split() for row in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in rows}


@pytest.mark.parametrize(
    ("region", "script", "frame"),
    [
        (
            "feishu",
            "https://lf-package-cn.feishucdn.com/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
            "https://passport.feishu.cn",
        ),
        (
            "lark",
            "https://lf-package-us.larksuitecdn.com/obj/lark-static-us/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
            "https://passport.larksuite.com",
        ),
    ],
)
def test_the_login_page_allows_exactly_the_scripts_and_frames_of_its_elements(
    elements, make_portal, tmp_path, region, script, frame
):
    app_dir = tmp_path / "real"
    elements.folder = app_dir / "auths" / "loginTypes"
    elements.add("Real", "FSInnerType", {**FEISHU_APP, "region": region})
    client = make_portal(PORTAL_APP_DIR=str(app_dir)).test_client()
    assert read_policy(client.get("/login")) == {
        "default-src": ["'none'"],
        "script-src": ["'self'", script],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-src": [frame],
    }
    elsewhere = read_policy(client.get("/account"))
    assert elsewhere["script-src"] == ["'self'"]
    assert "frame-src" not in elsewhere


@pytest.mark.parametrize(
    ("region", "agent", "script"),
    [
        ("feishu", "Lark/7.12.7", "https://lf-scm-cn.feishucdn.com/lark/op/h5-js-sdk-1.5.44.js"),
        (
            "lark",
            "Lark/7.12.7",
            "https://lf-package-sg.larksuitecdn.com/obj/lark-static-sgsaas/lark/op/h5-js-sdk-1.5.44.js",
        ),
    ],
)
def test_the_page_inside_the_client_allows_exactly_its_script(elements, make_portal, tmp_path, region, agent, script):
    elements.folder = tmp_path / "real" / "auths" / "loginTypes"
    elements.add("Real", "FSInnerType", {**FEISHU_APP, "region": region})
    client = make_portal(PORTAL_APP_DIR=str(tmp_path / "real")).test_client()
    sources = read_policy(client.get("/login/Real/in-app", headers={"User-Agent": agent}))
    assert sources["script-src"] == ["'self'", script]
    assert "frame-src" not in sources


def test_an_own_script_is_named_without_its_query(read_element):
    element = read_element(qrSdkUrl="https://cdn.example.com/a;b,c%20d/sdk.js?v=1;x#y")
    assert element.page_sources("login")["script-src"] == ["https://cdn.example.com/a%3Bb%2Cc%20d/sdk.js"]


@pytest.mark.parametrize(
    ("agent", "panel", "frames"),
    [
        (DESKTOP, {}, ["https://login.work.weixin.qq.com"]),
        (DESKTOP, {"panel": True}, ["https://login.work.weixin.qq.com"]),
        (DESKTOP, {"panel": False}, None),
        (PHONE_BROWSER["android"], {}, None),
    ],
)
def test_the_login_page_of_wecom_allows_its_panel_alone(elements, make_portal, tmp_path, agent, panel, frames):
    elements.folder = tmp_path / "real" / "auths" / "loginTypes"
    app = {"corpId": "ww0123456789abcdef", "corpSecret": "s", "agentId": "1000002"}
    elements.add("Real", "QywxInnerType", {**app, **panel, "redirectUri": CALLBACK})
    client = make_portal(PORTAL_APP_DIR=str(tmp_path / "real")).test_client()
    sources = read_policy(client.get("/login", headers={"User-Agent": agent}))
    assert sources["script-src"] == ["'self'"]
    assert sources.get("frame-src") == frames
    assert "frame-src" not in read_policy(client.get("/account", headers={"User-Agent": agent}))


def test_only_the_tab_that_is_open_allows_its_frame(elements, make_portal, tmp_path):
    elements.folder = tmp_path / "real" / "auths" / "loginTypes"
    elements.add("A", "FSInnerType", FEISHU_APP)
    app = {"corpId": "ww0123456789abcdef", "corpSecret": "s", "agentId": "1000002"}
    elements.add("Real", "QywxInnerType", {**app, "redirectUri": CALLBACK})
    client = make_portal(PORTAL_APP_DIR=str(tmp_path / "real")).test_client()
    for tab, frame in (("A", "https://passport.feishu.cn"), ("Real", "https://login.work.weixin.qq.com")):
        assert read_policy(client.get(f"/login?via={tab}"))["frame-src"] == [frame]
    assert read_policy(client.get("/login"))["frame-src"] == ["https://passport.feishu.cn"]


def test_scripts_have_the_vendors_addresses(read_element):
    assert read_element().qrSdkUrl == (
        "https://lf-package-cn.feishucdn.com/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js"
    )
    assert read_element().h5SdkUrl == "https://lf-scm-cn.feishucdn.com/lark/op/h5-js-sdk-1.5.44.js"
    lark = read_element(region="lark")
    assert lark.qrSdkUrl == (
        "https://lf-package-us.larksuitecdn.com/obj/lark-static-us/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js"
    )
    assert lark.h5SdkUrl == "https://lf-package-sg.larksuitecdn.com/obj/lark-static-sgsaas/lark/op/h5-js-sdk-1.5.44.js"
