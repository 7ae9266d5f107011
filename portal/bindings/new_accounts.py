"""Creating an account for a person, bound at once."""

from collections.abc import Mapping

from portal import audit
from portal.accounts import accounts
from portal.audit import Actor
from portal.bindings import rules
from portal.models import Account


def create_bound_account(identity_id: int, values: Mapping, seen: int | None = None, *, by: Actor) -> Account:
    """Create an account that a person signs in as.

    Both happen, or neither does.

    :param values: as for `accounts.create_account()`.
    :param seen: the account the person was bound to when the administrator decided; `None`: to none.
    :raises accounts.InvalidFields: naming each field that can't be used.
    :raises accounts.UsernameTaken: when another account has the username.
    :raises Code: NOT_FOUND no such person; NOT_ALLOWED left or frozen; :class:`rules.BindingChanged`.
    """
    fields = accounts.clean_fields({"role": "user", "username": "", **values})
    with audit.recorded("binding.make", by, conflict=accounts.UsernameTaken, identity_id=identity_id) as entry:
        rules.lock_identity(identity_id, seen)
        account = accounts.add_account(fields)
        facts = {"account_id": account.id, "identity_id": identity_id}
        audit.record("account.create", by, **facts, details={"how": "person", "role": account.role})
        rules.make_binding(entry, identity_id, account.id, "created", seen)
        return account
