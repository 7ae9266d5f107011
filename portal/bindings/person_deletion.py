"""The deletion of a person.

The audit log keeps their number, which no other person gets. All else that tells who it was goes.
"""

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from portal import audit, database
from portal.audit import Actor
from portal.database import db
from portal.directory import access
from portal.errors import NOT_FOUND, Code
from portal.models import (
    MAY_SIGN_IN,
    Account,
    BindingRequest,
    Department,
    Door,
    Identity,
    ImportRow,
    Listing,
    LoginAttempt,
    LoginSession,
    SyncRun,
    Ticket,
)

UNLOADED = {"synchronize_session": False}


@dataclass(frozen=True)
class DeletedPerson:
    """A person as they were until their deletion.

    :param number: in the audit log.
    :param account: the account they were bound to; it stays.
    :param has_others: whether another person can sign in to this account.
    :param listed_by: the elements by which a sync would store them again.
    :param ended_sessions: how many sessions have ended.
    """

    number: int
    name: str
    provider: str
    user_id: str
    account: Account | None
    has_others: bool
    listed_by: list[str]
    ended_sessions: int


@database.retried
def delete_person(identity_id: int, *, by: Actor) -> DeletedPerson:
    """Delete a person, and all that is stored about them.

    Their sessions end in the same transaction.

    :raises Code: NOT_FOUND when there is no such person.
    """
    with audit.recorded("person.delete", by, identity_id=identity_id) as entry:
        session = db.session
        identity = session.get(Identity, identity_id, with_for_update=True)
        if identity is None:
            raise Code(NOT_FOUND, "there is no such person")
        account, account_id = identity.account, identity.account_id
        listed_by = session.scalars(select(Listing.element).where(Listing.identity_id == identity_id))
        listed_by = sorted(listed_by) if identity.status in MAY_SIGN_IN else []
        identity.account_id = None
        session.flush()
        ended = access.end_person_sessions(identity_id, account_id, "person deleted")
        entry.note(account_id=account_id, details={"sessions": ended})
        remove_traces(identity)
        name, provider, user_id = identity.shown_name, identity.provider, identity.user_id
        session.expunge(identity)
        session.execute(delete(Identity).where(Identity.id == identity_id), execution_options=UNLOADED)
        has_others = account is not None and access.has_people(account.id)
        return DeletedPerson(identity_id, name, provider, user_id, account, has_others, listed_by, ended)


def remove_traces(identity: Identity) -> None:
    """Remove what other tables know about a person.

    Ended sessions stay without them, so that a request in flight can't reopen one. Memberships and listings go with the
    person's row.
    """
    session, identity_id = db.session, identity.id
    own = select(LoginSession.id).where(LoginSession.identity_id == identity_id)
    for table in (Door, Ticket):  # what applications were told
        session.execute(delete(table).where(table.session_id.in_(own)), execution_options=UNLOADED)
    sessions = update(LoginSession).where(LoginSession.identity_id == identity_id)
    session.execute(sessions.values(identity_id=None, address="", agent=""), execution_options=UNLOADED)
    for table in (LoginAttempt, BindingRequest, ImportRow):
        session.execute(delete(table).where(table.identity_id == identity_id), execution_options=UNLOADED)
    ids = {identity.user_id, identity.subject, *identity.open_ids.values()}
    remove_leader(identity, ids)
    pseudonym = f"person no. {identity_id}"
    # A report may tell the name alone, which others may have, too.
    rename_in_reports({identity.name: f"{pseudonym}, or a namesake"} | dict.fromkeys(ids, pseudonym))


def remove_leader(identity: Identity, ids: set[str]) -> None:
    """Remove a person from the leaders of their company's departments."""
    company = (Department.provider == identity.provider, Department.tenant == identity.tenant)
    for department in db.session.execute(select(Department.id, Department.leaders).where(*company)).all():
        leaders = [leader for leader in department.leaders if leader not in ids]
        if leaders != department.leaders:
            changed = update(Department).where(Department.id == department.id)
            db.session.execute(changed.values(leaders=leaders), execution_options=UNLOADED)


def rename_in_reports(names: dict[str, str]) -> None:
    """Give a person another name in the reports of syncs.

    A report has names by kind, and warnings with ids by fault.

    :param names: a name or id of the person -> what replaces it.
    """

    def rename(value: dict | list | str) -> dict | list | str:
        if isinstance(value, dict):
            return {key: rename(part) for key, part in value.items()}
        if isinstance(value, list):
            return [rename(part) for part in value]
        return names.get(value, value) if value else value

    for run in db.session.execute(select(SyncRun.id, SyncRun.report).where(SyncRun.ended_at.is_not(None))).all():
        report = rename(run.report)
        if report != run.report:
            changed = update(SyncRun).where(SyncRun.id == run.id).values(report=report)
            db.session.execute(changed, execution_options=UNLOADED)
