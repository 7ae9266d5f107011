"""What a line of an import means: which person, which account, and what would come of it."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from portal.accounts import accounts
from portal.database import db
from portal.models import MAY_SIGN_IN, Account, BindingRequest, Identity, Import, ImportRow
from portal.text import LONGEST, ascii_lower, fold_name, narrow, widen

REASONS = {
    "no_username": _("The line has no username."),
    "no_person": _("Nobody of the directory fits."),
    "keys_differ": _("Its columns do not mean one and the same person."),
    "unusable": _("What stands in the column %(heading)s can't be used to find anybody."),
    "cell_too_long": _("What stands in the column %(heading)s is too long."),
    "name_differs": _("It means %(name)s, and the name in it is another."),
    "case": _("There is an account %(username)s: upper and lower case make no difference. Write it the same way."),
    "case_of_line": _("Line %(line)s writes this username in another case."),
    "own_email": _(
        "The account is an administrator's, and only the person says that this is their e-mail address: name them by "
        "employee number, mobile or platform id."
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
LOOKED_UP = {  # what a line says -> the columns of people it is looked up in
    "employee_number": (Identity.employee_number,),
    "email": (Identity.company_email,),
    "own_email": (Identity.email_folded,),
    "mobile": (Identity.mobile,),
    "provider_id": (Identity.user_id, Identity.subject),
}
OF_FOUND = ("id", "provider", "tenant", "account_id", "status", "name", "company_email")
FOUND = tuple(getattr(Identity, name) for name in OF_FOUND)
SPACERS = re.compile("[\\s().\\-/\u2010-\u2015\u2212]")
CHINESE_MOBILE = re.compile("861[0-9]{10}")  # the country number without a sign before it
CHANGES_SOMETHING = ("new", "account", "change", "unchanged")  # a later line may not mean the same


@dataclass(frozen=True)
class Found:
    """A stored person, as far as it matters here."""

    id: int
    provider: str
    tenant: str
    account_id: int | None
    status: int
    name: str
    company_email: str


class Trouble(Exception):
    """A line can't be carried out.

    :param outcome: `error` or `conflict`.
    :param reason: one of `REASONS`, and behind a colon the column it is about.
    :param other_line: the line it is in conflict with.
    :param account_id: the account it is in conflict with.
    """

    def __init__(self, outcome: str, reason: str, other_line: int | None = None, account_id: int | None = None):
        super().__init__(reason)
        self.outcome, self.reason, self.other_line, self.account_id = outcome, reason, other_line, account_id


class Known:
    """What the database knows of some lines: looked up for all of them at once."""

    def __init__(self, job: Import, rows: list[ImportRow]):
        keys = (*KEYS, "own_email")
        self.people = {key: people_by(key, {said_of(key, row) for row in rows} - {""}) for key in keys}
        spelled, usernames = {spelling(row) for row in rows}, {row.username for row in rows}
        alike = or_(Account.username.in_(spelled), Account.username_key.in_(usernames))
        accounts = db.session.scalars(select(Account).where(alike)).all()
        self.accounts = {account.username_key: account for account in accounts}
        self.accounts |= {account.username: account for account in accounts}
        held = (Identity.account_id, Identity.provider, Identity.tenant, Identity.id)
        ids = [account.id for account in accounts]
        rows_held = db.session.execute(select(*held).where(Identity.account_id.in_(ids)))
        self.holders = {(account, provider, tenant): id for account, provider, tenant, id in rows_held}
        found = {person.id for key in self.people.values() for people in key.values() for person in people}
        refused = (BindingRequest.state == "refused", BindingRequest.identity_id.in_(found))
        self.refused = set(db.session.scalars(select(BindingRequest.identity_id).where(*refused)))
        self.lines_of_people, self.lines_of_accounts, self.lines_of_names = {}, {}, {}
        self.remember_earlier(job, found, usernames)

    def remember_earlier(self, job, found, usernames):
        """Take in the lines looked at before that mean the same people or accounts."""
        columns = (Identity.id, Identity.provider, Identity.tenant)
        earlier = select(ImportRow, *columns).outerjoin(Identity, Identity.id == ImportRow.identity_id)
        same = or_(ImportRow.identity_id.in_(found), ImportRow.username.in_(usernames))
        those = (ImportRow.import_id == job.id, ImportRow.outcome.in_(CHANGES_SOMETHING), same)
        for row, id, provider, tenant in db.session.execute(earlier.where(*those)):
            self.lines_of_names[row.username] = row
            self.lines_of_people[id] = row.line
            self.lines_of_accounts[row.username, provider, tenant] = row.line

    def meant(self, key: str, row: ImportRow) -> set[Found]:
        """Return the people a line may mean by one of its keys, of the platform it names."""
        people, provider = self.people[key].get(said_of(key, row), set()), row.cells.get("provider")
        return {person for person in people if provider in (None, person.provider)}

    def account_of(self, row: ImportRow) -> Account | None:
        """Return the account a line names, which may be written in another case."""
        return self.accounts.get(spelling(row)) or self.accounts.get(row.username)

    def remember(self, row: ImportRow, person: Found | None) -> None:
        self.lines_of_names[row.username] = row
        if person:
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
            known.remember(row, person)
        except Trouble as trouble:
            row.outcome, row.reason, row.other_line = trouble.outcome, trouble.reason, trouble.other_line
            row.seen = trouble.account_id or row.seen


def person_of(row: ImportRow, known: Known) -> Found | None:
    """Return whom a line means; `None` where it names nobody.

    :raises Trouble: when that is not one person.
    """
    if not row.username:
        raise Trouble("error", "no_username")
    check_cells(row)
    found = {key: known.meant(key, row) for key in KEYS if said_of(key, row)}
    if not found:
        return None
    if "email" in found:
        found["email"] = found["email"] or known.meant("own_email", row)
    if not any(found.values()):
        raise Trouble("error", "no_person")
    people = set.intersection(*found.values())
    if not people:
        raise Trouble("error", "keys_differ")
    if len(people) > 1:
        raise Trouble("error", "several")
    return people.pop()


def is_typed(row: ImportRow, person: Found | Identity) -> bool:
    """Return whether a line finds the person by nothing but an e-mail address they may have typed themselves."""
    keys = [key for key in KEYS if said_of(key, row)]
    return keys == ["email"] and person.company_email not in forms("email", said_of("email", row))


def outcome(row: ImportRow, person: Found | None, known: Known) -> str:
    """Return `new`, `account`, `unchanged` or `change`.

    :raises Trouble: when it can't be carried out.
    """
    account = known.account_of(row)
    account_id = account.id if account else None
    check_username(row, account, known)
    if account is None:
        check_account(row)
    if person is None:
        return "account" if account is None else "unchanged"
    check_name(row, person, account)
    role = account.role if account else row.cells.get("role")
    if role == "admin" and is_typed(row, person):
        raise Trouble("conflict", "own_email")
    if person.status not in MAY_SIGN_IN:
        raise Trouble("error", "left")
    if account is not None and not account.active:
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


def check_cells(row: ImportRow) -> None:
    """Raise unless every cell can mean something: one that is filled in is never passed over."""
    for column, said in row.cells.items():
        if len(said) > LONGEST:
            raise Trouble("error", f"cell_too_long:{column}")
        if column in KEYS and not forms(column, said):
            raise Trouble("error", f"unusable:{column}")


def check_username(row: ImportRow, account: Account | None, known: Known) -> None:
    if account is not None and account.username != spelling(row):
        raise Trouble("conflict", "case", account_id=account.id)
    earlier = known.lines_of_names.get(row.username)
    if earlier is not None and spelling(earlier) != spelling(row):
        raise Trouble("conflict", "case_of_line", earlier.line)


def check_name(row: ImportRow, person: Found, account: Account | None) -> None:
    """Raise where a line names somebody else than it means; the account's own name will do."""
    said, names = fold_name(row.cells.get("name", "")), {fold_name(person.name)}
    if account is not None:
        names.add(fold_name(account.name))
    if said and person.name and said not in names:
        raise Trouble("conflict", "name_differs")


def check_account(row: ImportRow) -> None:
    values = {field: row.cells[field] for field in ("username", "name", "role") if field in row.cells}
    try:
        accounts.clean_fields({"role": "user", **values})
    except accounts.InvalidFields:
        raise Trouble("error", "bad_account") from None


def check_earlier(row: ImportRow, person: Found, known: Known) -> None:
    if person.id in known.lines_of_people:
        raise Trouble("conflict", "same_person", known.lines_of_people[person.id])
    account = (row.username, person.provider, person.tenant)
    if account in known.lines_of_accounts:
        raise Trouble("conflict", "same_account", known.lines_of_accounts[account])


def spelling(row: ImportRow) -> str:
    """Return a line's username as it is written there."""
    return row.cells.get("username", "")


def said_of(key: str, row: ImportRow) -> str:
    """Return what a line says under a key."""
    return row.cells.get("email" if key == "own_email" else key, "")


def forms(key: str, said: str) -> set[str]:
    """Return how the database may spell what a cell says; nothing for what can't be such a key."""
    usual = unicodedata.normalize("NFKC", said)
    if key in ("email", "own_email"):
        spelled = (said, usual) if accounts.EMAIL.fullmatch(usual) else ()
        return {fold(text) for text in spelled for fold in (str.lower, ascii_lower)}  # as either database does
    if key == "mobile":
        number = bare(usual)
        return {f"{prefix}{number}" for prefix in ("", "+86", "+86-", "+86 ", "86", "0086")} if number else set()
    if key == "employee_number":
        return {said, usual, widen(usual)}
    return {said, narrow(said)}  # other forms of a letter are other ids


def bare(mobile: str) -> str:
    """Return a number's digits without the Chinese country number, which one platform writes and the other doesn't.

    "" for what is no telephone number.
    """
    digits = SPACERS.sub("", mobile)
    if not accounts.MOBILE.fullmatch(digits):
        return ""
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    digits = digits.removeprefix("+86")
    return digits[2:] if CHINESE_MOBILE.fullmatch(digits) else digits


def people_by(key: str, sayings: set[str]) -> dict[str, set[Found]]:
    """Return the stored people that have one of the values, by what lines say."""
    found = defaultdict(set)
    for column in LOOKED_UP[key]:
        meant = defaultdict(set)
        for said in sayings:
            spelled = forms(key, said)
            spelled |= {ascii_lower(form) for form in spelled} if column is Identity.subject else set()
            for form in spelled:
                meant[form].add(said)
        rows = select(column, *FOUND).where(column.in_(meant)) if meant else None
        for value, *rest in db.session.execute(rows) if meant else ():
            for said in meant[value]:
                found[said].add(Found(*rest))
    return found
