"""The portal under gunicorn's `gthread` and under granian, with as many processes and threads."""

import json
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import click

from bench import visitors
from bench.apps import APPS, PORTAL, SESSION, start_portal
from bench.logins import CONNECTIONS, KNOWN, check
from bench.machine import Portals
from bench.served import WORKERS, Served, Stub
from bench.visitors import Line, begin, close_all, finish, sign_in

START, BARE = APPS[PORTAL].feishu, APPS["bare"]
SERVERS = {"gunicorn gthread": Served.gunicorn, "granian": Served.granian}
SPLITS = {"shared evenly": 0.5, "all on one worker": 1.0}
HELD = 10  # logins that the platform holds
CALL = 1.0  # seconds the platform takes for a call meanwhile
SLOW = 40  # clients that send half a header
PATIENCE = 5.0  # seconds that another client waits
PATIENT = 30.0  # seconds after which something that has to come has not come
RATE = 20  # requests a second
ALIVE = "/healthz"
FORGED = "SCRIPT_NAME: /forged\r\nX_Forwarded_For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
TOLD = "X-Forwarded-For: 198.51.100.1"  # what a proxy adds, at the end as proxies do


class Bench:
    """One comparison of the servers.

    `table()` shows its facts.
    """

    def __init__(self, portals: Portals, rounds: int, checks: int, logins: int, steady: float):
        self.portals, self.rounds, self.checks, self.logins = portals, rounds, checks, logins
        self.steady = steady  # seconds of steady requests
        self.figures = defaultdict(lambda: defaultdict(list))  # fact -> server -> a figure a round
        self.facts: dict[str, dict[str, str]] = defaultdict(dict)  # fact -> server -> words

    def run(self):
        with ExitStack() as stack:
            self.stub = Stub(stack)
            self.quick()
            for name in SERVERS:
                self.headers(name)
                for fact in (self.slow_clients, self.stop, self.reload, self.death):
                    fact(name)

    def start(self, name: str) -> Served:
        return start_portal(self.portals, self.stub.url, SERVERS[name])

    # Speed and memory

    def quick(self):
        """Measure CPU time and memory of both, by turns."""
        with ExitStack() as stack:
            running = {name: self.start(name) for name in SERVERS}
            bare = {name: start(name, BARE.app, {}, self.portals.folder) for name, start in SERVERS.items()}
            for server in (*running.values(), *bare.values()):
                stack.callback(server.stop)
            for server in running.values():
                self.sign_in(server, 0.5)
            for server in bare.values():
                server.wait(SESSION)
            for _ in range(self.rounds):
                for name, server in running.items():
                    for split, share in SPLITS.items():
                        self.requests(name, server, split, share)
                    cpu, done = self.sign_in(server, 0.5)
                    self.note("whole Feishu login, CPU, ms", name, cpu / len(done.times) * 1e3)
                    self.note("logins a second, 16 at once", name, len(done.times) / done.seconds)
                    self.note("logins that failed, of 1,000", name, len(done.failures) / self.logins * 1000)
                for name, server in bare.items():
                    self.bare(name, server)
            for name, server in running.items():
                self.note("memory of two workers, MB", name, server.memory)

    def bare(self, name: str, server: Served):
        """Note what a request costs where the app does next to nothing."""
        lines, before = server.connect(CONNECTIONS, SESSION), server.cpu
        check(visitors.run(lines, range(self.checks), lambda line, _: line.get(SESSION)))
        self.note("bare Flask, 16 kept connections: CPU, µs", name, (server.cpu - before) / self.checks * 1e6)
        close_all(lines)

    def requests(self, name: str, server: Served, split: str, share: float):
        lines = server.connect(CONNECTIONS, ALIVE, share)
        cookies = sign_in(lines[0], START, 1)
        before = server.cpu
        done = check(visitors.run(lines, range(self.checks), lambda line, _: line.get(SESSION, cookies)))
        what = f"16 kept connections, {split}"
        self.note(f"signed-in check, {what}: CPU, µs", name, (server.cpu - before) / self.checks * 1e6)
        self.note(f"signed-in check, {what}: a second", name, self.checks / done.seconds)
        close_all(lines)

    def sign_in(self, server: Served, share: float) -> tuple[float, visitors.Run]:
        """Sign people in, and return the CPU seconds and the run."""
        lines, before = server.connect(CONNECTIONS, ALIVE, share), server.cpu
        people = [number % KNOWN + 1 for number in range(self.logins)]
        done = check(visitors.run(lines, people, lambda line, person: sign_in(line, START, person)))
        close_all(lines)
        return server.cpu - before, done

    def note(self, fact: str, name: str, figure: float):
        self.figures[fact][name].append(figure)
        click.echo(f"  {name:18} {figure:9,.1f}  {fact}")

    # What else a server must do

    def headers(self, name: str):
        """Look at what a visitor's headers do to a request."""
        server = SERVERS[name](name, "bench.peers.environ:app", {}, self.portals.folder)
        try:
            told = json.loads(server.wait("/").connect(1, "/")[0].get("/", headers=f"{TOLD}\r\n{FORGED}").body)
        finally:
            server.stop()
        moved = told["SCRIPT_NAME"] or "none"
        self.tell(
            "a visitor's header SCRIPT_NAME moves the path", name, "no" if moved == "none" else f"yes, to {moved}"
        )
        scheme = told["wsgi.url_scheme"]
        self.tell("a visitor's X-Forwarded-Proto changes the scheme", name, "no" if scheme == "http" else "yes")
        seen = told["HTTP_X_FORWARDED_FOR"]
        words = "no" if seen == TOLD.partition(" ")[2] else f"yes, {seen} counts"
        self.tell("X_Forwarded_For, with underscores, passes for X-Forwarded-For", name, words)

    def slow_clients(self, name: str):
        """Ask while other clients have sent half a header each."""
        with self.running(name) as server:
            lines = server.connect(SLOW, None)
            for line in lines:
                line.socket.sendall(f"GET {ALIVE} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX-Half".encode())
            other, began = Line(server.port), time.monotonic()
            try:
                ask(other, PATIENCE)
                words = f"answers within {max(0.01, time.monotonic() - began):.2f} s"
            except OSError:
                words = f"no answer within {PATIENCE:g} s"
            self.tell(f"{SLOW} clients with half a header: another one", name, words)
            close_all([other, *lines])

    def stop(self, name: str):
        """End the server while the platform holds logins."""
        with self.running(name) as server, self.held(server) as held:
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(60)
            seconds = time.monotonic() - began
            self.tell(f"SIGTERM while {HELD} logins are held", name, f"{held()}; ends after {seconds:.1f} s")

    def reload(self, name: str):
        """Replace the workers under steady requests, while the platform holds logins."""
        with self.running(name) as server, self.held(server) as held:
            old = set(server.workers)
            seen = steady(server, self.steady, lambda: server.process.send_signal(signal.SIGHUP))
            replaced = wait_for(lambda: len(server.workers) == WORKERS and not old & set(server.workers))
            words = "all workers replaced" if replaced else "workers not replaced"
            self.tell(
                f"SIGHUP under {RATE} requests/s while {HELD} logins are held", name, f"{seen}; {held()}; {words}"
            )

    def death(self, name: str):
        """Kill a worker under steady requests, while both have logins that the platform holds."""
        with self.running(name) as server, self.held(server) as held:
            old, times = set(server.workers), []

            def kill():
                began = time.monotonic()
                os.kill(server.workers[0], signal.SIGKILL)
                wait_for(lambda: finds_new_worker(server, old))
                times.append(time.monotonic() - began)

            seen = steady(server, self.steady, kill)
            words = f"{seen}; {held()}; a new worker answers after {times[0]:.1f} s"
            self.tell(f"kill -9 of a worker under {RATE} requests/s while it holds {HELD // 2} logins", name, words)

    @contextmanager
    def running(self, name: str) -> Iterator[Served]:
        """Give a warm server of its own."""
        server = self.start(name)
        try:
            self.sign_in(server, 0.5)
            yield server
        finally:
            self.stub.set_delays()
            server.stop()

    @contextmanager
    def held(self, server: Served) -> Iterator[Callable[[], str]]:
        """Hold logins at the platform, and give a function that says how they ended."""
        lines = server.connect(HELD, ALIVE)
        begun = {line: begin(line, START, number + 1) for number, line in enumerate(lines)}
        self.stub.set_delays(CALL)
        ended = visitors.Run()

        def work():
            done = visitors.run(lines, range(HELD), lambda line, _: finish(line, begun[line]))
            ended.times, ended.failures = done.times, done.failures

        thread = threading.Thread(target=work)
        thread.start()
        if not wait_for(lambda: self.stub.count()["oauth/token"] == HELD):
            raise SystemExit(f"{server.name}: the platform has not got all logins: {self.stub.count()}")

        def tell_end() -> str:
            thread.join()
            return f"{len(ended.times)} of {HELD} held logins finish"

        yield tell_end
        thread.join()

    def tell(self, fact: str, name: str, words: str):
        self.facts[fact][name] = words
        click.echo(f"  {name:18} {fact}: {words}")

    def table(self) -> str:
        """Return all facts as a table in Markdown."""
        lines = ["| | " + " | ".join(SERVERS) + " |", "|---|" + "--:|" * len(SERVERS)]
        for fact, figures in self.figures.items():
            values = [median(figures[name]) for name in SERVERS]
            cells = [f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" for value in values]
            lines.append(f"| {fact} | {' | '.join(cells)} |")
        lines += [f"| {fact} | {' | '.join(words[name] for name in SERVERS)} |" for fact, words in self.facts.items()]
        return "\n".join(lines)


def steady(server: Served, seconds: float, act: Callable[[], object]) -> str:
    """Act on a server while requests arrive.

    Each comes on a new connection. It tells how many were lost.
    """
    ended = []

    def work():
        requests = range(round(seconds * RATE))
        ended.append(visitors.arrive(server.port, requests, seconds, lambda line, _: ask(line)))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(seconds / 4)
    act()
    thread.join()
    [done] = ended
    slowest = f"the slowest {max(done.times):.1f} s"
    return f"{len(done.failures)} of {len(done.times) + len(done.failures)} requests lost, {slowest}"


def ask(line: Line, seconds: float = visitors.TIMEOUT):
    """Ask once.

    A connection that ends without an answer is a lost request.
    """
    line.connect()
    line.socket.settimeout(seconds)
    if line.send(f"GET {ALIVE} HTTP/1.1\r\nHost: 127.0.0.1:{line.port}\r\n\r\n".encode()).status != 200:
        raise visitors.Refused(ALIVE)


def finds_new_worker(server: Served, old: set[int]) -> bool:
    """Tell whether a worker answers that was not there before."""
    line = Line(server.port)
    try:
        line.get(ALIVE)
        return server.find_worker(line) not in {*old, None}
    except OSError:
        return False
    finally:
        line.close()


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait for a condition, and return whether it holds."""
    until = time.monotonic() + PATIENT
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
