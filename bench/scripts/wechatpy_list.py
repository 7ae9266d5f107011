"""WeCom's directory with wechatpy: `python -m bench.scripts.wechatpy_list PLATFORM DATABASE`."""

import sys

from wechatpy.work import WeChatClient

from bench.machine import WECOM
from bench.scripts import store


def main(platform: str, database: str):
    session = store.open_database(database)
    client = connect(platform)
    departments = client.department.list()
    store.save_departments(session, [department(row) for row in departments])
    for row in departments:
        store.save_people(session, str(row["id"]), [person(member) for member in client.user.list(row["id"])])


def connect(platform: str) -> WeChatClient:
    """Return a client whose every call goes to the platform; its token call has an address of its own."""

    class Client(WeChatClient):
        API_BASE_URL = f"{platform}/cgi-bin/"

        def fetch_access_token(self):
            params = {"corpid": self.corp_id, "corpsecret": self.secret}
            return self._fetch_access_token(url=f"{self.API_BASE_URL}gettoken", params=params)

    return Client(WECOM["corpId"], WECOM["corpSecret"])


def department(row) -> dict:
    values = {"name": row["name"], "parent_id": str(row["parentid"]), "leaders": row["department_leader"]}
    return {"id": str(row["id"]), **values}


def person(row) -> dict:
    return {
        "id": row["userid"],
        "user_id": row["userid"],
        "name": row["name"],
        "mobile": row.get("mobile", ""),
        "email": row.get("email", ""),
        "avatar": row.get("avatar", ""),
        "position": row["position"],
        "gender": int(row.get("gender", 0)),
        "status": row["status"],
        "department": row["department"],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
