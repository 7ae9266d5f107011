"""Nothing in the job queue runs but our own jobs: what others write there is dropped."""

import json
import os
import pickle
import signal
import sqlite3

import pytest
from redis import Redis
from support.jobs import list_runs, request_sync, wait_for_runs
from support.syncs import WECOM, run_command, wait_for

from portal.directory import jobs


class Trap:
    """A pickle that writes a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def put(queue, portal, request):
    """Return a function that writes into the queue as a stranger with access to it would."""
    with portal.app_context():
        file = jobs.find_queue_file(portal)
        jobs.get_jobs(portal)

    def into_redis(*words):
        with Redis.from_url(request.getfixturevalue("redis").url) as connection:
            connection.execute_command(*words)

    def into_file(statement, *values):
        with sqlite3.connect(file, timeout=30) as connection:
            connection.execute(statement, values)
        connection.close()

    def write(data, place="queue", key="r:1"):
        if queue == "redis queue":
            words = {
                "queue": ("LPUSH", "huey.redis.portal", data),
                "schedule": ("ZADD", "huey.schedule.portal", "0", data),
                "results": ("HSET", "huey.results.portal", key, data),
            }
            into_redis(*words[place])
        else:
            statements = {
                "queue": ("INSERT INTO task (queue, data) VALUES ('portal', ?)", data),
                "schedule": ("INSERT INTO schedule (queue, data, timestamp) VALUES ('portal', ?, 0)", data),
                "results": ("INSERT OR REPLACE INTO kv (queue, key, value) VALUES ('portal', ?, ?)", key, data),
            }
            into_file(*statements[place])

    return write


def test_a_pickle_is_not_run_and_the_worker_goes_on(put, portal, settings, tmp_path):
    """Wherever the worker looks: among the jobs, those put off, and those called back."""
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    put(trap)
    put(trap, "schedule")
    for key in ("rt:portal.directory.jobs.sync", "rt:portal.directory.jobs.queue_due_syncs"):
        put(trap, "results", key)
    with run_command(settings, "worker") as worker:
        assert request_sync(portal, WECOM) is True
        (run,) = wait_for_runs(portal)
        worker.send_signal(signal.SIGTERM)
        log = worker.communicate(timeout=60)[1]
    assert run.state == "done"
    assert not (tmp_path / "sprung").exists()
    lines = [line for line in log.splitlines() if "foreign message" in line]
    assert len(lines) == 1, log
    assert "Traceback" not in log


FOREIGN = {
    "no JSON": b"\x80\x05.",
    "no text": b"\xff\xfe",
    "empty": b"",
    "an object": b'{"name": "portal.directory.jobs.sync"}',
    "too short": b'["1"]',
    "not all texts": json.dumps(["1", "portal.directory.jobs.sync", {"a": 1}]).encode(),
    "an unknown job": json.dumps(["1", "os.system", "touch sprung"]).encode(),
    "very deep": b"[" * 100_000,
    "very long": json.dumps(["1", "portal.directory.jobs.sync", "x" * 5000]).encode(),
    "a NUL": json.dumps(["1", "portal.directory.jobs.sync", "x\0"]).encode(),
    "a lone surrogate": json.dumps(["1", "portal.directory.jobs.sync", "\ud800"]).encode(),
    "too few texts": json.dumps(["1", "portal.directory.jobs.sync"]).encode(),
    "too many texts": json.dumps(["1", "portal.directory.jobs.sync", WECOM, "x"]).encode(),
    "texts for a job without": json.dumps(["1", "portal.directory.jobs.queue_due_syncs", "x"]).encode(),
    "texts for the other": json.dumps(["1", "portal.directory.jobs.remove_old_rows", "x"]).encode(),
}


def test_a_foreign_message_is_dropped_with_one_line_that_does_not_quote_it(put, portal, caplog):
    for message in FOREIGN.values():
        put(message)
    with portal.app_context():
        huey = jobs.get_jobs(portal).huey
        assert wait_for(lambda: huey.dequeue() is None and huey.pending_count() == 0)
    lines = [record.getMessage() for record in caplog.records if "foreign" in record.getMessage()]
    assert len(lines) == len(FOREIGN)
    assert not any("sprung" in line or "os.system" in line for line in lines)


def test_a_job_of_ours_lies_there_as_json(queue, portal):
    assert request_sync(portal, WECOM) is True
    with portal.app_context():
        huey = jobs.get_jobs(portal).huey
        (data,) = huey.storage.enqueued_items()
        assert json.loads(bytes(data))[1:] == ["portal.directory.jobs.sync", WECOM]
        assert huey.dequeue().args == [WECOM]
    assert [row.state for row in list_runs(portal)] == ["queued"]


def test_a_queue_that_refuses_us_is_told_in_a_line(portal, redis, settings):
    settings["PORTAL_REDIS_URL"] = redis.url.replace("//", "//nobody:wrong@")
    with run_command(settings, "worker") as worker:
        log = iter(worker.stderr.readline, "")
        line = next(line for line in log if "does not answer" in line or "reading from queue" in line)
        worker.send_signal(signal.SIGTERM)
    assert "the job queue does not answer (AuthenticationError)" in line
