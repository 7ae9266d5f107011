"""The portal continues by itself after a database fail-over.

A server that only reads is no usable database.
"""

import psycopg
import pytest
import requests
from support.clusters import run_cluster
from support.forwarder import Forwarder
from support.http_visitors import expect_prompt_refusals
from support.portal_app import answer_platform, make_settings, make_tables, run_portals
from support.syncs import WECOM, wait_for

pytestmark = pytest.mark.postgresql


@pytest.fixture
def clusters():
    """Two servers, one of which may replace the other."""
    with run_cluster() as first, run_cluster() as second:
        yield first, second


@pytest.fixture
def forwarder(clusters):
    forwarder = Forwarder(clusters[0].port)
    yield forwarder
    forwarder.close()


def allow_writes(cluster, allowed):
    """Set whether a server accepts writes.

    A standby does not, nor does a server out of service.
    """
    with psycopg.connect(cluster.url("template1", "postgresql"), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'off' if allowed else 'on'}")
        connection.execute("SELECT pg_reload_conf()")
    wanted = "off" if allowed else "on"

    def is_set():
        with psycopg.connect(cluster.url("template1", "postgresql")) as connection:
            return connection.execute("SHOW transaction_read_only").fetchone()[0] == wanted

    wait_for(is_set)


def test_a_server_that_only_reads_is_left_for_another(clusters, forwarder, elements, tmp_path, make_portal):
    first, second = clusters
    for cluster in clusters:
        make_tables(cluster.url(cluster.database()), tmp_path)
    url = first.url("portal1").replace(str(first.port), str(forwarder.port))
    settings = make_settings(url, tmp_path / "app", elements.base)
    with run_portals(settings, tmp_path) as start:
        server = start(workers=1, threads=4)
        browser = requests.Session()

        def begin():
            return browser.get(f"{server.url}/login/{WECOM}", allow_redirects=False, timeout=20)

        def sign_in():
            return browser.get(server.url + answer_platform(begin().headers["Location"]), allow_redirects=False)

        assert sign_in().status_code == 303
        allow_writes(first, False)

        # There is no other server yet.
        pages = [begin() for _ in range(3)]
        expect_prompt_refusals(pages)
        assert all("A service the portal needs is not responding" in page.text for page in pages)
        expect_prompt_refusals([browser.get(f"{server.url}/account", allow_redirects=False) for _ in range(3)])
        token = browser.get(f"{server.url}/api/csrf").json()["csrfToken"]
        call = f"{server.url}/api/auths/loginTypes/{WECOM}/getLoginConfig"
        answer = browser.post(call, json={}, headers={"X-CSRFToken": token})
        assert (answer.status_code, answer.json()["errcode"]) == (503, 50300)
        assert browser.get(f"{server.url}/readyz").json() == {"status": "the database can only be read"}
        assert browser.get(f"{server.url}/healthz").status_code == 200
        assert "it can only be read" in server.output() and "Traceback" not in server.output()
        portal = make_portal(PORTAL_DATABASE_URL=url)
        output = portal.test_cli_runner().invoke(args=["doctor"]).output
        assert "The database can only be read" in output and "connect to the server that accepts writes" in output

        # Now there is, and nothing has to be restarted.
        forwarder.target = second.port
        wait_for(lambda: browser.get(f"{server.url}/readyz").status_code == 200)
        assert sign_in().status_code == 303

        # Open connections lead to a server that now refuses, new ones do not. No user notices.
        allow_writes(first, True)
        forwarder.target = first.port
        allow_writes(second, False)
        assert sign_in().status_code == 303


def test_a_dead_connection_is_replaced_unnoticed(clusters, forwarder, elements, tmp_path, make_portal):
    cluster, _ = clusters
    make_tables(cluster.url(cluster.database()), tmp_path)
    client = make_portal(PORTAL_DATABASE_URL=cluster.url("portal1")).test_client()
    assert client.sign_in(WECOM).status_code == 303
    with psycopg.connect(cluster.url("template1", "postgresql"), autocommit=True) as connection:
        others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'portal1'"
        assert connection.execute(others).fetchone()[0] >= 1
    assert client.session().status_code == 200
