"""What an application would be told about an account."""

from dataclasses import dataclass

from portal import audit, database
from portal.accounts import search
from portal.applications import access, claims
from portal.audit import Actor
from portal.models import MAY_SIGN_IN, Account, Application, Identity


@dataclass(frozen=True)
class Preview:
    """An application as an account would enter it.

    :param person: the one that signs in; none: a one-time link does.
    :param people: all people that may sign in to the account.
    :param groups: the names of the groups that are told; none: the account may not enter.
    :param missing: the titles of the groups that would let the account in.
    :param headers: as the gate sends them, in letters.
    :param remarks: why a value is another one than the application asks for.
    """

    account: Account
    person: Identity | None
    people: list[Identity]
    groups: list[str] | None
    missing: list[str]
    headers: dict[str, str]
    remarks: list[str]


def preview_application(
    application: Application, account: Account, identity_id: int | None = None, *, by: Actor
) -> Preview:
    """Return what an application would be told.

    The audit log records the look.

    :param identity_id: the person that signs in; none: the last one to do so.
    """
    people = [person for person in search.list_identities(account.id) if person.status in MAY_SIGN_IN]
    people.sort(key=lambda person: (person.signed_in_at is not None, person.signed_in_at), reverse=True)
    person = next((person for person in people if person.id == identity_id), people[0] if people else None)
    known = person.id if person else None
    verdict = access.decide(application, account.id, known)
    described = claims.describe_account(application, account.id, known)
    with database.write():
        facts = {"account_id": account.id, "identity_id": known, "details": {"application": application.name}}
        audit.record("application.preview", by, **facts)
    may_enter = verdict.groups is not None and account.active and application.active
    how = (application.headers, application.header_encoding)
    headers = claims.write_headers(*how, verdict.told, verdict.groups) if may_enter else {}
    return Preview(
        account,
        person,
        people,
        verdict.groups if may_enter else None,
        verdict.missing,
        {name: value.encode("latin-1").decode() for name, value in headers.items()},
        described.remarks,
    )
