"""How WeCom says yes and no: errcode and errmsg, HTTP 200, empty lists beside an error.

https://developer.work.weixin.qq.com/document/path/90313
"""

import time
from random import choices

from flask import Response, request

from sandbox.wecom.guesses import SUCCESS_HEADERS
from sandbox.wire import dump

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
UNHINTED = {40014}  # these texts come bare, but for `ADDRESSES`
EMPTY = {  # call: the list fields it carries even beside an error
    "user/get": ("department", "order", "is_leader_in_dept", "direct_leader"),
    "user/list": ("userlist",),
    "user/simplelist": ("userlist",),
    "user/list_id": ("dept_user",),
    "department/list": ("department",),
    "department/simplelist": ("department_id",),
    **dict.fromkeys(ADDRESSES, ("ip_list",)),
}


class Refused(Exception):
    """A number from the table above, raised anywhere in a call."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number

    def answer(self):
        text = ERRORS[self.number]
        if self.number not in UNHINTED or call() in ADDRESSES:
            text = f"{text}, hint: [{hint()}], from ip: {CALLER}, more info at {help_page(self.number)}"
        return answer({"errcode": self.number, "errmsg": text, **{name: [] for name in EMPTY.get(call(), ())}})


def call():
    """Return the name of the call in progress, such as "user/get"."""
    return request.path.removeprefix("/cgi-bin/")


def hint():
    return f"{int(time.time())}{''.join(choices('0123456789', k=15))}"


def help_page(number):
    return f"https://open.work.weixin.qq.com/devtool/query?e={number}"


def success(**fields):
    return answer({"errcode": 0, "errmsg": "ok", **fields})


def answer(body):
    response = Response(dump(body), content_type="application/json; charset=UTF-8")
    told = {"Error-Code": str(body["errcode"]), "Error-Msg": body["errmsg"].strip()}
    response.headers.update(told if body["errcode"] else SUCCESS_HEADERS)
    response.headers["Server"] = "nginx"
    return response


def not_found(error=None):
    """Answer an unknown path the way WeCom does: nothing in it."""
    return Response(b"", 404, headers={"Server": "nginx"}, content_type="text/html")
