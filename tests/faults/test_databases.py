"""A database that fails signs nobody in, and is used again once it works.

The portal runs as processes, and none of them is restarted.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from support.http_visitors import Visitor, expect_prompt_refusals
from support.portal_app import FEISHU, WECOM, answer_platform, make_settings, make_tables, run_portals
from support.processes import list_children
from support.small_disk import fill_disk, mount_small_disk
from support.syncs import wait_for

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def sign_in(server, person="zhangsan"):
    """Sign a person in, and return the visitor and the last answer.

    It is that of the start if no login begins.
    """
    visitor = Visitor(server)
    begun = visitor.get(f"/login/{WECOM}")
    if begun.status_code != 302:
        return visitor, begun
    return visitor, visitor.get(answer_platform(begun.headers["Location"], person))


@contextmanager
def lock_database(url):
    """Hold SQLite's write lock in another process.

    Yield a function that ends it.
    """
    words = [sys.executable, "-c", LOCKER, url.removeprefix("sqlite:///")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "locked\n"
        yield process.stdin.close
    finally:
        with process:
            process.stdin.close()
    assert process.returncode == 0


def test_a_lock_of_seconds_is_waited_for(serve, database):
    server = serve()
    visitor = Visitor(server)
    callback = visitor.scan(WECOM)
    with lock_database(database) as release:
        timer = threading.Timer(3, release)
        timer.start()
        answer = visitor.get(callback)
        timer.join()
    assert answer.status_code == 303, server.output()


def test_a_lock_without_an_end_refuses_logins_and_keeps_sessions(serve, database):
    server = serve()
    bystander, answer = sign_in(server)
    assert answer.status_code == 303
    late = Visitor(server)
    callback = late.scan(FEISHU)
    with lock_database(database):
        refusals = []
        for _ in range(4):  # longer than any statement waits, on both processes
            visitor, answer = sign_in(server)
            refusals.append(answer)
            assert "Error 50300" in answer.text
            assert visitor.get("/api/session").status_code == 401
        expect_prompt_refusals(refusals)
        expect_prompt_refusals([late.get(callback) for _ in range(2)])
        assert late.get("/api/session").status_code == 401
        expect_prompt_refusals([bystander.get("/readyz") for _ in range(2)])
        assert bystander.get("/api/session").status_code == 200
        assert bystander.get("/account").status_code == 200
    assert late.get(callback).status_code == 303  # its state was not used up
    assert sign_in(server)[1].status_code == 303
    assert bystander.get("/readyz").status_code == 200
    assert "Traceback" not in server.output()


def test_a_lock_does_not_end_sessions_whose_use_is_to_be_noted(serve, database, sql):
    """The use of a session is noted once a minute, which writes."""
    server = serve()
    bystander, answer = sign_in(server)
    assert answer.status_code == 303
    sql("UPDATE login_session SET last_seen_at = datetime(last_seen_at, '-5 minutes')")
    with lock_database(database):
        assert bystander.get("/api/session").status_code == 200
    assert bystander.get("/api/session").status_code == 200


# PostgreSQL


@contextmanager
def run_portal(url, elements, folder):
    """Run two processes of the portal on a database."""
    make_tables(url, folder)
    with run_portals(make_settings(url, folder / "app", elements.base), folder) as start:
        yield start(workers=2)


def test_killed_connections_cost_their_requests_at_most(own_cluster, elements, tmp_path):
    name, other = own_cluster.database(), own_cluster.url("template1", "postgresql")
    kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    with run_portal(own_cluster.url(name), elements, tmp_path) as server:
        bystander, answer = sign_in(server, person="lisi")
        assert answer.status_code == 303
        answers, wanted = [], 40

        def sign_in_again_and_again():
            while len(answers) < wanted:
                answers.append(sign_in(server)[1].status_code)

        with ThreadPoolExecutor(4) as pool, psycopg.connect(other, autocommit=True) as connection:
            logins = [pool.submit(sign_in_again_and_again) for _ in range(4)]
            while not all(login.done() for login in logins):
                seen = len(answers)
                connection.execute(kill, (name,))
                wait_for(lambda seen=seen: len(answers) >= min(seen + 8, wanted), seconds=90)
        assert [login.exception() for login in logins] == [None] * 4
        assert set(answers) <= {303, 503}
        assert sign_in(server)[1].status_code == 303
        assert bystander.get("/api/session").status_code == 200
        with psycopg.connect(own_cluster.url(name, "postgresql")) as connection:
            for table in ("identity", "account"):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 2
        assert "Traceback" not in server.output()


@pytest.mark.mount
def test_a_full_disk_of_postgresql_is_named_and_more_room_is_enough(own_cluster, elements, tmp_path):
    """Only the tables are on that disk: a server without room for its own log ends."""
    with mount_small_disk(own_cluster.folder / "disk", size="24m") as disk:
        place = disk / "tables"
        place.mkdir()
        shutil.chown(place, "postgres", "postgres")
        with psycopg.connect(own_cluster.url("template1", "postgresql"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
            connection.execute("CREATE DATABASE small TABLESPACE small")
        with run_portal(own_cluster.url("small"), elements, tmp_path) as server:
            bystander, answer = sign_in(server, person="lisi")
            assert answer.status_code == 303
            fill_disk(disk)
            visitor, answer = wait_for(lambda: (got := sign_in(server))[1].status_code != 303 and got, seconds=120)
            assert answer.status_code == 503
            assert visitor.get("/api/session").status_code == 401
            answers = [answer, *(sign_in(server)[1] for _ in range(3))]
            expect_prompt_refusals([one for one in answers if one.status_code != 303])
            assert bystander.get("/api/session").status_code == 200
            assert "its disk is full" in server.output()
            assert "Traceback" not in server.output()
            wait_for(lambda: bystander.get("/readyz").json() == {"status": "the disk of the database is full"})
            (disk / "filler").unlink()
            wait_for(lambda: bystander.get("/readyz").status_code == 200)
            assert sign_in(server)[1].status_code == 303


def test_a_server_that_hangs_is_a_database_that_is_away(own_cluster, elements, tmp_path):
    """Its processes are stopped, so the system takes what is sent to them and nobody answers."""
    with run_portal(own_cluster.url(own_cluster.database()), elements, tmp_path) as server:
        bystander, answer = sign_in(server)
        assert answer.status_code == 303
        with pause(own_cluster):
            for path in ("/api/session", "/account", "/login/QywxInnerExample", "/readyz"):
                expect_prompt_refusals([bystander.get(path) for _ in range(3)])
            assert bystander.get("/healthz").status_code == 200
        wait_for(lambda: bystander.get("/readyz").status_code == 200)
        assert bystander.get("/api/session").status_code == 200
        assert sign_in(server)[1].status_code == 303


@contextmanager
def pause(cluster):
    """Stop all processes of a server, and continue them after the block."""
    main = int((cluster.folder / "postmaster.pid").read_text().split()[0])
    family = [main, *list_children(main)]
    for process in family:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            os.kill(process, signal.SIGCONT)
