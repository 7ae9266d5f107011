"""From a person to a session: `sign_in()` is the only way."""

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from portal import audit, database, endings
from portal.accounts import accounts
from portal.audit import Actor, Client
from portal.clocks import now
from portal.database import db, fingerprint
from portal.directory import people
from portal.directory.cleaning import CleanPerson
from portal.errors import BAD_STATE, FORBIDDEN, NOT_ALLOWED, NOT_BOUND, Code, Explained
from portal.models import (
    ACTIVE,
    LEFT,
    MAY_SIGN_IN,
    NOT_ACTIVATED,
    BindingRequest,
    Identity,
    LoginAttempt,
    LoginSession,
)
from portal.signin import sessions
from portal.signin.sessions import OpenedSession

ACTIONS = {"login": "login", "confirm": "login.confirm"}  # an attempt's purpose -> what the trail calls it


class NotBound(Code):
    """NOT_BOUND with what the waiting page tells: who it is, since when they wait, and what an administrator said."""

    def __init__(self, reason: str, person: dict, request: BindingRequest | None):
        super().__init__(NOT_BOUND, reason)
        self.person, self.request = person, request


@database.retried
def sign_in(person: CleanPerson, attempt: LoginAttempt, client: Client, old_token: str | None = None) -> OpenedSession:
    """Open a session for the person a used-up attempt has brought.

    Identity, account, binding and session are stored in one transaction, or none of them. Where somebody signed in
    was asked to confirm who they are, nobody but a person of that very account gets the new session.

    :param old_token: this browser's session so far; it ends.
    :raises Code: BAD_STATE an attempt for another purpose, NOT_ALLOWED left or frozen, NOT_BOUND, ACCOUNT_DISABLED,
        FORBIDDEN another person confirms.
    """
    if attempt.purpose not in ACTIONS:
        raise Code(BAD_STATE, "the attempt was not begun to sign in")
    facts = {"element": attempt.element, "account_id": attempt.account_id}
    with audit.recorded(ACTIONS[attempt.purpose], Actor(attempt.account_id, client), **facts) as entry:
        identity = people.find(person)
        refusal = nobody_new(person, attempt) if identity is None else None
        if refusal:
            raise refusal
        identity = people.save(person, attempt.element, identity)
        db.session.refresh(identity, with_for_update=True)  # two first logins of one person go one after the other
        refusal = refused(identity, person, attempt, client)
        token = None if refusal else opened(identity, attempt, client, old_token)
        holder = attempt.account_id or identity.account_id
        entry.by = Actor(holder, client)
        entry.note(identity_id=identity.id, account_id=holder)
        if refusal:
            entry.refuse(refusal)
    return OpenedSession(token, identity.account_id, attempt.next)


def nobody_new(person: dict, attempt: LoginAttempt) -> Code | None:
    """Return why somebody unknown is turned away without being stored, or `None`."""
    if attempt.purpose == "confirm":
        return somebody_else()
    if current_app.config["PORTAL_UNKNOWN_PEOPLE"] == "refuse":
        return NotBound("nobody unknown is let in here", person, None)
    return None


def somebody_else() -> Code:
    return Explained(
        FORBIDDEN,
        "somebody else was to confirm",
        _("That was somebody else"),
        _("Only a person who is connected with this account can confirm here. Nothing has changed."),
    )


def refused(identity: Identity, person: dict, attempt: LoginAttempt, client: Client) -> Code | None:
    """Return why this person may not sign in, or `None`; somebody new gets an account or a place in the queue."""
    if attempt.purpose == "confirm" and identity.account_id != attempt.account_id:
        return somebody_else()
    if identity.status not in MAY_SIGN_IN:
        return Code(
            NOT_ALLOWED, "the person has left" if identity.status == LEFT else "the person is frozen or disabled"
        )
    if identity.account is None:
        waiting = db.session.scalar(select(BindingRequest).where(BindingRequest.identity_id == identity.id))
        policy = current_app.config["PORTAL_UNKNOWN_PEOPLE"]
        known_before = identity.last_account_id is not None
        if policy == "refuse" or (waiting and waiting.state == "refused"):
            return NotBound("not bound, and refused", person, waiting)
        if policy == "queue" or known_before or waiting:
            return NotBound("not bound; an administrator decides", person, queued(waiting, identity, attempt, client))
        identity.account = accounts.create_for(identity)
        identity.bound_at, identity.bound_how = now(), "created"
        facts = {"account_id": identity.account.id, "identity_id": identity.id, "element": attempt.element}
        audit.record("account.create", Actor(None, client), **facts)
    if not identity.account.active:
        return accounts.AccountDisabled()
    return None


def opened(identity: Identity, attempt: LoginAttempt, client: Client, old_token: str | None) -> str:
    """Open the session and note it on identity and attempt; return its token."""
    if identity.status == NOT_ACTIVATED:
        identity.status = ACTIVE
    identity.signed_in_at, identity.signed_in_how = now(), attempt.kind
    if old_token:
        endings.end_sessions(LoginSession.token_hash == fingerprint(old_token), why="signed in anew")
    token, row = sessions.open_(identity.account, identity, attempt.element, attempt.kind, client)
    mine = LoginAttempt.state_hash == attempt.state_hash
    db.session.execute(update(LoginAttempt).where(mine).values(session_id=row.id))
    return token


def queued(waiting: BindingRequest | None, identity: Identity, attempt: LoginAttempt, client: Client) -> BindingRequest:
    """Return the person's place in the queue; a second scan only notes that they asked again."""
    if waiting is None or waiting.state == "done":  # bound once, and unbound since
        waiting = waiting or BindingRequest(identity_id=identity.id)
        waiting.state, waiting.reference, waiting.created_at = "waiting", client.request_id, now()
        db.session.add(waiting)
    waiting.element, waiting.address, waiting.seen_at = attempt.element, client.address, now()
    return waiting
