"""The portal alone on a company's morning: calls, statements, memory, and many people within a minute."""

import gzip
import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass

import click

from bench import visitors
from bench.apps import APPS, PORTAL, make_portal_environ, start_portal
from bench.directory_sync import Row
from bench.logins import CONNECTIONS, TOKEN_CALL, check, count_calls
from bench.machine import ROOT, Portals
from bench.served import Stub
from bench.statements import count_writes, list_statements
from bench.visitors import Line, close_all, sign_in

START = APPS[PORTAL].feishu
STATEMENTS, WRITES = 10, 3  # at most, a login
MEMORY = 160  # MB at most, of both workers
PAGE = 30  # KB at most, compressed
WAIT = 4  # seconds at most, the slowest of 20 people


@dataclass(frozen=True)
class Morning:
    """How many people come.

    :param logins: in all, before the memory is read.
    :param counted: logins of which the platform's calls are counted.
    :param people: within `seconds`, while a login's two calls take `platform` seconds together.
    """

    logins: int = 10_000
    counted: int = 1_000
    people: int = 500
    seconds: float = 60.0
    platform: float = 2.0


class Bench:
    """One portal on its morning.

    `rows` fills meanwhile.
    """

    def __init__(self, portals: Portals, morning: Morning):
        self.portals, self.morning = portals, morning
        self.rows: list[Row] = []

    def run(self):
        with ExitStack() as stack:
            self.stub = Stub(stack)
            self.statements()
            self.portal = start_portal(self.portals, self.stub.url)
            stack.callback(self.portal.stop)
            self.calls()
            self.page()
            self.rush()
            self.memory()

    def statements(self):
        """Count what one login sends to SQLite."""
        for kind, texts in trace_statements(self.portals, self.stub.url).items():
            count = len(list_statements(texts))
            self.add(f"{kind}: statements", count, STATEMENTS)
            self.add(f"{kind}: write transactions", count_writes(texts), WRITES)

    def calls(self):
        """Count the platform's calls, of first logins and of later ones."""
        count, made = self.morning.counted, []
        for _ in range(2):
            self.stub.set_delays()
            self.sign_in(range(1, count + 1))
            made.append(self.stub.count())
        tokens = sum(one[TOKEN_CALL] for one in made)
        self.add(f"app-token calls for {2 * count:,} logins", tokens, 1)
        first, later = (count_calls(one) / count for one in made)
        facts = f"{first:.2f} at a person's first login"
        self.add("platform calls, a Feishu login of a fresh person", later, 2, " calls", facts=facts)

    def page(self):
        """Weigh the login page with its own files, compressed."""
        line = Line(self.portal.port)
        page = line.get("/login").body
        files = re.findall(r'<(?:script src|link rel="stylesheet" href)="(/static/[^"]+)"', page.decode())
        size = sum(len(gzip.compress(text)) for text in (page, *(line.get(path).body for path in files)))
        self.add("login page with its own files, compressed", size / 1000, PAGE, " KB")

    def rush(self):
        """Sign in many people within a minute, at a slow platform."""
        morning = self.morning
        people = [number % morning.counted + 1 for number in range(morning.people)]
        self.stub.set_delays(morning.platform / 2)
        done = visitors.arrive(
            self.portal.port, people, morning.seconds, lambda line, person: sign_in(line, START, person)
        )
        self.stub.set_delays()
        what = f"{morning.people} people in {morning.seconds:g} s, platform takes {morning.platform:g} s"
        for failure in done.failures[:3]:
            click.echo(f"  {failure}")
        self.add(f"{what}: logins that failed", len(done.failures), 0)
        if done.times:
            self.add(f"{what}: p95", done.at(0.95), WAIT, " s", facts=f"p50 {done.at(0.5):.2f} s")

    def memory(self):
        """Read the memory of both workers after many logins."""
        count = self.morning.logins - 2 * self.morning.counted
        self.sign_in(number % self.morning.counted + 1 for number in range(count))
        self.add(f"memory of two workers after {self.morning.logins:,} logins", self.portal.memory, MEMORY, " MB")

    def sign_in(self, people):
        lines = self.portal.connect(CONNECTIONS, "/healthz")
        check(visitors.run(lines, people, lambda line, person: sign_in(line, START, person)))
        close_all(lines)

    def add(self, what: str, value: float, most: float, unit: str = "", facts: str = ""):
        self.rows.append(Row(what, value, most, unit, facts=facts))
        click.echo(f"  {value:8,.2f}{unit:6} {what}")


def trace_statements(portals: Portals, platform: str) -> dict[str, list[str]]:
    """Return the statements of each kind of login of a new portal."""
    environ = {**os.environ, **make_portal_environ(portals, platform, "http://127.0.0.1:8000")}
    command = [sys.executable, "-m", "bench.statements"]
    done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)
