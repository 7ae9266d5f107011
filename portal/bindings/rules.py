"""Which provider person opens which account: bound and unbound in one transaction, nothing replaced silently."""

from contextlib import contextmanager

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal import audit, database, endings
from portal.audit import Client
from portal.clocks import now
from portal.database import db
from portal.errors import ACCOUNT_DISABLED, CONFLICT, NOT_ALLOWED, NOT_BOUND, NOT_FOUND, Code, Explained
from portal.models import HAD_LEFT, LEFT, MAY_SIGN_IN, Account, AuditEvent, BindingRequest, Identity, LoginSession

DECISIONS = ("binding.make", "binding.end", "queue.refuse", "queue.reopen")


def bind(
    identity_id: int, account_id: int, how: str, actor_id: int, client: Client, seen: int | None = None
) -> Identity:
    """Let a provider person open an account; whom they opened until now, they open no more.

    :param how: `self`, `administrator`, `queue`, `created` or `import`.
    :param actor_id: the account that decides.
    :param seen: the account they were bound to when the decision was taken; `None`: to none.
    :raises Code: NOT_FOUND no such person or account; NOT_ALLOWED left or frozen; ACCOUNT_DISABLED; CONFLICT changed
        meanwhile, or the account has another person of that company.
    """
    facts = {"actor_id": actor_id, "identity_id": identity_id, "account_id": account_id}
    with deciding("binding.make", client, **facts):
        return make(identity_id, account_id, how, actor_id, client, seen)


def replace(
    identity_id: int, account_id: int, holder_id: int, actor_id: int, client: Client, seen: int | None = None
) -> Identity:
    """Let a person open an account in place of `holder_id`, who loses it and their sessions in the same transaction.

    :raises Code: as `bind()`; CONFLICT also when the holder has the account no more.
    """
    facts = {"actor_id": actor_id, "identity_id": identity_id, "account_id": account_id}
    with deciding("binding.make", client, **facts):
        for id in sorted((identity_id, holder_id)):  # in one order, so that two of us don't wait for each other
            locked(id, seen if id == identity_id else account_id)
        part(db.session.get_one(Identity, holder_id), actor_id, client)
        db.session.flush()
        return make(identity_id, account_id, "administrator", actor_id, client, seen)


@contextmanager
def deciding(action: str, client: Client, **facts):
    """A writing transaction for a binding; a refusal in it is noted in a transaction of its own.

    :param facts: of the line about a refusal.
    """
    with noting(action, client, **facts):
        try:
            with database.write():
                yield
        except IntegrityError:
            raise Taken from None


@contextmanager
def noting(action: str, client: Client, **facts):
    """Note what is refused inside."""
    try:
        yield
    except Code as refusal:
        with database.write():
            audit.record(action, client, result=refusal.code, **facts)
        raise


def make(identity_id: int, account_id: int, how: str, actor_id: int, client: Client, seen: int | None) -> Identity:
    """Bind as `bind()` does, inside the caller's transaction.

    :raises Code: besides, NOT_BOUND where somebody binds themselves whom an administrator has refused.
    :raises IntegrityError: the account has somebody of that company already.
    """
    session = db.session
    identity = locked(identity_id, seen)
    account = session.get(Account, account_id, with_for_update={"read": True})
    if account is None:
        raise Code(NOT_FOUND, "there is no such account")
    if identity.status not in MAY_SIGN_IN:
        raise Code(NOT_ALLOWED, "the person has left or is frozen")
    if not account.active:
        raise Code(ACCOUNT_DISABLED, "the account is disabled")
    if how == "self":
        check_not_refused(identity)
    if seen == account_id:
        return identity
    if seen is not None:
        endings.end_sessions(LoginSession.identity_id == identity.id, why="moved")
        identity.last_account_id = seen
    identity.account_id, identity.bound_at, identity.bound_how = account.id, now(), how
    mine = BindingRequest.identity_id == identity.id
    session.execute(update(BindingRequest).where(mine).values(state="done", reason=""))
    facts = {"account_id": account.id, "identity_id": identity.id, "details": {"how": how, "before": seen}}
    audit.record("binding.make", client, actor_id=actor_id, **facts)
    session.flush()
    return identity


def check_not_refused(identity: Identity) -> None:
    """See that no administrator has refused this person: then nobody but an administrator lets them in.

    :raises Code: NOT_BOUND.
    """
    mine = select(BindingRequest).where(BindingRequest.identity_id == identity.id).with_for_update()
    request = db.session.scalar(mine.execution_options(populate_existing=True))
    if request is not None and request.state == "refused":
        said = _("What the administrator says: %(reason)s", reason=request.reason)
        raise Explained(
            NOT_BOUND,
            "an administrator has refused this person",
            _("An administrator has refused this person"),
            said if request.reason else _("Ask your administrator if that should be changed."),
        )


def unbind(identity_id: int, actor_id: int, client: Client, seen: int) -> int:
    """Part a provider person from their account; return how many sessions that ends.

    :param seen: the account they were bound to when the decision was taken.
    :raises Code: NOT_FOUND no such person, CONFLICT changed meanwhile.
    """
    with deciding("binding.end", client, actor_id=actor_id, identity_id=identity_id, account_id=seen):
        return part(locked(identity_id, seen), actor_id, client)


def part(identity: Identity, actor_id: int, client: Client) -> int:
    """Unbind a person who is locked and bound, inside the caller's transaction; return how many sessions that ends."""
    ended = endings.end_sessions(LoginSession.identity_id == identity.id, why="unbound")
    identity.last_account_id, identity.account_id = identity.account_id, None
    if identity.status == LEFT:
        identity.bound_how = HAD_LEFT
    facts = {"account_id": identity.last_account_id, "identity_id": identity.id, "details": {"sessions": ended}}
    audit.record("binding.end", client, actor_id=actor_id, **facts)
    return ended


def end_sessions(identity_id: int, actor_id: int, client: Client) -> None:
    """Sign a person out wherever they have signed in as this identity.

    :raises Code: NOT_FOUND no such person.
    """
    with database.write() as session:
        identity = session.get(Identity, identity_id)
        if identity is None:
            raise Code(NOT_FOUND, "there is no such person")
        ended = endings.end_sessions(LoginSession.identity_id == identity_id, why="administrator")
        facts = {"identity_id": identity_id, "account_id": identity.account_id, "details": {"sessions": ended}}
        audit.record("session.end_all", client, actor_id=actor_id, **facts)


def decline(identity_id: int, account_id: int, actor_id: int, client: Client) -> None:
    """Suggest this account for this person no more: another keeps it.

    :raises Code: NOT_FOUND no such person, CONFLICT bound meanwhile.
    """
    facts = {"actor_id": actor_id, "identity_id": identity_id, "account_id": account_id}
    with deciding("suggestion.decline", client, **facts):
        locked(identity_id, None).declined_account_id = account_id
        audit.record("suggestion.decline", client, **facts)


def locked(identity_id: int, seen: int | None) -> Identity:
    """Return a person as they are now, for writing, if they still are as they were seen.

    :raises Code: NOT_FOUND no such person; :class:`Changed` otherwise.
    """
    identity = db.session.get(Identity, identity_id, with_for_update=True)
    if identity is None:
        raise Code(NOT_FOUND, "there is no such person")
    if identity.account_id != seen:
        raise Changed(identity)
    return identity


class Taken(Explained):
    """40900: the account has somebody of that company already."""

    def __init__(self):
        super().__init__(
            CONFLICT,
            "the account has somebody of this company already",
            _("This account has somebody of that company already"),
            _("Nothing was replaced. Unbind that person first, or decide on the page about the two."),
        )


class Changed(Explained):
    """40900: somebody else has decided meanwhile; `by` is the name of who it was, where the trail knows."""

    def __init__(self, identity: Identity):
        mine = (AuditEvent.identity_id == identity.id, AuditEvent.action.in_(DECISIONS), AuditEvent.result == 0)
        newest = select(AuditEvent.actor_id).where(*mine).order_by(AuditEvent.id.desc()).limit(1)
        actor = db.session.get(Account, db.session.scalar(newest) or 0)
        self.by = (actor.name or actor.username) if actor else ""
        title = _("Changed meanwhile by %(name)s", name=self.by) if actor else _("This has changed meanwhile")
        advice = _("Nothing was replaced. Look at how it stands now, then decide again.")
        super().__init__(CONFLICT, "the binding has changed meanwhile", title, advice)


def find_holder(account_id: int, person: Identity) -> Identity | None:
    """Return another person of the same company that the account has."""
    company = (Identity.provider == person.provider, Identity.tenant == person.tenant)
    others = (Identity.account_id == account_id, Identity.id != person.id)
    return db.session.scalar(select(Identity).where(*company, *others))
