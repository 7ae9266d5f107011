"""Bindings from a file.

The file is kept on the server, judged line by line, then applied a step at a time (`csv_apply`). The browser is not
trusted between the two: a line is applied as it was judged, under the rules of `rules`, and a line that is applied
twice changes nothing the second time.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice

from sqlalchemy import delete, func, insert, select, update

from portal import database
from portal.bindings import csv_files
from portal.bindings.csv_headings import check_file, list_words, to_row
from portal.bindings.csv_lines import judge_lines
from portal.clocks import now
from portal.database import db
from portal.database.paging import Page, load_page
from portal.errors import CONFLICT, NOT_FOUND, Code
from portal.models import Account, Identity, Import, ImportRow

IMPORT_LIFETIME = timedelta(days=1)
STORED_AT_ONCE = 2000  # lines in one transaction
CHECKED_AT_ONCE = 500
EXPORTED_AT_ONCE = 1000  # lines
REMOVED_AT_ONCE = 500  # lines of old imports that a new one removes
PAGE_SIZE = 50  # lines


def store_upload(content: bytes, file: str, account_id: int, platforms: Mapping[str, str]) -> Import:
    """Keep an uploaded file for its dry run.

    It is read twice: once to see that it can be used, and once to keep its lines, some at a time.

    :param file: its name, to show.
    :param account_id: the administrator: no other account can see or apply it.
    :param platforms: what a file may call a provider -> the provider.
    :raises BadFile: saying why it can't be used.
    """
    columns, unused = check_file(content)
    words = list_words(platforms)
    expires_at = now() + IMPORT_LIFETIME
    with database.write() as session:
        remove_old_imports(REMOVED_AT_ONCE)
        job = Import(account_id=account_id, file=file[:255], unused=unused, state="reading", expires_at=expires_at)
        session.add(job)
    lines = islice(csv_files.read_rows(content), 1, None)
    while part := [to_row(line, columns, cells, words) for line, cells in islice(lines, STORED_AT_ONCE)]:
        with database.write() as session:
            session.execute(insert(ImportRow), [{**row, "import_id": job.id} for row in part])
    with database.write() as session:
        session.execute(update(Import).where(Import.id == job.id).values(state="checking"))
    return job


def check_next_lines(job: Import) -> None:
    """Judge the next lines of an import."""
    with database.write() as session:
        job = session.get_one(Import, job.id, with_for_update=True, populate_existing=True)
        if job.state != "checking":
            return
        unjudged = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.outcome.is_(None))
        rows = session.scalars(unjudged.order_by(ImportRow.line).limit(CHECKED_AT_ONCE)).all()
        judge_lines(job, rows)
        if len(rows) < CHECKED_AT_ONCE:
            job.state = "checked"


def choose_lines(job: Import, with_accounts: bool, with_changes: bool) -> None:
    """Decide which lines are applied.

    New bindings always are; new accounts and people that move, as chosen.

    :raises Code: CONFLICT when the import is not ready, or was decided before.
    """
    with database.write() as session:
        ready = (Import.id == job.id, Import.state == "checked")
        choice = {"state": "applying", "with_accounts": with_accounts, "with_changes": with_changes}
        if session.execute(update(Import).where(*ready).values(**choice)).rowcount != 1:
            raise Code(CONFLICT, "the import is not ready, or has been applied")
        reasons = {"unchanged": "", "conflict": None, "error": None}
        if not with_accounts:
            reasons["account"] = "no_account"
        if not with_changes:
            reasons["change"] = "not_chosen"
        for outcome, reason in reasons.items():
            lines = update(ImportRow).where(ImportRow.import_id == job.id, ImportRow.outcome == outcome)
            session.execute(lines.values(result="left", **({} if reason is None else {"reason": reason})))


# Reading


def find_import(import_id: int, account_id: int) -> Import:
    """Return an administrator's own import.

    :raises Code: NOT_FOUND when there is none, or its time is over.
    """
    job = db.session.get(Import, import_id, populate_existing=True)
    if job is None or job.account_id != account_id or job.expires_at < now():
        raise Code(NOT_FOUND, "there is no such import of this administrator")
    return job


def list_recent(account_id: int) -> list[Import]:
    """Return an administrator's imports, the newest first."""
    rows = select(Import).where(Import.account_id == account_id, Import.expires_at > now())
    return list(db.session.scalars(rows.order_by(Import.id.desc()).limit(10)))


def count_lines(job: Import) -> dict[str, int]:
    """Return how many lines an import has of each kind.

    The kinds are `all`, each outcome, and each result (`as done`, ...). `administrators` counts the accounts to be made
    that would be administrators, `failed` the lines with a reason.
    """
    columns = (ImportRow.outcome, ImportRow.result, func.count())
    rows = select(*columns).where(ImportRow.import_id == job.id).group_by(ImportRow.outcome, ImportRow.result)
    counts = {"all": 0}
    for outcome, result, number in db.session.execute(rows):
        for name in ("all", outcome or "unlooked", f"as {result or 'open'}"):
            counts[name] = counts.get(name, 0) + number
    role = ImportRow.cells["role"].as_string()
    administrators = (ImportRow.import_id == job.id, ImportRow.outcome == "account", role == "admin")
    counts["administrators"] = db.session.scalar(select(func.count()).select_from(ImportRow).where(*administrators))
    with_reason = (ImportRow.import_id == job.id, ImportRow.reason != "")
    counts["failed"] = db.session.scalar(select(func.count()).select_from(ImportRow).where(*with_reason))
    return counts


def list_lines(job: Import, outcome: str, number: int) -> Page[ImportRow]:
    """Return a page of an import's lines.

    :param outcome: of which outcome; `failed` for those that were not applied; "" for all.
    """
    conditions = [ImportRow.import_id == job.id]
    if outcome == "failed":
        conditions.append(ImportRow.reason != "")
    elif outcome:
        conditions.append(ImportRow.outcome == outcome)
    total = db.session.scalar(select(func.count()).select_from(ImportRow).where(*conditions))
    rows = select(ImportRow).where(*conditions).order_by(ImportRow.line)
    return load_page(rows, total, number, PAGE_SIZE)


def load_meanings(rows: list[ImportRow]) -> tuple[dict[int, Identity], dict[int, Account]]:
    """Return people and former accounts of lines, by id."""
    people = db.session.scalars(select(Identity).where(Identity.id.in_({row.identity_id for row in rows} - {None})))
    accounts = db.session.scalars(select(Account).where(Account.id.in_({row.seen for row in rows} - {None})))
    return {person.id: person for person in people}, {account.id: account for account in accounts}


def iterate_failed(job: Import) -> Iterator[list[ImportRow]]:
    """Yield the lines that were not applied, in batches.

    No transaction stays open between two batches.
    """
    after = 0
    failed = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.reason != "").order_by(ImportRow.line)
    while True:
        rows = list(db.session.scalars(failed.where(ImportRow.line > after).limit(EXPORTED_AT_ONCE)))
        database.end_transaction()
        if not rows:
            return
        after = rows[-1].line
        yield rows


# Removing


def discard_import(job: Import) -> None:
    """Remove an import and its lines.

    Its bindings and accounts stay.
    """
    with database.write() as session:
        session.execute(update(Import).where(Import.id == job.id).values(expires_at=now()))
    while db.session.scalar(select(Import.id).where(Import.id == job.id)):
        with database.write():
            remove_lines(job.id, STORED_AT_ONCE)


def remove_old_imports(most: int) -> int:
    """Remove lines of the oldest expired import, and count rows.

    The import goes with its last lines. Part of the caller's transaction.

    :param most: so many lines at a time: a request waits for it.
    """
    oldest = select(Import.id).where(Import.expires_at < now()).order_by(Import.expires_at).limit(1)
    import_id = db.session.scalar(oldest)
    return 0 if import_id is None else remove_lines(import_id, most)


def remove_lines(import_id: int, most: int) -> int:
    """Remove some lines of an import, and count removed rows.

    The import goes with its last lines.
    """
    of_import = ImportRow.import_id == import_id
    removed = database.delete_rows(ImportRow.line, of_import, order=ImportRow.line, most=most)
    if removed < most:
        db.session.execute(delete(Import).where(Import.id == import_id))
        removed += 1
    return removed
