"""The answers of WeCom's server API and their numbers.

An answer has errcode and errmsg and HTTP status 200. Beside an error are empty lists.

https://developer.work.weixin.qq.com/document/path/90313
"""

import time
from random import choices

from flask import Response, request

from sandbox.wecom.guesses import SUCCESS_HEADERS
from sandbox.wire import dump_json

CALLER = "203.0.113.7"  # the address the platform says it sees
ERRORS = {
    -1: "system busy",
    40001: "invalid credential",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40029: "invalid code",
    40035: "invalid parameter",
    40056: "invalid agentid",
    40068: "invalid tagid",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "corpsecret missing",
    41008: "missing code",
    41009: "userid missing",
    42001: "access_token expired",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    48002: "api forbidden",
    48009: "api forbidden for contact sync assistant from a new ip",
    50001: "redirect_uri unauthorized",
    50003: "app is disabled",
    60003: "department not found",
    60011: "no privilege to access/modify contact/party/agent ",
    60020: "not allow to access from your ip",
    60111: "userid not found",
    60123: "invalid party id",
    84014: "user_ticket is expired",
    84015: "user_ticket is invalid",
    84090: "user_ticket is missing",
    301002: "not allow operate another agent with this accesstoken.",
}
ADDRESSES = ("getcallbackip", "get_api_domain_ip")  # calls that answer lists of network addresses
UNHINTED = {40014}  # texts without a hint, except for `ADDRESSES`
EMPTY_LISTS = {  # call: the list fields it carries even beside an error
    "user/get": ("department", "order", "is_leader_in_dept", "direct_leader"),
    "user/list": ("userlist",),
    "user/simplelist": ("userlist",),
    "user/list_id": ("dept_user",),
    "department/list": ("department",),
    "department/simplelist": ("department_id",),
    **dict.fromkeys(ADDRESSES, ("ip_list",)),
}


class Refused(Exception):
    """A refusal by a number from the table above.

    Anything in a call may raise it.
    """

    def __init__(self, number):
        super().__init__(number)
        self.number = number

    def answer(self):
        text = ERRORS[self.number]
        if self.number not in UNHINTED or read_call_name() in ADDRESSES:
            text = f"{text}, hint: [{make_hint()}], from ip: {CALLER}, more info at {make_help_address(self.number)}"
        lists = {name: [] for name in EMPTY_LISTS.get(read_call_name(), ())}
        return answer_json({"errcode": self.number, "errmsg": text, **lists})


def read_call_name():
    """Return the name of the call, such as "user/get"."""
    return request.path.removeprefix("/cgi-bin/")


def make_hint():
    return f"{int(time.time())}{''.join(choices('0123456789', k=15))}"


def make_help_address(number):
    return f"https://open.work.weixin.qq.com/devtool/query?e={number}"


def answer_success(**fields):
    return answer_json({"errcode": 0, "errmsg": "ok", **fields})


def answer_json(body):
    response = Response(dump_json(body), content_type="application/json; charset=UTF-8")
    error = {"Error-Code": str(body["errcode"]), "Error-Msg": body["errmsg"].strip()}
    response.headers.update(error if body["errcode"] else SUCCESS_HEADERS)
    response.headers["Server"] = "nginx"
    return response


def answer_not_found(error=None):
    """Answer an unknown path as WeCom does, without content."""
    return Response(b"", 404, headers={"Server": "nginx"}, content_type="text/html")
