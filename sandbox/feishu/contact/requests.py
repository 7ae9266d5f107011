"""The parameters of directory calls, and what they may see."""

from flask import g, request

from sandbox.feishu.answers import Refused
from sandbox.feishu.gateway import require_scopes
from sandbox.feishu.model import DEPARTMENT_ID_TYPES, USER_ID_TYPES, find_department, find_person
from sandbox.wire import read_json_object
from sandbox.world import world

BASE = "contact:contact.base:readonly"
ORGANIZE = "contact:department.organize:readonly"
MOST_AT_ONCE = 50  # ids in one request


def read_id_types():
    """Return the kinds of user and department ids asked for."""
    kind = request.args.get("user_id_type") or "open_id"
    department_kind = request.args.get("department_id_type") or "open_department_id"
    if kind not in USER_ID_TYPES or department_kind not in DEPARTMENT_ID_TYPES:
        raise Refused(99992402)
    if kind == "user_id":
        require_scopes(g.app, ("contact:user.employee_id:readonly",), kind="field")
    return kind, department_kind


def is_visible(person):
    return world.feishu.directory.sees(g.app.contact_range, person)


def find_visible_person(kind, value):
    """Return the person with this id.

    :raises Refused: no such id, another application's id, or out of range.
    """
    person = find_person(g.app, kind, value)
    if person is None:
        others = [app for app in world.feishu.apps.values() if app is not g.app]
        if kind == "open_id" and any(find_person(app, kind, value) for app in others):
            raise Refused(99992361)
        raise Refused(99992351 if kind == "open_id" else 41012)
    if not is_visible(person):
        raise Refused(41050)
    return person


def find_visible_department(kind, value):
    department = find_department(kind, value)
    if department is None:
        raise Refused(40015 if value else 40001)
    if department.id not in world.feishu.directory.visible_departments(g.app.contact_range):
        raise Refused(40004)
    return department


def read_ids(name):
    values = request.args.getlist(name)
    if not 0 < len(values) <= MOST_AT_ONCE:
        raise Refused(40001)
    return values


def read_body():
    body = read_json_object()
    if body is None:
        raise Refused(40001)
    return body


def check_strings(values, most):
    if not isinstance(values, list) or len(values) > most or not all(isinstance(value, str) for value in values):
        raise Refused(40001)
    return values
