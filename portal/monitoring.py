"""The state of the portal at a scrape."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import current_app

from portal import database, health
from portal.bindings import binding_requests
from portal.clocks import now
from portal.database import db
from portal.directory import jobs, runs
from portal.logs import log_event
from portal.signin import sessions

if TYPE_CHECKING:
    from prometheus_client import Metric

log = logging.getLogger(__name__)

READABLE = (None, "no_login", "database_read_only", "database_full")  # problems with which the rows can still be read
SYNC_OUTCOMES = ("done", "failed", "stopped")


class StateCollector:
    """Collects the gauges that are no count of one process.

    It needs an app context. Where the database can't be read, its gauges are left out.
    """

    def collect(self) -> Iterator["Metric"]:
        """Yield all gauges."""
        problem, _explanation = health.find_problem() or (None, "")
        yield make_gauge("portal_ready", "Whether people could sign in, as /readyz tells.", problem is None)
        is_sound = problem in (None, "no_login")
        yield make_gauge("portal_database_up", "Whether the database can be used and written.", is_sound)
        if current_app.config["PORTAL_REDIS_URL"]:
            yield make_gauge("portal_redis_up", "Whether Redis answers.", is_redis_up())
        elements = current_app.elements
        broken = len(elements.list_shown()) - len(elements.list_usable())
        yield make_gauge("portal_broken_elements", "Logins that can't be used.", broken)
        if every := current_app.config["PORTAL_SYNC_EVERY"]:
            yield make_gauge("portal_sync_every_seconds", "Seconds between scheduled syncs.", every)
        if problem not in READABLE:
            return
        try:
            yield from list(self.read_rows())
        except database.FAILURES as error:
            db.session.rollback()
            log_event(log, logging.WARNING, "database_failure", place="metrics", problem=database.explain(error))

    def read_rows(self) -> Iterator["Metric"]:
        """Yield the gauges of the database."""
        yield make_gauge("portal_worker_up", "Whether a worker has reported lately.", health.is_worker_alive())
        yield make_gauge("portal_open_sessions", "Sessions in use.", sessions.count_open_sessions())
        waiting = binding_requests.count_waiting()
        yield make_gauge("portal_waiting_requests", "People that wait for an administrator.", waiting)
        yield make_gauge("portal_queued_syncs", "Syncs that wait for a worker.", len(runs.list_queued()))
        names = [element.name for element in current_app.elements.list_syncable()]
        yield make_ages(names)
        yield make_outcomes(names)
        database.end_transaction()


def make_gauge(name: str, text: str, value: float) -> "Metric":
    """Return a gauge without labels."""
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, value=float(value))


def make_ages(elements: list[str]) -> "Metric":
    """Return the age of each element's last complete sync."""
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily("portal_sync_age_seconds", "Seconds since the last complete sync.", labels=("element",))
    for name, run in runs.find_last_complete(elements).items():
        gauge.add_metric((name,), (now() - run.ended_at).total_seconds())
    return gauge


def make_outcomes(elements: list[str]) -> "Metric":
    """Return how the last finished sync of each element ended."""
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(
        "portal_sync_last_outcome", "1 for the outcome of the last sync.", labels=("element", "outcome")
    )
    for name, state in runs.find_last_states(elements).items():
        for outcome in SYNC_OUTCOMES:
            gauge.add_metric((name, outcome), float(outcome == state))
    return gauge


def is_redis_up() -> bool:
    """Tell whether Redis answers."""
    from redis import Redis, RedisError

    extensions = current_app.extensions
    if "monitored_redis" not in extensions:
        extensions["monitored_redis"] = Redis(
            connection_pool=jobs.connect_redis(current_app.config["PORTAL_REDIS_URL"])
        )
    try:
        return bool(extensions["monitored_redis"].ping())
    except (RedisError, OSError):
        return False
