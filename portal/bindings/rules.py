"""Binding a person to an account, and unbinding.

Each happens in one transaction, and nothing is replaced silently.
"""

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from portal import audit, database, endings
from portal.accounts.accounts import AccountDisabled
from portal.audit import Actor, PendingEntry
from portal.clocks import now
from portal.database import db
from portal.errors import CONFLICT, NOT_ALLOWED, NOT_BOUND, NOT_FOUND, Code, Explained
from portal.models import HAD_LEFT, LEFT, MAY_SIGN_IN, Account, AuditEvent, BindingRequest, Identity, LoginSession

DECISIONS = ("binding.make", "binding.end", "queue.refuse", "queue.reopen")


class AccountTaken(Explained):
    """CONFLICT, because the account has another person of that company."""

    def __init__(self):
        super().__init__(
            CONFLICT,
            "the account has somebody of this company already",
            _("This account already has a person of that company"),
            _("Nothing was replaced. Unbind that person first, or resolve the conflict."),
        )


class BindingChanged(Explained):
    """CONFLICT, because the binding has changed meanwhile.

    `by` is the name of the account that changed it, where the audit log has one.
    """

    def __init__(self, identity: Identity):
        of_identity = (AuditEvent.identity_id == identity.id, AuditEvent.action.in_(DECISIONS), AuditEvent.result == 0)
        newest = select(AuditEvent.actor_id).where(*of_identity).order_by(AuditEvent.id.desc()).limit(1)
        actor = db.session.get(Account, db.session.scalar(newest) or 0)
        self.by = (actor.name or actor.username) if actor else ""
        title = (
            _("Changed in the meantime by %(name)s", name=self.by) if actor else _("This has changed in the meantime")
        )
        advice = _("Nothing was replaced. Look at the current state, then decide again.")
        super().__init__(CONFLICT, "the binding has changed meanwhile", title, advice)


class PersonRefused(Explained):
    """NOT_BOUND, because an administrator has refused the person."""

    def __init__(self, reason: str):
        answer = _("What the administrator says: %(reason)s", reason=reason)
        super().__init__(
            NOT_BOUND,
            "an administrator has refused this person",
            _("An administrator has refused this person"),
            answer if reason else _("Ask your administrator if that should be changed."),
        )


def bind_identity(identity_id: int, account_id: int, seen: int | None = None, *, by: Actor) -> Identity:
    """Let a person sign in as this account only.

    :param seen: the account they were bound to when the administrator decided; `None`: to none.
    :raises Code: NOT_FOUND no such person or account; NOT_ALLOWED left or frozen; :class:`AccountDisabled`;
        :class:`BindingChanged`; :class:`AccountTaken`.
    """
    facts = {"identity_id": identity_id, "account_id": account_id}
    with audit.recorded("binding.make", by, conflict=AccountTaken, **facts) as entry:
        return make_binding(entry, identity_id, account_id, "administrator", seen)


def replace_holder(
    identity_id: int, account_id: int, holder_id: int, seen: int | None = None, *, by: Actor
) -> Identity:
    """Move an account from its holder to another person.

    The holder's sessions end in the same transaction.

    :raises Code: as `bind_identity()`; :class:`BindingChanged` also when the holder has the account no more.
    """
    facts = {"identity_id": identity_id, "account_id": account_id}
    with audit.recorded("binding.make", by, conflict=AccountTaken, **facts) as entry:
        for id in sorted((identity_id, holder_id)):  # in one order, so that two of us don't wait for each other
            lock_identity(id, seen if id == identity_id else account_id)
        ended = detach_identity(db.session.get_one(Identity, holder_id))
        audit.record("binding.end", by, identity_id=holder_id, account_id=account_id, details={"sessions": ended})
        db.session.flush()
        return make_binding(entry, identity_id, account_id, "administrator", seen)


def make_binding(entry: PendingEntry, identity_id: int, account_id: int, how: str, seen: int | None) -> Identity:
    """Bind as `bind_identity()` does, in a recorded transaction.

    :param entry: of a `binding.make`; it is completed, or dropped where nothing changes.
    :param how: `self`, `administrator`, `queue`, `created` or `import`.
    :raises Code: besides, :class:`PersonRefused` where refused people bind themselves.
    :raises IntegrityError: the account has another person of that company.
    """
    identity = lock_identity(identity_id, seen)
    account = db.session.get(Account, account_id, with_for_update={"read": True})
    if account is None:
        raise Code(NOT_FOUND, "there is no such account")
    if identity.status not in MAY_SIGN_IN:
        raise Code(NOT_ALLOWED, "the person has left or is frozen")
    if not account.active:
        raise AccountDisabled
    if how == "self":
        check_not_refused(identity)
    if seen == account_id:
        entry.drop()
        return identity
    if seen is not None:
        endings.end_sessions(LoginSession.identity_id == identity.id, why="moved")
        identity.last_account_id = seen
    identity.account_id, identity.bound_at, identity.bound_how = account.id, now(), how
    of_identity = BindingRequest.identity_id == identity.id
    db.session.execute(update(BindingRequest).where(of_identity).values(state="done", reason=""))
    db.session.flush()
    entry.note(account_id=account.id, identity_id=identity.id, details={"how": how, "before": seen})
    return identity


def check_not_refused(identity: Identity) -> None:
    """Raise if an administrator has refused this person.

    Then only an administrator lets them in.

    :raises PersonRefused: with the administrator's reason.
    """
    of_identity = select(BindingRequest).where(BindingRequest.identity_id == identity.id).with_for_update()
    request = db.session.scalar(of_identity.execution_options(populate_existing=True))
    if request is not None and request.state == "refused":
        raise PersonRefused(request.reason)


def unbind_identity(identity_id: int, seen: int, *, by: Actor) -> int:
    """Unbind a person from their account, and count ended sessions.

    :param seen: the account they were bound to when the administrator decided.
    :raises Code: NOT_FOUND no such person; :class:`BindingChanged`.
    """
    with audit.recorded("binding.end", by, identity_id=identity_id, account_id=seen) as entry:
        ended = detach_identity(lock_identity(identity_id, seen))
        entry.note(details={"sessions": ended})
        return ended


def detach_identity(identity: Identity) -> int:
    """Unbind a locked and bound person, and count ended sessions.

    Part of the caller's transaction.
    """
    ended = endings.end_sessions(LoginSession.identity_id == identity.id, why="unbound")
    identity.last_account_id, identity.account_id = identity.account_id, None
    if identity.status == LEFT:
        identity.bound_how = HAD_LEFT
    return ended


def end_identity_sessions(identity_id: int, *, by: Actor) -> None:
    """Sign a person out wherever they have signed in.

    Other people of the same account stay signed in.

    :raises Code: NOT_FOUND no such person.
    """
    with database.write() as session:
        identity = session.get(Identity, identity_id)
        if identity is None:
            raise Code(NOT_FOUND, "there is no such person")
        ended = endings.end_sessions(LoginSession.identity_id == identity_id, why="administrator")
        facts = {"identity_id": identity_id, "account_id": identity.account_id, "details": {"sessions": ended}}
        audit.record("session.end_all", by, **facts)


def decline_suggestion(identity_id: int, account_id: int, *, by: Actor) -> None:
    """Suggest this account for this person no more.

    Only one is remembered: an account that was declined before is suggested again.

    :raises Code: NOT_FOUND no such person; :class:`BindingChanged` when they are bound meanwhile.
    """
    with audit.recorded("suggestion.decline", by, identity_id=identity_id, account_id=account_id):
        lock_identity(identity_id, None).declined_account_id = account_id


def lock_identity(identity_id: int, seen: int | None) -> Identity:
    """Return a person for writing, if they are unchanged.

    :param seen: the account they were bound to.
    :raises Code: NOT_FOUND no such person; :class:`BindingChanged` otherwise.
    """
    identity = db.session.get(Identity, identity_id, with_for_update=True)
    if identity is None:
        raise Code(NOT_FOUND, "there is no such person")
    if identity.account_id != seen:
        raise BindingChanged(identity)
    return identity


def find_holder(account_id: int, person: Identity) -> Identity | None:
    """Return the account's other person of the same company."""
    company = (Identity.provider == person.provider, Identity.tenant == person.tenant)
    others = (Identity.account_id == account_id, Identity.id != person.id)
    return db.session.scalar(select(Identity).where(*company, *others))
