"""The fields of users and departments in the directory.

https://open.feishu.cn/document/server-docs/contact-v3/user/field-overview
"""

from sandbox.feishu import guesses
from sandbox.feishu.model import DEPARTMENT_ID_TYPES, USER_ID_TYPES, department_id, open_department_id
from sandbox.feishu.profile import STAFF, add_country_code
from sandbox.phone import avatar_address
from sandbox.world import world

# Pairs of a permission and the fields it shows. A permission for all contact data also shows those with a star.
USER_GATES = (
    ("contact:user.employee_id:readonly", "user_id"),
    ("contact:user.base:readonly *", "name en_name nickname avatar"),
    ("contact:user.email:readonly", "email"),
    ("contact:user.phone:readonly", "mobile"),
    ("contact:user.gender:readonly *", "gender"),
    ("contact:user.department:readonly *", "department_ids leader_user_id orders"),
    (
        "contact:user.employee:readonly *",
        "status job_title city country work_station join_time is_tenant_manager employee_type employee_no"
        " enterprise_email custom_attrs",
    ),
    ("contact:user.employee_number:read", "employee_no"),
    (guesses.DESCRIPTION, "description"),
)
DEPARTMENT_GATES = (
    ("contact:department.base:readonly *", "name i18n_name department_id chat_id status"),
    (
        "contact:department.organize:readonly *",
        "parent_department_id leader_user_id leaders order unit_ids member_count primary_member_count",
    ),
    ("contact:department.hrbp:readonly", "department_hrbps"),
)
UNGATED = {"open_id", "union_id", "mobile_visible", "open_department_id", "group_chat_employee_types"}


def describe_user(app, person, user_kind, department_kind):
    """Return a user as an application sees it."""
    directory = world.feishu.directory
    departments = [directory.departments[key] for key in person.departments if key in directory.departments]
    department_ids = [DEPARTMENT_ID_TYPES[department_kind](department) for department in departments]
    boss = directory.people.get(person.boss)
    sizes = {"72": 72, "240": 240, "640": 640, "origin": None}
    fields = {
        "union_id": USER_ID_TYPES["union_id"](app, person),
        "user_id": USER_ID_TYPES["user_id"](app, person),
        "open_id": USER_ID_TYPES["open_id"](app, person),
        "name": person.name,
        "en_name": person.en_name,
        "nickname": person.nickname,
        "email": person.email,
        "mobile": add_country_code(person.mobile),
        "mobile_visible": True,
        "gender": person.gender,
        "avatar": {f"avatar_{name}": avatar_address(person, size) for name, size in sizes.items()},
        "status": describe_status(person),
        "department_ids": department_ids,
        "leader_user_id": USER_ID_TYPES[user_kind](app, boss) if boss else "",
        "city": person.city,
        "country": person.country,
        "work_station": person.desk,
        "join_time": person.joined,
        "is_tenant_manager": person.manager,
        "employee_no": person.number,
        "employee_type": 1,
        "orders": describe_seats(department_ids),
        "custom_attrs": [],
        "enterprise_email": person.work_email,
        "job_title": person.title,
        "description": "",
    }
    for name in guesses.ABSENT_WHEN_UNSET:
        if not fields[name] and name not in person.extra:
            del fields[name]
    return person.adjust_fields(select_permitted(app, fields, USER_GATES))


def describe_seats(department_ids):
    """Return a person's seats.

    The first department is the primary one.
    """
    last = len(department_ids)
    return [
        {"department_id": value, "user_order": 0, "department_order": last - at, "is_primary_dept": at == 0}
        for at, value in enumerate(department_ids)
    ]


def describe_status(person):
    return {
        "is_frozen": person.state == "frozen",
        "is_resigned": person.state == "resigned",
        "is_activated": person.state != "inactive",
        "is_exited": person.state == "exited",
        "is_unjoin": False,
    }


def describe_department(app, department, user_kind, department_kind):
    """Return a department as an application sees it."""
    directory = world.feishu.directory
    leaders = [directory.people[key] for key in department.leaders if key in directory.people]
    leader_ids = [USER_ID_TYPES[user_kind](app, leader) for leader in leaders]
    parent = directory.departments.get(department.parent)
    fields = {
        "name": department.name,
        "i18n_name": {"zh_cn": "", "ja_jp": "", "en_us": ""},  # none are set
        "parent_department_id": DEPARTMENT_ID_TYPES[department_kind](parent) if parent else "0",
        "department_id": department_id(department),
        "open_department_id": open_department_id(department),
        "leader_user_id": leader_ids[0] if leader_ids else "",
        "chat_id": "",
        "order": str(department.order),
        "unit_ids": [],
        "member_count": len(list_members_below(department)),
        "primary_member_count": sum(seats[0] == department.id for seats in list_seats(department)),
        "status": {"is_deleted": False},
        "leaders": [{"leaderType": min(at, 1) + 1, "leaderID": value} for at, value in enumerate(leader_ids)],
        "group_chat_employee_types": [],
        "department_hrbps": [],
    }
    return department.adjust_fields(select_permitted(app, fields, DEPARTMENT_GATES))


def list_members_below(department):
    """Return the keys of people in and below a department.

    Below the root is the whole company.
    """
    directory = world.feishu.directory
    known_keys = directory.lookups.setdefault("members below", {})
    if department.id not in known_keys:
        known_keys[department.id] = {person.key for person in directory.members[department.id]}.union(
            *(list_members_below(below) for below in directory.children[department.id])
        )
    return known_keys[department.id]


def list_seats(department):
    return [person.departments for person in world.feishu.directory.members[department.id]]


def select_permitted(app, fields, gates):
    """Return the fields that the application's permissions show.

    The others are absent.
    """
    visible = set(UNGATED)
    for permission, names in gates:
        name, _, star = permission.partition(" ")
        if app.has_any([name, *STAFF] if star else [name]):
            visible.update(names.split())
    return {name: value for name, value in fields.items() if name in visible}
