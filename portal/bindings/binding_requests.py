"""The queue of people who scanned and are unbound: an administrator binds, makes an account, or refuses."""

from sqlalchemy import func, select

from portal import audit, database
from portal.accounts import accounts
from portal.audit import Actor
from portal.bindings import rules
from portal.database import db
from portal.errors import NO_SUCH_PAGE, Code
from portal.models import Account, BindingRequest, Identity
from portal.text import one_line


def bind_request(request_id: int, account_id: int, *, by: Actor) -> Identity:
    """Bind the person who waits to an account.

    :raises Code: NO_SUCH_PAGE no such request; as `rules.bind_identity()`, also when the request is decided already.
    """
    facts = {"identity_id": person_of(request_id), "account_id": account_id}
    with audit.recorded("binding.make", by, conflict=rules.AccountTaken, **facts) as entry:
        waiting = locked(request_id)
        return rules.make(entry, waiting.identity_id, account_id, "queue", None)


@database.retried
def create_account(request_id: int, *, by: Actor) -> Account:
    """Create an account for the person who waits, and bind them to it.

    :raises Code: NO_SUCH_PAGE no such request; NOT_ALLOWED left or frozen; :class:`rules.BindingChanged` when it is
        decided already.
    """
    with audit.recorded("binding.make", by, identity_id=person_of(request_id)) as entry:
        identity = locked(request_id).identity
        account = accounts.add_account_for(identity)
        facts = {"account_id": account.id, "identity_id": identity.id, "details": {"how": "queue"}}
        audit.record("account.create", by, **facts)
        rules.make(entry, identity.id, account.id, "created", None)
        return account


def refuse_request(request_id: int, reason: str, *, by: Actor) -> Identity:
    """Refuse the person who waits; they read the reason at their next scan.

    :raises Code: NO_SUCH_PAGE no such request; :class:`rules.BindingChanged` when it is decided already.
    """
    with audit.recorded("queue.refuse", by, identity_id=person_of(request_id)):
        waiting = locked(request_id)
        waiting.state, waiting.reason = "refused", one_line(reason)
        return waiting.identity


def reopen_request(request_id: int, *, by: Actor) -> Identity:
    """Take a refusal back, so that the person waits again.

    :raises Code: NO_SUCH_PAGE no such request; :class:`rules.BindingChanged` when it is not refused any more.
    """
    with audit.recorded("queue.reopen", by, identity_id=person_of(request_id)):
        refused = locked(request_id, "refused")
        refused.state, refused.reason = "waiting", ""
        return refused.identity


def person_of(request_id: int) -> int:
    """Return the id of whom a request is about.

    :raises Code: NO_SUCH_PAGE no such request.
    """
    found = db.session.scalar(select(BindingRequest.identity_id).where(BindingRequest.id == request_id))
    if found is None:
        raise Code(NO_SUCH_PAGE, "there is no such request")
    return found


def locked(request_id: int, state: str = "waiting") -> BindingRequest:
    """Return a request for writing, with its person locked before it, as every decision does.

    :raises Code: NO_SUCH_PAGE no such request; :class:`rules.BindingChanged` when it is in another state.
    """
    identity = rules.locked(person_of(request_id), None)
    request = db.session.get(BindingRequest, request_id, with_for_update=True, populate_existing=True)
    if request.state != state:
        raise rules.BindingChanged(identity)
    return request


def count_waiting() -> int:
    """Return how many requests wait for a decision."""
    waiting = select(func.count()).select_from(BindingRequest).where(BindingRequest.state == "waiting")
    return db.session.scalar(waiting)
