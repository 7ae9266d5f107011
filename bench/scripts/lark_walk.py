"""Feishu's directory with lark-oapi: `python -m bench.scripts.lark_walk PLATFORM DATABASE`."""

import sys

import lark_oapi as lark
from lark_oapi.api.contact.v3 import ChildrenDepartmentRequest, FindByDepartmentUserRequest

from bench.machine import FEISHU
from bench.scripts import store


def main(platform: str, database: str):
    session = store.open_database(database)
    builder = lark.Client.builder().app_id(FEISHU["appId"]).app_secret(FEISHU["appSecret"]).domain(platform)
    contact = builder.log_level(lark.LogLevel.ERROR).build().contact.v3
    found = ["0"]
    for data in pages(contact.department.children, lambda: children("0")):
        store.save_departments(session, [department(row) for row in data.items or []])
        found += [row.open_department_id for row in data.items or []]
    for department_id in found:
        for data in pages(contact.user.find_by_department, lambda id=department_id: members(id)):
            store.save_people(session, department_id, [person(row) for row in data.items or []])


def children(department_id: str):
    return ChildrenDepartmentRequest.builder().department_id(department_id).fetch_child(True).page_size(50)


def members(department_id: str):
    return FindByDepartmentUserRequest.builder().department_id(department_id).page_size(50)


def pages(call, request):
    builder = request()
    while True:
        answer = call(builder.build())
        if not answer.success():
            raise SystemExit(f"{answer.code}: {answer.msg}")
        yield answer.data
        if not answer.data.has_more:
            return
        builder = request().page_token(answer.data.page_token)  # a builder adds to what it was told before


def department(row) -> dict:
    leaders = [leader.leader_id for leader in row.leaders or []]
    values = {"name": row.name, "parent_id": row.parent_department_id, "leaders": leaders}
    return {"id": row.open_department_id, **values}


def person(row) -> dict:
    return {
        "id": row.union_id,
        "user_id": row.user_id,
        "name": row.name,
        "mobile": row.mobile,
        "email": row.email,
        "avatar": row.avatar.avatar_origin,
        "position": row.job_title,
        "gender": row.gender,
        "status": 2 if row.status.is_resigned else 3 if row.status.is_frozen else 1,
        "department": row.department_ids,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
