"""One-time links: the way in when no provider works, handed out by an administrator or on the server."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from portal import models
from portal.accounts import sessions
from portal.accounts.signin import SignedIn
from portal.errors import Code
from portal.models import Account, Client, LoginSession, OneTimeLink, audit, fingerprint, now

LIFE = timedelta(minutes=15)


def make(account: Account) -> str:
    """Return the token of a fresh link, inside the caller's transaction; the account's earlier link ends."""
    token = secrets.token_urlsafe(32)
    models.db.session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account.id))
    models.db.session.add(OneTimeLink(token_hash=fingerprint(token), account_id=account.id, expires_at=now() + LIFE))
    return token


def holder(token: str) -> Account | None:
    """Return whose link this is, if it can still be used."""
    open_one = (OneTimeLink.token_hash == fingerprint(token), OneTimeLink.expires_at > now(), Account.active)
    return models.db.session.scalar(select(Account).join(OneTimeLink).where(*open_one))


def use(token: str, client: Client, old_token: str | None = None) -> SignedIn | None:
    """Use the link up and open a session for its account; `None` when it is used, expired or none.

    :raises Code: 40304 when the account is disabled.
    """
    with models.write() as session:
        mine = (OneTimeLink.token_hash == fingerprint(token), OneTimeLink.expires_at > now())
        account = select(Account).join(OneTimeLink).where(*mine)  # locked first, as wherever links are made
        account = session.scalar(account.with_for_update(key_share=True, of=Account))
        if account is None or session.execute(delete(OneTimeLink).where(*mine)).rowcount != 1:
            return None
        if not account.active:
            raise Code(40304, "the account is disabled")
        if old_token:
            models.end_sessions(LoginSession.token_hash == fingerprint(old_token), why="signed in anew")
        opened, _ = sessions.open_(account, None, None, "link", client)
        audit("login", client, actor_id=account.id, account_id=account.id, details={"how": "link"})
        return SignedIn(opened, account.id, None)
