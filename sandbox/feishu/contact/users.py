"""The users of the directory."""

from flask import Blueprint, g, request

from sandbox.feishu.answers import Refused, answer_success
from sandbox.feishu.contact.paging import answer_page
from sandbox.feishu.contact.requests import (
    BASE,
    MOST_AT_ONCE,
    ORGANIZE,
    check_strings,
    find_visible_department,
    find_visible_person,
    is_visible,
    read_body,
    read_id_types,
    read_ids,
)
from sandbox.feishu.entries import describe_status, describe_user
from sandbox.feishu.gateway import WHOLE_CONTACT, require_access
from sandbox.feishu.model import USER_ID_TYPES, find_person
from sandbox.world import world

bp = Blueprint("feishu_users", __name__, url_prefix="/open-apis/contact/v3")


@bp.get("/users/<user_id>")
@require_access(*WHOLE_CONTACT)
def get_user(user_id):
    kind, _ = read_id_types()
    return answer_success({"user": describe_user(g.app, find_visible_person(kind, user_id), *read_id_types())})


@bp.get("/users/batch")
@require_access(BASE)
def batch_users():
    """Answer the users asked for.

    Users out of range are missing without a word.
    """
    kind, department_kind = read_id_types()
    people = [find_person(g.app, kind, value) for value in read_ids("user_ids")]
    visible = [person for person in people if person and is_visible(person)]
    return answer_success({"items": [describe_user(g.app, person, kind, department_kind) for person in visible]})


@bp.get("/users/find_by_department")
@bp.get("/users", endpoint="old_users")
@require_access(*WHOLE_CONTACT, ORGANIZE)
def find_by_department():
    """Answer the direct members of a department, page by page.

    `/users` is the deprecated form.
    """
    kinds = read_id_types()
    department = find_visible_department(kinds[1], request.args.get("department_id"))
    members = [person for person in world.feishu.directory.members[department.id] if is_visible(person)]
    return answer_page(members, lambda person: describe_user(g.app, person, *kinds))


@bp.post("/users/batch_get_id")
@require_access("contact:user.id:readonly", tokens=("tenant",))
def batch_get_id():
    """Answer the people with these e-mail addresses and mobile numbers.

    Unknown ones are answered without an id.
    """
    kind, _ = read_id_types()
    body = read_body()
    people = [person for person in world.feishu.directory.people.values() if is_visible(person)]
    if not body.get("include_resigned"):
        people = [person for person in people if person.state != "resigned"]
    by_email = {person.email: person for person in people}
    by_mobile = {number: person for person in people for number in (person.mobile, f"+86{person.mobile}")}
    answers = []
    for name, table, asked in (("email", by_email, "emails"), ("mobile", by_mobile, "mobiles")):
        for value in check_strings(body.get(asked, []), MOST_AT_ONCE):
            person = table.get(value)
            entry = {"user_id": USER_ID_TYPES[kind](g.app, person), "status": describe_status(person)} if person else {}
            answers.append({**entry, name: value})
    return answer_success({"user_list": answers})


@bp.post("/users/basic_batch")
@require_access("contact:user.basic_profile:readonly")
def basic_batch():
    """Answer names, whatever the contact range."""
    kind, _ = read_id_types()
    user_ids = check_strings(read_body().get("user_ids"), 10)
    if not user_ids:
        raise Refused(40001)
    people = {value: find_person(g.app, kind, value) for value in user_ids}
    users = [{"user_id": value, **describe_names(person)} for value, person in people.items() if person]
    return answer_success({"users": users})


def describe_names(person):
    return {"name": person.name, "i18n_name": {"zh_cn": person.name, "ja_jp": "", "en_us": person.en_name}}
