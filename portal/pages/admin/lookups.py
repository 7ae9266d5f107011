"""The person or account that a page is about."""

from portal.accounts import search
from portal.bindings import people_table
from portal.errors import NOT_FOUND, Code
from portal.models import Account, Identity


def require_person(identity_id: int) -> Identity:
    """Return the person of an id.

    :raises Code: NOT_FOUND when there is none.
    """
    person = people_table.find_person(identity_id)
    if person is None:
        raise Code(NOT_FOUND, "there is no such person")
    return person


def require_account(account_id: int) -> Account:
    """Return the account of an id.

    :raises Code: NOT_FOUND when there is none.
    """
    account = search.find_account(account_id)
    if account is None:
        raise Code(NOT_FOUND, "there is no such account")
    return account
