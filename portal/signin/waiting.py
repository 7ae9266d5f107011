"""Waiting for an account, in the browser of the scan.

The row of the scan's login remembers the person. Its browser gets a fresh token, which is the right to sign in without
another scan once an administrator has bound that person. The row holds the token's hash in place of the browser's own.
"""

import secrets
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, update

from portal import database
from portal.clocks import SKEW, now
from portal.database import db, fingerprint
from portal.models import BindingRequest, Identity, LoginAttempt, LoginSession
from portal.signin.attempts import UsedAttempt

WAIT_LIFETIME = timedelta(minutes=30)  # since the scan


class Wait(NamedTuple):
    """A scan that waits for an administrator.

    :param attempt: the scan's login.
    :param request: the person's place in the queue.
    """

    attempt: UsedAttempt
    identity: Identity
    request: BindingRequest

    @property
    def state(self) -> str:
        return name_state(self.identity, self.request)


def name_state(identity: Identity, request: BindingRequest) -> str:
    """Return `approved`, `waiting` or `refused`.

    A person who was bound and is unbound again counts as refused.
    """
    if identity.account_id is not None:
        return "approved"
    return "waiting" if request.state == "waiting" else "refused"


def remember_wait(attempt: UsedAttempt, identity_id: int) -> str:
    """Return the token by which a browser waits.

    It is stored nowhere. Part of the caller's transaction.
    """
    token = secrets.token_urlsafe(32)
    of_scan = LoginAttempt.state_hash == attempt.state_hash
    values = {"identity_id": identity_id, "browser_hash": fingerprint(token)}
    db.session.execute(update(LoginAttempt).where(of_scan).values(**values))
    return token


def find_wait(token: str, reference: str = "") -> Wait | None:
    """Return what a browser waits for.

    :param reference: of the request that the page has shown; "" for any.
    """
    columns = [getattr(LoginAttempt, name) for name in UsedAttempt._fields]
    of_browser = (LoginAttempt.browser_hash == fingerprint(token), *list_open_conditions())
    statement = select(Identity, BindingRequest, *columns).where(*of_browser)
    if reference:
        statement = statement.where(BindingRequest.reference == reference)
    in_queue = BindingRequest.identity_id == LoginAttempt.identity_id
    statement = statement.join(Identity, Identity.id == LoginAttempt.identity_id).join(BindingRequest, in_queue)
    row = db.session.execute(statement).one_or_none()
    return Wait(UsedAttempt(*row[2:]), *row[:2]) if row else None


def list_open_conditions() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on `LoginAttempt` for scans that wait.

    That of a clock that is too fast would wait for longer.
    """
    moment = now()
    return (
        LoginAttempt.purpose == "login",
        LoginAttempt.identity_id.is_not(None),
        LoginAttempt.used_at > moment - WAIT_LIFETIME,
        LoginAttempt.used_at <= moment + timedelta(seconds=SKEW),
    )


def date_session(token: str, attempt: UsedAttempt) -> None:
    """Let a session begin at its scan.

    The scan proves the person, so acts that need a recent sign-in count from there. Part of the caller's transaction.
    """
    scanned_at = select(LoginAttempt.used_at).where(LoginAttempt.state_hash == attempt.state_hash).scalar_subquery()
    of_session = LoginSession.token_hash == fingerprint(token)
    statement = update(LoginSession).where(of_session).values(signed_in_at=scanned_at)
    db.session.execute(statement, execution_options={"synchronize_session": False})


def use_wait(attempt: UsedAttempt, identity_id: int) -> bool:
    """Use a wait up, inside the caller's transaction.

    :return: whether it was still open for this person; of any number of calls, one succeeds.
    """
    of_scan = (LoginAttempt.state_hash == attempt.state_hash, LoginAttempt.identity_id == identity_id)
    used = update(LoginAttempt).where(*of_scan, *list_open_conditions()).values(identity_id=None)
    return db.session.execute(used, execution_options={"synchronize_session": False}).rowcount == 1


def end_wait(token: str) -> None:
    """End a browser's wait.

    Another scan or sign-in has replaced it.
    """
    of_browser = (LoginAttempt.browser_hash == fingerprint(token), LoginAttempt.identity_id.is_not(None))
    with database.write_rows() as connection:
        connection.execute(update(LoginAttempt.__table__).where(*of_browser).values(identity_id=None))
