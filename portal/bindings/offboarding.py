"""Off-boarding ends all access to an account at once."""

from dataclasses import dataclass

from sqlalchemy import select, update

from portal import audit, database
from portal.accounts import accounts, search
from portal.accounts.accounts import LastAdministrator
from portal.audit import Actor
from portal.bindings import rules
from portal.clocks import now
from portal.database import db
from portal.models import Account, Identity, Import, OneTimeLink
from portal.signin import one_time_links
from portal.signin.sessions import count_account_sessions


@dataclass(frozen=True)
class Access:
    """What an off-boarding of an account ends.

    :param sessions: how many are open.
    :param people: those bound to the account.
    :param link: a one-time link that can still be used.
    :param imports: how many uploaded files of bindings the administrator has not thrown away.
    """

    sessions: int
    people: list[Identity]
    link: OneTimeLink | None
    imports: int


@dataclass(frozen=True)
class EndedAccess:
    """How much an off-boarding has ended."""

    sessions: int
    people: int


def find_access(account_id: int) -> Access:
    """Return what an off-boarding of an account would end."""
    return Access(
        count_account_sessions(account_id),
        search.list_identities(account_id),
        one_time_links.find_link(account_id),
        len(list_open_imports(account_id)),
    )


@database.retried
def offboard_account(account_id: int, *, by: Actor) -> EndedAccess | None:
    """Disable an account, and end all access to it.

    Its people are unbound and remember it; its sessions, its one-time link and its uploaded files end.

    :return: `None` when there was nothing left to end.
    :raises Code: NOT_FOUND no such account; :class:`LastAdministrator`.
    """
    facts = {"account_id": account_id, "details": {"sessions": 0}}
    with audit.recorded("account.offboard", by, refusals=LastAdministrator, **facts) as entry:
        lock_people(account_id)  # before the account, as binding does
        is_last = accounts.lock_administrators() == [account_id]
        account = accounts.lock_account(account_id)
        people = lock_people(account_id)  # no person is bound to a locked account any more
        if not (account.active or people):
            entry.drop()
            return None
        if is_last:
            raise LastAdministrator
        ended = sum(unbind_person(person, account, by) for person in people)
        ended += close_account(account, by)
        entry.note(details={"sessions": ended, "people": len(people)})
        return EndedAccess(ended, len(people))


def lock_people(account_id: int) -> list[Identity]:
    """Return an account's people, locked for writing."""
    bound = select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)
    return list(db.session.scalars(bound.with_for_update().execution_options(populate_existing=True)))


def unbind_person(person: Identity, account: Account, by: Actor) -> int:
    """Unbind a locked person, and count the ended sessions."""
    ended = rules.detach_identity(person)
    facts = {"identity_id": person.id, "account_id": account.id, "details": {"sessions": ended}}
    audit.record("binding.end", by, **facts)
    return ended


def close_account(account: Account, by: Actor) -> int:
    """Disable a locked account, and count the ended sessions.

    Its link and its uploaded files end, too.
    """
    if one_time_links.find_link(account.id):
        audit.record("link.revoke", by, account_id=account.id)
    files = [job.id for job in list_open_imports(account.id)]
    db.session.execute(update(Import).where(Import.id.in_(files)).values(expires_at=now()))
    account.active = False
    return accounts.close_account(account.id)


def list_open_imports(account_id: int) -> list[Import]:
    """Return an administrator's files that can still be applied."""
    is_open = (Import.account_id == account_id, Import.expires_at > now(), Import.state != "done")
    return list(db.session.scalars(select(Import).where(*is_open)))
