"""Syncs in the background: queued with Huey, run by `flask worker`.

The queue only wakes a worker. What is to be done stands in `sync_run`: a job that gets lost is found there a minute
later.
"""

import hashlib
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy.engine import make_url

from portal import database, files, health
from portal.database import db
from portal.directory import runs
from portal.directory.sync import Sync
from portal.errors import Code
from portal.models import SyncRun

if TYPE_CHECKING:
    from huey import Huey
    from huey.api import TaskWrapper

log = logging.getLogger(__name__)

THREADS = 2  # syncs at once, of different elements
LOOK_EVERY = 1.0  # seconds between two looks into an empty queue
SIGN_EVERY = 10.0  # seconds between two signs of life
SWEEP_FOR = 20.0  # seconds of each minute for removing what is old
SWEPT_AT_ONCE = 200  # rows in one transaction
MAKING = threading.Lock()  # threads of one process share a queue


@dataclass(frozen=True)
class Jobs:
    """An app's queue, and what can be put there."""

    huey: "Huey"
    sync: "TaskWrapper"


def of(app) -> Jobs:
    """Return the app's queue; made when it is first asked for."""
    with MAKING:
        if "jobs" not in app.extensions:
            app.extensions["jobs"] = make(app)
    return app.extensions["jobs"]


def make(app) -> Jobs:
    from portal.directory import job_messages

    options = {"name": "portal", "results": False, "serializer": job_messages.JobSerializer()}
    if app.config["PORTAL_REDIS_URL"]:
        huey = job_messages.RedisJobs(connection_pool=redis_at(app.config["PORTAL_REDIS_URL"]), **options)
    else:
        huey = job_messages.SqliteJobs(filename=files.make_file(file_of(app)), **options)

    @huey.task(name="sync", takes=1)
    def sync(element: str):
        with app.app_context():
            run_queued(element)

    @huey.periodic_task(lambda moment: True, name="look_around")  # Huey asks once a minute
    def look_around():
        with app.app_context():
            runs.close_all_cut_off()
            for element in due():
                runs.ask(element.name, "schedule")
            for name in runs.queued():
                sync(name)

    @huey.periodic_task(lambda moment: True, name="sweep")
    def sweep():
        with app.app_context():
            remove_old()

    return Jobs(huey, sync)


def redis_at(url: str):
    """Return connections to Redis on which nobody waits longer than they would for a page."""
    from redis import ConnectionPool
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=3, retry=Retry(NoBackoff(), 0))


def file_of(app) -> str:
    """Return where the queue lies without Redis: beside a SQLite database, else in the instance folder."""
    url = make_url(app.config["PORTAL_DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        return f"{Path(app.instance_path, url.database)}-jobs"
    files.make_folder(Path(app.instance_path))
    return str(Path(app.instance_path, f"jobs-{hashlib.sha256(str(url).encode()).hexdigest()[:12]}.db"))


def ask(element: str, actor_id: int, **wishes) -> SyncRun | None:
    """Ask for a sync on behalf of an administrator; return it, or `None` where one is open already.

    :param wishes: as in `runs.wished()`.
    """
    run = runs.ask(element, "page", actor_id, **wishes)
    if run is None:
        return None
    try:
        of(current_app).sync(element)
    except Exception as error:  # the queue's own kinds: a worker finds the run without it, a minute later
        log.warning("the job queue does not answer (%s)", type(error).__name__)
    return run


def run_queued(name: str) -> None:
    """Run the sync of an element that is queued, if there is one."""
    lease = runs.take_queued(name)
    if lease is None:
        return
    try:
        sync = Sync(current_app.getElement(f"auths.loginTypes.{name}"), lease)
        state = sync.run()
        log.info("%s: sync %s, %s people %s", name, state, sync.counts["people"], sync.failure or "")
    except runs.LeaseLost:
        log.warning("%s: another sync has taken over", name)
    except Code as error:
        runs.end(lease, "failed", name, failure=[error.code, error.reason, error.native])


def remove_old() -> None:
    """Remove what has outlived its time, in short transactions; what is left after a while waits for the next call."""
    until = time.monotonic() + SWEEP_FOR
    for forget_old in current_app.extensions["old_rows"]:
        removed = 1
        while removed and time.monotonic() < until:
            began = time.monotonic()
            with database.write():
                removed = forget_old(SWEPT_AT_ONCE)
            time.sleep(2 * (time.monotonic() - began))  # SQLite has one writer: most of the time is for the others


def due() -> list:
    """Return the elements whose scheduled sync shall begin."""
    every = current_app.config["PORTAL_SYNC_EVERY"]
    elements = current_app.elements.list_syncable()
    return [element for element in elements if every and runs.is_due(element.name, every)]


def work(app) -> None:
    """Run jobs until the process is told to end."""
    consumer = of(app).huey.create_consumer(workers=THREADS, periodic=True, max_delay=LOOK_EVERY)
    threading.Thread(target=show_life, args=(app,), daemon=True).start()
    consumer.run()


def show_life(app) -> None:
    """Note every few seconds that this worker is alive."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        with app.app_context():
            try:
                health.note_worker(name)
            except database.FAILURES as error:
                log.warning("the database cannot be used: %s", database.explain(error))
            db.session.remove()
        time.sleep(SIGN_EVERY)
