"""Creating, changing, disabling and enabling accounts.

One active administrator always stays.
"""

import hashlib
import re
from collections.abc import Mapping

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from portal import audit, database, endings
from portal.accounts import usernames
from portal.audit import Actor
from portal.database import db
from portal.errors import ACCOUNT_DISABLED, CONFLICT, NOT_FOUND, Code, Explained
from portal.models import Account, Identity, LoginSession, OneTimeLink
from portal.text import clean

ROLES = ("user", "admin")
FIELDS = {"username": 64, "name": 100, "employee_number": 64, "email": 254, "mobile": 20}  # the most characters
EMPTY_IS_NONE = ("email", "mobile", "employee_number")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
MOBILE = re.compile(r"\+?[0-9]{5,19}")


class InvalidFields(ValueError):
    """The fields of a form that can't be used.

    :param problems: field -> the reason, for people.
    """

    def __init__(self, problems: dict):
        super().__init__(", ".join(sorted(problems)))
        self.problems = problems


class UsernameTaken(Code):
    """CONFLICT, because another account has the username."""

    def __init__(self):
        super().__init__(CONFLICT, "the username is taken")


class AccountDisabled(Code):
    """ACCOUNT_DISABLED, because the account is disabled."""

    def __init__(self):
        super().__init__(ACCOUNT_DISABLED, "the account is disabled")


class AccountChanged(Code):
    """CONFLICT, because the account has changed meanwhile."""

    def __init__(self):
        super().__init__(CONFLICT, "the account has changed meanwhile")


class LastAdministrator(Explained):
    """CONFLICT, because the portal would lose its last administrator."""

    def __init__(self):
        title, advice = _("This is the last administrator"), _("Make another account an administrator first.")
        super().__init__(CONFLICT, "it is the last active administrator", title, advice)


def clean_fields(values: Mapping) -> dict:
    """Return typed values cleaned.

    :param values: the fields of `FIELDS` and `role`, as far as they are given.
    :raises InvalidFields: naming each field that can't be used.
    """
    fields, problems = {}, {}
    for field, most in FIELDS.items():
        if field not in values:
            continue
        value = " ".join((values[field] or "").split())
        if field == "mobile":
            value = re.sub(r"[\s().-]", "", value)
        fields[field] = value
        if len(value) > most:
            problems[field] = _("This is too long: %(most)s characters at most.", most=most)
        elif clean(value) != value:
            problems[field] = _("This has characters that can't be used.")
    if "username" in fields and not fields["username"]:
        problems["username"] = _("Please enter a username.")
    if fields.get("email") and not EMAIL.fullmatch(fields["email"]):
        problems["email"] = _("This is not an e-mail address.")
    if fields.get("mobile") and not MOBILE.fullmatch(fields["mobile"]):
        problems["mobile"] = _("This is not a telephone number.")
    if "role" in values:
        fields["role"] = values["role"]
        if values["role"] not in ROLES:
            problems["role"] = _("Please choose a role.")
    if problems:
        raise InvalidFields(problems)
    return {field: value or None if field in EMPTY_IS_NONE else value for field, value in fields.items()}


def create_account(values: Mapping, *, by: Actor) -> Account:
    """Create an account.

    :param values: `username`, and optionally `name`, `role`, `email`, `mobile`, `employee_number`.
    :raises InvalidFields: naming each field that can't be used.
    :raises UsernameTaken: when another account has the username.
    """
    fields = clean_fields({"role": "user", "username": "", **values})
    with audit.recorded("account.create", by, conflict=UsernameTaken) as entry:
        account = add_account(fields)
        entry.note(account_id=account.id, details={"how": "administrator", "role": account.role})
        return account


def add_account(fields: dict) -> Account:
    """Store an account, inside the caller's transaction.

    :param fields: as :func:`clean_fields` returns them.
    :raises IntegrityError: when the username is taken.
    """
    account = Account(**{**fields, "name": fields.get("name") or fields["username"]})
    db.session.add(account)
    db.session.flush()
    return account


def add_account_for(identity: Identity) -> Account:
    """Store a new account for a person without one.

    A username that is taken gets a number. Part of the caller's transaction.
    """
    username = usernames.suggest_username(identity.user_id)
    return add_account({"username": username, "name": identity.shown_name})


def edit_account(account_id: int, values: Mapping, seen: str | None = None, *, by: Actor) -> list[str]:
    """Change an account's fields, and return those that differ now.

    :param values: what to change; a field that is not named stays.
    :param seen: the account's version when the administrator decided; see :func:`compute_version`.
    :raises InvalidFields: naming each field that can't be used.
    :raises Code: NOT_FOUND no such account; :class:`UsernameTaken`; :class:`AccountChanged`.
    """
    fields = clean_fields({field: value for field, value in values.items() if field in FIELDS})
    refusals = {"refusals": UsernameTaken, "conflict": UsernameTaken}
    with audit.recorded("account.edit", by, account_id=account_id, **refusals) as entry:
        account = lock_account(account_id)
        if seen is not None and seen != compute_version(account):
            raise AccountChanged
        changes = {field: value for field, value in fields.items() if getattr(account, field) != value}
        for field, value in changes.items():
            setattr(account, field, value)
        if not changes:
            entry.drop()
        db.session.flush()
        entry.note(details={"fields": list(changes)})
        return list(changes)


def compute_version(account: Account) -> str:
    """Return a mark that changes with the account's fields."""
    fields = [str(getattr(account, field)) for field in FIELDS]
    return hashlib.sha256("\0".join(fields).encode()).hexdigest()[:16]


def disable_account(account_id: int, *, by: Actor) -> int | None:
    """Disable an account, and end its sessions and its link.

    :return: how many sessions ended; `None` when the account was disabled already.
    :raises Code: NOT_FOUND no such account; :class:`LastAdministrator`.
    """
    facts = {"account_id": account_id, "details": {"sessions": 0}}
    with audit.recorded("account.disable", by, refusals=LastAdministrator, **facts) as entry:
        is_last = lock_administrators() == [account_id]
        account = lock_account(account_id)
        if not account.active:
            entry.drop()
            return None
        if is_last:
            raise LastAdministrator
        account.active = False
        ended = close_account(account_id)
        entry.note(details={"sessions": ended})
        return ended


def enable_account(account_id: int, *, by: Actor) -> bool:
    """Enable an account again, and tell whether it was disabled.

    :raises Code: NOT_FOUND no such account.
    """
    with database.write():
        account = lock_account(account_id)
        if account.active:
            return False
        close_account(account_id)  # a sign-in that overlapped with the disabling does not come to life now
        account.active = True
        audit.record("account.enable", by, account_id=account_id)
        return True


def change_role(account_id: int, role: str, *, by: Actor) -> bool:
    """Give an account another role, from its next request on.

    :return: whether it had another one.
    :raises InvalidFields: there is no such role.
    :raises Code: NOT_FOUND no such account; :class:`LastAdministrator`.
    """
    role = clean_fields({"role": role})["role"]
    with audit.recorded("account.role", by, refusals=LastAdministrator, account_id=account_id) as entry:
        is_last = lock_administrators() == [account_id]
        account = lock_account(account_id)
        if account.role == role:
            entry.drop()
            return False
        entry.note(details={"before": account.role, "role": role})
        if is_last:
            raise LastAdministrator
        account.role = role
        return True


def end_account_sessions(account_id: int, *, by: Actor) -> int:
    """Sign an account out everywhere, and count the ended sessions.

    :raises Code: NOT_FOUND no such account.
    """
    with database.write():
        lock_account(account_id)
        ended = endings.end_sessions(LoginSession.account_id == account_id, why="administrator")
        audit.record("session.end_all", by, account_id=account_id, details={"sessions": ended})
        return ended


def close_account(account_id: int) -> int:
    """End an account's link and sessions, and count the sessions.

    Part of the caller's transaction.
    """
    db.session.execute(delete(OneTimeLink).where(OneTimeLink.account_id == account_id))
    return endings.end_sessions(LoginSession.account_id == account_id, why="disabled")


def lock_administrators() -> list[int]:
    """Return the ids of the active administrators.

    They stay so until the caller's transaction ends.
    """
    active = select(Account.id).where(Account.role == "admin", Account.active).order_by(Account.id)
    return list(db.session.scalars(active.with_for_update(key_share=True)))


def lock_account(account_id: int) -> Account:
    """Return an account for writing, inside the caller's transaction.

    :raises Code: NOT_FOUND no such account.
    """
    account = db.session.get(Account, account_id, with_for_update={"key_share": True})
    if account is None:
        raise Code(NOT_FOUND, "there is no such account")
    return account
