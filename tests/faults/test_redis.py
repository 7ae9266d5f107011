"""Redis only makes things quicker: without it people sign in, and administrators go on.

The portal, its worker and Redis run as processes.
"""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.admin_client import AdminBrowser, make_one_time_link
from support.http_visitors import Visitor
from support.jobs import list_runs
from support.portal_app import FEISHU, WECOM, both_databases
from support.syncs import run_command, wait_for

pytestmark = both_databases
PATIENCE = 150  # seconds; a worker looks for lost jobs once a minute


@pytest.fixture
def settings(settings, own_redis):
    return {**settings, "PORTAL_REDIS_URL": own_redis.url, "PORTAL_SYNC_EVERY": "0"}


def expect_work(server, portal, *syncs):
    """Sign people in, ask for syncs, and look at the health."""
    for name in (FEISHU, WECOM):
        visitor = Visitor(server)
        assert visitor.sign_in(name).status_code == 303
        assert visitor.get("/api/session").status_code == 200
    administrator = AdminBrowser(server, make_one_time_link(portal, "alice"))
    for name in syncs:
        assert administrator.post("/admin/directory/sync", element=name).status_code == 303
        assert administrator.get("/admin/directory").status_code == 200
    assert administrator.get("/readyz").status_code == 200


def list_ends(portal):
    return sorted((run.element, run.state) for run in list_runs(portal))


def test_a_redis_that_is_absent_at_the_start_is_found_later(serve, portal, own_redis, settings):
    server = serve()
    with run_command(settings, "worker") as worker:
        expect_work(server, portal, WECOM)
        assert list_ends(portal) == [(WECOM, "queued")]
        own_redis.start()
        expect_work(server, portal, FEISHU)
        wait_for(lambda: list_ends(portal) == [(FEISHU, "done"), (WECOM, "done")], seconds=PATIENCE)
        worker.send_signal(signal.SIGTERM)
        log = worker.communicate(timeout=60)[1]
    assert "Traceback" not in server.output() and "Traceback" not in log, log


def test_a_redis_killed_under_load_costs_no_login(serve, portal, own_redis, settings):
    own_redis.start()
    server = serve()
    visitors = [Visitor(server) for _ in range(40)]
    with run_command(settings, "worker") as worker, ThreadPoolExecutor(8) as pool:
        expect_work(server, portal, WECOM)
        wait_for(lambda: list_ends(portal) == [(WECOM, "done")], seconds=PATIENCE)
        logins = [pool.submit(lambda one=one: one.sign_in(FEISHU).status_code) for one in visitors]
        wait_for(lambda: any(login.done() for login in logins))
        own_redis.kill()
        assert {login.result() for login in logins} == {303}
        expect_work(server, portal)
        own_redis.start()
        expect_work(server, portal, FEISHU)
        wait_for(lambda: list_ends(portal) == [(FEISHU, "done"), (WECOM, "done")], seconds=PATIENCE)
        assert worker.poll() is None
    assert "Traceback" not in server.output()


def test_a_redis_that_hangs_holds_nobody_up(serve, portal, own_redis, settings):
    own_redis.start()
    server = serve()
    with run_command(settings, "worker") as worker:
        expect_work(server, portal)
        with own_redis.paused():
            expect_work(server, portal, WECOM)
        expect_work(server, portal, FEISHU)
        wait_for(lambda: list_ends(portal) == [(FEISHU, "done"), (WECOM, "done")], seconds=PATIENCE)
        assert worker.poll() is None
    assert "Traceback" not in server.output()
