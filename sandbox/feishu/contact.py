"""The directory: https://open.feishu.cn/document/server-docs/contact-v3/resources"""

import base64
import binascii
import zlib

from flask import Blueprint, g, request

from sandbox.company import ROOT
from sandbox.feishu import guesses
from sandbox.feishu.answers import Refused, success
from sandbox.feishu.entries import department_entry, status, user_entry
from sandbox.feishu.gateway import WHOLE_CONTACT, protected, require
from sandbox.feishu.model import DEPARTMENT_ID_TYPES, USER_ID_TYPES, find_department, find_person
from sandbox.wire import sent
from sandbox.world import world

bp = Blueprint("feishu_contact", __name__, url_prefix="/open-apis/contact/v3")
BASE = "contact:contact.base:readonly"
ORGANIZE = "contact:department.organize:readonly"
MOST_AT_ONCE = 50  # ids in one request


@bp.get("/users/<user_id>")
@protected(*WHOLE_CONTACT)
def get_user(user_id):
    kind, _ = id_types()
    return success({"user": user_entry(g.app, visible_person(kind, user_id), *id_types())})


@bp.get("/users/batch")
@protected(BASE)
def batch_users():
    """Answer the users asked for; those out of range are silently missing."""
    kind, department_kind = id_types()
    people = [find_person(g.app, kind, value) for value in ids_asked("user_ids")]
    seen = [person for person in people if person and sees(person)]
    return success({"items": [user_entry(g.app, person, kind, department_kind) for person in seen]})


@bp.get("/users/find_by_department")
@bp.get("/users", endpoint="old_users")
@protected(*WHOLE_CONTACT, ORGANIZE)
def find_by_department():
    """Answer the direct members of a department, page by page.

    `/users` is the deprecated form.
    """
    kinds = id_types()
    department = visible_department(kinds[1], request.args.get("department_id"))
    members = [person for person in world.feishu.directory.members[department.id] if sees(person)]
    return page(members, lambda person: user_entry(g.app, person, *kinds))


@bp.post("/users/batch_get_id")
@protected("contact:user.id:readonly", tokens=("tenant",))
def batch_get_id():
    """Answer who has these e-mail addresses and mobile numbers; unknown ones come back without an id."""
    kind, _ = id_types()
    body = json_body()
    people = [person for person in world.feishu.directory.people.values() if sees(person)]
    if not body.get("include_resigned"):
        people = [person for person in people if person.state != "resigned"]
    by_email = {person.email: person for person in people}
    by_mobile = {number: person for person in people for number in (person.mobile, f"+86{person.mobile}")}
    found = []
    for name, table, asked in (("email", by_email, "emails"), ("mobile", by_mobile, "mobiles")):
        for value in strings(body.get(asked, []), MOST_AT_ONCE):
            person = table.get(value)
            entry = {"user_id": USER_ID_TYPES[kind](g.app, person), "status": status(person)} if person else {}
            found.append({**entry, name: value})
    return success({"user_list": found})


@bp.post("/users/basic_batch")
@protected("contact:user.basic_profile:readonly")
def basic_batch():
    """Answer names, whatever the contact range."""
    kind, _ = id_types()
    wanted = strings(json_body().get("user_ids"), 10)
    if not wanted:
        raise Refused(40001)
    people = {value: find_person(g.app, kind, value) for value in wanted}
    found = [(value, person) for value, person in people.items() if person]
    return success({"users": [{"user_id": value, "name": person.name, **i18n_name(person)} for value, person in found]})


def i18n_name(person):
    return {"i18n_name": {"zh_cn": person.name, "ja_jp": "", "en_us": person.en_name}}


@bp.get("/departments/<department_id>")
@protected(*WHOLE_CONTACT)
def get_department(department_id):
    kinds = id_types()
    return success({"department": department_entry(g.app, visible_department(kinds[1], department_id), *kinds)})


@bp.get("/departments/batch")
@protected(BASE)
def batch_departments():
    kinds = id_types()
    reach = world.feishu.directory.visible_departments(g.app.contact_range)
    asked = [find_department(kinds[1], value) for value in ids_asked("department_ids")]
    seen = [department for department in asked if department and department.id in reach]
    return success({"items": [department_entry(g.app, department, *kinds) for department in seen]})


@bp.get("/departments/<department_id>/children")
@bp.get("/departments", endpoint="old_departments")
@protected(*WHOLE_CONTACT, ORGANIZE)
def children(department_id=None):
    """Answer the sub-departments, with fetch_child all levels of them.

    `/departments` is the deprecated form.
    """
    kinds = id_types()
    directory = world.feishu.directory
    parent = department_id or request.args.get("parent_department_id") or guesses.OLD_LIST_PARENT
    department = visible_department(kinds[1], parent)
    deep = request.args.get("fetch_child", "").lower() in ("true", "1")
    found = directory.below(department.id) if deep else directory.children[department.id]
    return page(found, lambda below: department_entry(g.app, below, *kinds))


@bp.get("/departments/parent")
@protected(*WHOLE_CONTACT, ORGANIZE)
def parents():
    """Answer the ancestors of a department from its parent upwards, without the root."""
    kinds = id_types()
    if not request.args.get("department_id"):
        raise Refused(44102)
    department = visible_department(kinds[1], request.args["department_id"])
    reach = world.feishu.directory.visible_departments(g.app.contact_range)
    found = [above for above in world.feishu.directory.above(department.parent) if above.id in reach]
    return page(found, lambda above: department_entry(g.app, above, *kinds), default=20)


@bp.get("/scopes")
@protected(BASE, "contact:contact:readonly_as_app", "contact:contact:access_as_app")
def scopes():
    """Answer the contact range itself: users first, then departments, then groups."""
    kind, department_kind = id_types()
    directory = world.feishu.directory
    reach = g.app.contact_range
    if reach is None:
        users, departments = directory.members[ROOT], directory.children[ROOT]
    else:
        users, departments = directory.named(reach)
    entries = [("user_ids", USER_ID_TYPES[kind](g.app, person)) for person in users if sees(person)]
    entries += [("department_ids", DEPARTMENT_ID_TYPES[department_kind](department)) for department in departments]
    entries += [("group_ids", key) for key in (reach or {}).get("groups", ())]
    part, more = slice_page(entries, default=50, most=100)
    names = ("department_ids", "user_ids", "group_ids")
    return success({**{name: [value for at, value in part if at == name] for name in names}, **more})


@bp.get("/group/<group_id>/member/simplelist")
@protected("contact:group:readonly", tokens=("tenant",))
def group_members(group_id):
    """Answer the people of a user group, or its departments.

    https://open.feishu.cn/document/server-docs/contact-v3/group-member/simplelist
    """
    directory, reach = world.feishu.directory, g.app.contact_range
    if group_id not in directory.groups or (reach is not None and group_id not in reach.get("groups", ())):
        raise Refused(40001)
    which = request.args.get("member_type") or "user"
    kinds = {"user": USER_ID_TYPES, "department": DEPARTMENT_ID_TYPES}.get(which, {})
    kind = request.args.get("member_id_type") or {"user": "open_id", "department": "open_department_id"}.get(which)
    if kind not in kinds:
        raise Refused(99992402)
    users, departments = directory.named(directory.groups[group_id])
    ids = (
        [USER_ID_TYPES[kind](g.app, person) for person in users if person.listed]
        if which == "user"
        else [DEPARTMENT_ID_TYPES[kind](department) for department in departments]
    )
    part, more = slice_page(ids, default=50, most=100)
    found = [{"member_id": value, "member_type": which, "member_id_type": kind} for value in part]
    return success({"memberlist": found, **more})


def id_types():
    """Return which ids the caller speaks: of users and of departments."""
    kind = request.args.get("user_id_type") or "open_id"
    department_kind = request.args.get("department_id_type") or "open_department_id"
    if kind not in USER_ID_TYPES or department_kind not in DEPARTMENT_ID_TYPES:
        raise Refused(99992402)
    if kind == "user_id":
        require(g.app, ("contact:user.employee_id:readonly",), kind="field")
    return kind, department_kind


def sees(person):
    return world.feishu.directory.sees(g.app.contact_range, person)


def visible_person(kind, value):
    """Return the person, or refuse: no such id, another application's id, or out of range."""
    person = find_person(g.app, kind, value)
    if person is None:
        others = [app for app in world.feishu.apps.values() if app is not g.app]
        if kind == "open_id" and any(find_person(app, kind, value) for app in others):
            raise Refused(99992361)
        raise Refused(99992351 if kind == "open_id" else 41012)
    if not sees(person):
        raise Refused(41050)
    return person


def visible_department(kind, value):
    department = find_department(kind, value)
    if department is None:
        raise Refused(40015 if value else 40001)
    if department.id not in world.feishu.directory.visible_departments(g.app.contact_range):
        raise Refused(40004)
    return department


def ids_asked(name):
    values = request.args.getlist(name)
    if not 0 < len(values) <= MOST_AT_ONCE:
        raise Refused(40001)
    return values


def json_body():
    body = sent()
    if body is None:
        raise Refused(40001)
    return body


def strings(values, most):
    if not isinstance(values, list) or len(values) > most or not all(isinstance(value, str) for value in values):
        raise Refused(40001)
    return values


def page(entries, render, default=10):
    part, more = slice_page(entries, default)
    return success({**more, "items": [render(entry) for entry in part]})


def slice_page(entries, default, most=50):
    """Return one page of a list, and what to say about the rest of it."""
    text = request.args.get("page_size", str(default))
    size = int(text) if text.isdecimal() else 0
    if not 0 < size <= most:
        raise Refused(40011)
    start = read_page_token(request.args.get("page_token"))
    rest = start + size
    more = {"has_more": True, "page_token": page_token(rest)} if rest < len(entries) else {"has_more": False}
    return entries[start:rest], more


def page_token(start):
    """Return an opaque token, made so that it holds `+`, `/` and `=`: a caller has to encode it."""
    text = f"{start}:{list_checksum()}".encode()
    return base64.b64encode(b"\xfb\xef\xbe\xff\xff\xff" + text.ljust(-(-len(text) // 3) * 3 + 1)).decode()


def read_page_token(token):
    if not token:
        return 0
    try:
        start, checksum = base64.b64decode(token, validate=True)[6:].decode().strip().split(":")
        if checksum == list_checksum():
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise Refused(40012)


def list_checksum():
    """Tie a page token to its list: another path or department does not take it."""
    names = ("department_id", "parent_department_id", "fetch_child")
    facts = [request.path, *(request.args.get(name, "") for name in names)]
    return f"{zlib.crc32('|'.join(facts).encode()):08x}"
