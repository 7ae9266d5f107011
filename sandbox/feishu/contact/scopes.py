"""The contact range and the user groups of the directory."""

from flask import Blueprint, g, request

from sandbox.company import ROOT
from sandbox.feishu.answers import Refused, answer_success
from sandbox.feishu.contact.paging import slice_page
from sandbox.feishu.contact.requests import BASE, is_visible, read_id_types
from sandbox.feishu.gateway import require_access
from sandbox.feishu.model import DEPARTMENT_ID_TYPES, USER_ID_TYPES
from sandbox.world import world

bp = Blueprint("feishu_scopes", __name__, url_prefix="/open-apis/contact/v3")


@bp.get("/scopes")
@require_access(BASE, "contact:contact:readonly_as_app", "contact:contact:access_as_app")
def scopes():
    """Answer the contact range itself.

    Users are first, then departments, then groups.
    """
    kind, department_kind = read_id_types()
    directory = world.feishu.directory
    reach = g.app.contact_range
    if reach is None:
        users, departments = directory.members[ROOT], directory.children[ROOT]
    else:
        users, departments = directory.find_named(reach)
    entries = [("user_ids", USER_ID_TYPES[kind](g.app, person)) for person in users if is_visible(person)]
    entries += [("department_ids", DEPARTMENT_ID_TYPES[department_kind](department)) for department in departments]
    entries += [("group_ids", key) for key in (reach or {}).get("groups", ())]
    part, more = slice_page(entries, default=50, most=100)
    names = ("department_ids", "user_ids", "group_ids")
    return answer_success({**{name: [value for at, value in part if at == name] for name in names}, **more})


@bp.get("/group/<group_id>/member/simplelist")
@require_access("contact:group:readonly", tokens=("tenant",))
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
    users, departments = directory.find_named(directory.groups[group_id])
    ids = (
        [USER_ID_TYPES[kind](g.app, person) for person in users if person.listed]
        if which == "user"
        else [DEPARTMENT_ID_TYPES[kind](department) for department in departments]
    )
    part, more = slice_page(ids, default=50, most=100)
    members = [{"member_id": value, "member_type": which, "member_id_type": kind} for value in part]
    return answer_success({"memberlist": members, **more})
