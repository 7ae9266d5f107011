"""What a line of an import means: which person, which account, and what would come of it."""

import re
from collections import defaultdict
from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from portal.accounts import register
from portal.models import MAY_SIGN_IN, Account, BindingRequest, Identity, Import, ImportRow, db

REASONS = {
    "no_username": _("The line has no username."),
    "no_person": _("Nobody of the directory fits."),
    "keys_differ": _("Its columns mean different people."),
    "own_email": _(
        "Only the person says that this is their e-mail address; name them by employee number, mobile or platform id."
    ),
    "several": _("Several people fit; a column for the platform or its id tells them apart."),
    "left": _("The person has left or is frozen."),
    "refused": _("An administrator has refused this person; take that back in the queue first."),
    "disabled": _("The account is disabled."),
    "bad_account": _("An account can't be made from this: username, name or role can't be used."),
    "account_taken": _("The account has somebody else of this company."),
    "same_person": _("Line %(line)s means the same person."),
    "same_account": _("Line %(line)s gives the account to somebody else of this company."),
    "no_account": _("There is no such account, and making accounts was not chosen."),
    "not_chosen": _("The person is bound to another account, and moving was not chosen."),
    "gone": _("Person or account has gone since the dry run."),
    "changed": _("It has changed since the dry run."),
}
KEYS = ("employee_number", "email", "mobile", "provider_id")
CHANGES_SOMETHING = ("new", "account", "change", "unchanged")  # a later line may not mean the same


@dataclass(frozen=True)
class Found:
    """A stored person, as far as it matters here."""

    id: int
    provider: str
    tenant: str
    account_id: int | None
    status: int


class Trouble(Exception):
    """A line can't be carried out: `error` or `conflict`, the reason, and the other line it is about."""

    def __init__(self, outcome: str, reason: str, other_line: int | None = None):
        super().__init__(reason)
        self.outcome, self.reason, self.other_line = outcome, reason, other_line


class Known:
    """What the database knows of some lines: looked up for all of them at once."""

    def __init__(self, job: Import, rows: list[ImportRow]):
        keys = (*KEYS, "own_email")
        self.people = {key: people_by(key, {sought(key, row) for row in rows} - {""}) for key in keys}
        usernames = {row.username for row in rows if row.username}
        columns = (Account.username, Account.id, Account.active)
        accounts = db.session.execute(select(*columns).where(Account.username.in_(usernames)))
        self.accounts = {username: (id, active) for username, id, active in accounts}
        held = (Identity.account_id, Identity.provider, Identity.tenant, Identity.id)
        ids = [id for id, _active in self.accounts.values()]
        rows_held = db.session.execute(select(*held).where(Identity.account_id.in_(ids)))
        self.holders = {(account, provider, tenant): id for account, provider, tenant, id in rows_held}
        found = {person.id for key in self.people.values() for people in key.values() for person in people}
        refused = (BindingRequest.state == "refused", BindingRequest.identity_id.in_(found))
        self.refused = set(db.session.scalars(select(BindingRequest.identity_id).where(*refused)))
        self.lines_of_people, self.lines_of_accounts = {}, {}
        self.remember_earlier(job, found, usernames)

    def remember_earlier(self, job, found, usernames):
        """Take in the lines looked at before that mean the same people or accounts."""
        columns = (ImportRow.line, ImportRow.username, Identity.id, Identity.provider, Identity.tenant)
        earlier = select(*columns).join(Identity, Identity.id == ImportRow.identity_id)
        same = or_(ImportRow.identity_id.in_(found), ImportRow.username.in_(usernames))
        those = (ImportRow.import_id == job.id, ImportRow.outcome.in_(CHANGES_SOMETHING), same)
        for line, username, id, provider, tenant in db.session.execute(earlier.where(*those)):
            self.lines_of_people[id] = line
            self.lines_of_accounts[username, provider, tenant] = line

    def meant(self, key: str, row: ImportRow) -> set[Found]:
        """Return the people a line may mean by one of its keys, of the platform it names."""
        people, provider = self.people[key].get(sought(key, row), set()), row.cells.get("provider")
        return {person for person in people if provider in (None, person.provider)}

    def remember(self, row: ImportRow, person: Found) -> None:
        self.lines_of_people[person.id] = row.line
        self.lines_of_accounts[row.username, person.provider, person.tenant] = row.line


def judge(job: Import, rows: list[ImportRow]) -> None:
    """Say of each line what would come of it, inside the caller's transaction."""
    known = Known(job, rows)
    for row in rows:
        try:
            person = person_of(row, known)
            row.identity_id, row.seen = (person.id, person.account_id) if person else (None, None)
            row.outcome = outcome(row, person, known)
            if person:
                known.remember(row, person)
        except Trouble as trouble:
            row.outcome, row.reason, row.other_line = trouble.outcome, trouble.reason, trouble.other_line


def person_of(row: ImportRow, known: Known) -> Found | None:
    """Return whom a line means; `None` where it names nobody.

    :raises Trouble: when that is not one person.
    """
    if not row.username:
        raise Trouble("error", "no_username")
    found = {key: known.meant(key, row) for key in KEYS if sought(key, row)}
    if not found:
        return None
    says_only_the_person = list(found) == ["email"] and not found["email"]
    if "email" in found:
        found["email"] = found["email"] or known.meant("own_email", row)
    if not all(found.values()):
        raise Trouble("error", "no_person")
    people = set.intersection(*found.values())
    if not people:
        raise Trouble("error", "keys_differ")
    if len(people) > 1:
        raise Trouble("error", "several")
    if says_only_the_person:
        raise Trouble("conflict", "own_email")
    return people.pop()


def outcome(row: ImportRow, person: Found | None, known: Known) -> str:
    """Return `new`, `account`, `unchanged` or `change`.

    :raises Trouble: when it can't be carried out.
    """
    account_id, active = known.accounts.get(row.username, (None, True))
    if account_id is None:
        check_account(row)
    if person is None:
        return "account" if account_id is None else "unchanged"
    if person.status not in MAY_SIGN_IN:
        raise Trouble("error", "left")
    if not active:
        raise Trouble("error", "disabled")
    check_earlier(row, person, known)
    if account_id is not None and person.account_id == account_id:
        return "unchanged"
    if person.id in known.refused:
        raise Trouble("conflict", "refused")
    if known.holders.get((account_id, person.provider, person.tenant), person.id) != person.id:
        raise Trouble("conflict", "account_taken")
    if person.account_id is not None:
        return "change"
    return "account" if account_id is None else "new"


def check_account(row: ImportRow) -> None:
    values = {field: row.cells[field] for field in ("username", "name", "role") if field in row.cells}
    try:
        register.checked({"role": "user", **values})
    except register.Invalid:
        raise Trouble("error", "bad_account") from None


def check_earlier(row: ImportRow, person: Found, known: Known) -> None:
    if person.id in known.lines_of_people:
        raise Trouble("conflict", "same_person", known.lines_of_people[person.id])
    account = (row.username, person.provider, person.tenant)
    if account in known.lines_of_accounts:
        raise Trouble("conflict", "same_account", known.lines_of_accounts[account])


def sought(key: str, row: ImportRow) -> str:
    """Return what a line says under a key, in the form people are compared by."""
    said = row.cells.get(key, "")
    if key == "email":
        return said.lower()
    if key == "own_email":
        return sought("email", row)
    return bare(said) if key == "mobile" else said


def bare(mobile: str) -> str:
    """Return a number's digits without the Chinese country number, which one platform writes and the other doesn't."""
    digits = re.sub(r"[^0-9+]", "", mobile)
    return digits.removeprefix("+86").removeprefix("0086")


def people_by(key: str, values: set[str]) -> dict[str, set[Found]]:
    """Return the stored people that have one of the values, by value."""
    if not values:
        return {}
    said, condition = {
        "employee_number": (Identity.employee_number, Identity.employee_number.in_(values)),
        "email": (Identity.company_email, Identity.company_email.in_(values)),
        "own_email": (Identity.email_folded, Identity.email_folded.in_(values)),
        "mobile": (Identity.mobile, Identity.mobile.in_(values | {f"+86{value}" for value in values})),
        "provider_id": (Identity.user_id, None),
    }[key]
    if key == "provider_id":
        condition = or_(Identity.user_id.in_(values), Identity.subject.in_(values | {v.casefold() for v in values}))
    columns = (Identity.id, Identity.provider, Identity.tenant, Identity.account_id, Identity.status)
    found = defaultdict(set)
    for value, subject, *rest in db.session.execute(select(said, Identity.subject, *columns).where(condition)):
        person = Found(*rest)
        names = {bare(value)} if key == "mobile" else {value}
        if key == "provider_id":
            names = {each for each in values if each in (value, subject) or each.casefold() == subject}
        for name in names:
            found[name].add(person)
    return found
