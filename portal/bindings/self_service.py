"""What people decide about their own account: whom a scan has brought is kept, then bound at a second yes; and unbound.

Nothing here signs anybody in.
"""

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from portal import audit, database
from portal.audit import Client
from portal.bindings import rules, ways_in
from portal.clocks import now
from portal.database import db
from portal.directory import people
from portal.errors import BAD_STATE, CONFLICT, NO_SUCH_PAGE, NOT_ALLOWED, Code, Explained
from portal.models import LEFT, MAY_SIGN_IN, Identity, LoginAttempt, LoginSession
from portal.signin import attempts, sign_in


def identities(account_id: int) -> list[Identity]:
    return list(db.session.scalars(select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)))


def offer(person: dict, attempt: LoginAttempt, client: Client) -> None:
    """Keep whom the scan of a bind has brought, for the session that began it; bind nothing yet.

    :raises Code: NOT_ALLOWED left or frozen, NOT_BOUND refused by an administrator, CONFLICT bound elsewhere, or the
        account has another person of that company.
    """
    database.settle(lambda: _offer(person, attempt, client))


def _offer(person, attempt, client):
    refusal = None
    with database.write() as session:
        identity = people.save(person, attempt.element)
        try:
            check(identity, attempt.account_id)
        except Code as error:
            refusal = error
        else:
            mine = LoginAttempt.state_hash == attempt.state_hash
            values = {"identity_id": identity.id, "expires_at": now() + attempts.LIFE}
            session.execute(update(LoginAttempt).where(mine).values(**values))
        facts = {"account_id": attempt.account_id, "identity_id": identity.id, "element": attempt.element}
        result = refusal.code if refusal else 0
        audit.record("binding.offer", client, result=result, actor_id=attempt.account_id, **facts)
    if refusal:
        raise refusal


def check(identity: Identity, account_id: int) -> None:
    """See that the person could be bound to the account, as things stand; one who is already, passes.

    :raises Code: as `offer()` does.
    """
    if identity.status not in MAY_SIGN_IN:
        raise Code(
            NOT_ALLOWED, "the person has left" if identity.status == LEFT else "the person is frozen or disabled"
        )
    if identity.account_id == account_id:
        return
    if identity.account_id is not None:
        raise taken()
    rules.check_not_refused(identity)
    company = (Identity.provider == identity.provider, Identity.tenant == identity.tenant)
    if db.session.scalar(select(Identity.id).where(Identity.account_id == account_id, *company)):
        raise second_of_a_company()


def offered(me, identity_id: int | None = None) -> Identity | None:
    """Return whom a scan of this session has brought and who waits for the second yes: the latest.

    :param identity_id: whom the page has shown, where there may be more than one.
    """
    attempt = db.session.scalar(offers(me, identity_id))
    return db.session.get(Identity, attempt.identity_id) if attempt else None


def offers(me, identity_id):
    mine = (
        LoginAttempt.purpose == "bind",
        LoginAttempt.session_id == me.id,
        LoginAttempt.account_id == me.account_id,
        LoginAttempt.expires_at > now(),
        LoginAttempt.identity_id.is_not(None) if identity_id is None else LoginAttempt.identity_id == identity_id,
    )
    return select(LoginAttempt).where(*mine).order_by(LoginAttempt.used_at.desc()).limit(1)


def bind(me, client: Client, identity_id: int | None = None) -> Identity:
    """Bind whom a scan of this session has brought; a second call for the same person changes nothing.

    :param identity_id: whom the page has shown.
    :raises Code: BAD_STATE nobody waits here; else as `offer()` does.
    """
    waiting = offered(me, identity_id)
    try:
        with database.write():
            return _bind(me, client, identity_id)
    except rules.Changed:
        refusal = taken()
    except IntegrityError:
        refusal = second_of_a_company()
    except Code as error:
        refusal = error
    facts = {"actor_id": me.account_id, "account_id": me.account_id, "identity_id": waiting and waiting.id}
    sign_in.note_refusal(refusal, None, client, "binding.make", **facts)
    raise refusal


def _bind(me, client, identity_id):
    attempt = db.session.scalar(offers(me, identity_id).with_for_update())
    if attempt is None:
        identity = db.session.get(Identity, identity_id or 0)
        if identity is None or identity.account_id != me.account_id:
            raise Code(BAD_STATE, "no scan of this session waits for its second yes")
        return identity
    identity = db.session.get_one(Identity, attempt.identity_id, with_for_update=True, populate_existing=True)
    attempt.identity_id = None
    if identity.account_id == me.account_id:
        return identity
    return rules.make(identity.id, me.account_id, "self", me.account_id, client, None)


def unbind(identity_id: int, me, client: Client) -> int:
    """Part one of one's own people from the account; return how many sessions that ends.

    :raises Code: NO_SUCH_PAGE none of theirs, CONFLICT nobody else of the account could sign in.
    """
    known = ways_in.usable()
    try:
        with database.write():
            mine = locked(me.account_id)
            identity = next((each for each in mine if each.id == identity_id), None)
            if identity is None:
                raise Code(NO_SUCH_PAGE, "the account has no such person")
            if is_last_way(identity, mine, known):
                raise last_way()
            return rules.part(identity, me.account_id, client)
    except Code as error:
        facts = {"actor_id": me.account_id, "account_id": me.account_id, "identity_id": identity_id}
        sign_in.note_refusal(error, None, client, "binding.end", **facts)
        raise


def locked(account_id: int) -> list[Identity]:
    """Return the account's people for writing, all of them: of two unbinds at once, the second sees the first done."""
    mine = select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)
    return list(db.session.scalars(mine.with_for_update().execution_options(populate_existing=True)))


def is_last_way(identity: Identity, mine: list[Identity], known: list[ways_in.Way]) -> bool:
    """Return whether the account could not be signed in to without this person; a one-time link does not count."""
    return not ways_in.leading_in(known, [other for other in mine if other.id != identity.id])


def open_sessions(identity_id: int) -> int:
    """Return how many sessions an unbind would end."""
    mine = (LoginSession.identity_id == identity_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now())
    return db.session.scalar(select(func.count()).select_from(LoginSession).where(*mine))


def taken() -> Code:
    return Explained(
        CONFLICT,
        "the person is bound to another account",
        _("This person is connected with another account"),
        _("Nobody opens two accounts. If that one is yours, too, disconnect there first; or ask your administrator."),
    )


def second_of_a_company() -> Code:
    return Explained(
        CONFLICT,
        "the account has somebody else of this company already",
        _("Your account already has somebody of this company"),
        _("It can hold one person of each company. Disconnect the other one first, or ask your administrator."),
    )


def last_way() -> Code:
    return Explained(
        CONFLICT,
        "nobody else of the account could sign in",
        _("This is your only way in"),
        _("Without it you could not sign in any more. Connect another one first, or ask your administrator."),
    )
