"""Finding, creating and changing applications."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, text

from portal import audit, database
from portal.accounts.accounts import InvalidFields
from portal.applications import proxy_problems
from portal.applications.application_fields import NAME, check_groups, clean_application, is_loopback, split_origin
from portal.audit import Actor
from portal.database import db
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code
from portal.models import Application, Group

__all__ = [
    "ApplicationChanged",
    "InvalidFields",
    "clean_application",
    "create_application",
    "edit_application",
    "find_application",
    "list_applications",
    "switch_application",
]


class ApplicationChanged(Code):
    """CONFLICT, because the application has changed meanwhile."""

    def __init__(self):
        super().__init__(CONFLICT, "the application has changed meanwhile")


def find_application(name: str) -> Application:
    """Return the application of this name.

    :raises Code: NO_SUCH_PAGE no such application.
    """
    is_it = Application.name == name
    application = db.session.scalar(select(Application).where(is_it)) if NAME.fullmatch(name) else None
    if application is None:
        raise Code(NO_SUCH_PAGE, "there is no such application")
    return application


def list_applications() -> list[Application]:
    """Return all applications by title."""
    applications = db.session.scalars(select(Application))
    return sorted(applications, key=lambda application: (application.title.casefold(), application.name))


def create_application(values: Mapping, *, by: Actor) -> Application:
    """Create an application.

    :param values: `name`, and optionally other fields; see :func:`clean_application`.
    :raises InvalidFields: naming each field that can't be used.
    """
    fields = clean_application({"name": "", **values})
    with audit.recorded("application.create", by, details={"application": fields["name"]}):
        lock_applications()
        application = add_application(fields)
        check_hosts(application)
        return application


def edit_application(name: str, values: Mapping, seen: int, *, by: Actor) -> list[str]:
    """Change an application's fields, and return those that differ now.

    :param values: what to change; a field that is not named stays, and so does the name.
    :param seen: the application's version when the administrator decided.
    :raises InvalidFields: naming each field that can't be used.
    :raises Code: NO_SUCH_PAGE no such application; :class:`ApplicationChanged`.
    """
    facts = {"details": {"application": name}}
    with audit.recorded("application.edit", by, refusals=ApplicationChanged, **facts) as entry:
        lock_applications()
        application = find_application(name)
        fields = clean_application({field: value for field, value in values.items() if field != "name"}, application)
        if seen != application.version:
            raise ApplicationChanged
        changes = change_application(application, fields)
        check_hosts(application)
        if "hosts" in changes:
            proxy_problems.forget_problems(application.id)
        if not changes:
            entry.drop()
        entry.note(details={"application": name, "fields": changes})
        return changes


def switch_application(name: str, active: bool, *, by: Actor) -> bool:
    """Switch an application on or off.

    :return: whether that has changed anything.
    :raises Code: NO_SUCH_PAGE no such application.
    """
    with database.write():
        lock_applications()
        application = find_application(name)
        if application.active == active:
            return False
        application.active = active
        details = {"application": name, "state": "on" if active else "off"}
        audit.record("application.switch", by, details=details)
        return True


# Inside the caller's transaction


def lock_applications() -> None:
    """Keep others from changing applications until the transaction ends.

    No constraint can tell that a host belongs to one application only. SQLite has one writer anyway.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE application IN SHARE ROW EXCLUSIVE MODE"))


def add_application(fields: dict) -> Application:
    """Store an application, inside a transaction that has locked them.

    :param fields: as :func:`clean_application` returns them.
    :raises InvalidFields: when its name or a group can't be used.
    """
    if db.session.scalar(select(Application.id).where(Application.name == fields["name"])) is not None:
        raise InvalidFields({"name": _("This name is taken.")})
    application = Application(**{"title": fields["name"], **complete_fields(fields)})
    db.session.add(application)
    db.session.flush()
    return application


def change_application(application: Application, fields: dict) -> list[str]:
    """Change a locked application, and return the fields that differ.

    :raises InvalidFields: when a group is gone.
    """
    fields = complete_fields(fields)
    changes = [field for field, value in fields.items() if getattr(application, field) != value]
    for field in changes:
        setattr(application, field, fields[field])
    if changes:
        application.version += 1
        db.session.flush()
    return changes


def complete_fields(fields: dict) -> dict[str, Any]:
    """Return fields as the table has them.

    :raises InvalidFields: when a group is gone.
    """
    return {**fields, "groups": read_groups_of(fields["groups"])} if "groups" in fields else fields


def check_hosts(application: Application) -> None:
    """Raise InvalidFields if another application has one of its hosts.

    Cookies know no ports: at one host, an application would get the doors of the other. Only on loopback, to try them,
    they may differ by port.
    """
    places = {find_cookie_place(host) for host in application.hosts}
    for other in list_applications() if places else ():
        if other is not application and any(find_cookie_place(host) in places for host in other.hosts):
            raise InvalidFields({"hosts": _("This host belongs to another application: %(name)s.", name=other.name)})


def find_cookie_place(origin: str) -> str:
    """Return the host that has cookies of its own.

    On loopback it has its port, too.
    """
    host, port = split_origin(origin)
    return f"{host}:{port}" if is_loopback(host) else host


def read_groups_of(names: list[str]) -> list[Group]:
    """Return groups by name.

    None can be deleted until the transaction ends.

    :raises InvalidFields: when one of them is gone.
    """
    named = select(Group).where(Group.name.in_(names)).order_by(Group.name)
    groups = list(db.session.scalars(named.with_for_update(read=True, key_share=True)))
    try:
        check_groups(names, (group.name for group in groups))
    except ValueError as error:
        raise InvalidFields({"groups": error.args[0]}) from None
    return groups
