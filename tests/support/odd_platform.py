"""A platform that misbehaves in ways that the sandbox's knobs do not.

It passes requests on to the sandbox, but for a path that has a fault.
"""

import contextlib
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from support.postgres import find_free_port

BOMB = 256 * 1024 * 1024  # bytes that a small compressed body unpacks to
PIECE = b"x" * 65536


class OddPlatform:
    """A server between the portal and the sandbox.

    :ivar faults: a path -> a function that answers its requests; it takes the handler.
    """

    def __init__(self, sandbox_url):
        self.sandbox_url, self.port = sandbox_url, find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.faults, self.failed = {}, []
        self.released = threading.Event()
        self.open()

    def open(self):
        """Listen, again after `close()` at the same address."""
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Relay)
        self.server.platform = self
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        """Refuse connections from now on."""
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.released.clear()

    @contextlib.contextmanager
    def failing(self, path, fault):
        """Answer requests to a path with a fault inside the block.

        Yield the list of the paths that were answered so.
        """
        self.failed, self.faults = [], {path: fault}
        try:
            yield self.failed
        finally:
            self.faults = {}
            self.released.set()
            self.released = threading.Event()


class Relay(BaseHTTPRequestHandler):
    """Answers one request, by a fault or as the sandbox does."""

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.platform.faults.get(self.path.partition("?")[0])
        with contextlib.suppress(OSError):  # the portal has hung up
            if fault is None:
                self.pass_on(body)
            else:
                self.server.platform.failed.append(self.path.partition("?")[0])
                fault(self)

    do_POST = do_GET

    def pass_on(self, body):
        url = self.server.platform.sandbox_url + self.path
        headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Accept-Encoding")}
        answer = requests.request(self.command, url, data=body, headers=headers, allow_redirects=False, timeout=20)
        send(self, answer.content, answer.status_code, **{"Content-Type": answer.headers["Content-Type"]})

    def log_message(self, *words):
        """Write nothing to the tests' output."""


def send(handler, body, status=200, length=None, **headers):
    """Send an answer.

    :param length: what its header says, where that is not true.
    """
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body) if length is None else length), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


# Faults


def say(value, status=200, **headers):
    """Return a fault that answers with a text or with JSON."""
    body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return lambda handler: send(handler, body, status, **headers)


def stay_silent(handler):
    """Accept the request and answer nothing."""
    handler.server.platform.released.wait()


def drip(handler):
    """Send a byte a second, and never enough of them."""
    send(handler, b"", length=9999)
    while not handler.server.platform.released.wait(1):
        handler.wfile.write(b" ")


def cut_off(handler):
    """End the connection in the middle of the body."""
    send(handler, b'{"errcode": 0, "code": 0, "us', length=200)


def flood(handler):
    """Send a body without an end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.platform.released.is_set():
        handler.wfile.write(PIECE)


def bomb(*encodings):
    """Return a fault that sends a small body that unpacks to a huge one."""
    packed = bytes(BOMB)
    for _ in encodings:
        packed = gzip.compress(packed, 6)
    return lambda handler: send(handler, packed, Content_Encoding=", ".join(encodings))
