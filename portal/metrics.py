"""The figures that monitoring reads, counted here.

Each process counts into a file of its own in a shared folder, and a scrape adds them up. Without a folder a process
counts in memory, by itself. No label comes from a visitor.
"""

import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal import files
from portal.logs import log_event

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

log = logging.getLogger(__name__)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library reads this variable when it is imported
FOLDER_NAME = "metrics"  # below the instance folder
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8)  # seconds; a login's calls have eight
SIGN_IN_OUTCOMES = ("signed_in", "waiting", "cancelled", "refused", "failed")
CALL_OUTCOMES = ("ok", "refused", "busy", "failed", "timeout", "unreachable", "paused")
MOST_CALLS = 40  # different ones in one process; more would only come of ids in addresses
OTHER_CALL = "other"
# Bytes of a process's files. They are reserved, because a write that finds the disk full would end the process.
SIZES = {"counter": 1 << 17, "histogram": 1 << 20, "gauge_livesum": 1 << 16}

_lock = threading.Lock()
_figures: "Figures | None" = None


class Figures:
    """All counters of this process."""

    def __init__(self):
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

        disable_created_metrics()
        self.registry = into = CollectorRegistry()
        self.calls: set[str] = set()
        self.children: dict[tuple, Any] = {}
        self.sign_ins = Counter(
            "portal_sign_ins", "Sign-ins by login and outcome.", ("element", "outcome"), registry=into
        )
        self.refusals = Counter("portal_refusals", "Refusals by error number.", ("number",), registry=into)
        self.limits_hit = Counter("portal_limits_hit", "Requests beyond a limit.", ("limit",), registry=into)
        self.token_renewals = Counter(
            "portal_token_renewals", "Calls for an app's own token.", ("platform", "outcome"), registry=into
        )
        self.platform_call = Histogram(
            "portal_platform_call_seconds",
            "Seconds that calls to platforms take.",
            ("platform", "call", "outcome"),
            buckets=BUCKETS,
            registry=into,
        )
        self.gate_checks = Counter(
            "portal_gate_checks",
            "Requests to applications that the gate was asked about.",
            ("application", "outcome"),
            registry=into,
        )
        self.gate_entries = Counter(
            "portal_gate_entries", "Entries to applications by outcome.", ("application", "outcome"), registry=into
        )
        self.breaker_open = Gauge(
            "portal_breaker_open",
            "Processes that pause their calls to an address.",
            ("address",),
            multiprocess_mode="livesum",
            registry=into,
        )

    def pick(self, figure: str, *labels: Any) -> Any:
        """Return a figure with its labels, from a cache."""
        key = (figure, labels)
        if key not in self.children:
            self.children[key] = getattr(self, figure).labels(*labels)
        return self.children[key]


def get_figures() -> Figures:
    """Return the figures, made at the first call."""
    global _figures
    if _figures is None:
        with _lock:
            if _figures is None:
                reserve_files()
                _figures = Figures()
    return _figures


# Counting


def start_sign_ins(elements: Iterable[str]) -> None:
    """Begin the counters of these elements at 0.

    A rise from "no figure" to 1 is none for Prometheus.
    """
    for element in elements:
        for outcome in SIGN_IN_OUTCOMES:
            get_figures().pick("sign_ins", element, outcome)


def start_failures(numbers: Iterable[int], platforms: Iterable[str]) -> None:
    """Begin the counters of failures at 0.

    Alerts wait for their rise.

    :param numbers: of refusals.
    """
    for number in numbers:
        get_figures().pick("refusals", number)
    for platform in platforms:
        for outcome in ("ok", "failed"):
            get_figures().pick("token_renewals", platform, outcome)


def count_sign_in(element: str, outcome: str) -> None:
    """Count a finished or refused sign-in.

    :param element: its short name; `once` for one-time links.
    :param outcome: one of `SIGN_IN_OUTCOMES`.
    """
    get_figures().pick("sign_ins", element, outcome).inc()


def count_refusal(number: int) -> None:
    """Count an answer with an error number."""
    get_figures().pick("refusals", number).inc()


def count_limit_hit(limit: str) -> None:
    """Count a request beyond a limit, by the limit's name."""
    get_figures().pick("limits_hit", limit).inc()


def count_token_renewal(platform: str, outcome: str) -> None:
    """Count a call for an app's own token.

    :param outcome: `ok` or `failed`.
    """
    get_figures().pick("token_renewals", platform, outcome).inc()


def observe_call(platform: str, call: str, outcome: str, seconds: float) -> None:
    """Note how long a call to a platform took.

    :param call: its path without ids.
    :param outcome: one of `CALL_OUTCOMES`.
    """
    figures = get_figures()
    if call not in figures.calls:
        if len(figures.calls) >= MOST_CALLS:
            call = OTHER_CALL
        figures.calls.add(call)
    figures.pick("platform_call", platform, call, outcome).observe(seconds)


def count_check(application: str, outcome: str) -> None:
    """Count a request that the gate was asked about.

    :param application: the name of one that exists.
    :param outcome: `passed`, `signed_out` or `refused`.
    """
    get_figures().pick("gate_checks", application, outcome).inc()


def count_entry(application: str, outcome: str) -> None:
    """Count an entry to an application.

    :param outcome: `entered` or `refused`.
    """
    get_figures().pick("gate_entries", application, outcome).inc()


def set_breaker(address: str, is_open: bool) -> None:
    """Note whether this process pauses its calls to an address."""
    get_figures().pick("breaker_open", address).set(is_open)


# The processes' shared folder


def use_folder(folder: Path) -> str | None:
    """Count in a shared folder from now on.

    One that the environment names goes first. It has to be called before anything is counted.

    :return: why that is not possible, if it is not.
    """
    os.environ[FOLDER] = path = os.environ.get(FOLDER) or str(folder)
    try:
        files.make_folder(Path(path))
        if os.access(path, os.W_OK):
            return None
        problem = "it can't be written"
    except OSError as error:
        problem = type(error).__name__
    del os.environ[FOLDER]
    return f"{path}: {problem}"


def reserve_files() -> None:
    """Make this process's files in the shared folder.

    They appear there complete, as an empty one can't be read at a scrape. Where that is not possible, the process
    counts in memory: nothing may fail because of its figures.
    """
    if not is_shared():
        return
    folder = Path(os.environ[FOLDER])
    try:
        files.make_folder(folder)
        for kind, size in SIZES.items():
            path = folder / f"{kind}_{os.getpid()}.db"
            if not path.exists():
                draft = path.with_suffix(".new")
                draft.write_bytes(bytes(size))
                draft.rename(path)
    except OSError as error:
        log_event(log, logging.WARNING, "metrics_folder", problem=f"{folder}: {type(error).__name__}")
        del os.environ[FOLDER]


def is_shared() -> bool:
    """Tell whether the processes count in a shared folder."""
    return FOLDER in os.environ


def remove_ended(pattern: str = "*.db") -> None:
    """Remove the figures of processes that have ended.

    A server does so at its start, so that the files do not become more and more. Later only states go: what an ended
    process has counted still belongs to the sums.
    """
    for file in Path(os.environ[FOLDER]).glob(pattern) if is_shared() else ():
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not is_running(int(pid)):
            file.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Tell whether a process of this number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def render(state: object) -> bytes:
    """Return all figures in the text format of Prometheus.

    :param state: a collector of what is read at each scrape.
    """
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    registry.register(state)
    if is_shared():
        remove_ended("gauge_live*.db")
        MultiProcessCollector(registry)
    else:
        registry.register(get_counted())
    return generate_latest(registry)


def get_counted() -> "CollectorRegistry":
    """Return the registry of what this process has counted."""
    return get_figures().registry
