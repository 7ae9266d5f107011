"""One-time links: the way in when no provider works, handed out by an administrator or on the server."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from portal import audit, database, endings
from portal.accounts import accounts
from portal.audit import Actor, Client
from portal.clocks import now
from portal.database import db, fingerprint
from portal.models import Account, LoginSession, OneTimeLink
from portal.signin import sessions

LIFE = timedelta(minutes=15)


def make(account: Account) -> str:
    """Return the token of a fresh link, inside the caller's transaction; the account's earlier link ends."""
    token = secrets.token_urlsafe(32)
    db.session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account.id))
    db.session.add(OneTimeLink(token_hash=fingerprint(token), account_id=account.id, expires_at=now() + LIFE))
    return token


def holder(token: str) -> Account | None:
    """Return whose link this is, if it can still be used."""
    open_one = (OneTimeLink.token_hash == fingerprint(token), OneTimeLink.expires_at > now(), Account.active)
    return db.session.scalar(select(Account).join(OneTimeLink).where(*open_one))


def use(token: str, client: Client, old_token: str | None = None) -> sessions.OpenedSession | None:
    """Use the link up and open a session for its account; `None` when it is used, expired or none.

    :raises Code: ACCOUNT_DISABLED when the account is disabled.
    """
    with database.write() as session:
        mine = (OneTimeLink.token_hash == fingerprint(token), OneTimeLink.expires_at > now())
        account = select(Account).join(OneTimeLink).where(*mine)  # locked first, as wherever links are made
        account = session.scalar(account.with_for_update(key_share=True, of=Account))
        if account is None or session.execute(delete(OneTimeLink).where(*mine)).rowcount != 1:
            return None
        if not account.active:
            raise accounts.AccountDisabled
        if old_token:
            endings.end_sessions(LoginSession.token_hash == fingerprint(old_token), why="signed in anew")
        opened, _ = sessions.open_(account, None, None, "link", client)
        audit.record("login", Actor(account.id, client), account_id=account.id, details={"how": "link"})
        return sessions.OpenedSession(opened, account.id, None)


@database.retried
def hand_out_link(account_id: int, *, by: Actor) -> str:
    """Return the token of a fresh one-time link to hand over.

    The account's earlier link ends.

    :raises Code: NOT_FOUND no such account; :class:`accounts.AccountDisabled`.
    """
    with audit.recorded("link.make", by, refusals=accounts.AccountDisabled, account_id=account_id):
        account = accounts.locked(account_id)
        if not account.active:
            raise accounts.AccountDisabled
        return make(account)


def revoke_link(account_id: int, *, by: Actor) -> bool:
    """End an account's open link; return whether there was one.

    :raises Code: NOT_FOUND no such account.
    """
    with database.write() as session:
        accounts.locked(account_id)
        ended = session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account_id)).rowcount
        if ended:
            audit.record("link.revoke", by, account_id=account_id)
        return bool(ended)
