"""The directory sync against what bounds it: its floor, one call at a time, the platform's limits, plain scripts."""

import os
import platform
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
from support.sandbox_server import SandboxServer

from bench.machine import Portals, Use, counted_rows, measure

ELEMENTS = {"feishu": "Feishu", "wecom": "WeCom"}
NAMES = {"feishu": "Feishu", "wecom": "WeCom", "sqlite": "SQLite", "postgresql": "PostgreSQL"}
SCRIPTS = {"feishu": ("lark-oapi", "lark_walk"), "wecom": ("wechatpy", "wechatpy_list")}
AT_ONCE = {"feishu": 8, "wecom": 3}  # as the portal's clients have it
FAR = 0.02  # seconds a call takes at the platform where it counts
LIMITS = [[50, 1], [1000, 60]]  # https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control
SINGLE = {"feishu": 5.0, "wecom": 2.5}  # so many times faster than one call at a time
WALL, CPU = {"feishu": 0.25, "wecom": 0.45}, {"feishu": 0.3, "wecom": 0.5}  # of a script's

DIGITS = {" ×": 2, " s": 2, " calls": 2, " ms": 1, " KB": 1}  # of a value, by its unit


@dataclass(frozen=True)
class Size:
    people: int
    departments: int

    def __str__(self):
        return f"{self.people:,} in {self.departments:,}"


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, and what is wanted of it."""

    what: str
    value: float
    bound: float
    unit: str = " ×"
    idle: float | None = None  # the sandbox's share of idle time
    least: bool = False  # whether the bound is the least wanted, not the most
    facts: str = ""

    def __str__(self):
        met = self.value >= self.bound if self.least else self.value <= self.bound
        digits = DIGITS.get(self.unit, 0)
        wanted = f"{'≥' if self.least else '≤'} {self.bound:g}{self.unit}"
        idle = "" if self.idle is None else f"{self.idle:.0%}"
        value = f"{self.value:,.{digits}f}{self.unit}"
        return f"| {self.what} | {value} | {wanted} | {'✓' if met else '✗ missed'} | {self.facts} | {idle} |"


class Bench:
    """One run of all comparisons; `rows` fills meanwhile."""

    def __init__(self, portals: Portals, databases, providers, rounds: int):
        self.portals, self.databases, self.providers, self.rounds = portals, databases, providers, rounds
        self.rows: list[Row] = []
        self.memory: dict[tuple, float] = {}  # provider and database -> MB of a first sync of the small company
        self.begun = {}  # program -> seconds until it does something

    def small(self, size: Size):
        """Compare memory, one call at a time, scripts and the platform's limits in a company of usual size."""
        with running(size) as sandbox:
            self.begin(sandbox)
            for provider in self.providers:
                calls = warm(sandbox, provider)
                for database in self.databases:
                    use, _ = self.sync(sandbox, provider, database, f"{size}, {NAMES[database]}, first")
                    self.memory[provider, database] = use.memory
                if provider == "feishu":
                    self.limited(sandbox, size, calls)
            sandbox.fail("/*", count=10**9, delay=FAR)
            for provider in self.providers:
                self.far(sandbox, provider, size)

    def begin(self, sandbox):
        """Measure what it takes to begin; a worker that syncs every hour has done so long ago."""
        settings = self.portals.settings("sqlite", sandbox.url)
        programs = {"portal": ["flask", "sync", "--help"], "floor": ["bench.floor"]}
        for name, words in programs.items():
            self.begun[name] = min(measure(sandbox, words, settings).wall for _ in range(3))
            click.echo(f"{name} begins after {self.begun[name]:.2f} s, left out where it is compared with the floor")

    def lasted(self, use: Use, program: str = "portal") -> float:
        """Return how many seconds a process has worked, without what it takes to begin."""
        return max(0.001, use.wall - self.begun[program])

    def far(self, sandbox, provider: str, size: Size):
        """Compare with one call at a time and with a script where calls take their time."""
        database, label = self.databases[0], f"{size}, 20 ms"
        ours, _ = self.sync(sandbox, provider, database, f"{label}, {NAMES[database]}, first")
        one = told(f"{label}, one call at a time", measure(sandbox, ["bench.floor", provider, sandbox.url, "1"]))
        name, module = SCRIPTS[provider]
        words = [f"bench.scripts.{module}", sandbox.url, self.portals.empty(database)]
        script = told(f"{label}, {name}", measure(sandbox, words))
        where = f"{NAMES[provider]}, {label}"
        single, mine = self.lasted(one, "floor"), self.lasted(ours)
        facts = f"{single:.1f} s → {mine:.1f} s"
        faster = f"{where}: times as fast as one call at a time"
        self.add(faster, single / mine, SINGLE[provider], ours, least=True, facts=facts)
        against = ((" s", "wall", WALL[provider]), (" s", "cpu", CPU[provider]), (" MB", "memory", 1.0))
        for unit, of, bound in against:
            theirs, mine = getattr(script, of), getattr(ours, of)
            facts = f"{theirs:.1f}{unit} → {mine:.1f}{unit}"
            self.add(f"{where}: {of} against {name}", mine / theirs, bound, ours, facts=facts)

    def limited(self, sandbox, size: Size, calls: int):
        """Compare with the least time Feishu's limits allow for so many calls."""
        sandbox.app("feishu", limits=LIMITS)
        sandbox.forget_calls()
        ours, _ = self.sync(sandbox, "feishu", self.databases[0], f"{size}, real limits", limits=True)
        refused = len(sandbox.calls("/open-apis/contact/*")) - calls
        sandbox.app("feishu", limits=[])
        allowed = calls / LIMITS[0][0]
        lasted = self.lasted(ours)
        facts = f"{allowed:.1f} s → {lasted:.1f} s"
        self.add(f"Feishu, {size}, limits enforced: wall", lasted / allowed, 1.15, ours, facts=facts)
        self.add(f"Feishu, {size}, limits enforced: calls answered 429", refused, 5, ours, unit="")

    def large(self, size: Size, small: Size):
        """Compare memory with the small company's, and time with the floor."""
        with running(size) as sandbox:
            for provider in self.providers:
                warm(sandbox, provider)
                for database in self.databases:
                    rounds = [self.round(sandbox, provider, database, size) for _ in range(self.rounds)]
                    self.against(rounds, provider, database, size, small)

    def round(self, sandbox, provider: str, database: str, size: Size) -> dict:
        """Measure floor, first and second sync side by side, as the machine's pace drifts; and the rows written."""
        words = ["bench.floor", provider, sandbox.url, str(AT_ONCE[provider])]
        floor = told(f"{size}, floor", measure(sandbox, words))
        first, settings = self.sync(sandbox, provider, database, f"{size}, {NAMES[database]}, first")
        with counted_rows(settings["PORTAL_DATABASE_URL"]) as rows:
            words = ["flask", "sync", ELEMENTS[provider]]
            second = told(f"{size}, {NAMES[database]}, second", measure(sandbox, words, settings))
        return {"floor": floor, "first": first, "second": second, "rows": rows[0]}

    def against(self, rounds: list[dict], provider: str, database: str, size: Size, small: Size):
        """Note the median of the rounds' ratios to the floor, and the greatest memory and number of rows."""
        where = f"{NAMES[provider]}, {NAMES[database]}, {size}"
        for which, what, bound in (("first", "first sync", 2.0), ("second", "unchanged second sync", 1.3)):

            def ratio(one, which=which):
                return self.lasted(one[which]) / self.lasted(one["floor"], "floor")

            one = sorted(rounds, key=ratio)[len(rounds) // 2]
            facts = self.change(one["floor"], one[which])
            self.add(f"{where}: {what} against the floor", ratio(one), bound, one[which], facts=facts)
        rows, last = max(one["rows"] for one in rounds), rounds[-1]["first"]
        self.add(f"{where}: rows the second sync writes", rows, 0, last, unit="")
        peak = max(use.memory for one in rounds for use in (one["first"], one["second"]))
        before = self.memory[provider, database]
        self.add(f"{where}: peak memory", peak, 250, last, unit=" MB")
        facts = f"{before:.0f} MB → {peak:.0f} MB"
        self.add(f"{where}: peak memory against {small.people:,} people", peak / before, 1.5, last, facts=facts)

    def sync(self, sandbox, provider: str, database: str, label: str, limits: bool = False):
        """Sync into a new portal; return what it used, and the portal's environment."""
        settings = self.portals.settings(database, sandbox.url, limits)
        return told(label, measure(sandbox, ["flask", "sync", ELEMENTS[provider]], settings)), settings

    def change(self, floor: Use, sync: Use) -> str:
        wall = f"{self.lasted(floor, 'floor'):.1f} s → {self.lasted(sync):.1f} s"
        return f"{wall}; CPU of the whole process {floor.cpu:.1f} s → {sync.cpu:.1f} s"

    def add(self, what: str, value: float, bound: float, use: Use, **more):
        self.rows.append(Row(what, value, bound, idle=use.idle, **more))


@contextmanager
def running(size: Size):
    sandbox = SandboxServer.start(people=size.people, departments=size.departments)
    try:
        yield sandbox
    finally:
        sandbox.stop()


def warm(sandbox, provider: str) -> int:
    """Let the sandbox work out what it keeps, or who is measured first would wait for it; return the calls it takes."""
    return int(measure(sandbox, ["bench.floor", provider, sandbox.url, "2"]).said.split()[0])


def told(label: str, use: Use) -> Use:
    click.echo(f"{label:44}{use}")
    return use


def report(rows: list[Row]) -> str:
    """Return the table, and what it was measured on."""
    head = ["| | measured | wanted | | | platform idle |", "|---|--:|--:|---|---|--:|"]
    return "\n".join(["", *head, *map(str, rows), "", describe_machine()])


def describe_machine() -> str:
    """Return what a measurement was made on, and when."""
    load, python = os.getloadavg()[0], platform.python_version()
    return f"{date.today()}, {os.cpu_count()} cores, {processor()}, Python {python}, load at the end {load:.1f}"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
