"""The fields of members and departments in the directory.

https://developer.work.weixin.qq.com/document/path/90196
"""

from flask import request

from sandbox.company import ROOT
from sandbox.phone import avatar_address
from sandbox.world import world

STATUSES = {"active": 1, "frozen": 2, "inactive": 4, "exited": 5}


def describe_member(app, person):
    """Return a member as an application sees it.

    The calls user/get and user/list show the same.
    """
    directory = world.wecom.directory
    reach = directory.visible_departments(app.contact_range)
    seats = [directory.departments[key] for key in person.departments if key in reach]
    boss = directory.people.get(person.boss)
    fields = {
        "userid": person.key,
        "name": person.name,
        "department": [int(department.id) for department in seats],
        "order": [0 for _ in seats],
        "position": person.title,
        "is_leader_in_dept": [int(person.key in department.leaders) for department in seats],
        "direct_leader": [boss.key] if boss and directory.sees(app.contact_range, boss) else [],
        "telephone": person.telephone,
        "alias": person.nickname or person.en_name,
        "english_name": person.en_name,
        "status": STATUSES[person.state],
        "enable": int(person.state != "frozen"),
        "isleader": int(any(person.key in department.leaders for department in seats)),
        "hide_mobile": 0,
        "extattr": {"attrs": [{"type": 0, "name": "工号", "text": {"value": person.number}}]},
        "external_position": "",
        "external_profile": {"external_corp_name": "", "external_attr": []},
    }
    if seats:
        fields["main_department"] = int(seats[0].id)
    if app.old_app:
        fields |= describe_sensitive(person)
    return person.adjust_fields(fields)


def default_avatar_address():
    """Return the address of the picture for members without one.

    It also replaces a picture that a member does not show.
    """
    return f"{request.host_url}favicon.ico"


def describe_sensitive(person):
    """Return the sensitive fields of a member.

    Newer applications get them by the member's consent only.
    """
    return {
        "gender": str(person.gender),
        "avatar": avatar_address(person),
        "thumb_avatar": avatar_address(person, size=100),
        "qr_code": f"{request.host_url}_sandbox/avatar/{person.key}.svg?qr=1",
        "mobile": person.mobile,
        "email": person.email,
        "biz_mail": person.work_email,
        "address": person.address,
    }


def describe_department(department):
    fields = {
        "id": int(department.id),
        "name": department.name,
        "name_en": department.en_name,
        "department_leader": department.leaders,
        "parentid": int(department.parent or 0),
        "order": department.order if department.id != ROOT else 100000000,
    }
    return department.adjust_fields(fields)
