"""People of the platforms in the database.

They are found, saved, and lose their access when they have left.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, bindparam, exists, or_, select, update
from sqlalchemy.orm import contains_eager

from portal import audit, database
from portal.audit import Actor
from portal.clocks import now
from portal.database import db
from portal.directory import access, memberships, user_tokens
from portal.directory.cleaning import CleanPerson
from portal.models import (
    HAD_LEFT,
    LEFT,
    MAY_SIGN_IN,
    Department,
    Identity,
    Listing,
    SyncRun,
    find_model,
)
from portal.providers.person import Lookup, Person
from portal.text import ascii_lower

IS_SAME_PERSON = (
    Identity.provider == bindparam("provider"),
    Identity.tenant == bindparam("tenant"),
    Identity.subject == bindparam("subject"),
)
IS_LISTED = (  # in a complete sync since some moment
    exists()
    .where(Listing.identity_id == Identity.id, Listing.element == SyncRun.element)
    .where(SyncRun.state == "done", SyncRun.dry_run.is_(False), SyncRun.ended_at > bindparam("since"))
)
IS_RECENT = or_(Identity.contact_at > bindparam("since"), IS_LISTED)
FIND_EARLY = select(Identity, IS_RECENT).where(*IS_SAME_PERSON)
# The person's lock is enough: one person signs in once at a time.
WITH_ACCOUNT = select(Identity).outerjoin(Identity.account).options(contains_eager(Identity.account))
LOCKED = WITH_ACCOUNT.with_for_update(key_share=True, of=Identity).execution_options(populate_existing=True)
LOCK_BY_SUBJECT = LOCKED.where(*IS_SAME_PERSON)
LOCK_BY_ID = LOCKED.where(Identity.id == bindparam("id"))
CONTACT_FRESH = timedelta(days=1)  # contact data so young is not asked for again
COLUMNS = {  # a person's key -> our column
    "name": "name",
    "mobile": "mobile",
    "email": "email",
    "avatar": "avatar",
    "department": "department",
    "position": "position",
    "gender": "gender",
    "status": "status",
    "isLeader": "is_leader",
}


def find_identity(person: Person) -> Identity | None:
    """Return the stored row of a person, locked.

    Its account is read with it. Part of the caller's transaction. Where `find_identity_early()` has looked it up, it
    is read by its primary key. "Not stored" counts once: after a lost race for it the caller runs again, and then
    another worker's row is there.
    """
    lookup, person.lookup = person.lookup, None
    if lookup is None:
        return lock_identity(LOCK_BY_SUBJECT, **name_key(person))
    if lookup.identity_id is None:
        return None
    identity = lock_identity(LOCK_BY_ID, id=lookup.identity_id)
    is_same = identity is not None and key_of(identity) == person_key(person)
    return identity if is_same else lock_identity(LOCK_BY_SUBJECT, **name_key(person))


def lock_identity(statement: Select, **values: object) -> Identity | None:
    """Return the row that a statement locks, and its account.

    PostgreSQL waits for another login of the person and then sees the row as it is now, but no account made meanwhile.
    """
    identity = db.session.scalars(statement, values).one_or_none()
    if identity is not None and identity.account_id is not None and identity.account is None:
        db.session.expire(identity, ["account"])
    return identity


def find_identity_early(person: Person) -> tuple[Identity | None, bool]:
    """Return the stored row of a person before the transaction.

    The person remembers which it is, so that one login looks it up once.

    :return: the row, and whether the login can do without asking the directory. A person stored as left or frozen is
        asked for again at once.
    """
    values = {**name_key(person), "since": now() - CONTACT_FRESH}
    identity, is_fresh = db.session.execute(FIND_EARLY, values).one_or_none() or (None, False)
    person.lookup = Lookup(identity.id if identity is not None else None)
    return identity, bool(is_fresh) and identity.status in MAY_SIGN_IN


def name_key(person: Mapping) -> dict[str, str]:
    return dict(zip(("provider", "tenant", "subject"), person_key(person), strict=True))


def person_key(person: Mapping) -> tuple[str, str, str]:
    """Return provider, tenant and subject of a person.

    Together they tell the person from all others.
    """
    return person["provider"], person["tenant"], person["subject"]


def key_of(identity: Identity) -> tuple[str, str, str]:
    return identity.provider, identity.tenant, identity.subject


def find_by_user_id(provider: str, tenant: str, user_id: str, element: str) -> Identity | None:
    """Return the one stored person of a platform's id.

    It may be any of a person's ids. Where several people have it, none is returned.

    :param tenant: "" where it is not known.
    """
    open_id = Identity.open_ids[element].as_string()
    ids = or_(Identity.user_id == user_id, Identity.subject.in_((user_id, ascii_lower(user_id))), open_id == user_id)
    query = select(Identity).where(Identity.provider == provider, ids).limit(2)
    identities = db.session.scalars(query.where(Identity.tenant == tenant) if tenant else query).all()
    return identities[0] if len(identities) == 1 else None


def is_recent(identity: Identity | None) -> bool:
    """Return whether a person's contact data is of today.

    The directory may have been asked about this person alone, or in a complete sync, within the last day.
    """
    if identity is None:
        return False
    statement = select(IS_RECENT).where(Identity.id == identity.id)
    return bool(db.session.scalar(statement, {"since": now() - CONTACT_FRESH}))


def add_departments(person: Person) -> Person:
    """Add `departments`, as far as they are stored.

    Where the platform has no flag for it, `isLeader` is added, too.
    """
    columns = select(Department.dept_id, Department.name, Department.leaders)
    company = (Department.provider == person["provider"], Department.tenant == person["tenant"])
    rows = db.session.execute(columns.where(*company, Department.dept_id.in_(person["department"])))
    stored = {dept_id: (name, leaders) for dept_id, name, leaders in rows}
    own_ids = {person["userId"], person.get("openId"), person.get("unionId")}
    leads = person.get("leads", [dept_id for dept_id, (_, leaders) in stored.items() if own_ids & set(leaders)])
    person["departments"] = [
        {"deptId": dept_id, "name": stored[dept_id][0] if dept_id in stored else "", "isLeader": dept_id in leads}
        for dept_id in person["department"]
    ]
    if "isLeader" in person["withheld"] and stored:
        person["withheld"].remove("isLeader")
        person["isLeader"] = bool(leads)
    return person


def save_person(person: CleanPerson, element: str, identity: Identity | None) -> Identity:
    """Store a person, inside the caller's transaction.

    What the platform withheld stays as it was. A person that has left or is frozen loses their open sessions, as in
    `access.end_access()`.

    :param element: the element that read the person: ids that differ per app are kept under it.
    :param identity: the person's row, or `None` for a new one.
    """
    if identity is None:
        provider, tenant, subject = person_key(person)
        model = find_model(provider)
        identity = model(provider=provider, tenant=tenant, subject=subject, user_id=person["userId"])
        db.session.add(identity)
    could_sign_in = identity.status in MAY_SIGN_IN
    values = list_changes(person, element, identity.open_ids or {})
    differs = any(getattr(identity, column) != value for column, value in values.items())
    for column, value in values.items():
        setattr(identity, column, value)
    if person.get("contactRead"):
        identity.contact_at = now()
    if person.get("accessToken"):
        user_tokens.set_tokens(identity, person)
    db.session.flush()
    if differs:
        forget_digests(Listing.identity_id == identity.id)
        memberships.derive(Identity.id == identity.id)
    if identity.status not in MAY_SIGN_IN:
        access.end_access(identity.id, identity.status, identity.account_id if could_sign_in else None)
    return identity


def list_changes(person: CleanPerson, element: str, open_ids: dict) -> dict:
    """Return the columns a person changes.

    No withheld value is among them.

    :param open_ids: those stored so far.
    """
    values = {column: person[name] for name, column in COLUMNS.items() if name not in person["withheld"]}
    if person["userId"] != person.get("openId"):  # an open id stands in where the app may not read user ids
        values["user_id"] = person["userId"]
    if person.get("openId"):
        values["open_ids"] = {**open_ids, element: person["openId"]}
    if person.get("employeeNo"):
        values["employee_number"] = person["employeeNo"]
    if person.get("companyEmail"):
        values["company_email"] = person["companyEmail"].lower()
    return values


def forget_digests(*conditions: ColumnElement[bool]) -> None:
    """Forget digests, so that the next sync compares people anew.

    Call it inside the transaction that changes what is stored of them.

    :param conditions: on `Listing`.
    """
    db.session.execute(update(Listing).where(*conditions, Listing.digest.is_not(None)).values(digest=None))


@database.retried
def refresh(person: CleanPerson, element: str) -> None:
    """Store what the directory has told about a person.

    A leaver is unbound, and their account is free again.
    """
    with database.write():
        identity = save_person(person, element, find_identity(person))
        if identity.status == LEFT:
            unbind_leaver(identity, element)


@database.retried
def store_leaver(identity: Identity, element: str) -> None:
    """Note that the platform no longer knows a person."""
    with database.write() as session:
        mark_left(session.get_one(Identity, identity.id), element)


def mark_left(identity: Identity, element: str) -> None:
    """Note that a person has left, inside the caller's transaction."""
    identity.status, identity.contact_at = LEFT, now()
    forget_digests(Listing.identity_id == identity.id)
    unbind_leaver(identity, element)


def unbind_leaver(identity: Identity, element: str) -> None:
    """Unbind a leaver's account, inside the caller's transaction.

    The identity remembers which it was.
    """
    identity.bound_how, account_id = HAD_LEFT, identity.account_id
    if account_id is not None:
        audit.record("binding.end", Actor(), element=element, identity_id=identity.id, account_id=account_id)
        identity.last_account_id, identity.account_id = account_id, None
    access.end_access(identity.id, LEFT, account_id)
