"""The record of calls, and failures on demand."""

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from flask import Response, current_app, request

HOLD_TIMEOUT = 10  # seconds a held request waits for the others at most
GATE_TIMEOUT = 120  # seconds a request waits at a gate at most
MOST_CALLS = 100_000  # kept in memory
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
    """A failure of the next `count` requests to a path.

    The fields are the knob's own words.
    """

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

    def apply(self):
        """Wait, then return the answer that replaces the platform's.

        `None` means that the platform itself answers.
        """
        time.sleep(self.delay)
        if self.barrier:
            wait_for_others(self.barrier)
        if self.drop:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return Response()
        if self.redirect:
            return Response(status=self.status or 302, headers={"Location": self.redirect})
        if self.status is None and self.body is None:
            return None
        return self.build_answer()

    def build_answer(self):
        is_text = isinstance(self.body, str)
        text = self.body if is_text else json.dumps({} if self.body is None else self.body)
        body = text.replace("%n", str(self.count)).encode("utf-8", "replace")
        answer = Response(
            trickle(body, self.drip) if self.drip else body,
            status=self.status or 200,
            mimetype="text/html" if is_text else "application/json",
        )
        answer.headers["Content-Length"] = str(len(body))
        answer.headers.update(self.headers)
        return answer


class Gate:
    """A gate at which requests to a path wait.

    The first `after` requests pass, the others wait until it is opened.
    """

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
        self.opened.wait(GATE_TIMEOUT)
        with lock:
            self.waiting -= 1


def wait_for_others(barrier):
    try:
        barrier.wait(HOLD_TIMEOUT)
    except threading.BrokenBarrierError:
        pass  # the others never arrived


def trickle(body, seconds):
    for number in range(len(body)):
        time.sleep(seconds / len(body))
        yield body[number : number + 1]


class Traffic:
    """The calls since the last reset, and the failures ahead."""

    def __init__(self):
        self.lock = threading.Lock()
        self.newest = 0  # connections are numbered as they open
        self.gates = []
        self.reset()

    def reset(self):
        self.failures = []
        self.open_gates()
        self.forget_calls()

    def open_gates(self):
        """Release all waiting requests and remove the gates."""
        gates, self.gates = self.gates, []
        for gate in gates:
            gate.opened.set()

    def pass_gates(self, path):
        for gate in [gate for gate in self.gates if fnmatchcase(path, gate.path)]:
            gate.pass_through(self.lock)

    def forget_calls(self):
        self.calls = deque(maxlen=MOST_CALLS)
        self.connections = set()
        self.cleared_at = self.newest

    def record_call(self, now):
        connection = request.environ.get("sandbox.connection", 0)
        call = {
            "method": request.method,
            "path": request.path,
            "query": {name: unpack_single(values) for name, values in request.args.lists()},
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

    def count_connections(self):
        """Return how many connections API clients have opened.

        It counts from the last reset.
        """
        return sum(number > self.cleared_at for number in self.connections)

    def take_failure(self, path):
        with self.lock:
            for failure in self.failures:
                if failure.count and fnmatchcase(path, failure.path):
                    failure.count -= 1
                    return failure
        return None


def unpack_single(values):
    return values[0] if len(values) == 1 else values


def observe_request():
    """Record a request and apply the failure set for it.

    It runs before every request.
    """
    if request.path == "/" or request.path.startswith(OWN_PATHS):
        return None
    traffic = current_app.extensions["sandbox_traffic"]
    traffic.record_call(current_app.extensions["sandbox"].now())
    traffic.pass_gates(request.path)
    failure = traffic.take_failure(request.path)
    return failure.apply() if failure else None
