"""Servers that are measured, all started with the same words."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from support.postgres import find_free_port
from support.processes import list_children

from bench.machine import ROOT, cpu_of
from bench.visitors import Line, Refused

WORKERS, THREADS = 2, 16
GUNICORN = f"--worker-class gthread --workers {WORKERS} --threads {THREADS} --keep-alive 75 --backlog 1024".split()
GUNICORN += "--no-control-socket --log-level warning --graceful-timeout 30 --config python:bench.quiet".split()
GRANIAN = f"--interface wsgi --workers {WORKERS} --blocking-threads {THREADS} --backlog 1024 --no-ws".split()
GRANIAN += "--respawn-failed-workers --workers-kill-timeout 30 --log-level warning".split()
STARTING = 90  # seconds
OPEN = "01"  # the state of a connection in /proc/net/tcp


class Served:
    """A running server with its workers."""

    def __init__(self, name: str, command: list[str], environ: dict, log: Path, port: int):
        self.name, self.port, self.log = name, port, log
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
        with log.open("w") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env={**clean, **environ}, stdout=out, stderr=out)

    @classmethod
    def gunicorn(cls, name: str, app: str, environ: dict, folder: Path, port: int = 0) -> "Served":
        """Start an app, which is `module:callable`, under gunicorn."""
        port = port or find_free_port()
        command = [sys.executable, "-m", "gunicorn", *GUNICORN, "--bind", f"127.0.0.1:{port}", app]
        return cls(name, command, environ, folder / f"{name.replace(' ', '-')}-{port}.log", port)

    @classmethod
    def granian(cls, name: str, app: str, environ: dict, folder: Path, port: int = 0) -> "Served":
        """Start an app under granian, with as many workers and threads."""
        port, factory = port or find_free_port(), ["--factory"] if app.endswith("()") else []
        where = ["--host", "127.0.0.1", "--port", str(port)]
        command = [sys.executable, "-m", "granian", *GRANIAN, *where, *factory, app.removesuffix("()")]
        return cls(name, command, environ, folder / f"{name.replace(' ', '-')}-{port}.log", port)

    @classmethod
    def portal(cls, name: str, environ: dict, folder: Path, port: int) -> "Served":
        """Start the portal as `make serve` does, with `gunicorn.conf.py` and figures that its processes share."""
        command = [sys.executable, "-m", "gunicorn", "app:create_app()"]
        figures = str(folder / f"figures-{port}")
        environ = {**environ, "PORTAL_BIND": f"127.0.0.1:{port}", "PROMETHEUS_MULTIPROC_DIR": figures}
        return cls(name, command, environ, folder / f"{name.replace(' ', '-')}-{port}.log", port)

    def wait(self, path: str):
        """Wait until an address answers with 200."""
        until = time.monotonic() + STARTING
        while True:
            try:
                if Line(self.port).get(path).status == 200:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{self.name} does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)

    @property
    def workers(self) -> list[int]:
        children = list_children(self.process.pid)
        return [pid for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    @property
    def cpu(self) -> float:
        """The CPU seconds of the master and its workers, until now."""
        return sum(cpu_of(pid) for pid in (self.process.pid, *self.workers))

    @property
    def memory(self) -> float:
        """The workers' memory in MB, with what they share counted once."""
        rolls = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.workers]
        return sum(int(re.search(r"^Pss:\s+(\d+)", roll, re.M)[1]) for roll in rolls) / 1024

    def connect(self, count: int, path: str | None, split: float = 0.5) -> list[Line]:
        """Return kept connections, of which the first worker has a given share.

        The kernel gives a connection to any worker that waits, and now and then one of them gets all.

        :param path: to ask for on each; `None`: nothing is sent.
        """
        workers, lines = self.workers, []
        first = round(count * split)
        wanted = Counter({workers[0]: first, workers[-1]: count - first})
        for _ in range(count * 50):
            line = Line(self.port)
            line.connect()
            if path and line.get(path).status >= 500:
                raise Refused(f"{self.name}: {path}")
            while (owner := self.find_worker(line)) is None:
                time.sleep(0.001)  # not accepted yet
            if wanted[owner]:
                wanted[owner] -= 1
                lines.append(line)
            else:
                line.close()
            if len(lines) == count:
                return lines
        raise SystemExit(f"{self.name}: the connections can't be shared out {wanted}")

    def find_worker(self, line: Line) -> int | None:
        """Return the process at the other end of a connection."""
        return self.find_owners(f":{line.socket.getsockname()[1]:04X}").pop(0)

    def get_share(self) -> float:
        """Return the first worker's share of the connections that are open."""
        owners = [pid for pid in self.find_owners() if pid]
        return owners.count(self.workers[0]) / len(owners) if owners else 0.5

    def find_owners(self, client: str = "") -> list[int | None]:
        """Return the workers that hold the connections of clients, or of one client's port.

        :return: `None` for one that is not accepted yet.
        """
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        here = f":{self.port:04X}"
        sockets = [row[9] for row in rows if row[1].endswith(here) and row[2].endswith(client) and row[3] == OPEN]
        workers = self.workers
        return [next((pid for pid in workers if holds_socket(pid, inode)), None) for inode in sockets] or [None]


def holds_socket(pid: int, inode: str) -> bool:
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(file) == f"socket:[{inode}]":
                return True
        except OSError:  # closed meanwhile
            pass
    return False


class Stub:
    """The running platform."""

    def __init__(self, stack: ExitStack):
        command = [sys.executable, "-m", "bench.stub"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        stack.callback(self.process.wait)
        stack.callback(self.process.terminate)
        stack.callback(self.process.stdout.close)
        self.port = int(self.process.stdout.readline())
        self.url, self.line = f"http://127.0.0.1:{self.port}", Line(self.port)

    def set_delays(self, call: float = 0.0, connection: float = 0.0):
        """Set the seconds that each call and each new connection take, and count anew."""
        self.line.get(f"/_stub?call={call}&connection={connection}")

    def count(self) -> Counter:
        """Return how often each call was made since the delays were set, and `connections`."""
        return Counter(json.loads(self.line.get("/_stub").body))
