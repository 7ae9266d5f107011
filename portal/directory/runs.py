"""Runs of syncs, a row each, and their leases.

By its lease one run at a time syncs an element.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from portal import audit, database
from portal.audit import Actor
from portal.clocks import now
from portal.database import db
from portal.errors import CONFLICT, FAULT, Code
from portal.models import Account, SyncRun

LEASE = timedelta(seconds=30)  # a run that does not renew it for so long is over
RUN_LIFETIME = timedelta(days=90)
REMOVED_AT_ONCE = 100  # old runs that the end of a run removes
CUT_OFF = [FAULT, "the process that ran it has ended or was cut off", None]
REPLACED = [CONFLICT, "a sync from the command line went first", None]


class LeaseLost(Exception):
    """Another run has the lease now.

    Nothing may be written any more.
    """


@dataclass(frozen=True)
class Lease:
    """The right to sync an element."""

    run_id: int
    token: str

    def renew(self, **changes: Any) -> None:
        """Renew the lease, inside the caller's transaction.

        :param changes: further columns of the run.
        :raises LeaseLost: when another run has taken over.
        """
        is_held = (SyncRun.id == self.run_id, SyncRun.lease == self.token, SyncRun.state == "running")
        renewed = update(SyncRun).where(*is_held).values(leased_until=now() + LEASE, **changes)
        if db.session.execute(renewed, execution_options={"synchronize_session": False}).rowcount != 1:
            raise LeaseLost()


# Beginning


def queue_run(element: str, how: str, actor_id: int | None = None, **wishes: Any) -> SyncRun | None:
    """Queue a sync for a worker.

    :param how: `page` or `schedule`.
    :param wishes: as in `make_run_columns()`.
    :return: `None` where the element has an open run already.
    """
    try:
        with database.write() as session:
            end_cut_off(SyncRun.element == element)
            if session.scalar(select(SyncRun.id).where(SyncRun.element == element, SyncRun.open.is_(True))):
                return None
            run = SyncRun(element=element, how=how, actor_id=actor_id, **make_run_columns(element, **wishes))
            session.add(run)
            details = {"how": how, "dry_run": run.dry_run, "answers": run.answers_id}
            audit.record("sync.ask", Actor(actor_id), element=element, details=details)
            return run
    except IntegrityError:
        return None


def begin_from_command(element: str, **wishes: Any) -> Lease:
    """Begin a sync from the command line.

    It takes the place of one that is only queued.

    :param wishes: as in `make_run_columns()`.
    :raises Code: CONFLICT while another sync is under way.
    """
    token = secrets.token_hex(16)
    try:
        with database.write() as session:
            end_cut_off(SyncRun.element == element)
            end_as_failed(REPLACED, SyncRun.element == element, SyncRun.state == "queued")
            columns = make_run_columns(element, **wishes)
            run = SyncRun(element=element, how="command", state="running", **make_start_columns(token), **columns)
            session.add(run)
            session.flush()  # unique: (element, open)
            return Lease(run.id, token)
    except IntegrityError:
        raise Code(CONFLICT, "a sync of this element is under way; wait for its end") from None


def begin_queued(element: str) -> Lease | None:
    """Begin the queued sync of an element, if any."""
    token = secrets.token_hex(16)
    with database.write() as session:
        end_cut_off(SyncRun.element == element)
        is_queued = (SyncRun.element == element, SyncRun.state == "queued")
        begun = update(SyncRun).where(*is_queued).values(state="running", **make_start_columns(token))
        run_id = session.scalar(begun.returning(SyncRun.id))
        return None if run_id is None else Lease(run_id, token)


def make_run_columns(
    element: str, dry_run: bool = False, accept_leavers: bool = False, stopped_id: int | None = None
) -> dict:
    """Return the columns of a new run, inside its transaction.

    An administrator's yes is for the list of one stopped run, and for one run that changes something. Where no stopped
    run waits for a yes, the guard holds as ever.

    :param stopped_id: the stopped run with the list that was shown; `None` for the newest.
    """
    stopped = find_stopped(element, stopped_id) if accept_leavers else None
    return {"dry_run": dry_run, "answers_id": stopped and stopped.id}


def find_stopped(element: str, id: int | None = None) -> SyncRun | None:
    """Return an element's stopped run that waits for a yes.

    None waits after a later run that was done, or that had a yes itself.

    :param id: of that run; `None` for the newest.
    """
    later = aliased(SyncRun)
    over = select(later.id).where(later.element == element, later.id > SyncRun.id, later.dry_run.is_(False))
    over = over.where(or_(later.state == "done", later.answers_id.is_not(None)))
    waiting = select(SyncRun).where(SyncRun.element == element, SyncRun.state == "stopped", ~over.exists())
    if id is not None:
        waiting = waiting.where(SyncRun.id == id)
    return db.session.scalar(waiting.order_by(SyncRun.id.desc()).limit(1))


def make_start_columns(token: str) -> dict:
    return {"lease": token, "leased_until": now() + LEASE, "started_at": now()}


# Ending


def end_run(lease: Lease, state: str, **columns: Any) -> None:
    """Store how a run has ended.

    :param state: `done`, `failed` or `stopped`.
    :raises LeaseLost: when another run has taken over.
    """
    with database.write() as session:
        lease.renew(**make_end_columns(state, **columns))
        record_end(session.get_one(SyncRun, lease.run_id))
        remove_old_runs(REMOVED_AT_ONCE)


def end_all_cut_off() -> None:
    """End the runs with an old lease."""
    with database.write():
        end_cut_off()


def end_cut_off(*conditions: ColumnElement[bool]) -> None:
    """End runs with an old lease, inside the caller's transaction.

    :param conditions: on `SyncRun`.
    """
    end_as_failed(CUT_OFF, SyncRun.state == "running", SyncRun.leased_until < now(), *conditions)


def end_as_failed(failure: list, *conditions: ColumnElement[bool]) -> None:
    """End runs with a failure, inside the caller's transaction.

    :param failure: number, reason and native.
    :param conditions: on `SyncRun`.
    """
    for run in db.session.scalars(select(SyncRun).where(*conditions).with_for_update()):
        for name, value in make_end_columns("failed", failure=failure).items():
            setattr(run, name, value)
        record_end(run)
    db.session.flush()


def make_end_columns(state: str, **columns: Any) -> dict:
    return {"state": state, "open": None, "ended_at": now(), "phase": "", **columns}


def record_end(run: SyncRun) -> None:
    """Record how a run has ended, inside the caller's transaction."""
    number, _reason, native = run.failure or [0, "", None]
    facts = {
        "element": run.element,
        "result": number,
        "native": native,
        "details": {"run": run.id, "state": run.state, "dry_run": run.dry_run, **run.counts},
    }
    audit.record("sync.end", Actor(run.actor_id), **facts)


def remove_old_runs(most: int) -> int:
    """Remove runs that ended long ago, inside the caller's transaction.

    :param most: runs to remove.
    :return: how many were removed.
    """
    is_old = SyncRun.ended_at < now() - RUN_LIFETIME
    return database.delete_rows(SyncRun.id, is_old, order=SyncRun.ended_at, most=most)


# What pages and workers ask


def list_latest(elements: list[str], most: int) -> list[tuple[SyncRun, str | None]]:
    """Return the newest runs, with the names of their accounts."""
    statement = select(SyncRun, Account.name).outerjoin(Account, Account.id == SyncRun.actor_id)
    statement = statement.where(SyncRun.element.in_(elements)).order_by(SyncRun.id.desc()).limit(most)
    return list(db.session.execute(statement))


def find_last_complete(elements: list[str]) -> dict[str, SyncRun]:
    """Return the last complete run of each element.

    Dry runs do not count.
    """
    complete = (SyncRun.element.in_(elements), SyncRun.state == "done", SyncRun.dry_run.is_(False))
    newest = select(func.max(SyncRun.id)).where(*complete).group_by(SyncRun.element)
    return {run.element: run for run in db.session.scalars(select(SyncRun).where(SyncRun.id.in_(newest)))}


def find_last_states(elements: list[str]) -> dict[str, str]:
    """Return how the last run of each element has ended."""
    over = (SyncRun.element.in_(elements), SyncRun.ended_at.is_not(None), SyncRun.dry_run.is_(False))
    newest = select(func.max(SyncRun.id)).where(*over).group_by(SyncRun.element)
    rows = db.session.execute(select(SyncRun.element, SyncRun.state).where(SyncRun.id.in_(newest)))
    return {element: state for element, state in rows}


def find_last_sync() -> SyncRun | None:
    """Return the sync of any element that was completed last."""
    complete = select(SyncRun).where(SyncRun.state == "done", SyncRun.ended_at.is_not(None), ~SyncRun.dry_run)
    return db.session.scalar(complete.order_by(SyncRun.ended_at.desc()).limit(1))


def is_due(element: str, every: int) -> bool:
    """Return whether it is time for a scheduled sync.

    :param every: seconds after the last one began.
    """
    newest = select(SyncRun.created_at).where(SyncRun.element == element, SyncRun.dry_run.is_(False))
    began_at = db.session.scalar(newest.order_by(SyncRun.id.desc()).limit(1))
    return began_at is None or began_at + timedelta(seconds=every) <= now()


def list_queued() -> list[str]:
    """Return the elements with a queued sync."""
    return list(db.session.scalars(select(SyncRun.element).where(SyncRun.state == "queued")))
