"""Users connect people with their own account, and disconnect them.

The person of a scan is remembered, and bound when the user confirms. Nothing here signs a user in.
"""

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select, update

from portal import audit, database
from portal.audit import Actor, Client, PendingEntry
from portal.bindings import rules, ways_in
from portal.clocks import now
from portal.database import db
from portal.directory import access, people
from portal.directory.cleaning import CleanPerson
from portal.errors import BAD_STATE, CONFLICT, NO_SUCH_PAGE, Code, Explained
from portal.models import Identity, LoginAttempt
from portal.signin.attempts import ATTEMPT_LIFETIME, UsedAttempt
from portal.signin.sessions import SignedIn


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
    """CONFLICT, because the account would have no way in."""

    def __init__(self):
        super().__init__(
            CONFLICT,
            "nobody else of the account could sign in",
            _("This is your only sign-in method"),
            _("Without it you can't sign in. Bind another one first, or ask your administrator."),
        )


@database.retried
def remember_scan(person: CleanPerson, attempt: UsedAttempt, client: Client) -> None:
    """Remember a scanned person for the session that asked.

    Nothing is bound yet.

    :raises Code: NOT_ALLOWED left or frozen; :class:`rules.PersonRefused`; :class:`BoundElsewhere`;
        :class:`CompanyTaken`.
    """
    facts = {"account_id": attempt.account_id, "element": attempt.element}
    with audit.recorded("binding.offer", Actor(attempt.account_id, client), **facts) as entry:
        identity = people.save_person(person, attempt.element, people.find_identity(person))
        entry.note(identity_id=identity.id)
        try:
            check_can_bind(identity, attempt.account_id)
        except Code as refusal:
            entry.refuse(refusal)
        else:
            of_scan = LoginAttempt.state_hash == attempt.state_hash
            values = {"identity_id": identity.id, "expires_at": now() + ATTEMPT_LIFETIME}
            db.session.execute(update(LoginAttempt).where(of_scan).values(**values))


def check_can_bind(identity: Identity, account_id: int) -> None:
    """Raise unless a person can be bound to an account.

    Already bound to it is fine.

    :raises Code: as `remember_scan()` does.
    """
    if refusal := access.refuse_absent(identity):
        raise refusal
    if identity.account_id == account_id:
        return
    if identity.account_id is not None:
        raise BoundElsewhere
    rules.check_not_refused(identity)
    if rules.find_holder(account_id, identity):
        raise CompanyTaken


def pending_scan(me: SignedIn, identity_id: int | None = None) -> Identity | None:
    """Return the person of this session's latest scan.

    They wait until the user confirms.

    :param identity_id: the person that the page has shown, where several may wait.
    """
    attempt = db.session.scalar(select_pending_scan(me, identity_id))
    return db.session.get(Identity, attempt.identity_id) if attempt else None


def select_pending_scan(me: SignedIn, identity_id: int | None) -> Select:
    """Select this session's latest scan that waits."""
    conditions = (
        LoginAttempt.purpose == "bind",
        LoginAttempt.session_id == me.id,
        LoginAttempt.account_id == me.account_id,
        LoginAttempt.expires_at > now(),
        LoginAttempt.identity_id.is_not(None) if identity_id is None else LoginAttempt.identity_id == identity_id,
    )
    return select(LoginAttempt).where(*conditions).order_by(LoginAttempt.used_at.desc()).limit(1)


def bind_scanned_person(me: SignedIn, identity_id: int | None = None, *, by: Actor) -> Identity:
    """Bind the person of this session's scan.

    A second call for the same person changes nothing.

    :param identity_id: the person that the page has shown.
    :raises Code: BAD_STATE no scan waits; else as `remember_scan()` does.
    """
    person = pending_scan(me, identity_id)
    facts = {"account_id": me.account_id, "identity_id": person and person.id}
    with audit.recorded("binding.make", by, conflict=CompanyTaken, **facts) as entry:
        try:
            return _bind_scan(entry, me, identity_id)
        except rules.BindingChanged:
            raise BoundElsewhere from None


def _bind_scan(entry: PendingEntry, me: SignedIn, identity_id: int | None) -> Identity:
    attempt = db.session.scalar(select_pending_scan(me, identity_id).with_for_update())
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
    return rules.make_binding(entry, identity.id, me.account_id, "self", None)


def unbind_own_identity(identity_id: int, *, by: Actor) -> int:
    """Unbind a person from the actor's account.

    :return: how many sessions ended.
    :raises Code: NO_SUCH_PAGE the account has no such person; :class:`LastWayIn`.
    """
    ways = ways_in.list_ways()
    with audit.recorded("binding.end", by, account_id=by.account_id, identity_id=identity_id) as entry:
        identities = lock_identities(by.account_id)
        identity = next((identity for identity in identities if identity.id == identity_id), None)
        if identity is None:
            raise Code(NO_SUCH_PAGE, "the account has no such person")
        if is_last_way(identity, identities, ways):
            raise LastWayIn
        ended = rules.detach_identity(identity)
        entry.note(details={"sessions": ended})
        return ended


def lock_identities(account_id: int) -> list[Identity]:
    """Return all people of an account for writing.

    Of two unbinds at once, the second sees that the first is done.
    """
    of_account = select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)
    return list(db.session.scalars(of_account.with_for_update().execution_options(populate_existing=True)))


def is_last_way(identity: Identity, identities: list[Identity], ways: list[ways_in.Way]) -> bool:
    """Tell whether only this person opens the account.

    A one-time link does not count.

    :param identities: all people of the account.
    """
    return not ways_in.find_open_ways(ways, [other for other in identities if other.id != identity.id])
