"""The only way from a person to a session."""

from collections.abc import Mapping

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, select, update

from portal import audit, database
from portal.accounts import accounts
from portal.audit import Actor, Client
from portal.clocks import now
from portal.database import db
from portal.directory import access, people
from portal.directory.cleaning import CleanPerson
from portal.errors import BAD_STATE, FORBIDDEN, NOT_BOUND, Code, Explained
from portal.models import (
    ACTIVE,
    NOT_ACTIVATED,
    BindingRequest,
    Identity,
)
from portal.signin.attempts import UsedAttempt
from portal.signin.sessions import OpenedSession, open_session
from portal.signin.waiting import Wait, date_session, name_state, remember_wait, use_wait

NOTE_SIGN_IN = (
    update(Identity.__table__)
    .where(Identity.id == bindparam("identity"))
    .values(signed_in_at=bindparam("moment"), signed_in_how=bindparam("how"))
)
ACTIONS = {"login": "login", "confirm": "login.confirm"}  # an attempt's purpose -> its name in the audit log


class NotBound(Code):
    """NOT_BOUND, with what the waiting page shows.

    :param person: the person that signed in.
    :param request: their place in the queue, with an administrator's answer; `None` where nothing is stored.
    :param token: the right to wait, for the browser of the scan; `None` where it has none.
    """

    def __init__(
        self, reason: str, person: Mapping | Identity, request: BindingRequest | None, token: str | None = None
    ):
        super().__init__(NOT_BOUND, reason)
        self.person, self.request, self.token = person, request, token


class AnotherPerson(Explained):
    """FORBIDDEN, because the account's own people must confirm."""

    def __init__(self):
        super().__init__(
            FORBIDDEN,
            "somebody else was to confirm",
            _("That was another person"),
            _("Only a person who is bound to this account can confirm here. Nothing has changed."),
        )


@database.retried
def sign_in(person: CleanPerson, attempt: UsedAttempt, client: Client, old_token: str | None = None) -> OpenedSession:
    """Open a session for the person of an attempt.

    Identity, account, binding and session are stored in one transaction, or none of them. Where a user was asked to
    confirm a sign-in, only a person of that very account gets the new session.

    :param attempt: used up already.
    :param old_token: this browser's session so far; it ends.
    :raises Code: BAD_STATE an attempt for another purpose; NOT_ALLOWED left or frozen; :class:`NotBound`;
        :class:`accounts.AccountDisabled`; :class:`AnotherPerson` confirms.
    """
    if attempt.purpose not in ACTIONS:
        raise Code(BAD_STATE, "the attempt was not begun to sign in")
    facts = {"element": attempt.element, "account_id": attempt.account_id}
    with audit.recorded(ACTIONS[attempt.purpose], Actor(attempt.account_id, client), **facts) as entry:
        identity = people.find_identity(person)
        refusal = refuse_stranger(person, attempt) if identity is None else None
        if refusal:
            raise refusal
        identity = people.save_person(person, attempt.element, identity)
        refusal = refuse_person(identity, person, attempt, client)
        token = None if refusal else open_login_session(identity, attempt, client, old_token)
        account_id = attempt.account_id or identity.account_id
        entry.by = Actor(account_id, client)
        entry.note(identity_id=identity.id, account_id=account_id)
        if refusal:
            entry.refuse(refusal)
    return OpenedSession(token, identity.account_id, attempt.next)


def refuse_stranger(person: dict, attempt: UsedAttempt) -> Code | None:
    """Return why an unknown person is refused without being stored."""
    if attempt.purpose == "confirm":
        return AnotherPerson()
    if current_app.config["PORTAL_UNKNOWN_PEOPLE"] == "refuse":
        return NotBound("nobody unknown is let in here", person, None)
    return None


def refuse_person(identity: Identity, person: dict, attempt: UsedAttempt, client: Client) -> Code | None:
    """Return why a stored person may not sign in.

    A person without an account gets one, or a place in the queue.
    """
    if attempt.purpose == "confirm" and identity.account_id != attempt.account_id:
        return AnotherPerson()
    if refusal := access.refuse_absent(identity):
        return refusal
    if identity.account is None:
        request = db.session.scalar(select(BindingRequest).where(BindingRequest.identity_id == identity.id))
        policy = current_app.config["PORTAL_UNKNOWN_PEOPLE"]
        had_account = identity.last_account_id is not None
        if policy == "refuse":
            return NotBound("not bound, and refused", person, request)
        if request and request.state == "refused":
            return NotBound("not bound, and refused", person, request, remember_wait(attempt, identity.id))
        if policy == "queue" or had_account or request:
            request = enqueue_person(request, identity, attempt, client)
            token = remember_wait(attempt, identity.id)
            return NotBound("not bound; an administrator decides", person, request, token)
        identity.account = accounts.add_account_for(identity)
        identity.bound_at, identity.bound_how = now(), "created"
        facts = {"account_id": identity.account.id, "identity_id": identity.id, "element": attempt.element}
        audit.record("account.create", Actor(None, client), **facts)
    if not identity.account.active:
        return accounts.AccountDisabled()
    return None


@database.retried
def sign_in_waiting(wait: Wait, client: Client, old_token: str | None = None) -> OpenedSession | None:
    """Open a session for a person who has waited.

    Person and account are judged anew.

    :param old_token: this browser's session so far; it ends.
    :return: `None` where no administrator has decided yet, or the right to wait has ended or is used.
    :raises Code: NOT_ALLOWED left or frozen; :class:`NotBound` refused; :class:`accounts.AccountDisabled`.
    """
    attempt, identity_id = wait.attempt, wait.identity.id
    with audit.recorded("login", Actor(None, client), element=attempt.element) as entry:
        identity = people.lock_identity(people.LOCK_BY_ID, id=identity_id)
        request = db.session.scalar(select(BindingRequest).where(BindingRequest.identity_id == identity_id))
        is_over = identity is None or request is None
        if is_over or name_state(identity, request) == "waiting" or not use_wait(attempt, identity_id):
            entry.drop()
            return None
        entry.by = Actor(identity.account_id, client)
        entry.note(identity_id=identity_id, account_id=identity.account_id)
        if refusal := refuse_waiting(identity, request):
            raise refusal
        token = open_login_session(identity, attempt, client, old_token)
        date_session(token, attempt)
    return OpenedSession(token, identity.account_id, attempt.next)


def refuse_waiting(identity: Identity, request: BindingRequest) -> Code | None:
    """Return why a waiting person may not sign in."""
    if refusal := access.refuse_absent(identity):
        return refusal
    if identity.account is None:
        return NotBound("not bound, and refused", identity, request)
    return None if identity.account.active else accounts.AccountDisabled()


def open_login_session(identity: Identity, attempt: UsedAttempt, client: Client, old_token: str | None) -> str:
    """Open the session of a login, and return its token.

    The identity remembers it.
    """
    if identity.status == NOT_ACTIVATED:
        identity.status = ACTIVE
    db.session.flush()  # a new account has its id now
    origin = (attempt.element, attempt.kind)
    database.run(NOTE_SIGN_IN, identity=identity.id, moment=now(), how=attempt.kind)
    return open_session(identity.account_id, identity.id, origin, client, old_token)


def enqueue_person(
    request: BindingRequest | None, identity: Identity, attempt: UsedAttempt, client: Client
) -> BindingRequest:
    """Return a person's place in the queue.

    A second scan only notes that they asked again.

    :param request: their place so far, if there is one.
    """
    if request is None or request.state == "done":  # bound once, and unbound since
        request = request or BindingRequest(identity_id=identity.id)
        request.state, request.reference, request.created_at = "waiting", client.request_id, now()
        db.session.add(request)
    request.element, request.address, request.seen_at = attempt.element, client.address, now()
    return request
