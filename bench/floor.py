"""The least a directory sync can do: fetch the same pages, parse them, throw them away.

`python -m bench.floor PROVIDER PLATFORM AT_ONCE` prints how many calls it made and how many people they held.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.machine import FEISHU, WECOM

IDS = {"department_id_type": "open_department_id", "user_id_type": "union_id"}


class Floor:
    """Kept connections to one platform, one for each thread."""

    def __init__(self, platform: str):
        self.platform, self.local, self.calls = platform, threading.local(), 0
        self.headers, self.params = {}, {}

    def get(self, path: str, **params) -> dict:
        if not hasattr(self.local, "session"):
            self.local.session = requests.Session()
            self.local.session.trust_env = False
        answer = self.local.session.get(self.platform + path, params={**self.params, **params}, headers=self.headers)
        self.calls += 1
        return answer.json()


class Feishu(Floor):
    def departments(self) -> list[str]:
        path = "/open-apis/auth/v3/tenant_access_token/internal"
        app = {"app_id": FEISHU["appId"], "app_secret": FEISHU["appSecret"]}
        token = requests.post(self.platform + path, json=app).json()["tenant_access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        path = "/open-apis/contact/v3/departments/0/children"
        return ["0", *(row["open_department_id"] for row in self.pages(path, fetch_child="true"))]

    def members(self, department_id: str) -> int:
        found = self.pages("/open-apis/contact/v3/users/find_by_department", department_id=department_id)
        return sum(1 for row in found)

    def pages(self, path: str, **params):
        while True:
            data = self.get(path, **IDS, page_size=50, **params)["data"]
            yield from data.get("items", ())
            if not data["has_more"]:
                return
            params["page_token"] = data["page_token"]


class WeCom(Floor):
    def departments(self) -> list[str]:
        app = {"corpid": WECOM["corpId"], "corpsecret": WECOM["corpSecret"]}
        answer = requests.get(f"{self.platform}/cgi-bin/gettoken", params=app)
        self.params = {"access_token": answer.json()["access_token"]}
        return [row["id"] for row in self.get("/cgi-bin/department/list")["department"]]

    def members(self, department_id: str) -> int:
        return len(self.get("/cgi-bin/user/list", department_id=department_id)["userlist"])


def main(provider: str, platform: str, at_once: str):
    floor = {"feishu": Feishu, "wecom": WeCom}[provider](platform)
    with ThreadPoolExecutor(int(at_once)) as pool:
        people = sum(pool.map(floor.members, floor.departments()))
    print(f"{floor.calls} calls, {people} people")


if __name__ == "__main__" and sys.argv[1:]:  # without words: what it takes to begin
    main(*sys.argv[1:])
