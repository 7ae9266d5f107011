"""A small stand-in for a platform that speaks plain OAuth 2, under the names DingTalk uses."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

SECRET, TOKEN = "a secret of the app", "a-token-of-the-person"
COMPANY = "dingcorp00000001"
PERSON = {
    "nick": "张三",
    "unionId": "z21HjQliSzpw0Yxxxx",
    "openId": "123opn",
    "avatarUrl": "https://static-legacy.dingtalk.com/media/lADPzhangsan.jpg",
    "mobile": "13800000000",
    "stateCode": "86",
    "email": "zhangsan@example.com",
}


class PlainPlatform(ThreadingHTTPServer):
    """The pages and calls of the platform; each code works once.

    `company` and `person` are what it tells. `answers` maps a path to what is sent there instead: status and body.
    A path in `silent` gets no answer until the stand-in ends.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.company, self.person = COMPANY, dict(PERSON)
        self.answers, self.silent, self.calls, self.codes = {}, set(), [], []
        self.ends = threading.Event()

    def authorize(self, address, action="allow"):
        """Answer the authorize page as the person does; return the path of the callback with its query."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/oauth2/auth"
        query = {key: values[0] for key, values in parse_qs(parts.query, strict_parsing=True).items()}
        given = {"state": query["state"]}
        if action == "allow":
            self.codes.append(f"code{len(self.calls)}x{len(self.codes)}")
            given = {"authCode": self.codes[-1], **given}
        elif action == "refuse":
            given = {"error": "access_denied", **given}
        self.asked = query
        return f"{urlsplit(query['redirect_uri']).path}?{urlencode(given)}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(self.tell_person if self.path == "/v1.0/contact/users/me" else None)

    def do_POST(self):
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reply(self.give_token if self.path == "/v1.0/oauth2/userAccessToken" else None)

    def reply(self, call):
        self.server.calls.append(self.path)
        if self.path in self.server.silent:
            self.server.ends.wait()
            return
        status, body = self.server.answers.get(self.path) or (call() if call else (404, {"code": "NotFound"}))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def give_token(self):
        if set(self.body) != {"clientId", "clientSecret", "code", "grantType"}:
            return 400, {"code": "MissingParameter", "message": "x"}
        if self.body["clientSecret"] != SECRET:
            return 400, {"code": "invalidClientIdOrSecret", "message": "无效的clientId或者clientSecret"}
        if self.body["code"] not in self.server.codes:
            return 400, {"code": "invalidParameter.authCode.notFound", "message": "不合法的临时授权码"}
        self.server.codes.remove(self.body["code"])
        return 200, {"accessToken": TOKEN, "refreshToken": "r", "expireIn": 7200, "corpId": self.server.company}

    def tell_person(self):
        if self.headers["x-acs-dingtalk-access-token"] != TOKEN:
            return 400, {"code": "InvalidAuthentication", "message": "不合法的access_token"}
        return 200, self.server.person

    def log_message(self, *args):
        """Keep the tests' output free of requests."""


@contextmanager
def running_plain_platform():
    """Run the stand-in while the block runs."""
    platform = PlainPlatform()
    thread = threading.Thread(target=platform.serve_forever)
    thread.start()
    try:
        yield platform
    finally:
        platform.ends.set()
        platform.shutdown()
        platform.server_close()
        thread.join()
