"""Login and session check, side by side with what a team would write instead."""

from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

import click
from support.redis_server import RedisServer

from bench import visitors
from bench.apps import APPS, PORTAL, SESSION, get_page_size, start_peer, start_portal
from bench.directory_sync import Row
from bench.machine import Portals, cpu_of
from bench.served import Served, Stub
from bench.visitors import Line, Refused, close_all, sign_in

CONNECTIONS = 16
KNOWN = 100  # people that have signed in before
FAR = ("portal", "probe", "authlib", "allauth")  # those measured with a platform that takes its time
CALL, CONNECTION = 0.05, 0.1  # seconds such a platform takes for a call, and for a new connection besides
TOKEN_CALL = "app_access_token/internal"


@dataclass(frozen=True)
class Measure:
    """One line of the table of figures."""

    label: str
    unit: str
    digits: int = 1


MEASURES = {
    "check": Measure("signed-in check `GET /api/session`, CPU", "µs", 0),
    "page": Measure("login page, CPU", "µs", 0),
    "feishu": Measure("whole Feishu login, CPU", "ms"),
    "first": Measure("first Feishu login of a person, CPU", "ms"),
    "wecom": Measure("whole WeCom login, CPU", "ms"),
    "tokens": Measure("app-token calls for 1,000 logins", "", 0),
    "calls": Measure("other platform calls, a login", "", 2),
    "rate": Measure("logins a second, 16 at once", "", 0),
    "failed": Measure("logins that failed, of 1,000", "", 0),
    "p50": Measure("login p50, 16 at once, 50 ms a call and 100 ms a new connection", "ms", 0),
    "p95": Measure("p95 of the same", "ms", 0),
}


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a figure: at most, or at least, so many times another."""

    what: str
    bound: float
    peer: str = PORTAL
    least: bool = False
    of: str = ""  # the other figure, where it is another one


WANTED = [
    Wanted("check", 1.5, "bare"),
    Wanted("check", 0.65, "redis"),
    Wanted("page", 2.0, "bare"),
    Wanted("feishu", 0.4, "allauth"),
    Wanted("feishu", 1.0, "flask-login"),
    Wanted("rate", 1.2, "authlib", least=True),
    Wanted("p50", 0.5, "authlib"),
    Wanted("p95", 1.5, of="p50"),
]
MOST = {"feishu": 7, "wecom": 7, "failed": 0}


@dataclass(frozen=True)
class Sizes:
    """How much of each is done a round."""

    checks: int = 3000
    pages: int = 1500
    logins: int = 300
    far: int = 160


class Bench:
    """One run of all servers side by side.

    `rows` fills at its end.
    """

    def __init__(self, portals: Portals, peers: list[str], rounds: int, sizes: Sizes):
        self.portals, self.rounds, self.sizes = portals, rounds, sizes
        self.names = [PORTAL, *peers]
        self.servers: dict[str, Served] = {}
        self.figures = defaultdict(lambda: defaultdict(list))  # what -> server -> a figure a round
        self.idle = defaultdict(lambda: 1.0)  # what -> the platform's least share of idle time
        self.strangers = visitors.number_from(KNOWN + 1)
        self.rows: list[Row] = []

    def run(self):
        with ExitStack() as stack:
            self.stub = Stub(stack)
            for name in self.names:
                self.servers[name] = self.start(name, stack)
                stack.callback(self.servers[name].stop)
            for name in self.names:
                self.warm(name)
            for number in range(self.rounds):
                click.echo(f"round {number + 1} of {self.rounds}")
                self.round()
        self.conclude()

    def start(self, name: str, stack: ExitStack) -> Served:
        if name == PORTAL:
            return start_portal(self.portals, self.stub.url)
        environ = {"STUB": self.stub.url}
        if name == "redis":
            redis = RedisServer()
            stack.callback(redis.stop)
            redis.start()
            environ["REDIS"] = redis.url
        return start_peer(name, self.portals.folder, get_page_size(self.servers[PORTAL]), environ)

    def warm(self, name: str):
        """Load everything in both workers, and sign in the people that later sign in again."""
        one, lines = APPS[name], self.connect(name)
        for path in (one.page, SESSION):
            visitors.run(lines, range(100), lambda line, _, path=path: line.get(path))
        for start in filter(None, (one.feishu, one.wecom)):
            people = range(1, KNOWN + 1)
            check(visitors.run(lines, people, lambda line, person, start=start: sign_in(line, start, person)))

    def connect(self, name: str) -> list[Line]:
        return self.servers[name].connect(CONNECTIONS, APPS[name].page)

    def round(self):
        for name in self.names:
            self.requests(name, "check", SESSION, self.sizes.checks)
            self.requests(name, "page", APPS[name].page, self.sizes.pages)
        able = [name for name in self.names if APPS[name].feishu]
        known = [number % KNOWN + 1 for number in range(self.sizes.logins)]
        for name in able:
            self.stub.set_delays()
            done = self.logins(name, "feishu", APPS[name].feishu, known)
            counts = self.stub.count()
            self.tell("tokens", name, counts[TOKEN_CALL] / len(known) * 1000)
            self.tell("calls", name, count_calls(counts) / len(known))
            self.tell("rate", name, len(done.times) / done.seconds)
            self.tell("failed", name, len(done.failures) / len(known) * 1000)
        for name in able:
            self.logins(name, "first", APPS[name].feishu, self.strangers(self.sizes.logins // 3))
        for name in able:
            if APPS[name].wecom:
                self.logins(name, "wecom", APPS[name].wecom, known)
        self.stub.set_delays(CALL, CONNECTION)
        for name in able:
            if name in FAR:
                self.far(name, [number % KNOWN + 1 for number in range(self.sizes.far)])
        self.stub.set_delays()

    def requests(self, name: str, what: str, path: str, count: int):
        """Note the CPU time of a request."""
        lines, cookies = self.connect(name), {}
        if what == "check" and APPS[name].feishu:
            cookies = sign_in(lines[0], APPS[name].feishu, 1)

        def visit(line: Line, _):
            if line.get(path, cookies).status != 200:
                raise Refused(path)

        self.cpu(name, what, lines, range(count), visit)

    def logins(self, name: str, what: str, start: str, people: list[int]) -> visitors.Run:
        """Note the CPU time of a login."""
        return self.cpu(name, what, self.connect(name), people, lambda line, person: sign_in(line, start, person))

    def cpu(self, name: str, what: str, lines: list[Line], visits, visit) -> visitors.Run:
        server, busy = self.servers[name], cpu_of(self.stub.process.pid)
        before = server.cpu
        done = check(visitors.run(lines, visits, visit))
        factor = 1e6 if MEASURES[what].unit == "µs" else 1e3
        self.tell(what, name, (server.cpu - before) / len(visits) * factor)
        busy = cpu_of(self.stub.process.pid) - busy
        self.idle[what] = min(self.idle[what], max(0.0, 1 - busy / done.seconds))
        close_all(lines)
        return done

    def far(self, name: str, people: list[int]):
        """Note how long a login takes.

        The first ones open what connections are kept.
        """

        def visit(line: Line, person: int):
            sign_in(line, APPS[name].feishu, person)

        lines = self.connect(name)
        check(visitors.run(lines, people[: 2 * CONNECTIONS], visit))
        done = check(visitors.run(lines, people, visit))
        self.tell("p50", name, done.at(0.5) * 1e3)
        self.tell("p95", name, done.at(0.95) * 1e3)
        close_all(lines)

    def tell(self, what: str, name: str, figure: float):
        measure = MEASURES[what]
        self.figures[what][name].append(figure)
        click.echo(f"  {APPS[name].title:24} {figure:8,.{measure.digits}f} {measure.unit:3} {measure.label}")

    # The end

    def conclude(self):
        """Fill the rows from the medians of the rounds."""
        for what, bound in MOST.items():
            value = median(self.figures[what][PORTAL])
            unit = f" {MEASURES[what].unit}".rstrip()
            self.rows.append(Row(MEASURES[what].label, value, bound, unit, self.idle.get(what)))
        for wanted in WANTED:
            if wanted.peer in self.names:
                self.rows.append(self.compare(wanted))

    def compare(self, wanted: Wanted) -> Row:
        measure, of = MEASURES[wanted.what], wanted.of or wanted.what
        mine, theirs = self.figures[wanted.what][PORTAL], self.figures[of][wanted.peer]
        ratio = median(one / other for one, other in zip(mine, theirs, strict=True))
        values = (f"{median(value):,.{measure.digits}f} {measure.unit}".strip() for value in (theirs, mine))
        other = "p50" if wanted.of else APPS[wanted.peer].title
        what, idle = f"{measure.label}, against {other}", self.idle.get(wanted.what)
        return Row(what, ratio, wanted.bound, idle=idle, least=wanted.least, facts=" → ".join(values))

    def table(self) -> str:
        """Return the medians of all figures, as a table in Markdown."""
        lines = ["| | " + " | ".join(APPS[name].title for name in self.names) + " |"]
        lines.append("|---|" + "--:|" * len(self.names))
        for what, measure in MEASURES.items():
            cells = [self.figures[what].get(name) for name in self.names]
            cells = [f"{median(cell):,.{measure.digits}f}" if cell else "–" for cell in cells]
            unit = f", {measure.unit}" if measure.unit else ""
            lines.append(f"| {measure.label}{unit} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def count_calls(counts: Counter) -> int:
    """Return how many calls of the platform were made, but for those for the app's token."""
    return sum(count for call, count in counts.items() if call not in (TOKEN_CALL, "connections"))


def check(done: visitors.Run) -> visitors.Run:
    """Return a run, and tell how many of its visits failed.

    A busy machine makes some wait too long for SQLite. A run in which most fail measures nothing, and ends here.
    """
    if done.failures:
        told = f"{len(done.failures)} of {len(done.failures) + len(done.times)} visits failed: {done.failures[0][:120]}"
        if len(done.failures) > len(done.times):
            raise SystemExit(told)
        click.echo(f"  {told}")
    return done
