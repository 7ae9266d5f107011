"""What goes over the wire on the platforms' paths: a record of every call, and failures on demand."""

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from flask import Response, current_app, request

BARRIER = 10  # seconds a held request waits for the others at most
PATIENCE = 120  # seconds a request waits at a gate at most
KEPT_CALLS = 100_000
OWN_PATHS = ("/_sandbox/", "/favicon.ico", "/phone", "/workspace")
PAGES = (  # opened by browsers, not by API clients
    "*/authorize",
    "*/authen/v1/index",
    "/suite/passport/sso/*",
    "/obj/*",
    "/lark/*",
    "/wwlogin/*",
    "/wwopen/*",
)


@dataclass(kw_only=True)
class Failure:
    """What shall happen to the next `count` requests to a path; the knob's own words."""

    path: str
    count: int = 0
    status: int | None = None
    body: object = None
    headers: dict = field(default_factory=dict)
    delay: float = 0  # seconds
    drip: float = 0  # seconds over which the body trickles
    hold: int = 0
    drop: bool = False
    redirect: str = ""

    def __post_init__(self):
        self.count = self.count or self.hold or 1
        self.barrier = threading.Barrier(self.hold) if self.hold > 1 else None

    def happen(self):
        """Wait as told, then return the answer to give in place of the platform's, or None."""
        time.sleep(self.delay)
        if self.barrier:
            wait_together(self.barrier)
        if self.drop:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return Response()
        if self.redirect:
            return Response(status=self.status or 302, headers={"Location": self.redirect})
        if self.status is None and self.body is None:
            return None
        return self.answer()

    def answer(self):
        text = isinstance(self.body, str)
        written = self.body if text else json.dumps({} if self.body is None else self.body)
        body = written.replace("%n", str(self.count)).encode("utf-8", "replace")
        answer = Response(
            trickle(body, self.drip) if self.drip else body,
            status=self.status or 200,
            mimetype="text/html" if text else "application/json",
        )
        answer.headers["Content-Length"] = str(len(body))
        answer.headers.update(self.headers)
        return answer


class Gate:
    """Lets the first `after` requests to a path pass; the others wait until it is opened."""

    def __init__(self, path, after=0):
        self.path, self.left = path, after
        self.waiting = 0
        self.opened = threading.Event()

    def pass_through(self, lock):
        with lock:
            self.left -= 1
            if self.left >= 0:
                return
            self.waiting += 1
        self.opened.wait(PATIENCE)
        with lock:
            self.waiting -= 1


def wait_together(barrier):
    try:
        barrier.wait(BARRIER)
    except threading.BrokenBarrierError:
        pass  # the others never came


def trickle(body, seconds):
    for number in range(len(body)):
        time.sleep(seconds / len(body))
        yield body[number : number + 1]


class Traffic:
    """The calls since the last reset, and the failures waiting to happen."""

    def __init__(self):
        self.lock = threading.Lock()
        self.newest = 0  # connections are numbered as they open
        self.gates = []
        self.reset()

    def reset(self):
        self.failures = []
        self.open()
        self.clear()

    def open(self):
        """Let everybody go who waits at a gate, and take the gates away."""
        gates, self.gates = self.gates, []
        for gate in gates:
            gate.opened.set()

    def pass_gates(self, path):
        for gate in [gate for gate in self.gates if fnmatchcase(path, gate.path)]:
            gate.pass_through(self.lock)

    def clear(self):
        self.calls = deque(maxlen=KEPT_CALLS)
        self.connections = set()
        self.cleared_at = self.newest

    def record(self, now):
        connection = request.environ.get("sandbox.connection", 0)
        call = {
            "method": request.method,
            "path": request.path,
            "query": {name: one_or_many(values) for name, values in request.args.lists()},
            "headers": dict(request.headers),
            "body": request.get_data().decode("utf-8", "replace"),
            "connection": connection,
            "time": now,
        }
        with self.lock:
            self.calls.append(call)
            self.newest = max(self.newest, connection)
            if not any(fnmatchcase(request.path, page) for page in PAGES):
                self.connections.add(connection)

    def opened(self):
        """Return how many connections API clients opened since the last reset."""
        return sum(number > self.cleared_at for number in self.connections)

    def next_failure(self, path):
        with self.lock:
            for failure in self.failures:
                if failure.count and fnmatchcase(path, failure.path):
                    failure.count -= 1
                    return failure
        return None


def one_or_many(values):
    return values[0] if len(values) == 1 else values


def observe():
    """Before every request: note it, and let a waiting failure happen to it."""
    if request.path == "/" or request.path.startswith(OWN_PATHS):
        return None
    traffic = current_app.extensions["sandbox_traffic"]
    traffic.record(current_app.extensions["sandbox"].now())
    traffic.pass_gates(request.path)
    failure = traffic.next_failure(request.path)
    return failure.happen() if failure else None
