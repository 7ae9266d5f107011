"""The platforms' authorize pages in the sandbox, by plain HTTP."""

from urllib.parse import parse_qs, urlencode, urlsplit

import requests

CALLBACK = "http://127.0.0.1:9/callback?kept=1"
FEISHU_PAGES = ["/open-apis/authen/v1/authorize", "/open-apis/authen/v1/index", "/suite/passport/oauth/authorize"]
WEB_LOGIN_PAGES = ["/wwlogin/sso/login", "/wwlogin/sso/login/", "/wwopen/sso/qrConnect"]
OAUTH_PAGE = "/connect/oauth2/authorize"
V2 = "/open-apis/authen/v2/oauth/token"


def make_address(sandbox, path, **query):
    """Return the complete address of an authorize page."""
    if path.startswith("/ww"):
        own = {"login_type": "CorpApp", "appid": sandbox.WECOM["corpid"], "agentid": sandbox.WECOM["agentid"]}
    elif path == OAUTH_PAGE:
        own = {"appid": sandbox.WECOM["corpid"], "agentid": sandbox.WECOM["agentid"], "scope": "snsapi_base"}
    else:
        own = {"client_id": sandbox.FEISHU["app_id"]}
    common = {"response_type": "code", "redirect_uri": CALLBACK, "state": "S t&ate"}
    query = {name: value for name, value in {**common, **own, **query}.items() if value is not None}
    return f"{sandbox.url}{path}?{urlencode(query)}"


def visit(browser, url, **words):
    return browser.get(url, allow_redirects=False, timeout=10, **words)


def read_callback(answer):
    """Return the query with which the browser was redirected back."""
    assert answer.status_code == 302, answer.text
    target = answer.headers["Location"]
    assert target.startswith("http://127.0.0.1:9/callback?kept=1&")
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def find_feishu_person(sandbox, code, **words):
    app = {"client_id": sandbox.FEISHU["app_id"], "client_secret": sandbox.FEISHU["app_secret"]}
    fields = {"grant_type": "authorization_code", **app, "code": code, **words}
    token = requests.post(sandbox.url + V2, json=fields, timeout=10).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{sandbox.url}/open-apis/authen/v1/user_info", headers=headers, timeout=10).json()["data"]


def find_wecom_person(sandbox, code):
    query = {"corpid": sandbox.WECOM["corpid"], "corpsecret": sandbox.WECOM["corpsecret"]}
    token = requests.get(f"{sandbox.url}/cgi-bin/gettoken", params=query, timeout=10).json()["access_token"]
    query = {"access_token": token, "code": code}
    return requests.get(f"{sandbox.url}/cgi-bin/auth/getuserinfo", params=query, timeout=10).json()
