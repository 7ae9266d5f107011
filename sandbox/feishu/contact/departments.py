"""The departments of the directory."""

from flask import Blueprint, g, request

from sandbox.feishu import guesses
from sandbox.feishu.answers import Refused, answer_success
from sandbox.feishu.contact.paging import answer_page
from sandbox.feishu.contact.requests import BASE, ORGANIZE, find_visible_department, read_id_types, read_ids
from sandbox.feishu.entries import describe_department
from sandbox.feishu.gateway import WHOLE_CONTACT, require_access
from sandbox.feishu.model import find_department
from sandbox.world import world

bp = Blueprint("feishu_departments", __name__, url_prefix="/open-apis/contact/v3")


@bp.get("/departments/<department_id>")
@require_access(*WHOLE_CONTACT)
def get_department(department_id):
    kinds = read_id_types()
    department = find_visible_department(kinds[1], department_id)
    return answer_success({"department": describe_department(g.app, department, *kinds)})


@bp.get("/departments/batch")
@require_access(BASE)
def batch_departments():
    kinds = read_id_types()
    reach = world.feishu.directory.visible_departments(g.app.contact_range)
    departments = [find_department(kinds[1], value) for value in read_ids("department_ids")]
    visible = [department for department in departments if department and department.id in reach]
    return answer_success({"items": [describe_department(g.app, department, *kinds) for department in visible]})


@bp.get("/departments/<department_id>/children")
@bp.get("/departments", endpoint="old_departments")
@require_access(*WHOLE_CONTACT, ORGANIZE)
def children(department_id=None):
    """Answer the sub-departments of a department.

    With `fetch_child` they are all levels below.
    `/departments` is the deprecated form.
    """
    kinds = read_id_types()
    directory = world.feishu.directory
    parent = department_id or request.args.get("parent_department_id") or guesses.OLD_LIST_PARENT
    department = find_visible_department(kinds[1], parent)
    deep = request.args.get("fetch_child", "").lower() in ("true", "1")
    departments = directory.list_below(department.id) if deep else directory.children[department.id]
    return answer_page(departments, lambda below: describe_department(g.app, below, *kinds))


@bp.get("/departments/parent")
@require_access(*WHOLE_CONTACT, ORGANIZE)
def parents():
    """Answer the ancestors of a department without the root.

    The parent is the first.
    """
    kinds = read_id_types()
    if not request.args.get("department_id"):
        raise Refused(44102)
    department = find_visible_department(kinds[1], request.args["department_id"])
    reach = world.feishu.directory.visible_departments(g.app.contact_range)
    ancestors = [above for above in world.feishu.directory.list_above(department.parent) if above.id in reach]
    return answer_page(ancestors, lambda above: describe_department(g.app, above, *kinds), default=20)
