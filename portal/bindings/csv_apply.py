"""Applying the judged lines of an import in steps."""

from typing import NamedTuple

from sqlalchemy import func, select, update

from portal import audit, database
from portal.accounts import accounts, usernames
from portal.audit import Actor, PendingEntry
from portal.bindings import rules
from portal.bindings.csv_lines import read_account_fields
from portal.database import db
from portal.errors import ACCOUNT_DISABLED, CONFLICT, NOT_ALLOWED, NOT_FOUND, Code
from portal.models import Account, Identity, Import, ImportRow

APPLIED_AT_ONCE = 100  # lines in one request, each in a transaction of its own
REASONS = {NOT_FOUND: "gone", NOT_ALLOWED: "left", ACCOUNT_DISABLED: "disabled"}  # of other errors: changed


class JudgedLine(NamedTuple):
    """The part of a line that is applied.

    It is read before its transaction begins, which forgets what the database session has read.
    """

    identity_id: int | None
    seen: int | None
    cells: dict


def apply_next_lines(job: Import, *, by: Actor) -> None:
    """Apply the next lines.

    A step that was broken off is done again, and changes nothing twice.
    """
    unapplied = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.result.is_(None))
    rows = db.session.scalars(unapplied.order_by(ImportRow.line).limit(APPLIED_AT_ONCE)).all()
    if job.state != "applying":
        return
    results = [
        {"import_id": job.id, "line": row.line, "result": result, "reason": reason}
        for row, (result, reason) in [(row, apply_line(row, job, by)) for row in rows]
    ]
    with database.write() as session:
        if results:
            session.execute(update(ImportRow), results)
        is_last = len(rows) < APPLIED_AT_ONCE
        running = (Import.id == job.id, Import.state == "applying")
        if is_last and session.execute(update(Import).where(*running).values(state="done")).rowcount == 1:
            done = (ImportRow.import_id == job.id, ImportRow.result == "done")
            number = session.scalar(select(func.count()).select_from(ImportRow).where(*done))
            audit.record("import.apply", by, details={"rows": number})


def apply_line(row: ImportRow, job: Import, by: Actor) -> tuple[str, str]:
    """Bind the person of a line.

    The account is created where that was chosen.

    :return: result and reason.
    """
    line = JudgedLine(row.identity_id, row.seen, dict(row.cells))
    try:
        with audit.recorded("binding.make", by, conflict=rules.AccountTaken, identity_id=row.identity_id) as entry:
            bind_line(entry, line, job)
    except accounts.InvalidFields:
        return "failed", "bad_account"
    except Code as refusal:
        return "failed", REASONS.get(refusal.code, "changed")
    return "done", ""


def bind_line(entry: PendingEntry, line: JudgedLine, job: Import) -> None:
    """Bind the person of a line, in a recorded transaction.

    :raises Code: as `rules.make_binding()`; NOT_FOUND or CONFLICT when the account is another one by now.
    """
    account = find_or_add_account(line, job, entry.by)
    is_bound = line.identity_id is not None and account.id == db.session.scalar(
        select(Identity.account_id).where(Identity.id == line.identity_id)
    )
    if line.identity_id is None or is_bound:  # this line was applied before
        entry.drop()
    else:
        rules.make_binding(entry, line.identity_id, account.id, "import", line.seen)


def find_or_add_account(line: JudgedLine, job: Import, by: Actor) -> Account:
    """Return the account of a line.

    It is created where that was chosen.
    """
    username = line.cells["username"]
    account = usernames.find_by_username(username)
    if account is not None and account.username != username:
        raise Code(CONFLICT, "an account of that username, in another case, has been made meanwhile")
    if account is None:
        if not job.with_accounts:
            raise Code(NOT_FOUND, "the account has gone meanwhile")
        account = accounts.add_account(accounts.clean_fields(read_account_fields(line.cells)))
        facts = {"account_id": account.id, "details": {"how": "import", "role": account.role}}
        audit.record("account.create", by, **facts)
    return account
