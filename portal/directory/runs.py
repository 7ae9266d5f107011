"""Syncs asked for, under way and ended: one row each, and the lease by which one at a time runs for an element."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from portal import audit, database
from portal.audit import Actor
from portal.clocks import now
from portal.database import db
from portal.errors import CONFLICT, FAULT, Code
from portal.models import Account, SyncRun

LEASE = timedelta(seconds=30)  # a run that has not been heard of for so long is over
KEPT = timedelta(days=90)
REMOVED_AT_ONCE = 100  # old runs that the end of one removes
GONE = [FAULT, "the process that ran it has ended or was cut off", None]
REPLACED = [CONFLICT, "a sync from the command line went first", None]


class LeaseLost(Exception):
    """The lease has gone to another run: nothing may be written any more."""


@dataclass(frozen=True)
class Lease:
    """The right to sync an element, as long as it is held."""

    run_id: int
    token: str

    def hold(self, **changes) -> None:
        """Renew the lease and note `changes` on the run, inside the caller's transaction.

        :raises LeaseLost: when another run has taken over.
        """
        mine = (SyncRun.id == self.run_id, SyncRun.lease == self.token, SyncRun.state == "running")
        renewed = update(SyncRun).where(*mine).values(leased_until=now() + LEASE, **changes)
        if db.session.execute(renewed, execution_options={"synchronize_session": False}).rowcount != 1:
            raise LeaseLost()


def ask(element: str, how: str, actor_id: int | None = None, **wishes) -> SyncRun | None:
    """Queue a sync for a worker; return it, or `None` where the element has one open already.

    :param how: `page` or `schedule`.
    :param wishes: as in `wished()`.
    """
    try:
        with database.write() as session:
            close_cut_off(SyncRun.element == element)
            if session.scalar(select(SyncRun.id).where(SyncRun.element == element, SyncRun.open.is_(True))):
                return None
            run = SyncRun(element=element, how=how, actor_id=actor_id, **wished(element, **wishes))
            session.add(run)
            facts = {"how": how, "dry_run": run.dry_run, "answers": run.answers_id}
            audit.record("sync.ask", Actor(actor_id), element=element, details=facts)
            return run
    except IntegrityError:
        return None


def take(element: str, **wishes) -> Lease:
    """Begin a sync from the command line; one that only waits makes room.

    :param wishes: as in `wished()`.
    :raises Code: CONFLICT while another is under way.
    """
    token = secrets.token_hex(16)
    try:
        with database.write() as session:
            close_cut_off(SyncRun.element == element)
            close(SyncRun.element == element, SyncRun.state == "queued", failure=REPLACED)
            wanted = wished(element, **wishes)
            run = SyncRun(element=element, how="command", state="running", **begun(token), **wanted)
            session.add(run)
            session.flush()  # unique: (element, open)
            return Lease(run.id, token)
    except IntegrityError:
        raise under_way() from None


def wished(element: str, dry_run: bool = False, accept_leavers: bool = False, stopped_id: int | None = None) -> dict:
    """Return the columns of a run about to be made, inside its transaction.

    An administrator's yes is for the list of one stopped run, and for one run that changes something. Where it finds
    none that waits for it, the guard holds as ever.

    :param stopped_id: the stopped run whose list was shown; `None`: the newest.
    """
    answered = stopped(element, stopped_id) if accept_leavers else None
    return {"dry_run": dry_run, "answers_id": answered and answered.id}


def stopped(element: str, id: int | None = None) -> SyncRun | None:
    """Return the stopped run of an element that waits for a yes: the newest, or the one of this id.

    None does after a later run that was done, or that had a yes itself.
    """
    later = aliased(SyncRun)
    over = select(later.id).where(later.element == element, later.id > SyncRun.id, later.dry_run.is_(False))
    over = over.where(or_(later.state == "done", later.answers_id.is_not(None)))
    waiting = select(SyncRun).where(SyncRun.element == element, SyncRun.state == "stopped", ~over.exists())
    if id is not None:
        waiting = waiting.where(SyncRun.id == id)
    return db.session.scalar(waiting.order_by(SyncRun.id.desc()).limit(1))


def take_queued(element: str) -> Lease | None:
    """Begin the sync of an element that is queued, if there is one."""
    token = secrets.token_hex(16)
    with database.write() as session:
        close_cut_off(SyncRun.element == element)
        waiting = (SyncRun.element == element, SyncRun.state == "queued")
        taken = update(SyncRun).where(*waiting).values(state="running", **begun(token)).returning(SyncRun.id)
        run_id = session.scalar(taken)
        return None if run_id is None else Lease(run_id, token)


def end(lease: Lease, state: str, element: str, **facts) -> None:
    """Note how a run has ended.

    :param state: `done`, `failed` or `stopped`.
    :raises LeaseLost: when another run has taken over.
    """
    with database.write() as session:
        lease.hold(**ending(state, **facts))
        note_end(session.get_one(SyncRun, lease.run_id))
        forget_old(REMOVED_AT_ONCE)


def forget_old(most: int) -> int:
    """Remove at most so many runs that ended long ago, inside the caller's transaction; return how many."""
    old = SyncRun.ended_at < now() - KEPT
    return database.delete_rows(SyncRun.id, old, order=SyncRun.ended_at, most=most)


def note_end(run: SyncRun) -> None:
    """Add to the trail how a run has ended, inside the caller's transaction."""
    failure = run.failure or [0, "", None]
    native = None if failure[2] is None else str(failure[2])[:64]
    details = {"run": run.id, "state": run.state, "dry_run": run.dry_run, **run.counts}
    facts = {"element": run.element, "result": failure[0], "native": native, "details": details}
    audit.record("sync.end", Actor(run.actor_id), **facts)


def close_all_cut_off() -> None:
    """End the runs that have not been heard of for longer than their lease."""
    with database.write():
        close_cut_off()


def close_cut_off(*conditions) -> None:
    """End the runs whose lease is over, inside the caller's transaction.

    :param conditions: on `SyncRun`: which of them.
    """
    close(SyncRun.state == "running", SyncRun.leased_until < now(), *conditions, failure=GONE)


def close(*conditions, failure: list) -> None:
    """Let runs end as failed, inside the caller's transaction."""
    for run in db.session.scalars(select(SyncRun).where(*conditions).with_for_update()):
        for name, value in ending("failed", failure=failure).items():
            setattr(run, name, value)
        note_end(run)
    db.session.flush()


def ending(state: str, **facts) -> dict:
    return {"state": state, "open": None, "ended_at": now(), "phase": "", **facts}


def begun(token: str) -> dict:
    return {"lease": token, "leased_until": now() + LEASE, "started_at": now()}


def under_way() -> Code:
    return Code(CONFLICT, "a sync of this element is under way; wait for its end")


# What pages and workers ask


def latest(elements: list[str], most: int) -> list[tuple[SyncRun, str | None]]:
    """Return the newest runs, each with the name of who asked for it."""
    mine = select(SyncRun, Account.name).outerjoin(Account, Account.id == SyncRun.actor_id)
    return list(db.session.execute(mine.where(SyncRun.element.in_(elements)).order_by(SyncRun.id.desc()).limit(most)))


def last_complete(elements: list[str]) -> dict[str, SyncRun]:
    """Return by element the newest run that came to its end and was no dry run."""
    complete = (SyncRun.element.in_(elements), SyncRun.state == "done", SyncRun.dry_run.is_(False))
    newest = select(func.max(SyncRun.id)).where(*complete).group_by(SyncRun.element)
    return {run.element: run for run in db.session.scalars(select(SyncRun).where(SyncRun.id.in_(newest)))}


def is_due(element: str, every: int) -> bool:
    """Return whether a scheduled sync shall be queued: so many seconds after the last one began."""
    newest = select(SyncRun.created_at).where(SyncRun.element == element, SyncRun.dry_run.is_(False))
    newest = db.session.scalar(newest.order_by(SyncRun.id.desc()).limit(1))
    return newest is None or newest + timedelta(seconds=every) <= now()


def queued() -> list[str]:
    """Return the elements whose sync waits for a worker."""
    return list(db.session.scalars(select(SyncRun.element).where(SyncRun.state == "queued")))


def find_last_sync() -> SyncRun | None:
    """Return the sync of any element that was completed last."""
    complete = select(SyncRun).where(SyncRun.state == "done", SyncRun.ended_at.is_not(None), ~SyncRun.dry_run)
    return db.session.scalar(complete.order_by(SyncRun.ended_at.desc()).limit(1))
