"""The meaning of an import's lines.

For each line it is the person, the account, and the outcome.
"""

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from portal.accounts import accounts
from portal.bindings.csv_keys import KEYS, StoredPerson, find_people, is_typed, list_spellings, read_key
from portal.database import db
from portal.models import MAY_SIGN_IN, Account, BindingRequest, Identity, Import, ImportRow
from portal.text import LONGEST, fold_name

REASONS = {
    "no_username": _("The line has no username."),
    "no_person": _("No person in the directory matches."),
    "keys_differ": _("Its columns name different people."),
    "unusable": _("The value in the column %(heading)s can't be used to find a person."),
    "cell_too_long": _("The value in the column %(heading)s is too long."),
    "name_differs": _("The line means %(name)s but holds another name."),
    "case": _("The account %(username)s exists. Upper and lower case make no difference, so write it the same way."),
    "case_of_line": _("Line %(line)s writes this username in another case."),
    "own_email": _(
        "This is an administrator account, and the e-mail address is only what the person entered. "
        "Name the person by employee number, mobile number or platform ID."
    ),
    "several": _("Several people match. Add a column for the platform or the platform ID."),
    "left": _("The person has left or is frozen."),
    "refused": _("An administrator has refused this person. Withdraw the refusal in the queue first."),
    "disabled": _("The account is disabled."),
    "bad_account": _("No account can be created. The username, name or role can't be used."),
    "account_taken": _("Another person of this company is bound to the account."),
    "same_person": _("Line %(line)s means the same person."),
    "same_account": _("Line %(line)s binds another person of this company to the account."),
    "no_account": _("The account does not exist, and creating accounts was not selected."),
    "not_chosen": _("The person is bound to another account, and moving was not selected."),
    "gone": _("The person or the account is gone since the preview."),
    "changed": _("The line has changed since the preview."),
}
CHANGES_SOMETHING = ("new", "account", "change", "unchanged")  # a later line may not mean the same


class LineProblem(Exception):
    """The reason why a line can't be carried out.

    :param outcome: `error` or `conflict`.
    :param reason: one of `REASONS`, and behind a colon the column it is about.
    :param other_line: the line it is in conflict with.
    :param account_id: the account it is in conflict with.
    """

    def __init__(self, outcome: str, reason: str, other_line: int | None = None, account_id: int | None = None):
        super().__init__(reason)
        self.outcome, self.reason, self.other_line, self.account_id = outcome, reason, other_line, account_id


class StoredRows:
    """The stored people and accounts that some lines may mean.

    They are looked up for all these lines at once.
    """

    def __init__(self, job: Import, rows: list[ImportRow]):
        keys = (*KEYS, "own_email")
        self.people = {key: find_people(key, {read_key(key, row) for row in rows} - {""}) for key in keys}
        spellings, usernames = {read_username(row) for row in rows}, {row.username for row in rows}
        alike = or_(Account.username.in_(spellings), Account.username_key.in_(usernames))
        accounts = db.session.scalars(select(Account).where(alike)).all()
        self.accounts = {account.username_key: account for account in accounts}
        self.accounts |= {account.username: account for account in accounts}
        columns = (Identity.account_id, Identity.provider, Identity.tenant, Identity.id)
        ids = [account.id for account in accounts]
        holders = db.session.execute(select(*columns).where(Identity.account_id.in_(ids)))
        self.holders = {(account, provider, tenant): id for account, provider, tenant, id in holders}
        person_ids = {person.id for key in self.people.values() for people in key.values() for person in people}
        refused = (BindingRequest.state == "refused", BindingRequest.identity_id.in_(person_ids))
        self.refused = set(db.session.scalars(select(BindingRequest.identity_id).where(*refused)))
        self.lines_of_people, self.lines_of_accounts, self.lines_of_names = {}, {}, {}
        self.load_earlier(job, person_ids, usernames)

    def load_earlier(self, job: Import, person_ids: set[int], usernames: set[str]) -> None:
        """Load judged lines that mean the same people or accounts."""
        columns = (Identity.id, Identity.provider, Identity.tenant)
        earlier = select(ImportRow, *columns).outerjoin(Identity, Identity.id == ImportRow.identity_id)
        same = or_(ImportRow.identity_id.in_(person_ids), ImportRow.username.in_(usernames))
        judged = (ImportRow.import_id == job.id, ImportRow.outcome.in_(CHANGES_SOMETHING), same)
        for row, id, provider, tenant in db.session.execute(earlier.where(*judged)):
            self.lines_of_names[row.username] = row
            self.lines_of_people[id] = row.line
            self.lines_of_accounts[row.username, provider, tenant] = row.line

    def find_matches(self, key: str, row: ImportRow) -> set[StoredPerson]:
        """Return the people a line may mean by a key.

        They are of the platform it names.
        """
        people, provider = self.people[key].get(read_key(key, row), set()), row.cells.get("provider")
        return {person for person in people if provider in (None, person.provider)}

    def find_account(self, row: ImportRow) -> Account | None:
        """Return the account of a line's username, in any case."""
        return self.accounts.get(read_username(row)) or self.accounts.get(row.username)

    def remember_line(self, row: ImportRow, person: StoredPerson | None) -> None:
        """Remember a judged line for those after it."""
        self.lines_of_names[row.username] = row
        if person:
            self.lines_of_people[person.id] = row.line
            self.lines_of_accounts[row.username, person.provider, person.tenant] = row.line


def judge_lines(job: Import, rows: list[ImportRow]) -> None:
    """Write down the outcome of each line.

    Part of the caller's transaction.
    """
    stored = StoredRows(job, rows)
    for row in rows:
        try:
            person = choose_person(row, stored)
            row.identity_id, row.seen = (person.id, person.account_id) if person else (None, None)
            row.outcome = judge_outcome(row, person, stored)
            stored.remember_line(row, person)
        except LineProblem as problem:
            row.outcome, row.reason, row.other_line = problem.outcome, problem.reason, problem.other_line
            row.seen = problem.account_id or row.seen


def choose_person(row: ImportRow, stored: StoredRows) -> StoredPerson | None:
    """Return the person that a line means.

    :return: `None` where it names no person.
    :raises LineProblem: when that is not one person.
    """
    if not row.username:
        raise LineProblem("error", "no_username")
    check_cells(row)
    matches = {key: stored.find_matches(key, row) for key in KEYS if read_key(key, row)}
    if not matches:
        return None
    if "email" in matches:
        matches["email"] = matches["email"] or stored.find_matches("own_email", row)
    if not any(matches.values()):
        raise LineProblem("error", "no_person")
    people = set.intersection(*matches.values())
    if not people:
        raise LineProblem("error", "keys_differ")
    if len(people) > 1:
        raise LineProblem("error", "several")
    return people.pop()


def judge_outcome(row: ImportRow, person: StoredPerson | None, stored: StoredRows) -> str:
    """Return `new`, `account`, `unchanged` or `change`.

    :raises LineProblem: when the line can't be carried out.
    """
    account = stored.find_account(row)
    account_id = account.id if account else None
    check_username(row, account, stored)
    if account is None:
        check_account(row)
    if person is None:
        return "account" if account is None else "unchanged"
    check_name(row, person, account)
    role = account.role if account else row.cells.get("role")
    if role == "admin" and is_typed(row, person):
        raise LineProblem("conflict", "own_email")
    if person.status not in MAY_SIGN_IN:
        raise LineProblem("error", "left")
    if account is not None and not account.active:
        raise LineProblem("error", "disabled")
    check_earlier_lines(row, person, stored)
    if account_id is not None and person.account_id == account_id:
        return "unchanged"
    if person.id in stored.refused:
        raise LineProblem("conflict", "refused")
    if stored.holders.get((account_id, person.provider, person.tenant), person.id) != person.id:
        raise LineProblem("conflict", "account_taken")
    if person.account_id is not None:
        return "change"
    return "account" if account_id is None else "new"


def check_cells(row: ImportRow) -> None:
    """Raise unless every cell can mean something.

    A filled-in cell is never passed over.
    """
    for column, text in row.cells.items():
        if len(text) > LONGEST:
            raise LineProblem("error", f"cell_too_long:{column}")
        if column in KEYS and not list_spellings(column, text):
            raise LineProblem("error", f"unusable:{column}")


def check_username(row: ImportRow, account: Account | None, stored: StoredRows) -> None:
    """Raise where the username is spelled in another case."""
    if account is not None and account.username != read_username(row):
        raise LineProblem("conflict", "case", account_id=account.id)
    earlier = stored.lines_of_names.get(row.username)
    if earlier is not None and read_username(earlier) != read_username(row):
        raise LineProblem("conflict", "case_of_line", earlier.line)


def check_name(row: ImportRow, person: StoredPerson, account: Account | None) -> None:
    """Raise where the line's name is another person's.

    The account's own name will do.
    """
    name, names = fold_name(row.cells.get("name", "")), {fold_name(person.name)}
    if account is not None:
        names.add(fold_name(account.name))
    if name and person.name and name not in names:
        raise LineProblem("conflict", "name_differs")


def check_account(row: ImportRow) -> None:
    """Raise unless an account can be created from the line."""
    try:
        accounts.clean_fields(read_account_fields(row.cells))
    except accounts.InvalidFields:
        raise LineProblem("error", "bad_account") from None


def check_earlier_lines(row: ImportRow, person: StoredPerson, stored: StoredRows) -> None:
    """Raise where an earlier line claims person or account."""
    if person.id in stored.lines_of_people:
        raise LineProblem("conflict", "same_person", stored.lines_of_people[person.id])
    account = (row.username, person.provider, person.tenant)
    if account in stored.lines_of_accounts:
        raise LineProblem("conflict", "same_account", stored.lines_of_accounts[account])


def read_username(row: ImportRow) -> str:
    """Return a line's username as the file spells it."""
    return row.cells.get("username", "")


def read_account_fields(cells: dict) -> dict:
    """Return the fields of the account of a line."""
    return {"role": "user", **{field: cells[field] for field in ("username", "name", "role") if field in cells}}
