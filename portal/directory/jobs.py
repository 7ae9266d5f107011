"""Syncs in the background, queued with Huey.

`flask worker` runs them. The queue only wakes a worker. The run itself is a row, so a worker finds it within a minute
even if the job gets lost.
"""

import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from sqlalchemy.engine import make_url

from portal import database, files, health
from portal.database import db
from portal.directory import runs
from portal.directory.protocol import SyncedElement
from portal.directory.sync import Sync
from portal.errors import Code
from portal.logs import log_event
from portal.models import SyncRun

if TYPE_CHECKING:
    from huey import Huey
    from huey.api import TaskWrapper
    from redis import ConnectionPool


log = logging.getLogger(__name__)

THREADS = 2  # syncs of different elements at a time
QUEUE_POLL = 1.0  # seconds between two looks into an empty queue
LIFE_REPORT = 10.0  # seconds between two reports that the worker is alive
REMOVAL_SECONDS = 20.0  # of each minute, for removing old rows
REMOVED_AT_ONCE = 200  # rows in one transaction
JOBS_LOCK = threading.Lock()  # threads of one process share a queue


@dataclass(frozen=True)
class Jobs:
    """An app's queue, and the job that pages put there."""

    huey: "Huey"
    sync: "TaskWrapper"


def get_jobs(app: Flask) -> Jobs:
    """Return the app's queue, made at the first call."""
    with JOBS_LOCK:
        if "jobs" not in app.extensions:
            app.extensions["jobs"] = make_jobs(app)
    return app.extensions["jobs"]


def make_jobs(app: Flask) -> Jobs:
    """Return a queue in Redis or in a file."""
    from portal.directory import job_messages  # loads Huey, which most processes don't need

    options = {"name": "portal", "results": False, "serializer": job_messages.JobSerializer()}
    if app.config["PORTAL_REDIS_URL"]:
        huey = job_messages.RedisJobs(connection_pool=connect_redis(app.config["PORTAL_REDIS_URL"]), **options)
    else:
        huey = job_messages.SqliteJobs(filename=files.make_file(find_queue_file(app)), **options)

    @huey.task(name="sync", takes=1)
    def sync(element: str):
        with app.app_context(), log_job("sync", element):
            run_queued_sync(element)

    @huey.periodic_task(lambda moment: True, name="queue_due_syncs")  # Huey asks once a minute
    def queue_due_syncs():
        with app.app_context(), log_job("queue_due_syncs"):
            runs.end_all_cut_off()
            for element in list_due():
                runs.queue_run(element.name, "schedule")
            for name in runs.list_queued():
                sync(name)

    @huey.periodic_task(lambda moment: True, name="remove_old_rows")
    def remove_rows():
        with app.app_context(), log_job("remove_old_rows"):
            remove_old_rows()

    @huey.periodic_task(lambda moment: True, name="renew_counts")
    def renew_counts():
        with app.app_context(), log_job("renew_counts"):
            renew_stored_counts()

    return Jobs(huey, sync)


@contextmanager
def log_job(job: str, element: str = "") -> Iterator[None]:
    """Log a job's start and its end."""
    began, error = time.monotonic(), ""
    log_event(log, logging.INFO, "job_start", job=job, element=element)
    try:
        yield
    except BaseException as failure:
        error = type(failure).__name__
        raise
    finally:
        level, seconds = logging.ERROR if error else logging.INFO, round(time.monotonic() - began, 3)
        log_event(log, level, "job_end", job=job, element=element, seconds=seconds, error=error)


def connect_redis(url: str) -> "ConnectionPool":
    """Return connections to Redis with short time limits.

    A page may take no longer.
    """
    from redis import ConnectionPool
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=3, retry=Retry(NoBackoff(), 0))


def find_queue_file(app: Flask) -> str:
    """Return the path of the queue without Redis.

    It is beside a SQLite database, else in the instance folder.
    """
    url = make_url(app.config["PORTAL_DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        return f"{Path(app.instance_path, url.database)}-jobs"
    files.make_folder(Path(app.instance_path))
    return str(Path(app.instance_path, f"jobs-{hashlib.sha256(str(url).encode()).hexdigest()[:12]}.db"))


def request_sync(element: str, actor_id: int, **wishes: Any) -> SyncRun | None:
    """Queue a sync for an administrator.

    :param wishes: as in `runs.make_run_columns()`.
    :return: `None` where the element has an open run already.
    """
    run = runs.queue_run(element, "page", actor_id, **wishes)
    if run is None:
        return None
    try:
        get_jobs(current_app).sync(element)
    except Exception as error:  # of the queue's own kinds; a worker finds the run without it
        log_event(log, logging.WARNING, "queue_silent", error=type(error).__name__)
    return run


def run_queued_sync(name: str) -> None:
    """Run the queued sync of an element, if any."""
    lease = runs.begin_queued(name)
    if lease is None:
        return
    try:
        sync = Sync(current_app.getElement(f"auths.loginTypes.{name}"), lease)
        sync.run()
    except runs.LeaseLost:
        log_event(log, logging.WARNING, "sync_replaced", element=name)
    except Code as error:
        runs.end_run(lease, "failed", failure=[error.code, error.reason, error.native])


def remove_old_rows() -> None:
    """Remove what has outlived its time, in short transactions.

    What is left after a while waits for the next call.
    """
    until = time.monotonic() + REMOVAL_SECONDS
    for remove in current_app.extensions["old_rows"]:
        removed, total = 1, 0
        while removed and time.monotonic() < until:
            began = time.monotonic()
            with database.write():
                removed = remove(REMOVED_AT_ONCE)
            total += removed
            time.sleep(2 * (time.monotonic() - began))  # SQLite has one writer, which others need most of the time
        if total:
            log_event(log, logging.INFO, "rows_removed", step=remove.__name__, number=total)


def renew_stored_counts() -> None:
    """Count anew what pages do not count themselves.

    A failure of one count does not keep the others back.
    """
    for renew in current_app.extensions["stored_counts"]:
        try:
            renew()
        except database.FAILURES as error:
            log_event(log, logging.WARNING, "database_failure", place=renew.__name__, problem=database.explain(error))
        database.end_transaction()


def list_due() -> list[SyncedElement]:
    """Return the elements with a due scheduled sync."""
    every = current_app.config["PORTAL_SYNC_EVERY"]
    elements = current_app.elements.list_syncable()
    return [element for element in elements if every and runs.is_due(element.name, every)]


def run_jobs(app: Flask) -> None:
    """Run jobs until the process is told to end."""
    consumer = get_jobs(app).huey.create_consumer(workers=THREADS, periodic=True, max_delay=QUEUE_POLL)
    threading.Thread(target=report_life, args=(app,), daemon=True).start()
    consumer.run()
    log_event(log, logging.INFO, "worker_end")


def report_life(app: Flask) -> None:
    """Store every few seconds that this worker is alive."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        with app.app_context():
            try:
                health.note_worker(name)
            except database.FAILURES as error:
                log_event(log, logging.WARNING, "database_failure", place="worker", problem=database.explain(error))
            db.session.remove()
        time.sleep(LIFE_REPORT)
