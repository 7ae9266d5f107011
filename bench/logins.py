"""Login and session check, side by side with what a team would write instead."""

import os
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from support.postgres import find_free_port

from bench import visitors
from bench.directory_sync import Row
from bench.machine import Portals
from bench.served import Served, Stub

PORTAL = "portal"
CONNECTIONS = 16
SESSION, PAGE = "/api/session", "/login"


@dataclass(frozen=True)
class App:
    """An app to measure.

    :param app: for gunicorn, `module:callable`.
    :param start: the address that begins a login; `None` where it has none.
    :param checks: whether it has a signed-in check.
    """

    app: str
    start: str | None = "/login/start"
    wecom: str | None = None
    checks: bool = True
    page: str = PAGE
    session: str = SESSION


APPS = {
    PORTAL: App("app:create_app()", start="/login/Feishu", wecom="/login/WeCom"),
    "bare": App("bench.peers.bare:app", start=None),
}
PEERS = [name for name in APPS if name != PORTAL]
NAMES = {PORTAL: "portal", "bare": "bare Flask"}
LABELS = {
    "check": "signed-in check",
    "page": "login page",
    "feishu": "whole Feishu login",
    "wecom": "whole WeCom login",
}


@dataclass(frozen=True)
class Sizes:
    """How much of each is done a round."""

    checks: int = 3000
    pages: int = 1500
    logins: int = 300


class Bench:
    """One run of all servers side by side; `rows` fills at its end."""

    def __init__(self, folder: Path, portals: Portals, peers: list[str], rounds: int, sizes: Sizes):
        self.folder, self.portals, self.rounds, self.sizes = folder, portals, rounds, sizes
        self.names = [PORTAL, *peers]
        self.servers: dict[str, Served] = {}
        self.figures = defaultdict(lambda: defaultdict(list))  # what -> server -> a figure a round
        self.people = visitors.number_from()
        self.idle = 1.0
        self.rows: list[Row] = []

    def run(self):
        with ExitStack() as stack:
            self.stub = Stub(stack)
            for name in self.names:
                self.servers[name] = self.start(name)
                stack.callback(self.servers[name].stop)
            for name in self.names:
                self.warm(name)
            for number in range(self.rounds):
                click.echo(f"round {number + 1} of {self.rounds}")
                self.round()
        self.conclude()

    def start(self, name: str) -> Served:
        one, port = APPS[name], find_free_port()
        base = f"http://127.0.0.1:{port}"
        environ = {
            "STUB": self.stub.url,
            "BASE": base,
            "FOLDER": str(self.folder),
            "PYTHONPATH": os.environ["PYTHONPATH"],
        }
        if name == PORTAL:
            environ |= self.portals.settings("sqlite", self.stub.url, base=base)
            environ |= {"PORTAL_UNKNOWN_PEOPLE": "create", "PORTAL_TRUSTED_PROXIES": "1"}
        else:
            environ["PAGE_SIZE"] = str(self.page_size)
        return Served.gunicorn(name, one.app, environ, self.folder, port).wait(one.page)

    @property
    def page_size(self) -> int:
        """The size of the portal's login page in bytes."""
        return len(visitors.Line(self.servers[PORTAL].port).get(PAGE).body)

    def warm(self, name: str):
        """Load everything in both workers, and sign in the people that later ones sign in again."""
        server, one = self.servers[name], APPS[name]
        for path in (one.page, one.session):
            lines = server.connect(CONNECTIONS, one.page)
            visitors.run(lines, range(100), lambda line, _, path=path: line.get(path))
        for start in filter(None, (one.start, one.wecom)):
            checked(
                visitors.run(
                    lines, range(1, 101), lambda line, person, start=start: visitors.sign_in(line, start, person)
                )
            )

    def round(self):
        for name in self.names:
            one = APPS[name]
            self.requests(name, "check", one.session, self.sizes.checks)
            self.requests(name, "page", one.page, self.sizes.pages)
        for name in self.names:
            one = APPS[name]
            if one.start:
                self.logins(name, "feishu", one.start)
            if one.wecom:
                self.logins(name, "wecom", one.wecom)

    def requests(self, name: str, what: str, path: str, count: int):
        """Note the CPU time of a request, in µs."""
        server, one, cookies = self.servers[name], APPS[name], {}
        lines = server.connect(CONNECTIONS, one.page)
        if what == "check" and one.start:
            cookies = visitors.sign_in(lines[0], one.start, 1)

        def visit(line, _):
            if line.get(path, cookies).status != 200:
                raise visitors.Refused(path)

        self.note(name, what, server, lines, range(count), visit, 1e6)

    def logins(self, name: str, what: str, start: str):
        """Note the CPU time of a login, in ms."""
        server = self.servers[name]
        lines = server.connect(CONNECTIONS, APPS[name].page)
        people = [number % 100 + 1 for number in range(self.sizes.logins)]
        self.note(name, what, server, lines, people, lambda line, person: visitors.sign_in(line, start, person), 1e3)

    def note(self, name, what, server, lines, visits, visit, unit):
        before = server.cpu
        checked(visitors.run(lines, visits, visit))
        figure = (server.cpu - before) / len(visits) * unit
        self.figures[what][name].append(figure)
        for line in lines:
            line.close()
        click.echo(f"  {what:8} {NAMES[name]:24} {figure:9,.1f} {'µs' if unit == 1e6 else 'ms'} CPU")

    def conclude(self):
        """Fill the rows from the medians of the rounds."""
        for what, peer, bound in (("check", "bare", 1.5), ("page", "bare", 2.0)):
            if peer in self.names:
                self.compare(what, peer, bound)
        for what in ("feishu", "wecom"):
            value = median(self.figures[what][PORTAL])
            self.rows.append(Row(f"{LABELS[what]}: CPU ms", value, 7, unit=" ms"))

    def compare(self, what: str, peer: str, bound: float):
        mine, theirs = self.figures[what][PORTAL], self.figures[what][peer]
        ratio = median(one / other for one, other in zip(mine, theirs, strict=True))
        facts = f"{median(theirs):,.0f} → {median(mine):,.0f} µs"
        self.rows.append(Row(f"{LABELS[what]}: CPU against {NAMES[peer]}", ratio, bound, facts=facts))


def checked(done: visitors.Run) -> visitors.Run:
    if done.failures:
        raise SystemExit(f"{len(done.failures)} visits failed: {done.failures[0]}")
    return done
