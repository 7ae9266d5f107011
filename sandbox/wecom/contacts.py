"""Members, departments and tags of the directory.

https://developer.work.weixin.qq.com/document/path/90193
"""

import base64
import binascii

from flask import Blueprint, g, request

from sandbox.company import ROOT
from sandbox.wecom.answers import Refused, answer_success
from sandbox.wecom.entries import describe_department, describe_member
from sandbox.wecom.gateway import require_access
from sandbox.wecom.guesses import GONE, OUTSIDE, UNKNOWN_DEPARTMENT, UNKNOWN_IN_LIST
from sandbox.wecom.model import find_person
from sandbox.wire import read_json_object
from sandbox.world import world

bp = Blueprint("wecom_contacts", __name__, url_prefix="/cgi-bin")
MOST_ROWS = 10000  # in one answer of user/list_id


@bp.get("/user/get")
@require_access
def get_user():
    userid = request.args.get("userid")
    if not userid:
        raise Refused(41009)
    person = find_person(userid)
    if person is None or not person.listed:
        raise Refused(GONE)
    if not world.wecom.directory.sees(g.app.contact_range, person):
        raise Refused(OUTSIDE)
    return answer_success(**describe_member(g.app, person))


@bp.get("/user/list")
@require_access
def list_users():
    return answer_success(userlist=[describe_member(g.app, person) for person in list_asked_members()])


@bp.get("/user/simplelist")
@require_access
def simple_list_users():
    entries = (describe_member(g.app, person) for person in list_asked_members())
    names = ("userid", "name", "department")
    return answer_success(userlist=[{name: entry[name] for name in names} for entry in entries])


def list_asked_members():
    """Return the members of the department asked for.

    Members of the departments below are among them where `fetch_child` still counts.
    """
    directory = world.wecom.directory
    department = find_visible_department(request.args.get("department_id"), unknown=UNKNOWN_IN_LIST)
    departments = [department]
    if g.app.honours_fetch_child and request.args.get("fetch_child") == "1":
        departments += directory.list_below(department.id)
    people = {person.key: person for below in departments for person in directory.members[below.id]}
    return [person for person in people.values() if directory.sees(g.app.contact_range, person)]


@bp.post("/user/list_id")
@require_access
def list_ids():
    """Answer a row of member and department for every seat."""
    body = read_json_object() or {}
    limit = body.get("limit", MOST_ROWS)
    if not isinstance(limit, int) or not 0 < limit <= MOST_ROWS:
        raise Refused(40035)
    directory = world.wecom.directory
    rows = [
        {"userid": person.key, "department": int(department_id)}
        for department_id in directory.departments
        for person in directory.members[department_id]
        if directory.sees(g.app.contact_range, person)
    ]
    start = read_cursor(body.get("cursor"))
    rest = start + limit
    return answer_success(next_cursor=make_cursor(rest) if rest < len(rows) else "", dept_user=rows[start:rest])


def make_cursor(start):
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()


def read_cursor(value):
    try:
        return int(base64.urlsafe_b64decode(value).decode().removeprefix("from ")) if value else 0
    except (binascii.Error, TypeError, ValueError):
        raise Refused(40035) from None


@bp.get("/department/list")
@require_access
def list_departments():
    return answer_success(department=[describe_department(department) for department in list_asked_departments()])


@bp.get("/department/simplelist")
@require_access
def simple_list_departments():
    entries = (describe_department(department) for department in list_asked_departments())
    names = ("id", "parentid", "order")
    return answer_success(department_id=[{name: entry[name] for name in names} for entry in entries])


@bp.get("/department/get")
@require_access
def get_department():
    department = find_visible_department(request.args.get("id"), unknown=UNKNOWN_DEPARTMENT)
    return answer_success(department=describe_department(department))


def list_asked_departments():
    """Return the department asked for and all below it.

    Without an id it returns all in range.
    """
    directory = world.wecom.directory
    if request.args.get("id"):
        department = find_visible_department(request.args["id"], unknown=UNKNOWN_DEPARTMENT)
        return [department, *directory.list_below(department.id)]
    reach = directory.visible_departments(g.app.contact_range)
    tree = [directory.departments[ROOT], *directory.list_below(ROOT)]
    return [department for department in tree if department.id in reach]


def find_visible_department(value, unknown):
    """Return the department with this id.

    :param unknown: the number of the refusal where there is no such department.
    :raises Refused: no number, no such department, or out of range.
    """
    if not (value and value.isdigit()):
        raise Refused(40035)
    department = world.wecom.directory.departments.get(value)
    if department is None:
        raise Refused(unknown)
    if department.id not in world.wecom.directory.visible_departments(g.app.contact_range):
        raise Refused(OUTSIDE)
    return department


@bp.get("/tag/get")
@require_access
def get_tag():
    """Answer the people and departments of a tag.

    Those out of the application's range are missing.
    https://developer.work.weixin.qq.com/document/path/90213
    """
    directory, reach = world.wecom.directory, g.app.contact_range
    tag = directory.groups.get(request.args.get("tagid", ""))
    if tag is None:
        raise Refused(40068)
    users, departments = directory.find_named(tag)
    users = [person for person in users if person.listed and directory.sees(reach, person)]
    visible = directory.visible_departments(reach)
    parties = [int(department.id) for department in departments if department.id in visible]
    users = [{"userid": person.key, "name": person.name} for person in users]
    return answer_success(tagname=request.args["tagid"], userlist=users, partylist=parties)
