"""A platform for measurements: `python -m bench.stub`.

It answers the calls of a login from the number in the code, keeps no state but counts, and uses next to no CPU time.
The sandbox checks everything it is sent, which costs more than the logins that are measured here.
"""

import asyncio
import json
import re
import socket
from collections import Counter
from urllib.parse import parse_qs, unquote

TENANT = "5a4db0c5a4db0c01"
NUMBER = re.compile(r"[0-9]+")
TOKEN_SIZE = 1184  # characters of a user's token at Feishu
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n"


class State:
    """The delays, in seconds, and what was counted since they were set."""

    def __init__(self):
        self.call, self.connection, self.counts = 0.0, 0.0, Counter()


def make_ids(number: int) -> dict:
    return {"open_id": f"ou_{number:032d}", "union_id": f"on_{number:032d}", "user_id": f"u{number}"}


def make_contact(number: int) -> dict:
    return {
        "name": f"测试{number}",
        "email": f"u{number}@example.com",
        "mobile": f"+86138{number:08d}",
        "enterprise_email": f"u{number}@corp.example.com",
        "employee_no": f"E{number}",
    }


def make_profile(number: int) -> dict:
    avatar = "https://s1.feishucdn.com/avatar/{}.png"
    pictures = {f"avatar_{name}": avatar.format(name) for name in ("url", "thumb", "middle", "big")}
    return {**make_ids(number), **make_contact(number), **pictures, "en_name": f"U {number}", "tenant_key": TENANT}


def make_user(number: int) -> dict:
    flags = ("is_frozen", "is_resigned", "is_exited", "is_unjoin")
    return {
        **make_ids(number),
        **make_contact(number),
        "gender": 1,
        "avatar": {"avatar_origin": "https://s1.feishucdn.com/avatar/url.png"},
        "status": {"is_activated": True, **dict.fromkeys(flags, False)},
        "department_ids": ["2"],
        "orders": [{"department_id": "2", "user_order": 0, "department_order": 1, "is_primary_dept": True}],
        "job_title": "工程师",
    }


def make_token(number: int) -> dict:
    token = f"u-{number}".ljust(TOKEN_SIZE, "x")
    return {"access_token": token, "token_type": "Bearer", "expires_in": 7200, "scope": "auth:user.id:read"}


def make_member(number: int) -> dict:
    return {
        "userid": f"u{number}",
        "name": f"测试{number}",
        "department": [2],
        "order": [0],
        "position": "工程师",
        "is_leader_in_dept": [0],
        "status": 1,
        "enable": 1,
        "main_department": 2,
    }


def find_number(text: str) -> int:
    """Return the number in a text, or 0.

    The text is a code, a token or an id.
    """
    match = NUMBER.search(text)
    return int(match[0]) if match else 0


def answer(call: str, query: dict, bearer: str, body: str) -> dict:
    """Return the answer to a call, by the last parts of its path."""
    feishu, wecom = {"code": 0, "msg": "success"}, {"errcode": 0, "errmsg": "ok"}
    match call:
        case "oauth/token":
            return {"code": 0, **make_token(find_number(json.loads(body)["code"]))}
        case "v3/token":
            return make_token(find_number(parse_qs(body)["code"][0]))
        case "v1/access_token":
            number = find_number(json.loads(body)["code"])
            return {**feishu, "data": {**make_profile(number), **make_token(number)}}
        case "v1/user_info":
            return {**feishu, "data": make_profile(find_number(bearer.removeprefix("Bearer u-")))}
        case "app_access_token/internal":
            token = "t-06f7f648c26d3ccc47b35c123514608725888880"
            return {**feishu, "app_access_token": token, "tenant_access_token": token, "expire": 7200}
        case "cgi-bin/gettoken":
            return {**wecom, "access_token": "w" * 214, "expires_in": 7200}
        case "auth/getuserinfo":
            return {**wecom, "userid": f"u{find_number(query['code'][0])}"}
        case "user/get":
            return {**wecom, **make_member(find_number(query["userid"][0]))}
    if call.startswith("users/"):
        return {**feishu, "data": {"user": make_user(find_number(call))}}
    return {"code": 404, "errcode": 404, "msg": f"the stub does not know {call}"}


class Connection(asyncio.Protocol):
    """One kept connection of a client."""

    def __init__(self, state: State):
        self.state, self.data, self.is_new = state, b"", True

    def connection_made(self, transport: asyncio.Transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes):
        self.data += data
        head, blank, rest = self.data.partition(b"\r\n\r\n")
        if not blank:
            return
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        if len(rest) < int(headers.get("content-length", 0)):
            return
        self.data = b""
        path, _, query = line.split(" ")[1].partition("?")
        content, wait = self.respond(unquote(path), parse_qs(query), headers, rest.decode())
        text = json.dumps(content).encode()
        asyncio.get_running_loop().call_later(wait, self.transport.write, HEAD.format(len(text)).encode() + text)

    def respond(self, path: str, query: dict, headers: dict, body: str) -> tuple[dict, float]:
        """Return an answer, and how many seconds it waits."""
        if path == "/_stub":
            counts, words = dict(self.state.counts), {name: float(values[0]) for name, values in query.items()}
            if words:
                self.state.counts.clear()
                self.state.call, self.state.connection = words["call"], words["connection"]
            return counts, 0.0
        call = "/".join(path.strip("/").split("/")[-2:])
        self.state.counts["users" if call.startswith("users/") else call] += 1
        self.state.counts["connections"] += self.is_new
        wait, self.is_new = self.state.call + self.is_new * self.state.connection, False
        return answer(call, query, headers.get("authorization", ""), body), wait


async def serve():
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
