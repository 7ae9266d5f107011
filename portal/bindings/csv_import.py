"""Bindings from a file: kept on the server, looked at line by line, then carried out a step at a time.

Nothing is believed of the browser between the two: a line is carried out as it was looked at, under the rules of
`bindings`, and a line that is carried out twice changes nothing the second time.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from portal import audit, database
from portal.accounts import accounts, usernames
from portal.audit import Actor, PendingEntry
from portal.bindings import csv_files, csv_lines, rules
from portal.clocks import now
from portal.database import db
from portal.errors import ACCOUNT_DISABLED, CONFLICT, NOT_ALLOWED, NOT_FOUND, Code
from portal.models import Account, Identity, Import, ImportRow
from portal.text import LONGEST, username_key

LIFE = timedelta(days=1)
MOST_LINES = 100_000
STORED_AT_ONCE = 2000  # lines in one transaction
CHECKED_AT_ONCE = 500
APPLIED_AT_ONCE = 100  # lines in one request, each in a transaction of its own
REMOVED_AT_ONCE = 500  # lines of old imports that a new one removes
SIZE = 50  # lines on a page
HEADINGS = {  # column -> how files call it; the first two are the template's
    "username": ("username", "用户名", "account", "账号", "帐号", "账户", "登录名"),
    "employee_number": ("employee number", "工号", "employee no", "employee no.", "employee id", "员工编号"),
    "email": ("e-mail", "邮箱", "email", "mail", "电子邮箱", "企业邮箱", "邮件"),
    "mobile": ("mobile", "手机号", "phone", "mobile number", "手机", "手机号码", "电话"),
    "provider": ("platform", "平台", "provider"),
    "provider_id": (
        "platform id",
        "成员 id",
        "平台用户 id",
        "provider id",
        "user id",
        "userid",
        "平台id",
        "平台用户id",
        "用户id",
    ),
    "name": ("name", "姓名", "名字"),
    "role": ("role", "角色"),
}
KEYS = ("employee_number", "email", "mobile", "provider_id")
WORDS = {  # column -> what a file may say -> what it means
    "role": {"用户": "user", "普通用户": "user", "成员": "user", "管理员": "admin", "administrator": "admin"},
}


class BadFile(ValueError):
    """The file can't be used.

    :param why: `empty`, `too_long`, `twice`, `no_username`, `no_key`, or as in `csv_files.Unreadable`.
    :param line: the number of the line it is about, if there is one.
    """

    def __init__(self, why: str, line: int | None = None):
        super().__init__(why)
        self.why, self.line = why, line


# The file


def upload(content: bytes, file: str, account_id: int, platforms: Mapping[str, str]) -> Import:
    """Keep an uploaded file for its dry run; return what stands for it.

    The file is read twice: once to see that it can be used, and once to keep its lines, some at a time.

    :param file: its name, to show.
    :param account_id: the administrator: nobody else can see or apply it.
    :param platforms: name in a file -> provider.
    :raises BadFile: saying why it can't be used.
    """
    columns, unused = looked_through(content)
    words = WORDS | {"provider": {folded(name): provider for name, provider in platforms.items()}}
    with database.write() as session:
        forget_old(REMOVED_AT_ONCE)
        job = Import(account_id=account_id, file=file[:255], unused=unused, state="reading", expires_at=now() + LIFE)
        session.add(job)
    lines = islice(csv_files.read(content), 1, None)
    while part := [as_row(line, columns, cells, words) for line, cells in islice(lines, STORED_AT_ONCE)]:
        with database.write() as session:
            session.execute(insert(ImportRow), [{**row, "import_id": job.id} for row in part])
    with database.write() as session:
        session.execute(update(Import).where(Import.id == job.id).values(state="checking"))
    return job


def forget_old(most: int) -> int:
    """Remove lines of the oldest import that has outlived its time, inside the caller's transaction.

    The import goes with its last lines.

    :param most: so many lines at a time: a request waits for it.
    :return: how many rows were removed.
    """
    oldest = select(Import.id).where(Import.expires_at < now()).order_by(Import.expires_at).limit(1)
    import_id = db.session.scalar(oldest)
    return 0 if import_id is None else remove_lines(import_id, most)


def remove_lines(import_id: int, most: int) -> int:
    """Remove at most so many lines of an import, and after the last one the import.

    :return: how many rows were removed.
    """
    of_import = ImportRow.import_id == import_id
    removed = database.delete_rows(ImportRow.line, of_import, order=ImportRow.line, most=most)
    if removed < most:
        db.session.execute(delete(Import).where(Import.id == import_id))
        removed += 1
    return removed


def looked_through(content: bytes) -> tuple[list[str | None], list[str]]:
    """Return which of our columns each heading of a file means, and the headings that mean none.

    No line is kept.

    :raises BadFile: saying why the file can't be used.
    """
    lines = csv_files.read(content)
    try:
        columns, unused = understood(next(lines, (1, []))[1])
        number = sum(1 for _ in islice(lines, MOST_LINES + 1))
    except csv_files.Unreadable as error:
        raise BadFile(error.why, error.line) from None
    if number > MOST_LINES:
        raise BadFile("too_long")
    if not number:
        raise BadFile("empty")
    return columns, unused


def understood(headings: list[str]) -> tuple[list[str | None], list[str]]:
    """Return which of our columns each heading means, and the headings that mean none.

    :raises BadFile: `twice`, `no_username` or `no_key`.
    """
    known = {folded(name): column for column, names in HEADINGS.items() for name in (*names, column)}
    columns = [known.get(folded(heading)) for heading in headings]
    used = [column for column in columns if column]
    if len(used) != len(set(used)):
        raise BadFile("twice")
    if "username" not in used:
        raise BadFile("no_username")
    if not {*KEYS, "name", "role"}.intersection(used):
        raise BadFile("no_key")
    return columns, [heading[:60] for heading, column in zip(headings, columns, strict=True) if heading and not column]


def folded(heading: str) -> str:
    """Return the form in which headings and our own words are compared: neither case nor width matter."""
    return " ".join(unicodedata.normalize("NFKC", heading).replace("_", " ").casefold().split())


def as_row(line: int, columns: list, cells: list[str], words: dict) -> dict:
    """Return a line's columns; a cell that is too long keeps as much as shows that it is."""
    told = zip(columns, cells, strict=False)
    said = {column: cell[: LONGEST + 1] for column, cell in told if column and cell}
    for column, meanings in words.items():
        if column in said:
            said[column] = meanings.get(folded(said[column]), said[column].casefold())[: LONGEST + 1]
    return {"line": line, "cells": said, "username": username_key(said.get("username", ""))}


# Looking it up


def mine(import_id: int, account_id: int) -> Import:
    """Return an administrator's own import.

    :raises Code: NOT_FOUND when there is none, or its time is over.
    """
    job = db.session.get(Import, import_id, populate_existing=True)
    if job is None or job.account_id != account_id or job.expires_at < now():
        raise Code(NOT_FOUND, "there is no such import of this administrator")
    return job


def recent(account_id: int) -> list[Import]:
    """Return an administrator's imports, the newest first."""
    rows = select(Import).where(Import.account_id == account_id, Import.expires_at > now())
    return list(db.session.scalars(rows.order_by(Import.id.desc()).limit(10)))


def counts(job: Import) -> dict:
    """Return how many lines there are in all, of each outcome, and of each result (`as done`, ...).

    `administrators` counts the accounts to be made that would be administrators, `failed` the lines with a reason.
    """
    columns = (ImportRow.outcome, ImportRow.result, func.count())
    rows = select(*columns).where(ImportRow.import_id == job.id).group_by(ImportRow.outcome, ImportRow.result)
    found = {"all": 0}
    for outcome, result, number in db.session.execute(rows):
        for name in ("all", outcome or "unlooked", f"as {result or 'open'}"):
            found[name] = found.get(name, 0) + number
    role = ImportRow.cells["role"].as_string()
    new_ones = (ImportRow.import_id == job.id, ImportRow.outcome == "account", role == "admin")
    found["administrators"] = db.session.scalar(select(func.count()).select_from(ImportRow).where(*new_ones))
    without = (ImportRow.import_id == job.id, ImportRow.reason != "")
    found["failed"] = db.session.scalar(select(func.count()).select_from(ImportRow).where(*without))
    return found


def page(job: Import, outcome: str, number: int) -> tuple[list[ImportRow], int]:
    """Return a page of an import's lines, and how many there are.

    :param outcome: of which outcome; `failed` for those that were not carried out; "" for all.
    """
    wanted = [ImportRow.import_id == job.id]
    if outcome == "failed":
        wanted.append(ImportRow.reason != "")
    elif outcome:
        wanted.append(ImportRow.outcome == outcome)
    total = db.session.scalar(select(func.count()).select_from(ImportRow).where(*wanted))
    rows = select(ImportRow).where(*wanted).order_by(ImportRow.line)
    start = (max(1, min(number, -(-total // SIZE))) - 1) * SIZE
    return list(db.session.scalars(rows.limit(SIZE).offset(start))), total


def meant(rows: list[ImportRow]) -> tuple[dict, dict]:
    """Return the people that lines mean, and the accounts they were bound to, by id."""
    people = db.session.scalars(select(Identity).where(Identity.id.in_({row.identity_id for row in rows} - {None})))
    accounts = db.session.scalars(select(Account).where(Account.id.in_({row.seen for row in rows} - {None})))
    return {person.id: person for person in people}, {account.id: account for account in accounts}


def failed(job: Import) -> Iterator[list[ImportRow]]:
    """Give the lines that were not carried out, some at a time; no transaction stays open meanwhile."""
    after = 0
    rows = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.reason != "").order_by(ImportRow.line)
    while True:
        found = list(db.session.scalars(rows.where(ImportRow.line > after).limit(1000)))
        db.session.rollback()
        if not found:
            return
        after = found[-1].line
        yield found


# The dry run


def check(job: Import) -> None:
    """Look at the next lines: what would come of them."""
    with database.write() as session:
        job = session.get_one(Import, job.id, with_for_update=True, populate_existing=True)
        if job.state != "checking":
            return
        unlooked = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.outcome.is_(None))
        rows = session.scalars(unlooked.order_by(ImportRow.line).limit(CHECKED_AT_ONCE)).all()
        csv_lines.judge(job, rows)
        if len(rows) < CHECKED_AT_ONCE:
            job.state = "checked"


# Carrying it out


def start(job: Import, with_accounts: bool, with_changes: bool) -> None:
    """Decide what is carried out: the new bindings, and as chosen new accounts and people who move.

    :raises Code: CONFLICT when it is not ready, or was decided before.
    """
    with database.write() as session:
        ready = (Import.id == job.id, Import.state == "checked")
        chosen = {"state": "applying", "with_accounts": with_accounts, "with_changes": with_changes}
        if session.execute(update(Import).where(*ready).values(**chosen)).rowcount != 1:
            raise Code(CONFLICT, "the import is not ready, or has been applied")
        leave = {"unchanged": "", "conflict": None, "error": None}
        if not with_accounts:
            leave["account"] = "no_account"
        if not with_changes:
            leave["change"] = "not_chosen"
        for outcome, reason in leave.items():
            those = update(ImportRow).where(ImportRow.import_id == job.id, ImportRow.outcome == outcome)
            session.execute(those.values(result="left", **({} if reason is None else {"reason": reason})))


def step(job: Import, *, by: Actor) -> None:
    """Carry out the next lines; a step that was broken off is done again, and changes nothing twice."""
    open_ones = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.result.is_(None))
    rows = db.session.scalars(open_ones.order_by(ImportRow.line).limit(APPLIED_AT_ONCE)).all()
    if job.state != "applying":
        return
    results = [
        {"import_id": job.id, "line": row.line, "result": result, "reason": reason}
        for row, (result, reason) in [(row, carry_out(row, job, by)) for row in rows]
    ]
    with database.write() as session:
        if results:
            session.execute(update(ImportRow), results)
        last = len(rows) < APPLIED_AT_ONCE
        running = (Import.id == job.id, Import.state == "applying")
        if last and session.execute(update(Import).where(*running).values(state="done")).rowcount == 1:
            done = (ImportRow.import_id == job.id, ImportRow.result == "done")
            number = session.scalar(select(func.count()).select_from(ImportRow).where(*done))
            audit.record("import.apply", by, details={"rows": number})


def carry_out(row: ImportRow, job: Import, by: Actor) -> tuple[str, str]:
    """Bind the person a line means, making the account where that was chosen; return result and reason."""
    line = Line(row.identity_id, row.seen, dict(row.cells))
    try:
        with audit.recorded("binding.make", by, conflict=rules.AccountTaken, identity_id=row.identity_id) as entry:
            put_into_effect(entry, line, job)
    except accounts.InvalidFields:
        return "failed", "bad_account"
    except Code as refusal:
        return "failed", {NOT_FOUND: "gone", NOT_ALLOWED: "left", ACCOUNT_DISABLED: "disabled"}.get(
            refusal.code, "changed"
        )
    return "done", ""


class Line(NamedTuple):
    """What is carried out of a line; read before its transaction begins, which forgets what the session has read."""

    identity_id: int | None
    seen: int | None
    cells: dict


def put_into_effect(entry: PendingEntry, line: Line, job: Import) -> None:
    username = line.cells["username"]
    account = usernames.find_by_username(username)
    if account is not None and account.username != username:
        raise Code(CONFLICT, "an account of that username, in another case, has been made meanwhile")
    if account is None:
        if not job.with_accounts:
            raise Code(NOT_FOUND, "the account has gone meanwhile")
        values = {field: line.cells[field] for field in ("username", "name", "role") if field in line.cells}
        account = accounts.add_account(accounts.clean_fields({"role": "user", **values}))
        facts = {"account_id": account.id, "details": {"how": "import", "role": account.role}}
        audit.record("account.create", entry.by, **facts)
    if line.identity_id is None:
        entry.drop()
        return
    bound_to = db.session.scalar(select(Identity.account_id).where(Identity.id == line.identity_id))
    if bound_to == account.id:  # this line was carried out before
        entry.drop()
        return
    rules.make(entry, line.identity_id, account.id, "import", line.seen)


def discard(job: Import) -> None:
    """Forget an import and its lines; what it has done stays done."""
    with database.write() as session:
        session.execute(update(Import).where(Import.id == job.id).values(expires_at=now()))
    while db.session.scalar(select(Import.id).where(Import.id == job.id)):
        with database.write():
            remove_lines(job.id, STORED_AT_ONCE)
