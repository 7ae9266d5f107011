"""The queue of people who scanned and are unbound: an administrator binds, makes an account, or refuses."""

from sqlalchemy import select

from portal import models
from portal.accounts import bindings, signin
from portal.errors import Code
from portal.models import Account, BindingRequest, Client, Identity, audit
from portal.text import one_line


def bind(request_id: int, account_id: int, actor_id: int, client: Client) -> Identity:
    """Let somebody who waits open an account.

    :raises Code: 40400 no such request; as `bindings.bind()`, 40900 when it is decided already.
    """
    facts = {"actor_id": actor_id, "identity_id": person_of(request_id), "account_id": account_id}
    with bindings.deciding("binding.make", client, **facts):
        waiting = locked(request_id)
        return bindings.make(waiting.identity_id, account_id, "queue", actor_id, client, None)


def create(request_id: int, actor_id: int, client: Client) -> Account:
    """Make an account for somebody who waits, and bind them to it.

    :raises Code: 40400 no such request, 40302 left or frozen, 40900 decided already.
    """
    facts = {"actor_id": actor_id, "identity_id": person_of(request_id)}
    with bindings.noting("binding.make", client, **facts):
        return models.settle(lambda: _create(request_id, actor_id, client))


def _create(request_id, actor_id, client):
    with models.write():
        identity = locked(request_id).identity
        account = signin.create_account(identity)
        facts = {"account_id": account.id, "identity_id": identity.id, "details": {"how": "queue"}}
        audit("account.create", client, actor_id=actor_id, **facts)
        bindings.make(identity.id, account.id, "created", actor_id, client, None)
        return account


def refuse(request_id: int, reason: str, actor_id: int, client: Client) -> Identity:
    """Turn somebody who waits away; they read the reason at their next scan.

    :raises Code: 40400 no such request, 40900 decided already.
    """
    with bindings.deciding("queue.refuse", client, actor_id=actor_id, identity_id=person_of(request_id)):
        waiting = locked(request_id)
        waiting.state, waiting.reason = "refused", one_line(reason)
        audit("queue.refuse", client, actor_id=actor_id, identity_id=waiting.identity_id)
        return waiting.identity


def reopen(request_id: int, actor_id: int, client: Client) -> Identity:
    """Take a refusal back: the person waits again.

    :raises Code: 40400 no such request, 40900 not refused any more.
    """
    with bindings.deciding("queue.reopen", client, actor_id=actor_id, identity_id=person_of(request_id)):
        refused = locked(request_id, "refused")
        refused.state, refused.reason = "waiting", ""
        audit("queue.reopen", client, actor_id=actor_id, identity_id=refused.identity_id)
        return refused.identity


def person_of(request_id: int) -> int:
    """Return the id of whom a request is about.

    :raises Code: 40400 no such request.
    """
    found = models.db.session.scalar(select(BindingRequest.identity_id).where(BindingRequest.id == request_id))
    if found is None:
        raise Code(40400, "there is no such request")
    return found


def locked(request_id: int, state: str = "waiting") -> BindingRequest:
    """Return a request for writing, with its person locked before it, as every decision does.

    :raises Code: 40400 no such request; :class:`bindings.Changed` when it is in another state.
    """
    identity = bindings.locked(person_of(request_id), None)
    request = models.db.session.get(BindingRequest, request_id, with_for_update=True, populate_existing=True)
    if request.state != state:
        raise bindings.Changed(identity)
    return request
