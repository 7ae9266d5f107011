"""The counts, the report and the lease of a run."""

import threading
import time
from collections.abc import Callable

from portal import database
from portal.directory.runs import Lease

BEAT_SECONDS = 1.0  # between two renewals of the lease
MOST_NAMED = 100  # people a report names of each kind
COUNTS = (
    *("pages", "departments", "sources", "sources_read", "people", "unchanged", "new", "changed", "moved"),
    *("losing", "unseen", "asked", "left", "out_of_sight", "written"),
    *("departments_new", "departments_changed", "departments_removed"),
)


class Journal:
    """Counts what a run does and keeps its lease.

    :param lease: the right to write.
    :param tell: called about once a second.
    """

    def __init__(self, lease: Lease, tell: Callable[[], None]):
        self.lease, self.tell = lease, tell
        self.lock = threading.Lock()  #: held by a thread that counts or warns beside others
        self.phase = ""
        self.counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self.report: dict = {}  #: kind -> names; `warnings`: fault -> ids
        self.beaten_at = 0.0

    def begin(self, phase: str) -> None:
        self.phase, self.beaten_at = phase, 0.0
        self.beat()

    def beat(self) -> None:
        """Renew the lease and tell the progress.

        It does so about once a second.

        :raises LeaseLost: when another run has taken over.
        """
        if time.monotonic() - self.beaten_at > BEAT_SECONDS:
            self.beaten_at = time.monotonic()
            with database.write():
                self.renew_lease()
            self.tell()

    def renew_lease(self) -> None:
        """Renew the lease, inside the caller's transaction.

        :raises LeaseLost: when another run has taken over.
        """
        self.lease.renew(phase=self.phase, counts=self.counts)

    def count(self, kind: str, number: int = 1) -> None:
        self.counts[kind] += number

    def name(self, kind: str, *names: str) -> None:
        """Count people and name the first in the report."""
        self.counts[kind] += len(names)
        named = self.report.setdefault(kind, [])
        named += names[: MOST_NAMED - len(named)]

    def warn(self, fault: str, *ids: str) -> None:
        """Name ids in a warning of the report."""
        named = self.report.setdefault("warnings", {}).setdefault(fault, [])
        named += ids[: MOST_NAMED - len(named)]


def calculate_share(phase: str, counts: dict[str, int]) -> float | None:
    """Return the finished share of a phase, if known.

    :return: from 0 to 1.
    """
    done, total = {
        "people": (counts["sources_read"], counts["sources"]),
        "leavers": (counts["asked"], counts["unseen"]),
        "writing": (counts["written"], counts["people"] - counts["unchanged"]),
    }.get(phase, (0, 0))
    return min(1.0, done / total) if total else None
