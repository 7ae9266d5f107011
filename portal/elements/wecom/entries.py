"""What the directory's entries say about members and departments.

https://developer.work.weixin.qq.com/document/path/90196
"""

from portal.models import ACTIVE, FROZEN, LEFT, NOT_ACTIVATED
from portal.providers.values import look_up, text, texts, whole_number
from portal.text import is_clean

GENDER = {"1": 1, "2": 2, 1: 1, 2: 2}
STATUS = {1: ACTIVE, 2: FROZEN, 4: NOT_ACTIVATED, 5: LEFT}  # WeCom's 2 is "disabled"


def parse_member(user: dict) -> dict:
    """Return the keys of a person that an entry tells."""
    values = {
        "userId": user.get("userid"),
        "name": user.get("name"),
        "position": user.get("position"),
        "mobile": user.get("mobile"),
        "email": user.get("email") or user.get("biz_mail"),
        "companyEmail": user.get("biz_mail"),
        "avatar": user.get("avatar"),
    }
    person = {key: value for key, value in values.items() if isinstance(value, str)}
    for key, table in (("gender", GENDER), ("status", STATUS)):
        if (value := look_up(table, user.get(key))) is not None:
            person[key] = value
    if isinstance(user.get("department"), list):
        main = str(user.get("main_department"))
        person["department"] = sorted(texts(user["department"]), key=lambda dept: dept != main)
        person["leads"] = parse_leads(user)
        person["isLeader"] = bool(person["leads"])
    return person


def parse_leads(user: dict) -> list[str]:
    """Return the departments that a member leads.

    Two lists of the same order tell them.
    """
    ids, flags = user["department"], user.get("is_leader_in_dept")
    if not isinstance(flags, list) or len(flags) != len(ids):
        return []
    return sorted({str(dept) for dept, flag in zip(ids, flags, strict=True) if flag in (1, "1")})


def parse_department(row: dict) -> dict:
    """Return a department.

    `None` is what the platform does not tell. A missing id is "".
    """
    dept_id, parent = texts([row.get("id")]), texts([row.get("parentid")])
    return {
        "deptId": dept_id[0] if dept_id else "",
        "openId": "",
        "parentId": parent[0] if parent else None,
        "name": text(row["name"]) if "name" in row else None,
        "leaders": texts(row["department_leader"]) if "department_leader" in row else None,
        "position": -whole_number(row["order"]) if "order" in row else None,  # WeCom has the greatest first
    }


def make_subject(userid: object) -> str:
    """Return the form in which member ids are compared.

    It is "" for what is no such id. The case of an id does not matter. Ids are ASCII
    (https://developer.work.weixin.qq.com/document/path/90195), so an id that merely folds to the same letters belongs
    to another member, or to none.
    """
    return userid.lower() if is_clean(userid) and userid.isascii() else ""


def list_rows(answer: dict, key: str) -> list[dict]:
    """Return the entries of an answer."""
    return [row for row in get_list(answer, key) if isinstance(row, dict)]


def get_list(answer: dict, *keys: str) -> list:
    """Return the list below some keys of an answer.

    It is empty where there is none.
    """
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, list) else []
