"""Real parts to measure with: the pretend platforms as a process, databases, and children whose use is counted."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from support.postgres import Cluster

ROOT = Path(__file__).parent.parent
PROCESS_CLOCK = 2  # the kind of clock, in the lowest bits of its number
FEISHU = {"appId": "cli_5a4db0c5a4db0c01", "appSecret": "sandbox-feishu-secret"}
WECOM = {"corpId": "wwsandbox00000001", "corpSecret": "sandbox-wecom-secret", "agentId": "1000002"}
TABLES = ("identity", "department", "membership")
ROW_COUNTER = "CREATE TRIGGER bench_{0}_{1} AFTER {1} ON {0} BEGIN INSERT INTO bench_row VALUES (1); END"


@dataclass(frozen=True)
class Use:
    """What a process has used: seconds of wall and CPU time, its greatest memory, and the platforms' idle share."""

    wall: float
    cpu: float
    memory: float  # MB: the highest water mark of its resident memory
    idle: float  # of the sandbox's process meanwhile, from 0 to 1
    said: str

    def __str__(self):
        words = f"{self.wall:7.2f} s, CPU {self.cpu:6.2f} s, {self.memory:5.0f} MB, sandbox {self.idle:4.0%} idle"
        return f"{words}   {self.said[:60]}"


def measure(sandbox, words: list[str], settings: dict | None = None) -> Use:
    """Run `python -m WORDS` to its end; return what it used.

    The kernel counts the memory of this process in until the child's own program begins; this one is the smaller.
    """
    with tempfile.TemporaryFile("w+") as output:
        busy, began = cpu_of(sandbox.process.pid), time.monotonic()
        command = [sys.executable, "-m", *words]
        child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(settings or {})}, stdout=output)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        busy = cpu_of(sandbox.process.pid) - busy
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().strip().rpartition("\n")[2]
    if child.returncode:
        raise SystemExit(f"{' '.join(words)} failed: {said}")
    cpu = used.ru_utime + used.ru_stime
    return Use(wall, cpu, used.ru_maxrss / 1024, max(0.0, 1 - busy / wall), said)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds a process has used.

    Its clock has nanoseconds, and `/proc` hundredths. https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    return time.clock_gettime(~pid << 3 | PROCESS_CLOCK)


class Portals:
    """Portals with fresh databases, whose two elements lead to the sandbox."""

    def __init__(self, folder: Path):
        self.folder, self.made = folder, 0
        self.templates, self.running = {}, None

    @property
    def cluster(self) -> Cluster:
        self.running = self.running or Cluster()
        return self.running

    def close(self):
        if self.running:
            self.running.stop()

    def settings(self, database: str, platform: str, limits: bool = False, base: str = "http://127.0.0.1:8000") -> dict:
        """Return the environment of a new portal.

        :param database: `sqlite` or `postgresql`.
        :param limits: whether syncs keep the platform's limits.
        :param base: the portal's public address.
        """
        self.made += 1
        app = self.folder / f"app{self.made}"
        urls = dict.fromkeys(("openBaseUrl", "accountsBaseUrl", "passportBaseUrl"), platform)
        element(app, "Feishu", "FSInnerType", {**FEISHU, **urls, "limits": limits})
        urls = dict.fromkeys(("apiBaseUrl", "loginBaseUrl", "oauthBaseUrl"), platform)
        redirect = {"redirectUri": f"{base}/login/WeCom/callback"}
        element(app, "WeCom", "QywxInnerType", {**WECOM, **urls, **redirect, "limits": limits})
        secret = "a secret key to measure with, long enough to be one"
        kept = {"PORTAL_DATABASE_URL": self.database(database), "PORTAL_BASE_URL": base}
        return {"PORTAL_APP_DIR": str(app), "PORTAL_SECRET_KEY": secret, **kept}

    def database(self, kind: str) -> str:
        """Return the address of a new database with tables."""
        if kind not in self.templates:
            template = self.empty(kind)
            command = [sys.executable, "-m", "flask", "db", "upgrade"]
            settings = {**os.environ, "PORTAL_DATABASE_URL": template, "PORTAL_APP_DIR": str(self.folder)}
            subprocess.run(command, cwd=ROOT, env=settings, check=True, capture_output=True)
            self.templates[kind] = template
        return self.empty(kind, self.templates[kind])

    def empty(self, kind: str, template: str = "") -> str:
        """Return the address of a new database: without tables, or with those of another."""
        if kind == "postgresql":
            return self.cluster.url(self.cluster.database(template.rpartition("/")[2] or "template1"))
        self.made += 1
        path = self.folder / f"{self.made}.db"
        if template:
            shutil.copy(template.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"


def element(app: Path, name: str, type: str, settings: dict):
    folder = app / "auths" / "loginTypes" / name
    folder.mkdir(parents=True)
    (folder / "e.json").write_text(json.dumps({"title": name, "type": f"auths.loginTypes.{type}"}))
    (folder / f"{name}.json").write_text(json.dumps(settings))


@contextmanager
def counted_rows(url: str):
    """Give a list that holds, at the end, how many rows the others have written to the tables of the directory."""
    rows = []
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("CREATE TABLE bench_row (number INTEGER)")
        for table in TABLES:
            for event in ("INSERT", "UPDATE", "DELETE"):
                connection.execute(ROW_COUNTER.format(table, event))
        yield rows
        rows += connection.execute("SELECT count(*) FROM bench_row").fetchone()
        connection.close()
        return
    before = postgresql_rows(url)
    yield rows
    rows.append(postgresql_rows(url) - before)


def postgresql_rows(url: str) -> int:
    written = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname = ANY(%s)"
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return int(connection.execute(written, [list(TABLES)]).fetchone()[0])
