"""Portal, sandbox and worker end with `make run`."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.groups import report_missing
from support.portal_app import ROOT, Server, wait_for_server
from support.postgres import find_free_port
from support.processes import list_children
from support.syncs import wait_for

PARTS = ("gunicorn", "sandbox ", "sandbox.wiki", "worker")


def list_descendants(pid):
    """Return the processes below a process.

    They are by number, with their command lines.
    """
    processes = {}
    for child in list_children(pid):
        processes[child] = read_command_line(child)
        processes |= list_descendants(child)
    return processes


def read_command_line(pid):
    """Return a process's command line, "" after its end."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture
def make_run(tmp_path, settings):
    """`make run` on its own ports, with its addresses printed."""
    if shutil.which("make") is None:
        report_missing("clone", "no make")
    ports, log = [find_free_port() for _ in range(3)], tmp_path / "make.log"
    port, sandbox_port, wiki_port = ports
    environ = {**os.environ, **settings, "PORTAL_BASE_URL": f"http://127.0.0.1:{port}", "PORTAL_SYNC_EVERY": "0"}
    programs = [f"BIN={Path(sys.executable).parent}", "-o", ".venv/run.done"]  # those of this test
    command = ["make", "run", f"PORT={port}", f"SANDBOX_PORT={sandbox_port}", f"WIKI_PORT={wiki_port}", *programs]
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out, start_new_session=True)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    tree = {}
    try:
        wait_for_server(lambda: "Administrator" in server.output(), server, seconds=120)
        tree.update(wait_for(lambda: len(processes := list_descendants(process.pid)) >= 7 and processes))
        yield process, tree, ports
    finally:
        for pid, line in {process.pid: "make", **tree}.items():
            if line and read_command_line(pid) == line:
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait(30)


@pytest.mark.clone
@pytest.mark.parametrize(
    ("target", "number", "hangs"),
    [("make", signal.SIGTERM, False), ("make", signal.SIGTERM, True), ("make", signal.SIGKILL, False)]
    + [("flask up", signal.SIGKILL, True)],
    ids=["make is told", "make is told, the portal hangs", "make is killed", "flask up is killed, the portal hangs"],
)
def test_the_processes_end_with_make_run(make_run, target, number, hangs):
    make, tree, ports = make_run
    parts = [word for line in tree.values() for word in PARTS if f" {word}" in line]
    assert set(parts) == set(PARTS), tree
    if hangs:
        for pid in [pid for pid, line in tree.items() if " gunicorn" in line]:
            os.kill(pid, signal.SIGSTOP)
    [up] = [pid for pid, line in tree.items() if "flask up" in line]
    os.kill(make.pid if target == "make" else up, number)
    wait_for(lambda: not any(read_command_line(pid) == line for pid, line in tree.items()), seconds=60)
    assert make.wait(30) != 0
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
