"""One-time links, the way in when no provider works.

An administrator hands them out, or the operator makes one on the server.
"""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select

from portal import audit, database
from portal.accounts import accounts
from portal.audit import Actor, Client
from portal.clocks import SKEW, now
from portal.database import db, fingerprint
from portal.models import Account, OneTimeLink
from portal.signin.sessions import OpenedSession, open_session

LINK_LIFETIME = timedelta(minutes=15)


def make_link(account: Account) -> str:
    """Return the token of a fresh link.

    Part of the caller's transaction. The account's earlier link ends.
    """
    token, expires_at = secrets.token_urlsafe(32), now() + LINK_LIFETIME
    db.session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account.id))
    db.session.add(OneTimeLink(token_hash=fingerprint(token), account_id=account.id, expires_at=expires_at))
    return token


def find_linked_account(token: str) -> Account | None:
    """Return the account of a usable link."""
    open_link = (OneTimeLink.token_hash == fingerprint(token), *list_open_conditions(), Account.active)
    return db.session.scalar(select(Account).join(OneTimeLink).where(*open_link))


def list_open_conditions() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on `OneTimeLink` for usable links.

    The link of a clock that is too fast would live for longer.
    """
    moment = now()
    latest = moment + LINK_LIFETIME + timedelta(seconds=SKEW)
    return OneTimeLink.expires_at > moment, OneTimeLink.expires_at <= latest


def find_link(account_id: int) -> OneTimeLink | None:
    """Return the account's link, if it can still be used."""
    open_link = (OneTimeLink.account_id == account_id, *list_open_conditions())
    return db.session.scalar(select(OneTimeLink).where(*open_link))


def use_link(token: str, client: Client, old_token: str | None = None) -> OpenedSession | None:
    """Use a link up, and open its account's session.

    :param old_token: this browser's session so far; it ends.
    :return: `None` when the link is used, expired or none.
    :raises AccountDisabled: when the account is disabled.
    """
    with database.write() as session:
        open_link = (OneTimeLink.token_hash == fingerprint(token), *list_open_conditions())
        account = select(Account).join(OneTimeLink).where(*open_link)  # locked first, as wherever links are made
        account = session.scalar(account.with_for_update(key_share=True, of=Account))
        if account is None or session.execute(delete(OneTimeLink).where(*open_link)).rowcount != 1:
            return None
        if not account.active:
            raise accounts.AccountDisabled
        session_token = open_session(account.id, None, (None, "link"), client, old_token)
        audit.record("login", Actor(account.id, client), account_id=account.id, details={"how": "link"})
        return OpenedSession(session_token, account.id, None)


@database.retried
def hand_out_link(account_id: int, *, by: Actor) -> str:
    """Return the token of a fresh link to hand over.

    The account's earlier link ends.

    :raises Code: NOT_FOUND no such account; :class:`accounts.AccountDisabled`.
    """
    with audit.recorded("link.make", by, refusals=accounts.AccountDisabled, account_id=account_id):
        account = accounts.lock_account(account_id)
        if not account.active:
            raise accounts.AccountDisabled
        return make_link(account)


def revoke_link(account_id: int, *, by: Actor) -> bool:
    """End an account's open link, if there is one.

    :raises Code: NOT_FOUND no such account.
    """
    with database.write() as session:
        accounts.lock_account(account_id)
        ended = session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account_id)).rowcount
        if ended:
            audit.record("link.revoke", by, account_id=account_id)
        return bool(ended)


def remove_old_links(most: int) -> int:
    """Remove expired links, and count them.

    A used one is gone already. Part of the caller's transaction.
    """
    return database.delete_rows(OneTimeLink.id, OneTimeLink.expires_at < now(), order=OneTimeLink.id, most=most)
