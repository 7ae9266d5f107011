"""Many people at once, in few statements: what a sync was told, compared with what is stored, and written."""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, delete, insert, select, text, update

from portal import models
from portal.directory import people
from portal.models import LEFT, MAY_SIGN_IN, Identity, Listing, LoginSession, db, now
from portal.providers.base import EMPTY, Person

TABLE = Identity.__table__
KEPT = ("user_id", "open_ids", "employee_number", *people.COLUMNS.values())
STORED = select(*(TABLE.c[name] for name in ("id", "subject", "account_id", "contact_at", *KEPT)))
CHANGE = update(TABLE).where(TABLE.c.id == bindparam("this"))
CHANGE = CHANGE.values({name: bindparam(f"new_{name}") for name in (*KEPT, "updated_at")})


@dataclass
class Difference:
    """What a batch of people would change.

    `new` are whole rows; `changed` pairs of the stored row and its values from now on; `digests` what to remember of
    each subject listed.
    """

    new: list[dict] = field(default_factory=list)
    changed: list[tuple] = field(default_factory=list)
    digests: dict[str, bytes | None] = field(default_factory=dict)

    def names(self) -> dict[str, list[str]]:
        """Return who is `new`, `changed`, `moved` to other departments, or has `left`."""
        found = {"new": [row["name"] or row["user_id"] for row in self.new], "changed": [], "moved": [], "left": []}
        for row, values in self.changed:
            found[kind_of(row, values)].append(values["name"] or values["user_id"])
        return found


def kind_of(row, values: dict) -> str:
    """Return what has happened to somebody: `left`, `moved` to other departments, or else `changed`."""
    if values["status"] == LEFT != row.status:
        return "left"
    return "moved" if set(values["department"]) != set(row.department) else "changed"


def compare(batch: list, provider: str, tenant: str, element: str, since, in_sight: set | None) -> Difference:
    """Return what a batch would change, its rows locked.

    :param batch: tuples of subject, digest and what was told.
    :param since: when the sync began; whoever was read by themselves after that is left for the next one.
    :param in_sight: the departments the element may see; `None`: all.
    """
    batch = sorted(batch, key=lambda entry: entry[0])  # two syncs of a company write in the same order: no deadlock
    found = STORED.where(TABLE.c.provider == provider, TABLE.c.tenant == tenant).order_by(TABLE.c.subject)
    found = found.where(TABLE.c.subject.in_([subject for subject, _, _ in batch]))
    found = found.with_for_update(key_share=True)  # who adds memberships and listings meanwhile needs the keys alone
    stored = {row.subject: row for row in db.session.execute(found)}
    difference = Difference()
    for subject, digest, told in batch:
        person = people.tidy(Person(provider=provider, tenant=tenant, subject=subject, **told))
        row = stored.get(subject)
        values = people.columns(person, element, row.open_ids if row else {})
        if row is None:
            empty = {column: EMPTY[name] for name, column in people.COLUMNS.items()}
            blank = {"open_ids": {}, "employee_number": "", "user_id": person["userId"], **empty}
            key = {"provider": provider, "tenant": tenant, "subject": subject}
            difference.new.append({**key, **blank, **values})
        elif row.contact_at is not None and row.contact_at > since:
            digest = None
        else:
            if "department" in values:
                values["department"] = seats(values["department"], row.department, in_sight)
            if any(getattr(row, column) != value for column, value in values.items()):
                difference.changed.append((row, {column: getattr(row, column) for column in KEPT} | values))
        difference.digests[subject] = digest
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
        rows = [{**row, "created_at": moment, "updated_at": moment} for row in difference.new]
        db.session.execute(insert(TABLE), rows)
    if difference.changed:
        rows = [{f"new_{name}": value for name, value in values.items()} for _, values in difference.changed]
        keys = [{"this": row.id, "new_updated_at": moment} for row, _ in difference.changed]
        db.session.execute(CHANGE, [{**row, **key} for row, key in zip(rows, keys, strict=True)])
    others = (Listing.element != element, Listing.identity_id.in_([row.id for row, _ in difference.changed]))
    people.forget_digests(*others)
    for row, values in difference.changed:
        if values["status"] not in MAY_SIGN_IN and (row.status in MAY_SIGN_IN or row.account_id is not None):
            shut_out(row.id, values["status"], element)
    mine = (TABLE.c.provider == provider, TABLE.c.tenant == tenant, TABLE.c.subject.in_(list(difference.digests)))
    ids = db.session.execute(select(TABLE.c.id, TABLE.c.subject).where(*mine)).all()
    again = Listing.identity_id.in_([key for key, _ in ids])
    db.session.execute(delete(Listing).where(Listing.element == element, again))
    listed = [{"element": element, "identity_id": key, "digest": difference.digests[name]} for key, name in ids]
    db.session.execute(insert(Listing.__table__), listed)


def count_anew() -> None:
    """Let PostgreSQL look at the tables: where it believes them empty, it reads all of a company for every batch."""
    if db.session.get_bind().dialect.name == "postgresql":
        with models.write() as session:
            session.execute(text("ANALYZE identity, listing"))


def shut_out(identity_id: int, status: int, element: str) -> None:
    """Take away from somebody who has left or is frozen what they could still use."""
    if status == LEFT:
        people.unbind(db.session.get_one(Identity, identity_id, populate_existing=True), element)
    else:
        models.end_sessions(LoginSession.identity_id == identity_id, why="frozen")
