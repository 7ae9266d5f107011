"""The gate: its checks beside `GET /api/session` and bare Flask, a proxy in front, and what it takes to enter."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

import click
import psycopg
from support.postgres import find_free_port

from bench import gate_proxy, visitors
from bench.apps import APPS, PORTAL, SESSION, make_portal_environ
from bench.directory_sync import NAMES, Row
from bench.gate_proxy import Nginx, find_nginx
from bench.gate_statements import CHECK, ENTRY, HOST, PAGE, ask_about
from bench.logins import CONNECTIONS, check
from bench.machine import ROOT, Portals
from bench.served import Served, Stub
from bench.statements import count_writes, list_statements
from bench.visitors import Line, Refused, close_all, sign_in

BEHIND_PROXY = 8  # connections
ALIVE = "/healthz"
CHECKED, ASKED, BARE = "check", "`GET /api/session`", "bare Flask"
PROXIED, DIRECT = "nginx and check", "`GET /api/session`, asked directly"
EVERYBODY = {"name": "people", "title": "People", "members": [{"kind": "everybody"}]}
APPLICATION = {"name": "wiki", "title": "Wiki", "hosts": [HOST], "groups": ["people"]}


@dataclass
class Site:
    """A portal with an application, and a person who is in it.

    :param proxy: in front of the application; `None` where there is no nginx.
    :param session: the person's cookies at the portal.
    :param door: those at the application's host.
    """

    portal: Served
    proxy: Nginx | None
    session: dict[str, str]
    door: dict[str, str]


class Bench:
    """One run of both databases side by side.

    `rows` fills at its end.
    """

    def __init__(self, portals: Portals, databases: list[str], rounds: int, checks: int):
        self.portals, self.databases, self.rounds, self.checks = portals, databases, rounds, checks
        self.figures = defaultdict(list)  # database and what -> a figure a round
        self.redirects: dict[str, int] = {}
        self.rows: list[Row] = []

    def run(self):
        with ExitStack() as stack:
            self.stub = Stub(stack)
            self.bare = Served.gunicorn("bare", APPS["bare"].app, {}, self.portals.folder).wait(SESSION)
            stack.callback(self.bare.stop)
            sites = {database: self.open_site(database, stack) for database in self.databases}
            for number in range(self.rounds + 1):
                click.echo(f"round {number} of {self.rounds}" if number else "first round, which does not count")
                for database, site in sites.items():
                    self.measure(database, site)
                if not number:
                    self.figures.clear()
            for database in self.databases:
                self.conclude(database, self.trace(database))

    # Preparing

    def make_environ(self, database: str, base: str) -> dict:
        """Return the environment of a new portal that has the application."""
        environ = make_portal_environ(self.portals, self.stub.url, base, database)
        file = self.portals.folder / "applications.json"
        file.write_text(json.dumps({"groups": [EVERYBODY], "applications": [APPLICATION]}))
        command = [sys.executable, "-m", "flask", "applications", "apply", str(file)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)
        return environ

    def open_site(self, database: str, stack: ExitStack) -> Site:
        """Start a portal and its proxy, and bring a person in."""
        port = find_free_port()
        environ = self.make_environ(database, f"http://127.0.0.1:{port}")
        portal = Served.portal(f"portal {database}", environ, self.portals.folder, port).wait("/readyz")
        stack.callback(portal.stop)
        proxy = None
        if find_nginx():
            proxy = Nginx(self.portals.folder / f"nginx {database}", port)
            stack.callback(proxy.stop)
        session = sign_in(Line(port), APPS[PORTAL].feishu, 1)
        door, self.redirects[database] = enter(port, session)
        return Site(portal, proxy, session, door)

    # Measuring

    def measure(self, database: str, site: Site):
        """Measure everything once, by turns."""
        asked = ask_about("/")
        self.cpu(database, BARE, self.bare, SESSION, {}, "")
        self.cpu(database, CHECKED, site.portal, CHECK, site.door, asked)
        self.cpu(database, ASKED, site.portal, SESSION, site.session, "")
        self.cpu(database, CHECKED, site.portal, CHECK, site.door, asked)
        if site.proxy:
            self.wait(database, PROXIED, site.proxy.connect(BEHIND_PROXY), gate_proxy.PAGE, site)
            # The kernel has shared out nginx's connections among the workers as it likes; these get the same share.
            lines = site.portal.connect(BEHIND_PROXY, ALIVE, site.portal.get_share())
            self.wait(database, DIRECT, lines, SESSION, site)

    def cpu(self, database: str, what: str, server: Served, path: str, cookies: dict, headers: str):
        """Note the CPU time of a request."""
        lines = server.connect(CONNECTIONS, SESSION if server is self.bare else ALIVE)
        before = server.cpu
        ask_often(lines, self.checks, path, cookies, headers)
        self.note(database, f"{what}, CPU", (server.cpu - before) / self.checks * 1e6)

    def wait(self, database: str, what: str, lines: list[Line], path: str, site: Site):
        """Note how long a browser waits for an answer, and the CPU time of portal and proxy."""
        before = site.portal.cpu + site.proxy.cpu
        waited = ask_often(lines, self.checks, path, site.door if what == PROXIED else site.session).at(0.5)
        used = site.portal.cpu + site.proxy.cpu - before
        self.note(database, f"{what}, p50", waited * 1e6)
        self.note(database, f"{what}, CPU", used / self.checks * 1e6)

    def note(self, database: str, what: str, figure: float):
        self.figures[database, what].append(figure)
        click.echo(f"  {NAMES[database]:10} {figure:8,.0f} µs  {what}")

    def trace(self, database: str) -> dict[str, list[str]]:
        """Return what a check and an entry send to a new portal's database."""
        environ = self.make_environ(database, "http://127.0.0.1:8000")
        url = environ["PORTAL_DATABASE_URL"]
        if database == "postgresql":
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET log_statement TO 'all'")
            environ["BENCH_LOG"] = str(self.portals.cluster.folder / "log")
        command = [sys.executable, "-m", "bench.gate_statements"]
        ended = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE, check=True, text=True
        )
        return json.loads(ended.stdout)

    # The end

    def conclude(self, database: str, traced: dict[str, list[str]]):
        """Fill the rows from the medians of the rounds."""
        self.compare(database, f"{CHECKED}, CPU", f"{ASKED}, CPU", 1.15)
        self.compare(database, f"{CHECKED}, CPU", f"{BARE}, CPU", 1.8)
        if find_nginx():
            self.compare(database, f"{PROXIED}, p50", f"{DIRECT}, p50", 2.0)
            self.compare(database, f"{PROXIED}, CPU", f"{DIRECT}, CPU", 2.0)
        else:
            click.echo(f"{NAMES[database]}: {PROXIED} is left out, because nginx is not installed")
        name, entry, checked = NAMES[database], traced[ENTRY], list_statements(traced[CHECKED])
        facts = ", ".join(text.partition(" ")[0] for text in checked)
        self.rows.append(Row(f"{name}: statements of a check", len(checked), 1, "", facts=facts))
        self.rows.append(Row(f"{name}: redirects until the door is open", self.redirects[database], 3, ""))
        facts = f"{len(list_statements(entry))} statements"
        self.rows.append(Row(f"{name}: write transactions to enter", count_writes(entry), 2, "", facts=facts))

    def compare(self, database: str, what: str, other: str, bound: float):
        """Add the row of a ratio: the median of the rounds' own."""
        mine, theirs = self.figures[database, what], self.figures[database, other]
        each = len(mine) // len(theirs)  # what is measured twice a round, before and after the other
        mine = [sum(mine[at : at + each]) / each for at in range(0, len(mine), each)]
        ratio = median(one / two for one, two in zip(mine, theirs, strict=True))
        facts = f"{median(theirs):,.0f} → {median(mine):,.0f} µs"
        self.rows.append(Row(f"{NAMES[database]}: {what}, against {other}", ratio, bound, facts=facts))


def enter(port: int, session: dict[str, str]) -> tuple[dict[str, str], int]:
    """Enter the application as a browser does.

    :return: the door's cookie, and the redirects that have led to it. One more leads back to the page.
    """
    places = {HOST: Line(port, HOST.partition("//")[2]), f"http://127.0.0.1:{port}": Line(port)}
    kept = {HOST: {}, f"http://127.0.0.1:{port}": session}
    answer, redirects = places[HOST].get(CHECK, headers=ask_about("/", PAGE)), 0
    while f"portal_{APPLICATION['name']}" not in kept[HOST]:
        origin = next((place for place in places if answer.headers.get("location", "").startswith(place)), None)
        if origin is None:
            raise Refused(f"no way into the application: {answer.status} {answer.body[:300]!r}")
        redirects += 1
        answer = places[origin].get(answer.headers["location"].removeprefix(origin), kept[origin])
        kept[origin].update(answer.cookies)
    return kept[HOST], redirects


def ask_often(lines: list[Line], count: int, path: str, cookies: dict, headers: str = "") -> visitors.Run:
    """Ask for the same address on kept connections, and close them."""

    def visit(line: Line, _):
        if line.get(path, cookies, headers).status != 200:
            raise Refused(path)

    done = check(visitors.run(lines, range(count), visit))
    close_all(lines)
    return done
