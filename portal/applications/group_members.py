"""The members of a group, as written and as stored.

People name departments by platform, company and id, and accounts by username; the table has the numbers of their rows.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from portal.accounts.accounts import ROLES
from portal.applications.application_fields import read_flag
from portal.database import db
from portal.models import Account, Department, Group
from portal.text import clean, username_key

KINDS = ("department", "role", "account", "everybody")


def read_members(entries: Any) -> list[dict]:
    """Return members as the table has them.

    :param entries: mappings with `kind`, `value` and `below`.
    :raises ValueError: saying which can't be used, for people.
    """
    if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError(_("Enter a list of members."))
    members = {}
    for entry in entries:
        kind, value = read_member(entry)
        below = kind == "department" and read_flag(entry.get("below", False))
        members[kind, value] = below or members.get((kind, value), False)
    return [{"kind": kind, "value": value, "below": below} for (kind, value), below in members.items()]


def read_member(entry: Mapping) -> tuple[str, str]:
    """Return a member's kind, and its value in the table."""
    kind, value = entry.get("kind"), entry.get("value") or ""
    if kind not in KINDS or not isinstance(value, str):
        raise ValueError(_("Choose one of: %(allowed)s.", allowed=", ".join(KINDS)))
    value = value.strip()
    if clean(value) != value:
        raise ValueError(_("This has characters that can't be used."))
    if kind == "department":
        return kind, str(find_department_number(value))
    if kind == "account":
        return kind, str(find_account_number(value))
    if kind == "role" and value not in ROLES:
        raise ValueError(_("Please choose a role."))
    return kind, value if kind == "role" else ""


def find_department_number(address: str) -> int:
    """Return the row of a department.

    :param address: `<provider>/<tenant>/<dept_id>`.
    :raises ValueError: when there is none.
    """
    provider, tenant, dept_id = [*address.split("/", 2), "", ""][:3]
    is_it = (Department.provider == provider, Department.tenant == tenant, Department.dept_id == dept_id)
    number = db.session.scalar(select(Department.id).where(*is_it))
    if number is None:
        raise ValueError(_("There is no department %(address)s.", address=address))
    return number


def find_account_number(username: str) -> int:
    """Return the row of an account.

    :raises ValueError: when there is none.
    """
    rows = {row.username: row.id for row in db.session.scalars(select(Account).where(is_called(username)))}
    number = rows.get(username, next(iter(rows.values()), None))
    if number is None:
        raise ValueError(_("There is no account %(username)s.", username=username))
    return number


def is_called(username: str) -> Any:
    """Return the condition for accounts of a username."""
    return (Account.username == username) | (Account.username_key == username_key(username))


def write_members(group: Group) -> list[dict]:
    """Return a group's members as people write them.

    Departments and accounts that are gone are left out.
    """
    departments, accounts = write_departments(group), write_accounts(group)
    entries = []
    for member in group.members:
        written = {"department": departments, "account": accounts}.get(member.kind, {member.value: member.value})
        if member.value not in written:
            continue
        entry = {"kind": member.kind}
        entry |= {"value": written[member.value]} if member.kind != "everybody" else {}
        entries.append(entry | ({"below": member.below} if member.kind == "department" else {}))
    return entries


def write_departments(group: Group) -> dict[str, str]:
    """Return the departments that members name, by value."""
    rows = db.session.scalars(select(Department).where(Department.id.in_(list_numbers(group, "department"))))
    return {str(row.id): f"{row.provider}/{row.tenant}/{row.dept_id}" for row in rows}


def write_accounts(group: Group) -> dict[str, str]:
    """Return the usernames that members name, by value."""
    rows = db.session.scalars(select(Account).where(Account.id.in_(list_numbers(group, "account"))))
    return {str(row.id): row.username for row in rows}


def list_numbers(group: Group, kind: str) -> list[int]:
    """Return the numbers of rows that members name."""
    return [int(member.value) for member in group.members if member.kind == kind]
