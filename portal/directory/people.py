"""Provider people in the database: find one, save one, and the one border where their text is cleaned."""

import re
import time
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from portal import audit, database, endings
from portal.audit import Actor
from portal.clocks import now
from portal.database import db
from portal.directory import memberships
from portal.errors import BAD_TOKEN, UNAVAILABLE, Code
from portal.models import (
    HAD_LEFT,
    LEFT,
    MAY_SIGN_IN,
    Account,
    Department,
    Identity,
    Listing,
    LoginSession,
    OneTimeLink,
    SyncRun,
    find_model,
)
from portal.providers.person import EMPTY, Person
from portal.text import ascii_lower, is_clean, one_line

FRESH = timedelta(days=1)  # contact data so young is not asked for again
AVATAR_HOSTS = {  # by the end of the host's name
    "feishu": (".feishucdn.com", ".feishu.cn", ".larksuitecdn.com", ".larksuite.com", ".byteimg.com"),
    "wecom": (".qlogo.cn", ".qpic.cn"),
}
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
TEXTS = ("name", "mobile", "email", "companyEmail", "position", "openId", "employeeNo")
PICTURE = re.compile(r"https://([a-z0-9.-]+)(:443)?([/?#].*)?", re.IGNORECASE)
ALLOWED = {"gender": range(0, 3), "status": range(1, 5)}


def find(provider: str, tenant: str, subject: str) -> Identity | None:
    """Return the stored person of that id."""
    mine = (Identity.provider == provider, Identity.tenant == tenant, Identity.subject == subject)
    return db.session.scalars(select(Identity).where(*mine)).one_or_none()


def by_user_id(provider: str, tenant: str, user_id: str, element: str) -> Identity | None:
    """Return the stored person of a platform's id, whichever of their ids it is, if that settles who it is.

    :param tenant: "" where it is not known.
    """
    open_id = Identity.open_ids[element].as_string()
    ids = or_(Identity.user_id == user_id, Identity.subject.in_((user_id, ascii_lower(user_id))), open_id == user_id)
    mine = select(Identity).where(Identity.provider == provider, ids).limit(2)
    found = db.session.scalars(mine.where(Identity.tenant == tenant) if tenant else mine).all()
    return found[0] if len(found) == 1 else None


def is_recent(identity: Identity | None) -> bool:
    """Return whether the directory has told us about this person within a day: alone, or in a complete sync."""
    if identity is None:
        return False
    after = now() - FRESH
    if identity.contact_at is not None and identity.contact_at > after:
        return True
    listed = select(SyncRun.id).join(Listing, Listing.element == SyncRun.element)
    complete = (SyncRun.state == "done", SyncRun.dry_run.is_(False), SyncRun.ended_at > after)
    found = db.session.scalar(listed.where(Listing.identity_id == identity.id, *complete).limit(1))
    return found is not None


def is_fresh(identity: Identity | None) -> bool:
    """Return whether what we hold of a person is good enough for a login without asking the directory.

    Somebody stored as left or frozen is asked for again at once.
    """
    return is_recent(identity) and identity.status in MAY_SIGN_IN


def with_departments(person: Person) -> Person:
    """Add `departments` and, where the platform has no flag for it, `isLeader`, as far as departments are stored."""
    columns = select(Department.dept_id, Department.name, Department.leaders)
    mine = (Department.provider == person["provider"], Department.tenant == person["tenant"])
    rows = db.session.execute(columns.where(*mine, Department.dept_id.in_(person["department"])))
    stored = {dept_id: (name, leaders) for dept_id, name, leaders in rows}
    own = {person["userId"], person.get("openId"), person.get("unionId")}
    leads = person.get("leads", [dept for dept, (_, leaders) in stored.items() if own & set(leaders)])
    person["departments"] = [
        {"deptId": dept, "name": stored[dept][0] if dept in stored else "", "isLeader": dept in leads}
        for dept in person["department"]
    ]
    if "isLeader" in person["withheld"] and stored:
        person["withheld"].remove("isLeader")
        person["isLeader"] = bool(leads)
    return person


def save(person: Person, element: str) -> Identity:
    """Store what a provider told about a person, inside the caller's transaction; what it withheld stays as it was.

    Whoever turns out to have left or to be frozen loses their open sessions with it, as in `shut_out()`.

    :param element: the element that read the person: ids that differ per app are kept under it.
    """
    person = clean(person)
    provider, tenant, subject = key(person)
    identity = find(provider, tenant, subject)
    if identity is None:
        identity = find_model(provider)(provider=provider, tenant=tenant, subject=subject, user_id=person["userId"])
        db.session.add(identity)
    could_sign_in = identity.status in MAY_SIGN_IN
    told = columns(person, element, identity.open_ids or {})
    differs = any(getattr(identity, column) != value for column, value in told.items())
    for column, value in told.items():
        setattr(identity, column, value)
    if person.get("contactRead"):
        identity.contact_at = now()
    if person.get("accessToken"):
        set_tokens(identity, person)
    db.session.flush()
    if differs:
        forget_digests(Listing.identity_id == identity.id)
        memberships.derive(Identity.id == identity.id)
    if identity.status not in MAY_SIGN_IN:
        shut_out(identity.id, identity.status, identity.account_id if could_sign_in else None)
    return identity


def columns(person: Person, element: str, open_ids: dict) -> dict:
    """Return what a cleaned person changes of a stored one: nothing that was withheld.

    :param open_ids: those stored so far.
    """
    told = {column: person[name] for name, column in COLUMNS.items() if name not in person["withheld"]}
    if person["userId"] != person.get("openId"):  # an open id stands in where the app may not read user ids
        told["user_id"] = person["userId"]
    if person.get("openId"):
        told["open_ids"] = {**open_ids, element: person["openId"]}
    if person.get("employeeNo"):
        told["employee_number"] = person["employeeNo"]
    if person.get("companyEmail"):
        told["company_email"] = person["companyEmail"].lower()
    return told


def forget_digests(*conditions) -> None:
    """Let the next sync compare people anew, inside the caller's transaction: what is stored of them has changed.

    :param conditions: on `Listing`: whom.
    """
    db.session.execute(update(Listing).where(*conditions, Listing.digest.is_not(None)).values(digest=None))


@database.retried
def refresh(person: Person, element: str) -> None:
    """Store what the directory has told about somebody; who has left is unbound, and their account is free again."""
    with database.write():
        identity = save(person, element)
        if identity.status == LEFT:
            unbind(identity, element)


@database.retried
def gone(identity: Identity, element: str) -> None:
    """Note that the platform no longer knows somebody."""
    with database.write() as session:
        leave(session.get_one(Identity, identity.id), element)


def leave(identity: Identity, element: str) -> None:
    """Note that somebody has left, inside the caller's transaction."""
    identity.status, identity.contact_at = LEFT, now()
    forget_digests(Listing.identity_id == identity.id)
    unbind(identity, element)


def unbind(identity: Identity, element: str) -> None:
    """Part a leaver from their account, inside the caller's transaction; the identity remembers which it was."""
    identity.bound_how, account_id = HAD_LEFT, identity.account_id
    if account_id is not None:
        audit.record("binding.end", Actor(), element=element, identity_id=identity.id, account_id=account_id)
        identity.last_account_id, identity.account_id = account_id, None
    shut_out(identity.id, LEFT, account_id)


def shut_out(identity_id: int, status: int, account_id: int | None) -> None:
    """End the sessions of somebody who has left or is frozen, inside the caller's transaction.

    Where nobody else can sign in as the account, its other sessions end too, and the link that an administrator has
    handed out.

    :param account_id: the account they could sign in to until now.
    """
    why, session = "left" if status == LEFT else "frozen", db.session
    endings.end_sessions(LoginSession.identity_id == identity_id, why=why)
    if account_id is None:
        return
    # Two who lose one account go one after the other.
    session.get_one(Account, account_id, with_for_update={"key_share": True})
    session.flush()
    able = (Identity.account_id == account_id, Identity.status.in_(MAY_SIGN_IN))
    if session.scalar(select(Identity.id).where(*able).limit(1)) is None:
        endings.end_sessions(LoginSession.account_id == account_id, why=why)
        session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account_id))


def set_tokens(identity: Identity, pair: dict) -> None:
    """Keep a user's tokens, encrypted, with the app and dialect they are of.

    A login that brings no refresh token, such as one by QR code, leaves that app's kept one in place.
    """
    app, refresh = pair.get("tokenApp"), pair.get("refreshToken")
    identity.access_token, identity.expires_at = pair["accessToken"], pair["expiresAt"]
    if refresh or identity.token_app not in (None, app):
        identity.refresh_token, identity.token_dialect = refresh, pair.get("tokenDialect")
    identity.token_app = app


def keep_tokens(identity_id: int, pair: dict) -> None:
    with database.write() as session:
        set_tokens(session.get_one(Identity, identity_id), pair)


def token_of_another(identity_id: int, ended: datetime, refusal: Code) -> str:
    """Return the token somebody else has just refreshed; a refresh token works once, so they may have been first.

    :param ended: the end of the token we knew.
    :raises Code: `refusal`, when nobody has within two seconds.
    """
    if refusal.code != BAD_TOKEN:
        raise refusal
    until = time.monotonic() + 2
    while time.monotonic() < until:
        found = db.session.get_one(Identity, identity_id, populate_existing=True)
        token, ends = found.access_token, found.expires_at
        db.session.rollback()
        if token and ends > ended:
            return token
        time.sleep(0.05)
    raise refusal


def key(person: dict) -> tuple[str, str, str]:
    """Return provider, tenant and subject, if the ids are usable as they are: cleaned, one could be somebody else's.

    :raises Code: UNAVAILABLE otherwise.
    """
    for name in ("provider", "tenant", "subject", "userId"):
        if not is_clean(person.get(name)):
            raise Code(UNAVAILABLE, f"the platform told no usable {name}")
    return person["provider"], person["tenant"], person["subject"]


def clean(person: dict) -> Person:
    """Return the person with every value of its right type, printable and of bounded length; ids are left alone."""
    withheld = person["withheld"] if "withheld" in person else [key for key in EMPTY if not person.get(key)]
    return tidy(Person(**{**person, "withheld": list(withheld)}))


def tidy(kept: Person) -> Person:
    """Clean a person of one's own in place, and return it."""
    for key in TEXTS:
        kept[key] = one_line(kept.get(key))
    seats = kept["department"] if isinstance(kept["department"], list) else []
    kept["department"] = [seat for seat in map(one_line, seats) if seat]
    kept["isLeader"] = kept["isLeader"] is True
    for key, allowed in ALLOWED.items():
        if type(kept[key]) is not int or kept[key] not in allowed:
            kept[key] = EMPTY[key]
    kept["avatar"] = avatar(kept["avatar"], kept["provider"])
    return kept


def avatar(value, provider: str) -> str:
    """Return the address of a picture if it is https on one of the provider's own hosts."""
    if not isinstance(value, str) or len(value) > 1000 or not (value.isascii() and value.isprintable()):
        return ""
    found = PICTURE.fullmatch(value)
    return value if found and found[1].lower().endswith(AVATAR_HOSTS.get(provider, ())) else ""
