"""`flask worker` runs what was asked for and what is due; without it, or without its queue, the portal goes on."""

import signal
import socket
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.admin_client import open_database, store_account
from support.jobs import list_runs, request_sync, wait_for_runs
from support.portal_app import both_databases
from support.postgres import find_free_port
from support.syncs import FEISHU, LIST_PATHS, LISTED_PEOPLE, WECOM, list_people, run_command, wait_for

from portal import health
from portal.clocks import now
from portal.directory import jobs, runs
from portal.models import AuditEvent, SyncRun, Worker


class TestQueue:
    @both_databases
    def test_a_sync_that_is_asked_for_is_run(self, queue, portal, settings):
        store_account(portal, "alice", role="admin")
        with run_command(settings, "worker"):
            assert request_sync(portal, WECOM) is True
            (run,) = wait_for_runs(portal)
        assert (run.state, run.how, run.actor_id, run.counts["people"]) == ("done", "page", 1, len(LISTED_PEOPLE))
        assert len(list_people(portal, WECOM)) == len(LISTED_PEOPLE)
        with open_database(portal) as session:
            trail = [(row.action, row.actor_id) for row in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
        assert trail == [("sync.ask", 1), ("sync.end", 1)]

    def test_what_was_asked_for_before_the_worker_is_found_at_its_start(self, queue, portal, settings):
        with portal.app_context():
            assert runs.queue_run(FEISHU, "page", 1)  # the row alone: as where the queue has lost the job
        with run_command(settings, "worker"):
            (run,) = wait_for_runs(portal)
        assert (run.element, run.state) == (FEISHU, "done")

    def test_wishes_reach_the_run(self, queue, portal, settings):
        with run_command(settings, "worker"):
            request_sync(portal, WECOM, dry_run=True)
            (run,) = wait_for_runs(portal)
        assert (run.state, run.dry_run, list_people(portal, WECOM)) == ("done", True, {})

    def test_asking_twice_is_one_run(self, queue, portal):
        assert [request_sync(portal, WECOM), request_sync(portal, WECOM), request_sync(portal, FEISHU)] == [
            True,
            False,
            True,
        ]
        assert [row.element for row in list_runs(portal)] == [WECOM, FEISHU]

    def test_two_elements_are_synced_at_once(self, queue, portal, settings, sandbox):
        for name in (FEISHU, WECOM):
            sandbox.gate(LIST_PATHS[name])
        with run_command(settings, "worker"):
            assert request_sync(portal, FEISHU) and request_sync(portal, WECOM)
            wait_for(lambda: {row.phase for row in list_runs(portal)} == {"people"}, seconds=60)
            sandbox.open_gates()
            assert {row.state for row in wait_for_runs(portal, 2)} == {"done"}


class TestSchedule:
    def test_what_is_due_is_run_by_itself(self, portal, settings):
        settings["PORTAL_SYNC_EVERY"] = "3600"
        with run_command(settings, "worker"):
            found = wait_for_runs(portal, 2)
        assert {(row.element, row.how, row.state) for row in found} == {
            (FEISHU, "schedule", "done"),
            (WECOM, "schedule", "done"),
        }

    def test_what_is_not_due_yet_is_not(self, make_portal):
        portal = make_portal(PORTAL_SYNC_EVERY="3600")
        with portal.app_context():
            assert {element.name for element in jobs.list_due()} == {FEISHU, WECOM}
            runs.queue_run(FEISHU, "schedule")
            assert [element.name for element in jobs.list_due()] == [WECOM]
        with open_database(portal) as session:
            session.execute(update(SyncRun).values(created_at=now() - timedelta(seconds=3601)))
            session.commit()
        with portal.app_context():
            assert {element.name for element in jobs.list_due()} == {FEISHU, WECOM}

    def test_a_dry_run_puts_nothing_off(self, make_portal):
        portal = make_portal(PORTAL_SYNC_EVERY="3600")
        with portal.app_context():
            runs.queue_run(FEISHU, "page", dry_run=True)
            assert FEISHU in {element.name for element in jobs.list_due()}

    def test_0_is_never(self, make_portal):
        with make_portal(PORTAL_SYNC_EVERY="0").app_context():
            assert jobs.list_due() == []


class TestStart:
    """A worker says what it runs, without the password of its queue."""

    def said(self, settings, lines, **more):
        with run_command(settings, "worker", **more) as worker:
            log = (line for line in iter(worker.stderr.readline, "") if " worker: " in line)
            return [next(log).partition(" portal.commands: ")[2].strip() for _ in range(lines)]

    def test_the_elements_when_and_the_queue(self, settings, database):
        said = self.said({**settings, "PORTAL_SYNC_EVERY": "900"}, 1)
        queue = f"{database.removeprefix('sqlite:///')}-jobs"
        assert said == [f"worker: syncs {FEISHU}, {WECOM}, every 900 seconds and when asked; jobs come from {queue}"]

    def test_what_it_can_not_sync_and_a_queue_elsewhere(self, settings, elements):
        elements.feishu(appId="")
        redis = f"redis://:secret@localhost:{find_free_port()}/1"
        said = self.said({**settings, "PORTAL_SYNC_EVERY": "0", "PORTAL_REDIS_URL": redis}, 2)
        queue = f"Redis at {redis.partition('@')[2].removesuffix('/1')}"
        assert said[0] == f"worker: syncs {WECOM}, only when asked (PORTAL_SYNC_EVERY is 0); jobs come from {queue}"
        assert said[1].startswith(f"worker: does not sync {FEISHU}: auths/loginTypes/{FEISHU}/{FEISHU}.json: appId")


class TestCutOff:
    def test_a_run_whose_worker_was_killed_is_closed_by_the_next(self, queue, portal, settings, sandbox):
        sandbox.gate(LIST_PATHS[WECOM])
        with run_command(settings, "worker") as worker:
            request_sync(portal, WECOM)
            wait_for(sandbox.count_waiting, seconds=60)
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)
        sandbox.open_gates()
        assert [row.state for row in list_runs(portal)] == ["running"]
        with open_database(portal) as session:
            session.execute(update(SyncRun).values(leased_until=now() - timedelta(seconds=1)))
            session.commit()
        with run_command(settings, "worker"):
            (run,) = wait_for_runs(portal)
            assert (run.state, run.failure) == ("failed", runs.CUT_OFF)
            assert request_sync(portal, WECOM) is True
            assert [row.state for row in wait_for_runs(portal, 2)] == ["failed", "done"]
        with open_database(portal) as session:
            ends = session.scalars(select(AuditEvent).where(AuditEvent.action == "sync.end").order_by(AuditEvent.id))
            assert [row.result for row in ends] == [50000, 0]


class TestWithoutAQueue:
    @pytest.fixture
    def dead(self, make_portal):
        """A portal whose Redis is not there."""
        return make_portal(PORTAL_REDIS_URL=f"redis://127.0.0.1:{find_free_port()}/0", PORTAL_SYNC_EVERY="0")

    def test_asking_works_and_logins_go_on(self, dead, caplog):
        assert request_sync(dead, WECOM) is True
        assert [row.state for row in list_runs(dead)] == ["queued"]
        assert "the job queue does not answer" in caplog.text
        assert dead.test_client().sign_in(FEISHU, "lisi").status_code == 303

    def test_a_redis_that_never_answers_holds_nobody_up(self, make_portal):
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            portal = make_portal(PORTAL_REDIS_URL=f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
            asking = threading.Thread(target=request_sync, args=(portal, WECOM), daemon=True)
            asking.start()
            asking.join(15)
            assert not asking.is_alive()
        assert [row.state for row in list_runs(portal)] == ["queued"]

    def test_what_was_asked_for_meanwhile_is_found_once_redis_is_back(self, redis, settings, make_portal):
        settings |= {"PORTAL_REDIS_URL": redis.url, "PORTAL_SYNC_EVERY": "0"}
        portal = make_portal()
        redis.stop()
        assert request_sync(portal, WECOM) is True
        redis.start()
        with run_command(settings, "worker"):
            (run,) = wait_for_runs(portal)
        assert run.state == "done"

    def test_a_worker_outlives_its_redis(self, redis, settings, make_portal):
        settings |= {"PORTAL_REDIS_URL": redis.url, "PORTAL_SYNC_EVERY": "0"}
        portal = make_portal()
        with run_command(settings, "worker") as worker:
            request_sync(portal, WECOM)
            wait_for_runs(portal)
            redis.stop()
            assert request_sync(portal, FEISHU) is True
            redis.start()
            with portal.app_context():
                jobs.get_jobs(portal).sync(FEISHU)
            assert [row.state for row in wait_for_runs(portal, 2)] == ["done", "done"]
            assert worker.poll() is None

    def test_a_worker_without_its_redis_logs_lines_and_no_traceback(self, settings):
        settings |= {"PORTAL_REDIS_URL": f"redis://127.0.0.1:{find_free_port()}/0", "PORTAL_SYNC_EVERY": "0"}
        jobs_and_readers = 4  # two periodic jobs that can't be queued, two threads that can't read
        with run_command(settings, "worker") as worker:
            lines = iter(worker.stderr.readline, "")
            started = next(line for line in lines if " worker: " in line)
            log = [next(lines) for _ in range(jobs_and_readers)]
            worker.send_signal(signal.SIGTERM)
        assert "jobs come from Redis" in started
        assert all("the job queue does not answer (ConnectionError)" in line for line in log), log


class TestAlive:
    def test_a_worker_gives_signs_of_life(self, queue, portal, settings):
        def alive():
            with portal.app_context():
                return health.is_worker_alive()

        assert alive() is False
        with run_command(settings, "worker") as worker:
            wait_for(alive)
            worker.terminate()
            assert worker.wait(30) in (0, -signal.SIGTERM)
        with open_database(portal) as session:
            session.execute(update(Worker).values(seen_at=now() - health.WORKER_ALIVE))
            session.commit()
        assert alive() is False
