"""The queue of people that scanned and are unbound.

An administrator binds them, creates an account for them, or refuses them.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from portal import audit, database
from portal.accounts import accounts
from portal.audit import Actor
from portal.bindings import rules
from portal.clocks import now
from portal.database import db
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code
from portal.models import Account, BindingRequest, Identity
from portal.text import one_line

ADDRESS_KEPT = timedelta(days=90)  # since the last scan
MOST_REASONS = 5  # offered for the next refusal


def bind_request(request_id: int, account_id: int, *, by: Actor) -> Identity:
    """Bind a waiting person to a user's account.

    An administrator's account is bound from the page that compares them alone.

    :raises Code: NO_SUCH_PAGE no such request; as `rules.bind_identity()`, also when the request is decided already.
    """
    facts = {"identity_id": find_person_id(request_id), "account_id": account_id}
    with audit.recorded("binding.make", by, conflict=rules.AccountTaken, **facts) as entry:
        request = lock_request(request_id)
        account = db.session.get(Account, account_id, with_for_update={"read": True})
        if account is not None and account.role != "user":
            raise Code(CONFLICT, "the account is an administrator's by now")
        return rules.make_binding(entry, request.identity_id, account_id, "queue", None)


@database.retried
def create_account_for_request(request_id: int, *, by: Actor) -> Account:
    """Create an account for a waiting person, and bind them.

    :raises Code: NO_SUCH_PAGE no such request; NOT_ALLOWED left or frozen; :class:`rules.BindingChanged` when it is
        decided already.
    """
    with audit.recorded("binding.make", by, identity_id=find_person_id(request_id)) as entry:
        identity = lock_request(request_id).identity
        account = accounts.add_account_for(identity)
        facts = {"account_id": account.id, "identity_id": identity.id, "details": {"how": "queue"}}
        audit.record("account.create", by, **facts)
        rules.make_binding(entry, identity.id, account.id, "created", None)
        return account


def refuse_request(request_id: int, reason: str, *, by: Actor) -> Identity:
    """Refuse a waiting person.

    :param reason: for the person to read at their next scan.
    :raises Code: NO_SUCH_PAGE no such request; :class:`rules.BindingChanged` when it is decided already.
    """
    with audit.recorded("queue.refuse", by, identity_id=find_person_id(request_id)):
        request = lock_request(request_id)
        request.state, request.reason = "refused", one_line(reason)
        return request.identity


def reopen_request(request_id: int, *, by: Actor) -> Identity:
    """Take a refusal back, so that the person waits again.

    :raises Code: NO_SUCH_PAGE no such request; :class:`rules.BindingChanged` when it is not refused any more.
    """
    with audit.recorded("queue.reopen", by, identity_id=find_person_id(request_id)):
        request = lock_request(request_id, "refused")
        request.state, request.reason = "waiting", ""
        return request.identity


def find_person_id(request_id: int) -> int:
    """Return the id of a request's person.

    :raises Code: NO_SUCH_PAGE no such request.
    """
    identity_id = db.session.scalar(select(BindingRequest.identity_id).where(BindingRequest.id == request_id))
    if identity_id is None:
        raise Code(NO_SUCH_PAGE, "there is no such request")
    return identity_id


def lock_request(request_id: int, state: str = "waiting") -> BindingRequest:
    """Return a request in this state, for writing.

    Its person is locked before it, as every decision does.

    :raises Code: NO_SUCH_PAGE no such request; :class:`rules.BindingChanged` when it is in another state.
    """
    identity = rules.lock_identity(find_person_id(request_id), None)
    request = db.session.get(BindingRequest, request_id, with_for_update=True, populate_existing=True)
    if request.state != state:
        raise rules.BindingChanged(identity)
    return request


def count_waiting() -> int:
    """Return how many requests wait for a decision."""
    waiting = select(func.count()).select_from(BindingRequest).where(BindingRequest.state == "waiting")
    return db.session.scalar(waiting)


def find_oldest_waiting() -> datetime | None:
    """Return when the request was made that has waited longest."""
    return db.session.scalar(select(func.min(BindingRequest.created_at)).where(BindingRequest.state == "waiting"))


def find_requesters(request_ids: list[int]) -> dict[int, int]:
    """Return the ids of people, by request, the oldest first."""
    requests = select(BindingRequest.id, BindingRequest.identity_id).where(BindingRequest.id.in_(request_ids))
    return dict(db.session.execute(requests.order_by(BindingRequest.created_at, BindingRequest.id)).all())


def list_last_reasons() -> list[str]:
    """Return the reasons of the latest refusals, each once."""
    refused = (BindingRequest.state == "refused", BindingRequest.reason != "")
    reasons = select(BindingRequest.reason).where(*refused).group_by(BindingRequest.reason)
    return list(db.session.scalars(reasons.order_by(func.max(BindingRequest.seen_at).desc()).limit(MOST_REASONS)))


def forget_old_addresses(most: int) -> int:
    """Forget from where people asked long ago, and count them.

    Their requests stay. Part of the caller's transaction.
    """
    old = (BindingRequest.seen_at < now() - ADDRESS_KEPT, BindingRequest.address != "")
    chosen = database.choose_rows(BindingRequest.id, *old, order=BindingRequest.seen_at, most=most)
    if chosen:
        forgotten = update(BindingRequest).where(BindingRequest.id.in_(chosen)).values(address="")
        db.session.execute(forgotten, execution_options={"synchronize_session": False})
    return len(chosen)
