"""Finding, creating, changing and deleting groups."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select

from portal import audit
from portal.accounts.accounts import InvalidFields
from portal.applications.application_fields import NAME, check_slug, read_given, read_title
from portal.applications.group_members import read_members, write_members
from portal.audit import Actor
from portal.database import db
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code, Explained
from portal.models import Application, ApplicationGroup, Group, GroupMember

__all__ = [
    "GroupChanged",
    "GroupInUse",
    "InvalidFields",
    "clean_group",
    "create_group",
    "delete_group",
    "edit_group",
    "find_group",
    "list_groups",
    "list_users",
    "list_users_by_group",
    "write_members",
]

RESERVED_NAMES = ("create",)  # a page


class GroupNameTaken(Code):
    """CONFLICT, because another group has the name."""

    def __init__(self):
        super().__init__(CONFLICT, "the name of the group is taken")


class GroupChanged(Code):
    """CONFLICT, because the group has changed meanwhile."""

    def __init__(self):
        super().__init__(CONFLICT, "the group has changed meanwhile")


class GroupInUse(Explained):
    """CONFLICT, because applications use the group."""

    def __init__(self, applications: list[Application]):
        advice = _(
            "Take it from these applications first: %(titles)s.",
            titles=", ".join(application.title for application in applications),
        )
        super().__init__(CONFLICT, "applications use the group", _("This group is in use"), advice)
        self.applications = applications


def find_group(name: str) -> Group:
    """Return the group of this name.

    :raises Code: NO_SUCH_PAGE no such group.
    """
    return read_group(name, select(Group))


def read_group(name: str, statement: Select) -> Group:
    """Return the group of this name.

    :param statement: the way to read it.
    :raises Code: NO_SUCH_PAGE no such group.
    """
    group = db.session.scalar(statement.where(Group.name == name)) if NAME.fullmatch(name) else None
    if group is None:
        raise Code(NO_SUCH_PAGE, "there is no such group")
    return group


def list_groups() -> list[Group]:
    """Return all groups by title."""
    return sorted(db.session.scalars(select(Group)), key=lambda group: (group.title.casefold(), group.name))


def list_users(group: Group) -> list[Application]:
    """Return the applications that use a group."""
    used = select(Application).join(ApplicationGroup).where(ApplicationGroup.group_id == group.id)
    return list(db.session.scalars(used.order_by(Application.name)))


def list_users_by_group() -> dict[int, list[Application]]:
    """Return the applications that use each group, by group id."""
    users = {}
    used = select(ApplicationGroup.group_id, Application).join(Application).order_by(Application.name)
    for group_id, application in db.session.execute(used):
        users.setdefault(group_id, []).append(application)
    return users


def clean_group(values: Mapping) -> dict:
    """Return the fields of a group, cleaned.

    :param values: `name`, `title` and `members`, as far as they are given; see :func:`read_members`.
    :raises InvalidFields: naming each field that can't be used.
    """
    fields, problems = read_given(values, READERS)
    if problems:
        raise InvalidFields(problems)
    return fields


def read_group_name(value: Any) -> str:
    """Return the name of a group, or raise ValueError."""
    return check_slug(value, RESERVED_NAMES)


READERS = {"name": read_group_name, "title": read_title, "members": read_members}


def create_group(values: Mapping, *, by: Actor) -> Group:
    """Create a group.

    :param values: `name`, and optionally `title` and `members`.
    :raises InvalidFields: naming each field that can't be used.
    """
    fields = clean_group({"name": "", **values})
    try:
        with audit.recorded("group.create", by, conflict=GroupNameTaken, details={"group": fields["name"]}):
            return add_group(fields)
    except GroupNameTaken:
        raise explain_taken_name() from None


def edit_group(name: str, values: Mapping, seen: int, *, by: Actor) -> list[str]:
    """Change a group's fields, and return those that differ now.

    :param values: what to change; a field that is not named stays.
    :param seen: the group's version when the administrator decided.
    :raises InvalidFields: naming each field that can't be used.
    :raises Code: NO_SUCH_PAGE no such group; :class:`GroupChanged`.
    """
    refusals = {"refusals": (GroupChanged, GroupNameTaken), "conflict": GroupNameTaken}
    try:
        with audit.recorded("group.edit", by, details={"group": name}, **refusals) as entry:
            group = lock_group(name)
            fields = clean_group(values)
            if seen != group.version:
                raise GroupChanged
            changes = change_group(group, fields)
            if not changes:
                entry.drop()
            entry.note(details={"group": name, "fields": changes})
            return changes
    except GroupNameTaken:
        raise explain_taken_name() from None


def delete_group(name: str, *, by: Actor) -> None:
    """Delete a group that no application uses.

    :raises Code: NO_SUCH_PAGE no such group; :class:`GroupInUse`.
    """
    with audit.recorded("group.delete", by, refusals=GroupInUse, details={"group": name}):
        group = read_group(name, select(Group).with_for_update())
        if applications := list_users(group):
            raise GroupInUse(applications)
        db.session.delete(group)


def explain_taken_name() -> InvalidFields:
    """Return the error of a form with a taken name."""
    return InvalidFields({"name": _("This name is taken.")})


# Inside the caller's transaction


def lock_group(name: str) -> Group:
    """Return a group for writing.

    :raises Code: NO_SUCH_PAGE no such group.
    """
    return read_group(name, select(Group).with_for_update(key_share=True))


def add_group(fields: dict) -> Group:
    """Store a group.

    :param fields: as :func:`clean_group` returns them.
    :raises IntegrityError: when the name is taken.
    """
    members = [GroupMember(**member) for member in fields.get("members", [])]
    group = Group(name=fields["name"], title=fields.get("title", fields["name"]), members=members)
    db.session.add(group)
    db.session.flush()
    return group


def change_group(group: Group, fields: dict) -> list[str]:
    """Change a locked group, and return the fields that differ.

    :raises IntegrityError: when the name is taken.
    """
    changes = [field for field in ("name", "title") if field in fields and fields[field] != getattr(group, field)]
    for field in changes:
        setattr(group, field, fields[field])
    if "members" in fields and change_members(group, fields["members"]):
        changes.append("members")
    if changes:
        group.version += 1
        db.session.flush()
    return changes


def change_members(group: Group, members: list[dict]) -> bool:
    """Give a group these members, and tell whether they differ."""
    stored = {(member.kind, member.value): member for member in group.members}
    wanted = {(member["kind"], member["value"]): member["below"] for member in members}
    if {key: member.below for key, member in stored.items()} == wanted:
        return False
    for key, member in stored.items():
        if key not in wanted:
            group.members.remove(member)
    for (kind, value), below in wanted.items():
        if (kind, value) in stored:
            stored[kind, value].below = below
        else:
            group.members.append(GroupMember(kind=kind, value=value, below=below))
    return True
