"""The queue of people who scanned and are unbound: an administrator binds, makes an account, or refuses."""

from sqlalchemy import func, select

from portal import audit, database
from portal.accounts import accounts
from portal.audit import Client
from portal.bindings import rules
from portal.database import db
from portal.errors import NO_SUCH_PAGE, Code
from portal.models import Account, BindingRequest, Identity
from portal.text import one_line


def bind(request_id: int, account_id: int, actor_id: int, client: Client) -> Identity:
    """Let somebody who waits open an account.

    :raises Code: NO_SUCH_PAGE no such request; as `bindings.bind()`, CONFLICT when it is decided already.
    """
    facts = {"actor_id": actor_id, "identity_id": person_of(request_id), "account_id": account_id}
    with rules.deciding("binding.make", client, **facts):
        waiting = locked(request_id)
        return rules.make(waiting.identity_id, account_id, "queue", actor_id, client, None)


def create(request_id: int, actor_id: int, client: Client) -> Account:
    """Make an account for somebody who waits, and bind them to it.

    :raises Code: NO_SUCH_PAGE no such request, NOT_ALLOWED left or frozen, CONFLICT decided already.
    """
    facts = {"actor_id": actor_id, "identity_id": person_of(request_id)}
    with rules.noting("binding.make", client, **facts):
        return database.settle(lambda: _create(request_id, actor_id, client))


def _create(request_id, actor_id, client):
    with database.write():
        identity = locked(request_id).identity
        account = accounts.create_for(identity)
        facts = {"account_id": account.id, "identity_id": identity.id, "details": {"how": "queue"}}
        audit.record("account.create", client, actor_id=actor_id, **facts)
        rules.make(identity.id, account.id, "created", actor_id, client, None)
        return account


def refuse(request_id: int, reason: str, actor_id: int, client: Client) -> Identity:
    """Turn somebody who waits away; they read the reason at their next scan.

    :raises Code: NO_SUCH_PAGE no such request, CONFLICT decided already.
    """
    with rules.deciding("queue.refuse", client, actor_id=actor_id, identity_id=person_of(request_id)):
        waiting = locked(request_id)
        waiting.state, waiting.reason = "refused", one_line(reason)
        audit.record("queue.refuse", client, actor_id=actor_id, identity_id=waiting.identity_id)
        return waiting.identity


def reopen(request_id: int, actor_id: int, client: Client) -> Identity:
    """Take a refusal back: the person waits again.

    :raises Code: NO_SUCH_PAGE no such request, CONFLICT not refused any more.
    """
    with rules.deciding("queue.reopen", client, actor_id=actor_id, identity_id=person_of(request_id)):
        refused = locked(request_id, "refused")
        refused.state, refused.reason = "waiting", ""
        audit.record("queue.reopen", client, actor_id=actor_id, identity_id=refused.identity_id)
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

    :raises Code: NO_SUCH_PAGE no such request; :class:`bindings.Changed` when it is in another state.
    """
    identity = rules.locked(person_of(request_id), None)
    request = db.session.get(BindingRequest, request_id, with_for_update=True, populate_existing=True)
    if request.state != state:
        raise rules.Changed(identity)
    return request


def count_waiting() -> int:
    """Return how many requests wait for a decision."""
    waiting = select(func.count()).select_from(BindingRequest).where(BindingRequest.state == "waiting")
    return db.session.scalar(waiting)
