"""What people decide about their own account: whom a scan has brought is kept, then bound at a second yes; and unbound.

Nothing here signs anybody in.
"""

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select, update

from portal import audit, database
from portal.audit import Actor, Client, PendingEntry
from portal.bindings import rules, ways_in
from portal.clocks import now
from portal.database import db
from portal.directory import people
from portal.directory.cleaning import CleanPerson
from portal.errors import BAD_STATE, CONFLICT, NO_SUCH_PAGE, NOT_ALLOWED, Code, Explained
from portal.models import LEFT, MAY_SIGN_IN, Identity, LoginAttempt
from portal.signin import attempts
from portal.signin.sessions import SignedIn


@database.retried
def remember_scan(person: CleanPerson, attempt: LoginAttempt, client: Client) -> None:
    """Remember whom the scan of a bind has brought, for the session that began it.

    Nothing is bound yet.

    :raises Code: NOT_ALLOWED left or frozen; NOT_BOUND refused by an administrator; :class:`BoundElsewhere`;
        :class:`CompanyTaken`.
    """
    facts = {"account_id": attempt.account_id, "element": attempt.element}
    with audit.recorded("binding.offer", Actor(attempt.account_id, client), **facts) as entry:
        identity = people.save_person(person, attempt.element, people.find_identity(person))
        entry.note(identity_id=identity.id)
        try:
            check(identity, attempt.account_id)
        except Code as refusal:
            entry.refuse(refusal)
        else:
            mine = LoginAttempt.state_hash == attempt.state_hash
            values = {"identity_id": identity.id, "expires_at": now() + attempts.ATTEMPT_LIFETIME}
            db.session.execute(update(LoginAttempt).where(mine).values(**values))


def check(identity: Identity, account_id: int) -> None:
    """See that the person could be bound to the account, as things stand; one who is already, passes.

    :raises Code: as `remember_scan()` does.
    """
    if identity.status not in MAY_SIGN_IN:
        raise Code(
            NOT_ALLOWED, "the person has left" if identity.status == LEFT else "the person is frozen or disabled"
        )
    if identity.account_id == account_id:
        return
    if identity.account_id is not None:
        raise BoundElsewhere
    rules.check_not_refused(identity)
    company = (Identity.provider == identity.provider, Identity.tenant == identity.tenant)
    if db.session.scalar(select(Identity.id).where(Identity.account_id == account_id, *company)):
        raise CompanyTaken


def pending_scan(me: SignedIn, identity_id: int | None = None) -> Identity | None:
    """Return whom a scan of this session has brought and who waits for the second yes: the latest.

    :param identity_id: whom the page has shown, where there may be more than one.
    """
    attempt = db.session.scalar(offers(me, identity_id))
    return db.session.get(Identity, attempt.identity_id) if attempt else None


def offers(me: SignedIn, identity_id: int | None) -> Select:
    mine = (
        LoginAttempt.purpose == "bind",
        LoginAttempt.session_id == me.id,
        LoginAttempt.account_id == me.account_id,
        LoginAttempt.expires_at > now(),
        LoginAttempt.identity_id.is_not(None) if identity_id is None else LoginAttempt.identity_id == identity_id,
    )
    return select(LoginAttempt).where(*mine).order_by(LoginAttempt.used_at.desc()).limit(1)


def bind_scanned(me: SignedIn, identity_id: int | None = None, *, by: Actor) -> Identity:
    """Bind the person whom a scan of this session has brought.

    A second call for the same person changes nothing.

    :param identity_id: whom the page has shown.
    :raises Code: BAD_STATE nobody waits here; else as `remember_scan()` does.
    """
    waiting = pending_scan(me, identity_id)
    facts = {"account_id": me.account_id, "identity_id": waiting and waiting.id}
    with audit.recorded("binding.make", by, conflict=CompanyTaken, **facts) as entry:
        try:
            return _bind(entry, me, identity_id)
        except rules.BindingChanged:
            raise BoundElsewhere from None


def _bind(entry: PendingEntry, me: SignedIn, identity_id: int | None) -> Identity:
    attempt = db.session.scalar(offers(me, identity_id).with_for_update())
    if attempt is None:
        identity = db.session.get(Identity, identity_id or 0)
        if identity is None or identity.account_id != me.account_id:
            raise Code(BAD_STATE, "no scan of this session waits for its second yes")
        entry.drop()
        return identity
    identity = db.session.get_one(Identity, attempt.identity_id, with_for_update=True, populate_existing=True)
    attempt.identity_id = None
    if identity.account_id == me.account_id:
        entry.drop()
        return identity
    return rules.make(entry, identity.id, me.account_id, "self", None)


def unbind_own(identity_id: int, *, by: Actor) -> int:
    """Unbind a person of one's own account; return how many sessions that ends.

    :raises Code: NO_SUCH_PAGE the account has no such person; :class:`LastWayIn`.
    """
    known = ways_in.usable()
    with audit.recorded("binding.end", by, account_id=by.account_id, identity_id=identity_id) as entry:
        mine = locked(by.account_id)
        identity = next((each for each in mine if each.id == identity_id), None)
        if identity is None:
            raise Code(NO_SUCH_PAGE, "the account has no such person")
        if is_last_way(identity, mine, known):
            raise LastWayIn
        ended = rules.part(identity)
        entry.note(details={"sessions": ended})
        return ended


def locked(account_id: int) -> list[Identity]:
    """Return the account's people for writing, all of them: of two unbinds at once, the second sees the first done."""
    mine = select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)
    return list(db.session.scalars(mine.with_for_update().execution_options(populate_existing=True)))


def is_last_way(identity: Identity, mine: list[Identity], known: list[ways_in.Way]) -> bool:
    """Return whether the account could not be signed in to without this person; a one-time link does not count."""
    return not ways_in.leading_in(known, [other for other in mine if other.id != identity.id])


class BoundElsewhere(Explained):
    """CONFLICT, because the person is bound to another account."""

    def __init__(self):
        title = _("This person is bound to another account")
        advice = _(
            "A person can be bound to one account only. If the other account is yours, too, unbind there first."
            " Otherwise ask your administrator."
        )
        super().__init__(CONFLICT, "the person is bound to another account", title, advice)


class CompanyTaken(Explained):
    """CONFLICT, because the account has another person of this company."""

    def __init__(self):
        super().__init__(
            CONFLICT,
            "the account has somebody else of this company already",
            _("Your account already has a person of this company"),
            _("It can hold one person of each company. Unbind the other one first, or ask your administrator."),
        )


class LastWayIn(Explained):
    """CONFLICT, because without this person the account could not be signed in to."""

    def __init__(self):
        super().__init__(
            CONFLICT,
            "nobody else of the account could sign in",
            _("This is your only sign-in method"),
            _("Without it you can't sign in. Bind another one first, or ask your administrator."),
        )
