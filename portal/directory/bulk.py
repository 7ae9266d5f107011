"""Many people at once, in few statements: what a sync was told, compared with what is stored, and written."""

import hashlib
from dataclasses import dataclass, field

from sqlalchemy import String, bindparam, delete, func, insert, literal, select, text, update

from portal import database
from portal.clocks import now
from portal.database import db
from portal.directory import memberships, people, sql_rows
from portal.models import LEFT, MAY_SIGN_IN, Identity, Listing
from portal.providers.person import EMPTY

TABLE = Identity.__table__
KEPT = ("user_id", "open_ids", "employee_number", "company_email", *people.COLUMNS.values())
STORED = select(*(TABLE.c[name] for name in ("id", "subject", "account_id", "contact_at", *KEPT)))
CHANGE = update(TABLE).where(TABLE.c.id == bindparam("this"))
CHANGE = CHANGE.values({name: bindparam(f"new_{name}") for name in (*KEPT, "updated_at")})
BLANK = {"open_ids": {}, "employee_number": "", "company_email": ""}
BLANK |= {column: EMPTY[name] for name, column in people.COLUMNS.items()}
NEW = {name: TABLE.c[name].type for name in ("subject", *KEPT)}
LISTED = {"subject": String, "digest": Listing.digest.type}


@dataclass
class Difference:
    """What a batch of people would change.

    `new` are rows without what all of a company share; `changed` pairs of the stored row and its values from now on;
    `stored` the ids of those not new; `listed` what to remember of each subject.
    """

    new: list[dict] = field(default_factory=list)
    changed: list[tuple] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    listed: list[dict] = field(default_factory=list)

    def names(self) -> dict[str, list[str]]:
        """Return who is `new`, `changed`, `moved` to other departments, or has `left`."""
        found = {"new": [row["name"] or row["user_id"] for row in self.new], "changed": [], "moved": [], "left": []}
        for row, values in self.changed:
            found[kind_of(row, values)].append(values["name"] or values["user_id"])
        return found

    def moved(self) -> list[int]:
        """Return the ids of those whose departments change."""
        return [row.id for row, values in self.changed if moves(row, values)]


def kind_of(row, values: dict) -> str:
    """Return what has happened to somebody: `left`, `moved` to other departments, or else `changed`."""
    if values["status"] == LEFT and (row.status != LEFT or row.account_id is not None):
        return "left"
    return "moved" if moves(row, values) else "changed"


def moves(row, values: dict) -> bool:
    return set(values["department"]) != set(row.department)


def take_turns(provider: str, tenant: str) -> None:
    """Let syncs of one company write one after the other, inside the caller's transaction: who stores the same new
    people at the same time as another would lose every race. SQLite has one writer anyway.
    """
    if not sql_rows.is_sqlite():
        company = hashlib.blake2b(f"{provider} {tenant}".encode(), digest_size=8).digest()
        db.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(company, signed=True))))


def compare(batch: list, provider: str, tenant: str, since, in_sight: set | None) -> Difference:
    """Return what a batch would change, its rows locked.

    :param batch: tuples of subject, digest of what was told, user id, and the columns it makes.
    :param since: when the sync began; whoever was read by themselves after that is left for the next one.
    :param in_sight: the departments the element may see; `None`: all.
    """
    batch = sorted(batch, key=lambda entry: entry[0])  # two syncs of a company write in the same order: no deadlock
    found = STORED.where(*those(provider, tenant, [subject for subject, *_ in batch])).order_by(TABLE.c.subject)
    found = found.with_for_update(key_share=True)  # who adds memberships and listings meanwhile needs the keys alone
    stored = {row.subject: row for row in db.session.execute(found)}
    difference = Difference(stored=[row.id for row in stored.values()])
    for subject, digest, user_id, values in batch:
        row = stored.get(subject)
        if row is None:
            difference.new.append({"subject": subject, "user_id": user_id, **BLANK, **values})
        elif row.contact_at is not None and row.contact_at > since:
            digest = None
        else:
            values = dict(values)
            if "open_ids" in values:
                values["open_ids"] = row.open_ids | values["open_ids"]
            if "department" in values:
                values["department"] = seats(values["department"], row.department, in_sight)
            bound_leaver = row.account_id is not None and values.get("status", row.status) == LEFT
            if bound_leaver or any(getattr(row, column) != value for column, value in values.items()):
                difference.changed.append((row, {column: getattr(row, column) for column in KEPT} | values))
        difference.listed.append({"subject": subject, "digest": digest and digest.hex()})
    return difference


def seats(told: list[str], stored: list[str], in_sight: set | None) -> list[str]:
    """Return somebody's departments from now on: those an element can't see stay."""
    if in_sight is None:
        return told
    seats = [*told, *(dept for dept in stored if dept not in in_sight and dept not in told)]
    return stored if set(seats) == set(stored) else seats


def write(difference: Difference, provider: str, tenant: str, element: str) -> None:
    """Store a difference, inside the caller's transaction; leavers lose their sessions and their binding."""
    moment = now()
    if difference.new:
        shared = {"provider": provider, "tenant": tenant, "created_at": moment, "updated_at": moment}
        sql_rows.insert(TABLE, NEW, difference.new, **shared)
        memberships.add(*those(provider, tenant, [row["subject"] for row in difference.new]))
    if difference.changed:
        changes = [
            {"this": row.id, "new_updated_at": moment, **{f"new_{name}": value for name, value in values.items()}}
            for row, values in difference.changed
        ]
        db.session.execute(CHANGE, changes)
        changed = [row.id for row, _ in difference.changed]
        people.forget_digests(Listing.element != element, Listing.identity_id.in_(changed))
    if moved := difference.moved():
        memberships.derive(Identity.id.in_(moved))
    for row, values in difference.changed:
        if values["status"] not in MAY_SIGN_IN and (row.status in MAY_SIGN_IN or row.account_id is not None):
            shut_out(row, values["status"], element)
    if difference.stored:
        again = (Listing.element == element, Listing.identity_id.in_(difference.stored))
        db.session.execute(delete(Listing).where(*again))
    note_listed(difference.listed, provider, tenant, element)


def note_listed(listed: list[dict], provider: str, tenant: str, element: str) -> None:
    """Remember whom the element has listed: nobody of them is noted yet."""
    told = sql_rows.unrolled(LISTED)
    this = select(TABLE.c.id).where(TABLE.c.provider == provider, TABLE.c.tenant == tenant)
    this = this.where(TABLE.c.subject == told.c.subject).scalar_subquery()
    added = select(literal(element), this, told.c.digest)
    added = insert(Listing.__table__).from_select(["element", "identity_id", "digest"], added)
    db.session.execute(added, {"rows": sql_rows.packed(listed)})


def those(provider: str, tenant: str, subjects: list[str]) -> tuple:
    """Return the conditions on `Identity` for some people of a company."""
    return TABLE.c.provider == provider, TABLE.c.tenant == tenant, TABLE.c.subject.in_(sql_rows.among(subjects))


def count_anew() -> None:
    """Let PostgreSQL look at the tables: where it believes them empty, it reads all of a company for every batch."""
    if not sql_rows.is_sqlite():
        with database.write() as session:
            session.execute(text("ANALYZE identity, listing"))


def shut_out(row, status: int, element: str) -> None:
    """Take away from somebody who has left or is frozen what they could still use.

    :param row: as they were stored.
    """
    if status == LEFT:
        people.unbind_leaver(db.session.get_one(Identity, row.id, populate_existing=True), element)
    else:
        people.end_access(row.id, status, row.account_id if row.status in MAY_SIGN_IN else None)
