"""Compares and writes many people in few statements."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, String, bindparam, delete, func, insert, literal, select, text, update

from portal import database
from portal.clocks import now
from portal.database import db
from portal.directory import access, memberships, people, sql_rows
from portal.models import LEFT, MAY_SIGN_IN, Identity, Listing
from portal.providers.person import EMPTY

TABLE = Identity.__table__
COLUMNS = ("user_id", "open_ids", "employee_number", "company_email", *people.COLUMNS.values())
TYPES = {name: TABLE.c[name].type for name in ("subject", *COLUMNS)}
STORED = select(*(TABLE.c[name] for name in ("id", "subject", "account_id", "contact_at", *COLUMNS)))
CHANGE = update(TABLE).where(TABLE.c.id == bindparam("this"))
CHANGE = CHANGE.values({name: bindparam(f"new_{name}") for name in (*COLUMNS, "updated_at")})
EMPTY_ROW = {"open_ids": {}, "employee_number": "", "company_email": ""}
EMPTY_ROW |= {column: EMPTY[name] for name, column in people.COLUMNS.items()}
LISTING_TYPES = {"subject": String, "digest": Listing.digest.type}


class ListedPerson(NamedTuple):
    """A person that was read.

    :param digest: of everything the platform told.
    :param columns: what it makes of our columns; `None` where it is the same as last time.
    """

    subject: str
    digest: bytes
    user_id: str
    columns: dict | None


@dataclass
class PeopleChanges:
    """What a batch of people would change.

    :param new: rows, without what all people of a company share.
    :param changed: pairs of a stored row and its new values.
    :param stored: ids of the people that are not new.
    :param listed: subject and digest of each person.
    """

    new: list[dict] = field(default_factory=list)
    changed: list[tuple[Row, dict]] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    listed: list[dict] = field(default_factory=list)

    def list_names(self) -> dict[str, list[str]]:
        """Return people's names by the kind of change.

        Kinds are `new`, `changed`, `moved` to other departments, and `left`.
        """
        names = {"new": [row["name"] or row["user_id"] for row in self.new], "changed": [], "moved": [], "left": []}
        for row, values in self.changed:
            names[classify_change(row, values)].append(values["name"] or values["user_id"])
        return names

    def list_moved(self) -> list[int]:
        """Return the ids of people with a change of departments."""
        return [row.id for row, values in self.changed if is_moved(row, values)]


def classify_change(row: Row, values: dict) -> str:
    """Return `left`, `moved` to other departments, or else `changed`."""
    if values["status"] == LEFT and (row.status != LEFT or row.account_id is not None):
        return "left"
    return "moved" if is_moved(row, values) else "changed"


def is_moved(row: Row, values: dict) -> bool:
    return set(values["department"]) != set(row.department)


def lock_company(provider: str, tenant: str) -> None:
    """Serialise the syncs of one company, inside the caller's transaction.

    Of two syncs that store the same new people, one would lose every race. SQLite has one writer anyway.
    """
    if not sql_rows.is_sqlite():
        company = hashlib.blake2b(f"{provider} {tenant}".encode(), digest_size=8).digest()
        db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(company, signed=True))))


def compare_people(
    batch: Iterable[ListedPerson], company: tuple[str, str], since: datetime, visible: set[str] | None
) -> PeopleChanges:
    """Return what a batch would change, and lock its rows.

    :param since: when the sync began; a person read alone after that is left for the next sync.
    :param visible: the departments that the element may see, `None` for all.
    """
    batch = sorted(batch, key=lambda person: person.subject)  # syncs of a company write in one order: no deadlock
    statement = STORED.where(*match_people(company, [person.subject for person in batch])).order_by(TABLE.c.subject)
    statement = statement.with_for_update(key_share=True)  # others may add memberships and listings meanwhile
    stored = {row.subject: row for row in db.session.execute(statement)}
    changes = PeopleChanges(stored=[row.id for row in stored.values()])
    for subject, digest, user_id, columns in batch:
        row = stored.get(subject)
        if row is None:
            changes.new.append({"subject": subject, "user_id": user_id, **EMPTY_ROW, **columns})
        elif row.contact_at is not None and row.contact_at > since:
            digest = None
        elif values := compare_row(row, columns, visible):
            changes.changed.append((row, values))
        changes.listed.append({"subject": subject, "digest": digest and digest.hex()})
    return changes


def compare_row(row: Row, columns: dict, visible: set[str] | None) -> dict | None:
    """Return a row's new values, or `None` where nothing changes."""
    values = dict(columns)
    if "open_ids" in values:
        values["open_ids"] = row.open_ids | values["open_ids"]
    if "department" in values:
        values["department"] = merge_departments(values["department"], row.department, visible)
    is_bound_leaver = row.account_id is not None and values.get("status", row.status) == LEFT
    if is_bound_leaver or any(getattr(row, column) != value for column, value in values.items()):
        return {column: getattr(row, column) for column in COLUMNS} | values
    return None


def merge_departments(read: list[str], stored: list[str], visible: set[str] | None) -> list[str]:
    """Return the departments of a person from now on.

    Those that the element can't see stay.
    """
    if visible is None:
        return read
    merged = [*read, *(dept for dept in stored if dept not in visible and dept not in read)]
    return stored if set(merged) == set(stored) else merged


def write_changes(changes: PeopleChanges, company: tuple[str, str], element: str) -> None:
    """Store the changes of a batch, inside the caller's transaction.

    Leavers lose their sessions and their binding.
    """
    moment = now()
    if changes.new:
        provider, tenant = company
        shared = {"provider": provider, "tenant": tenant, "created_at": moment, "updated_at": moment}
        sql_rows.insert_rows(TABLE, TYPES, changes.new, **shared)
        memberships.add_missing(*match_people(company, [row["subject"] for row in changes.new]))
    if changes.changed:
        parameters = [
            {"this": row.id, "new_updated_at": moment, **{f"new_{name}": value for name, value in values.items()}}
            for row, values in changes.changed
        ]
        db.session.execute(CHANGE, parameters)
        changed = [row.id for row, _ in changes.changed]
        people.forget_digests(Listing.element != element, Listing.identity_id.in_(changed))
    if moved := changes.list_moved():
        memberships.derive(Identity.id.in_(moved))
    for row, values in changes.changed:
        if values["status"] not in MAY_SIGN_IN and (row.status in MAY_SIGN_IN or row.account_id is not None):
            take_access(row, values["status"], element)
    if changes.stored:
        is_listed = (Listing.element == element, Listing.identity_id.in_(changes.stored))
        db.session.execute(delete(Listing).where(*is_listed))
    add_listings(changes.listed, company, element)


def add_listings(listed: list[dict], company: tuple[str, str], element: str) -> None:
    """Store that the element has listed these people.

    None of them may be stored as listed.
    """
    rows = sql_rows.unroll_rows(LISTING_TYPES)
    provider, tenant = company
    person = (TABLE.c.provider == provider, TABLE.c.tenant == tenant, TABLE.c.subject == rows.c.subject)
    listing = select(literal(element), select(TABLE.c.id).where(*person).scalar_subquery(), rows.c.digest)
    statement = insert(Listing.__table__).from_select(["element", "identity_id", "digest"], listing)
    db.session.execute(statement, {"rows": sql_rows.pack(listed)})


def match_people(company: tuple[str, str], subjects: list[str]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for some people of a company."""
    provider, tenant = company
    is_one_of_them = TABLE.c.subject.in_(sql_rows.select_values(subjects))
    return TABLE.c.provider == provider, TABLE.c.tenant == tenant, is_one_of_them


def analyze_tables() -> None:
    """Run ANALYZE once on PostgreSQL.

    Until then it plans for empty tables and scans a company for each batch.
    """
    if not sql_rows.is_sqlite():
        with database.write() as session:
            session.execute(text("ANALYZE identity, listing"))


def take_access(row: Row, status: int, element: str) -> None:
    """Take the access from a leaver or a frozen person.

    :param row: as the person was stored.
    """
    if status == LEFT:
        people.unbind_leaver(db.session.get_one(Identity, row.id, populate_existing=True), element)
    else:
        access.end_access(row.id, status, row.account_id if row.status in MAY_SIGN_IN else None)
