"""Faults around the portal, after which it continues.

A database is locked or gone, a worker is killed while it writes.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
import requests
from cryptography.fernet import Fernet
from sqlalchemy import update
from support.http_visitors import expect_prompt_refusals
from support.portal_app import (
    ROOT,
    Server,
    answer_platform,
    both_databases,
    make_settings,
    make_tables,
    run_portals,
    wait_for_server,
)
from support.postgres import find_free_port
from support.processes import list_children

from portal.clocks import now
from portal.database import db
from portal.models import AppToken

GETTOKEN = "/cgi-bin/gettoken"


def test_a_database_locked_for_a_while_is_waited_for(client, database):
    """Another process writes for some seconds, without any error."""
    address = client.scan("QywxInnerExample")
    other = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(3, other.execute, ("COMMIT",))
    release.start()
    try:
        assert client.get(address).status_code == 303
    finally:
        release.join()
        other.close()


def test_a_database_locked_for_good_refuses_logins(client, database):
    address = client.scan("QywxInnerExample")
    other = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = client.get(address)
    other.execute("COMMIT")
    other.close()
    assert answer.status_code == 503
    assert "A service the portal needs is not responding" in answer.text
    assert client.session().status_code == 401
    assert client.get(address).status_code == 303


def test_a_database_may_go_away_and_return(own_cluster, elements, tmp_path):
    """Users count as signed in again once it is back.

    No process is restarted.
    """
    url = own_cluster.url(own_cluster.database())
    settings = make_settings(url, tmp_path / "app", elements.base)
    make_tables(url, tmp_path)
    with run_portals(settings, tmp_path) as start:
        server = start(workers=2)
        browser = requests.Session()
        address = browser.get(f"{server.url}/login/QywxInnerExample", allow_redirects=False).headers["Location"]
        browser.get(server.url + answer_platform(address))
        assert browser.get(f"{server.url}/api/session").status_code == 200
        own_cluster.run("pg_ctl", "-m", "immediate", "stop")
        for path in ("/api/session", "/account", "/admin/queue", "/login/QywxInnerExample", "/readyz"):
            asked = [browser.get(server.url + path, allow_redirects=False, timeout=20) for _ in range(2)]
            expect_prompt_refusals(asked)
        assert browser.get(f"{server.url}/healthz").status_code == 200
        own_cluster.start()
        assert browser.get(f"{server.url}/api/session").json()["account"]["username"] == "zhangsan"


@pytest.mark.postgresql
def test_a_worker_killed_between_two_writes_leaves_neither(postgres, elements, tmp_path, sandbox):
    """Without its session, identity and account are not stored either."""
    if postgres.made == 1:
        make_tables(postgres.url(postgres.template), tmp_path)
    name = postgres.database(postgres.template)
    settings = make_settings(postgres.url(name), tmp_path / "app", elements.base)
    with run_portals(settings, tmp_path) as start, psycopg.connect(postgres.url(name, "postgresql")) as other:
        server = start(workers=1)
        browser = requests.Session()
        address = browser.get(f"{server.url}/login/QywxInnerExample", allow_redirects=False).headers["Location"]
        callback = server.url + answer_platform(address)
        other.execute("LOCK TABLE login_session IN EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(browser.get, callback, allow_redirects=False, timeout=20)
            with psycopg.connect(postgres.url(name, "postgresql"), autocommit=True) as watcher:
                blocked = "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
                while not (row := watcher.execute(blocked, (name,)).fetchone()):
                    assert not waiting.done(), waiting.result().text
                assert "INSERT INTO login_session" in row[0]
                os.kill(list_children(server.process.pid)[0], signal.SIGKILL)
                assert isinstance(waiting.exception(timeout=20), requests.ConnectionError)
                other.rollback()
                counts = [
                    watcher.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                    for table in ("identity", "account", "login_session", "audit_event")
                ]
        assert counts == [0, 0, 0, 0]


class TestAppTokens:
    @pytest.fixture
    def element(self, portal):
        with portal.app_context():
            yield portal.getElement("auths.loginTypes.QywxInnerExample")

    def change(self, **values):
        db.session.execute(update(AppToken).values(**values))
        db.session.commit()

    def test_the_row_is_encrypted_and_belongs_to_one_secret(self, element, elements, make_portal, sandbox):
        token = element.getAccessToken()
        raw = db.session.execute(db.text("SELECT value FROM app_token")).scalar_one()
        assert token.encode() not in bytes(raw)
        db.session.rollback()
        sandbox.app("wecom", corpid="wwsandbox00000001", agentid="1000002", secret="a-new-secret")
        elements.wecom(corpSecret="a-new-secret")
        later = make_portal()
        with later.app_context():
            assert later.getElement("auths.loginTypes.QywxInnerExample").getAccessToken()
        assert db.session.query(AppToken).count() == 2

    def test_a_token_is_renewed_five_minutes_before_its_end(self, element, sandbox):
        element.getAccessToken()
        self.change(expires_at=now() + timedelta(seconds=310))
        element.getAccessToken()
        assert len(sandbox.calls(GETTOKEN)) == 1
        self.change(expires_at=now() + timedelta(seconds=290))
        element.getAccessToken()
        assert len(sandbox.calls(GETTOKEN)) == 2

    def test_the_old_token_serves_while_it_is_renewed(self, element, sandbox):
        token = element.getAccessToken()
        lease = {"lease": "x", "leased_until": now() + timedelta(seconds=10)}
        self.change(expires_at=now() + timedelta(seconds=100), **lease)
        assert element.getAccessToken() == token
        assert len(sandbox.calls(GETTOKEN)) == 1

    @both_databases
    def test_a_dead_process_blocks_a_renewal_no_longer_than_its_lease(self, element, sandbox):
        element.getAccessToken()
        self.change(expires_at=now() - timedelta(seconds=1), lease="dead", leased_until=now() + timedelta(seconds=1))
        assert element.getAccessToken()
        assert len(sandbox.calls(GETTOKEN)) == 2

    def test_a_lease_lasts_ten_seconds(self, element, sandbox, portal):
        sandbox.fail(GETTOKEN, hold=2)
        leases = []

        def look():
            with portal.app_context():
                while not sandbox.calls(GETTOKEN):
                    pass
                leases.append(db.session.scalars(db.select(AppToken.leased_until)).one() - now())
            requests.get(f"{sandbox.url}{GETTOKEN}", timeout=10)  # lets the held call go on

        thread = threading.Thread(target=look)
        thread.start()
        element.getAccessToken()
        thread.join()
        assert timedelta(seconds=5) < leases[0] <= timedelta(seconds=10)

    def test_older_keys_decrypt_and_the_first_encrypts(self, element, settings, make_portal, sandbox):
        token = element.getAccessToken()
        old, new = settings["PORTAL_ENCRYPTION_KEYS"], Fernet.generate_key().decode()
        for keys, calls in ((f"{new},{old}", 1), (new, 2), (f"{new},{old}", 2)):
            portal = make_portal(PORTAL_ENCRYPTION_KEYS=keys)
            with portal.app_context():
                assert portal.getElement("auths.loginTypes.QywxInnerExample").getAccessToken() == token
            assert len(sandbox.calls(GETTOKEN)) == calls


def test_make_run_ends_with_its_terminal(tmp_path, settings):
    """Closing the window ends sandbox, portal and wiki, too."""
    port, sandbox_port, wiki_port, log = *(find_free_port() for _ in range(3)), tmp_path / "up.log"
    environ = {**os.environ, **settings, "PORTAL_BASE_URL": f"http://127.0.0.1:{port}"}
    ports = {"--port": port, "--sandbox-port": sandbox_port, "--wiki-port": wiki_port}
    command = [sys.executable, "-m", "flask", "up", *(str(word) for pair in ports.items() for word in pair)]
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    wait_for_server(lambda: "Administrator" in server.output(), server)
    process.send_signal(signal.SIGHUP)
    process.wait(timeout=30)
    for number in (port, sandbox_port, wiki_port):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{number}/", timeout=2)
