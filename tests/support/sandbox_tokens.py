"""Codes and tokens for requests to the sandbox."""

import base64
import json
import re
from string import Template

import requests

CALLBACK = "http://127.0.0.1:9/callback"
V2 = "/open-apis/authen/v2/oauth/token"
OIDC = "/open-apis/authen/v1/oidc/access_token"


class RequestFiller:
    """Fills in the credentials, codes and tokens of a request.

    A case names them with `$`.
    """

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
        return send_request(self.sandbox, "GET", path, headers=headers).json()["data"]["user"]["open_id"]

    def oidc(self):
        headers = {"Authorization": f"Bearer {self.tenant_token()}"}
        body = {"grant_type": "authorization_code", "code": self.code()}
        return self.post(OIDC, json=body, headers=headers)["data"]

    def user_token(self):
        return self.oidc()["access_token"]

    def refresh_token(self):
        return self.oidc()["refresh_token"]

    def v2_refresh_token(self):
        return self.post(V2, json=build_exchange(self.sandbox, self.offline_code()))["refresh_token"]

    def v3_refresh_token(self):
        return self.post("/oauth/v3/token", json=build_exchange(self.sandbox, self.offline_code()))["refresh_token"]

    def basic(self):
        return base64.b64encode(f"{self.values['app_id']}:{self.values['app_secret']}".encode()).decode()

    def app_jwt(self):
        app = {"client_id": self.values["app_id"], "client_secret": self.values["app_secret"]}
        return self.post("/oauth/v3/token", data={"grant_type": "client_credentials", **app})["access_token"]

    def passport(self):
        return self.post("/suite/passport/oauth/token", data=build_exchange(self.sandbox, self.code()))

    def passport_token(self):
        return self.passport()["access_token"]

    def passport_refresh_token(self):
        return self.passport()["refresh_token"]

    def corp_token(self, secret=None):
        query = {"corpid": self.values["corpid"], "corpsecret": secret or self.values["corpsecret"]}
        return send_request(self.sandbox, "GET", "/cgi-bin/gettoken", params=query).json()["access_token"]

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
        return send_request(self.sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()["user_ticket"]

    def post(self, path, **words):
        return send_request(self.sandbox, "POST", path, **words).json()


def send_request(sandbox, method, path, **words):
    return requests.request(method, sandbox.url + path, timeout=10, **words)


def build_exchange(sandbox, code, **more):
    """Return the fields that exchange a code.

    v2, v3 and passport take them.
    """
    app = {"client_id": sandbox.FEISHU["app_id"], "client_secret": sandbox.FEISHU["app_secret"]}
    return {"grant_type": "authorization_code", **app, "code": code, **more}
