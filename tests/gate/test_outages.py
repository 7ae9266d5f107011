"""The portal or its database stops, behind each proxy."""

import os
import signal
from contextlib import contextmanager

import pytest
from support.clusters import run_cluster
from support.gate_site import run_gate_site
from support.gate_visitors import PAGE, SCRIPT
from support.http_visitors import expect_prompt_refusals
from support.processes import list_children

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def cluster():
    with run_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def gate_site(tmp_path_factory, sandbox_process, cluster):
    """A portal with PostgreSQL, for this module."""
    folder, database = tmp_path_factory.mktemp("gate"), cluster.url(cluster.database())
    with run_gate_site(folder, sandbox_process, database, GUNICORN_CMD_ARGS="--graceful-timeout 2") as site:
        yield site


@contextmanager
def stopped(cluster):
    """Stop a database server inside the block."""
    cluster.run("pg_ctl", "-m", "immediate", "stop")
    try:
        yield
    finally:
        cluster.start()


@contextmanager
def paused(portal):
    """Let all processes of a portal sleep inside the block."""
    master = portal.process.pid
    processes = [master, *list_children(master)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)


def ask_all(gate, visitor):
    """Return the answers to requests of two visitors, one of them signed in."""
    requests = [(PAGE, "GET"), (SCRIPT, "GET"), (PAGE, "POST")]
    return [who.ask(f"{gate.wiki}/", *request) for who in (visitor, gate.visit()) for request in requests]


def test_without_the_database_nobody_passes(gate, cluster):
    visitor = gate.visit("zhangsan")
    with stopped(cluster):
        expect_prompt_refusals(ask_all(gate, visitor))
    gate.site.wait_until_ready()
    assert visitor.ask(f"{gate.wiki}/").status == 200


def test_without_the_portal_nobody_passes(gate):
    visitor = gate.visit("zhangsan")
    gate.site.portal.stop()
    try:
        statuses = {answer.status for answer in ask_all(gate, visitor)}
    finally:
        gate.site.portal.start()
    assert statuses == ({500} if gate.title == "Traefik" else {503})
    assert visitor.ask(f"{gate.wiki}/").status == 200


def test_a_portal_that_hangs_holds_nobody_up_for_long(gate):
    if gate.title == "Traefik":
        pytest.skip("Traefik waits as long as the visitor does: its snippet can set no limit")
    visitor = gate.visit("zhangsan")
    with paused(gate.site.portal):
        answer = visitor.ask(f"{gate.wiki}/")
    assert answer.status == 503
    gate.site.wait_until_ready()
    assert visitor.ask(f"{gate.wiki}/").status == 200
