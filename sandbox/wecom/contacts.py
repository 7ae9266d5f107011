"""The directory: https://developer.work.weixin.qq.com/document/path/90193"""

import base64
import binascii

from flask import Blueprint, g, request

from sandbox.company import ROOT
from sandbox.wecom.answers import Refused, success
from sandbox.wecom.entries import department_entry, member_entry
from sandbox.wecom.gateway import protected
from sandbox.wecom.guesses import GONE, OUTSIDE, UNKNOWN_DEPARTMENT, UNKNOWN_IN_LIST
from sandbox.wecom.model import find_person
from sandbox.wire import sent
from sandbox.world import world

bp = Blueprint("wecom_contacts", __name__, url_prefix="/cgi-bin")
MOST_IDS = 10000  # rows of one user/list_id answer


@bp.get("/user/get")
@protected
def get_user():
    userid = request.args.get("userid")
    if not userid:
        raise Refused(41009)
    person = find_person(userid)
    if person is None or not person.listed:
        raise Refused(GONE)
    if not world.wecom.directory.sees(g.app.contact_range, person):
        raise Refused(OUTSIDE)
    return success(**member_entry(g.app, person))


@bp.get("/user/list")
@protected
def list_users():
    return success(userlist=[member_entry(g.app, person) for person in members_asked()])


@bp.get("/user/simplelist")
@protected
def simple_list_users():
    entries = (member_entry(g.app, person) for person in members_asked())
    return success(userlist=[{name: entry[name] for name in ("userid", "name", "department")} for entry in entries])


def members_asked():
    """Return the members of the department asked for; of those below it, where this is still honoured."""
    directory = world.wecom.directory
    department = visible_department(request.args.get("department_id"), unknown=UNKNOWN_IN_LIST)
    departments = [department]
    if g.app.honours_fetch_child and request.args.get("fetch_child") == "1":
        departments += directory.below(department.id)
    people = {person.key: person for each in departments for person in directory.members[each.id]}
    return [person for person in people.values() if directory.sees(g.app.contact_range, person)]


@bp.post("/user/list_id")
@protected
def list_ids():
    """Answer a row for every seat: member and department."""
    body = sent() or {}
    limit = body.get("limit", MOST_IDS)
    if not isinstance(limit, int) or not 0 < limit <= MOST_IDS:
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
    return success(next_cursor=cursor(rest) if rest < len(rows) else "", dept_user=rows[start:rest])


def cursor(start):
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()


def read_cursor(value):
    try:
        return int(base64.urlsafe_b64decode(value).decode().removeprefix("from ")) if value else 0
    except (binascii.Error, TypeError, ValueError):
        raise Refused(40035) from None


@bp.get("/department/list")
@protected
def list_departments():
    return success(department=[department_entry(department) for department in departments_asked()])


@bp.get("/department/simplelist")
@protected
def simple_list_departments():
    entries = (department_entry(department) for department in departments_asked())
    return success(department_id=[{name: entry[name] for name in ("id", "parentid", "order")} for entry in entries])


@bp.get("/department/get")
@protected
def get_department():
    return success(department=department_entry(visible_department(request.args.get("id"), unknown=UNKNOWN_DEPARTMENT)))


def departments_asked():
    """Return the department asked for and all below it; without an id, everything in range."""
    directory = world.wecom.directory
    if request.args.get("id"):
        department = visible_department(request.args["id"], unknown=UNKNOWN_DEPARTMENT)
        return [department, *directory.below(department.id)]
    reach = directory.visible_departments(g.app.contact_range)
    tree = [directory.departments[ROOT], *directory.below(ROOT)]
    return [department for department in tree if department.id in reach]


def visible_department(value, unknown):
    """Return the department, or refuse: no number, no such department, out of range."""
    if not (value and value.isdigit()):
        raise Refused(40035)
    department = world.wecom.directory.departments.get(value)
    if department is None:
        raise Refused(unknown)
    if department.id not in world.wecom.directory.visible_departments(g.app.contact_range):
        raise Refused(OUTSIDE)
    return department


@bp.get("/tag/get")
@protected
def get_tag():
    """Answer those of a tag whom the application may see: https://developer.work.weixin.qq.com/document/path/90213"""
    directory, reach = world.wecom.directory, g.app.contact_range
    tag = directory.groups.get(request.args.get("tagid", ""))
    if tag is None:
        raise Refused(40068)
    users, departments = directory.named(tag)
    users = [person for person in users if person.listed and directory.sees(reach, person)]
    seen = directory.visible_departments(reach)
    parties = [int(department.id) for department in departments if department.id in seen]
    users = [{"userid": person.key, "name": person.name} for person in users]
    return success(tagname=request.args["tagid"], userlist=users, partylist=parties)
