"""A PostgreSQL cluster for the tests.

It has a port of its own and is removed when they end.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg


def find_binaries() -> Path | None:
    """Return the folder of the newest installed server, or None."""
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return servers[-1].parent if servers else None


class Cluster:
    """A running server.

    It refuses to run as root, so root becomes the user `postgres`.
    """

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
        self.port = find_free_port()
        self.made = 0
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.run("initdb", "--no-sync", "--auth=trust", "--username=portal", "--encoding=UTF8", "--locale=C.UTF-8")
        self.start()

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", f"{options} -c max_connections=300", "start")

    def run(self, program, *words):
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*user, str(find_binaries() / program), "-D", str(self.folder), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def database(self, template: str = "template1") -> str:
        """Make a database and return its name."""
        self.made += 1
        name = f"portal{self.made}"
        with psycopg.connect(self.url("template1", "postgresql"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def url(self, name: str, scheme: str = "postgresql+psycopg") -> str:
        return f"{scheme}://portal@127.0.0.1:{self.port}/{name}"

    def stop(self):
        self.run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
