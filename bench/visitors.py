"""Browsers for measurements: kept connections, the fewest bytes, next to no CPU time of their own."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

TIMEOUT = 60  # seconds


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes


class Line:
    """One kept connection to a server, opened anew when the server has closed it.

    :param host: to ask for; by default the server's own address.
    """

    def __init__(self, port: int, host: str = ""):
        self.port, self.socket, self.data = port, None, b""
        self.host = host or f"127.0.0.1:{port}"

    def connect(self):
        self.close()
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket, self.data = None, b""

    def get(self, path: str, cookies: dict[str, str] | None = None, headers: str = "") -> Answer:
        """Send a GET and read its whole answer.

        :param headers: further ones, each with its line end.
        """
        pairs = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        cookie = f"Cookie: {pairs}\r\n" if pairs else ""
        text = f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n{headers}{cookie}\r\n".encode()
        if self.socket is None:
            self.connect()
            return self.send(text)
        try:
            return self.send(text)
        except ConnectionError:  # the server has closed a connection that it kept
            self.connect()
            return self.send(text)

    def send(self, text: bytes) -> Answer:
        self.socket.sendall(text)
        head = self.read_to(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        status, headers, cookies = int(first.split(" ")[1]), {}, {}
        for name, _, value in (text.partition(":") for text in fields):
            headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                key, _, kept = value.strip().partition(";")[0].partition("=")
                cookies[key] = kept
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b"".join(self.read_chunks())
        else:
            body = self.read(int(headers.get("content-length", 0)))
        if "close" in headers.get("connection", "").lower():
            self.close()
        return Answer(status, headers, cookies, body)

    def fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionResetError("the server has closed the connection")
        self.data += more

    def read_to(self, end: bytes) -> bytes:
        while end not in self.data:
            self.fill()
        head, _, self.data = self.data.partition(end)
        return head

    def read(self, size: int) -> bytes:
        while len(self.data) < size:
            self.fill()
        body, self.data = self.data[:size], self.data[size:]
        return body

    def read_chunks(self):
        while size := int(self.read_to(b"\r\n"), 16):
            yield self.read(size)
            self.read(2)
        self.read(2)


def close_all(lines: Iterable[Line]):
    for line in lines:
        line.close()


class Begun(NamedTuple):
    """A login that has come back from the platform."""

    path: str
    cookies: dict[str, str]
    headers: str


def begin(line: Line, start: str, person: int) -> Begun:
    """Begin a login as a new browser, with a code that names the person.

    The platform's page is left out: the browser goes straight to where that page would send it. Each person has an
    address of their own, as a proxy in front would tell.
    """
    headers = f"X-Forwarded-For: 10.{person >> 16 & 255}.{person >> 8 & 255}.{person & 255}\r\n"
    begun = line.get(start, headers=headers)
    location = begun.headers.get("location", "")
    if "state=" not in location:
        raise Refused(f"{start}: {begun.status} {begun.body[:300]!r}")
    return Begun(make_callback(location, person), begun.cookies, headers)


def make_callback(location: str, person: int) -> str:
    """Return the callback to which a platform's page would lead.

    :param location: the page's address.
    """
    query = parse_qs(urlsplit(location).query)
    words = urlencode({"code": f"c{person}", "state": query["state"][0]})
    return f"{urlsplit(query['redirect_uri'][0]).path}?{words}"


def finish(line: Line, begun: Begun) -> dict[str, str]:
    """Finish a login and return the browser's cookies."""
    ended = line.get(*begun)
    if ended.status not in (302, 303) or not ended.cookies:
        raise Refused(f"{begun.path.partition('?')[0]}: {ended.status} {ended.body[:300]!r}")
    return {**begun.cookies, **{name: value for name, value in ended.cookies.items() if value}}


def sign_in(line: Line, start: str, person: int) -> dict[str, str]:
    """Sign a person in as a new browser.

    Return its cookies.
    """
    return finish(line, begin(line, start, person))


class Refused(Exception):
    """An answer that is not the one of a working server."""


@dataclass
class Run:
    """What many visitors have seen: seconds each took, and what failed."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def at(self, share: float) -> float:
        """Return the time below which a share of the visits lies."""
        return sorted(self.times)[min(int(len(self.times) * share), len(self.times) - 1)]


def run(lines: Iterable[Line], visits: Iterable, visit: Callable[[Line, object], object]) -> Run:
    """Make all visits, as many at once as there are lines.

    :param visit: takes a line and one of the visits.
    """
    done, waiting, lock = Run(), iter(visits), threading.Lock()

    def work(line: Line):
        while True:
            with lock:
                one = next(waiting, None)
            if one is None:
                return
            began = time.perf_counter()
            try:
                visit(line, one)
            except (OSError, Refused) as error:
                line.close()
                done.failures.append(f"{type(error).__name__}: {error}")
            else:
                done.times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=(line,)) for line in lines]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.seconds = time.perf_counter() - began
    return done


def arrive(port: int, people: list[int], seconds: float, visit: Callable[[Line, int], object]) -> Run:
    """Make visits that begin evenly over some seconds, however long the earlier ones take.

    Each has a connection of its own. Its time counts from when it was due.
    """
    done, began = Run(), time.perf_counter()

    def work(person: int, due: float):
        line = Line(port)
        try:
            visit(line, person)
        except (OSError, Refused) as error:
            done.failures.append(f"{type(error).__name__}: {error}")
        else:
            done.times.append(time.perf_counter() - due)
        line.close()

    threads = []
    for number, person in enumerate(people):
        due = began + seconds * number / len(people)
        time.sleep(max(0.0, due - time.perf_counter()))
        threads.append(threading.Thread(target=work, args=(person, due)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    done.seconds = time.perf_counter() - began
    return done


def number_from(first: int = 1) -> Callable[[int], list[int]]:
    """Return a function that takes the next so many numbers."""
    numbers = itertools.count(first)
    return lambda count: list(itertools.islice(numbers, count))
