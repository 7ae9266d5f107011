"""One run of a sync, step by step.

It reads everything, asks about missing people, and only then writes.
"""

import logging
import threading
from collections.abc import Callable

from portal import database
from portal.database import db
from portal.directory import runs
from portal.directory.protocol import SyncedElement
from portal.directory.sync.guard import SyncGuarded, check_losses
from portal.directory.sync.journal import Journal
from portal.directory.sync.missing import MissingPeople
from portal.directory.sync.reading import Reader
from portal.directory.sync.stored import StoredPeople
from portal.directory.sync.writing import WaitingBatches, Writer
from portal.errors import FAULT, UNAVAILABLE, Code
from portal.logs import log_event
from portal.models import SyncRun

log = logging.getLogger(__name__)


class Sync:
    """One run of a sync.

    `phase`, `counts` and `report` tell how far it is.

    :param lease: the right to write.
    :param tell: called with the run about once a second.
    """

    def __init__(self, element: SyncedElement, lease: runs.Lease, tell: Callable[["Sync"], None] = lambda sync: None):
        run = db.session.get_one(SyncRun, lease.run_id)
        answered = db.session.get(SyncRun, run.answers_id) if run.answers_id else None
        self.dry_run, self.started_at = run.dry_run, run.started_at
        self.accepted = answered and answered.counts["losing"]  #: losses that an administrator has agreed to
        db.session.rollback()
        self.element, self.lease = element, lease
        self.stopped = threading.Event()
        self.journal = Journal(lease, lambda: tell(self))
        self.failure: list | None = None  #: number, reason and native of the error that ended it
        self.is_first = False  #: whether the element has listed no people before
        self.active_before = 0  #: people listed or in use that may sign in

    @property
    def phase(self) -> str:
        return self.journal.phase

    @property
    def counts(self) -> dict[str, int]:
        return self.journal.counts

    @property
    def report(self) -> dict:
        return self.journal.report

    def run(self) -> str:
        """Sync, and store how the run has ended.

        :return: `done`, `failed` or `stopped`.
        :raises LeaseLost: when another run has taken over.
        """
        try:
            self.sync()
            state = "done"
        except SyncGuarded:
            state = "stopped"
        except Code as error:
            state, self.failure = "failed", [error.code, error.reason, error.native]
        except runs.LeaseLost:
            raise
        except KeyboardInterrupt:
            state, self.failure = "failed", runs.CUT_OFF
        except database.FAILURES as error:
            facts = {"place": self.element.name, "problem": database.explain(error)}
            log_event(log, logging.ERROR, "database_failure", **facts)
            state, self.failure = "failed", [UNAVAILABLE, "the database is not available", None]
        except Exception:
            log_event(log, logging.ERROR, "sync_fault", element=self.element.name, with_trace=True)
            state, self.failure = "failed", [FAULT, "a fault of the portal", None]
        finally:
            self.stopped.set()
            db.session.rollback()
        self.journal.phase = ""
        runs.end_run(self.lease, state, counts=self.counts, report=self.report, failure=self.failure)
        self.journal.tell()
        self.log_end(state)
        return state

    def log_end(self, state: str) -> None:
        """Log how the sync has ended."""
        level = logging.INFO if state == "done" else logging.WARNING
        facts = {**self.counts, "dry_run": self.dry_run, "failure": self.failure or ""}
        log_event(log, level, "sync_end", element=self.element.name, state=state, **facts)

    def sync(self) -> None:
        """Read, ask, and write.

        :raises SyncGuarded: when too many people would lose their access.
        """
        self.journal.begin("departments")
        company = (self.element.provider, self.element.tenant())
        reader = Reader(self.element, company, self.journal, self.stopped)
        tree = reader.read_departments()
        writer = Writer(reader, tree, self.journal, self.started_at)
        with WaitingBatches() as batches:
            self.begin("people", reader)
            stored = StoredPeople(company, self.element.name)
            self.active_before = stored.active_before
            self.is_first = not stored.listed_before and not self.dry_run
            if self.is_first:
                writer.write_departments()
            for batch in reader.read_people(stored):
                batches.add(writer.write_harmless(batch) if self.is_first else batch)
            missing = MissingPeople(reader, stored, self.journal)
            missing.count_losses()
            self.check_losses()
            self.begin("leavers", reader)
            answers = missing.ask()
            self.check_losses()
            missing.name_all()
            self.begin("writing", reader)
            if self.dry_run:
                writer.count_changes(batches)
                return
            if not self.is_first:
                writer.write_departments()
            for batch in batches:
                writer.write_batch(batch)
            writer.write_answers(answers)
            writer.fill_departments()

    def begin(self, phase: str, reader: Reader) -> None:
        """Begin a phase.

        The platform counts its calls by themselves.
        """
        reader.pace.forget_calls()
        self.journal.begin(phase)

    def check_losses(self) -> None:
        check_losses(self.counts["losing"], self.active_before, self.accepted)
