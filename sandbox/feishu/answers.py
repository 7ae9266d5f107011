"""The answers of Feishu's Open API and their numbers.

An answer is {code, msg, data}. Each has a log id.

https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code
"""

import time
from secrets import token_hex

from flask import Response

from sandbox.feishu.refusals import ENVELOPE_TEXTS
from sandbox.wire import dump_json

# number: (HTTP status, text). Those of the gateway and of the contact API carry `error.log_id`.
GATEWAY = {
    99991400: (429, "request trigger frequency limit"),
    99991401: (400, "ip is denied by app setting"),
    99991661: (400, "Missing access token for authorization. Please make a request with token attached."),
    99991662: (400, "app not in use"),
    99991663: (400, "Invalid access token for authorization. Please make a request with token attached."),
    99991664: (400, "Invalid app access token for authorization."),
    99991668: (400, "Invalid access token for authorization. Please make a request with token attached."),
    99991671: (400, "Invalid access token for authorization. It must start with 't-' or 'u-'."),
    99991672: (400, "Access denied. One of the following scopes is required: [{}].{}"),
    99992351: (400, "The request contains an invalid open_id."),
    99992361: (400, "open_id cross app"),
    99992402: (400, "field validation failed"),
    40001: (400, "invalid parameter"),
    40004: (403, "no dept authority error"),
    40011: (400, "page size is invalid"),
    40012: (400, "page token is invalid"),
    40015: (400, "department not found"),
    41012: (400, "user id is invalid"),
    41050: (400, "no user authority error"),
    44102: (400, "department_id is required"),
}
LOGIN = (20008, 20021, 20022, 20023)  # answered with HTTP 200 and nothing but number and text
TROUBLESHOOTER = (
    "排查建议查看(Troubleshooting suggestions): "
    "https://open.feishu.cn/search?from=openapi&log_id={log_id}&code={number}&method_id=1"
)
NOT_FOUND = "404 page not found"


class Refused(Exception):
    """A refusal by a number from the tables above.

    Anything in a call may raise it.
    """

    def __init__(self, number, *words, headers=None, **error):
        super().__init__(number)
        self.number, self.words, self.headers, self.error = number, words, headers, error

    def answer(self):
        if self.number in LOGIN:
            return answer_json({"code": self.number, "msg": ENVELOPE_TEXTS[self.number]})
        status, text = GATEWAY[self.number]
        log_id = make_log_id()
        error = {"log_id": log_id, "troubleshooter": TROUBLESHOOTER.format(log_id=log_id, number=self.number)}
        error |= self.error
        body = {"code": self.number, "msg": text.format(*self.words), "error": error}
        return answer_json(body, status, {"X-Tt-Logid": log_id, **(self.headers or {})})


def answer_json(body, status=200, headers=None):
    """Return a JSON answer as Feishu sends it.

    It is compact raw UTF-8 with a log id header.
    """
    response = Response(dump_json(body), status, content_type="application/json; charset=utf-8")
    response.headers["X-Tt-Logid"] = make_log_id()
    response.headers.update(headers or {})
    return response


def answer_success(data, msg="success"):
    return answer_json({"code": 0, "msg": msg, "data": data})


def make_log_id():
    return time.strftime("%Y%m%d%H%M%S") + token_hex(9).upper()


def answer_not_found(error=None):
    """Answer an unknown path as Feishu's gateway does.

    It answers a wrong method alike.
    """
    return Response(NOT_FOUND, 404, content_type="text/plain")
