"""What the directory's entries say about people and departments.

https://open.feishu.cn/document/server-docs/contact-v3/resources
"""

from typing import Any
from urllib.parse import quote

from portal.errors import NOT_FOUND, Code
from portal.models import ACTIVE, FROZEN, LEFT, NOT_ACTIVATED
from portal.providers.values import look_up, text, texts, whole_number

GENDER = {1: 1, 2: 2}  # Feishu has more values: 0 secret, 3 other


def parse_user(user: dict) -> dict:
    """Return the keys of a person that an entry tells."""
    texts_told = {
        "userId": text(user.get("user_id")),
        "openId": text(user.get("open_id")),
        "unionId": text(user.get("union_id")),
        "name": text(user.get("name")),
        "email": text(user.get("email")) or text(user.get("enterprise_email")),
        "companyEmail": text(user.get("enterprise_email")),
        "mobile": text(user.get("mobile")),
        "position": text(user.get("job_title")),
        "employeeNo": text(user.get("employee_no")),
        "avatar": text(get_first(user.get("avatar"), "avatar_origin", "avatar_640", "avatar_240")),
    }
    person = {key: value for key, value in texts_told.items() if value}
    if "gender" in user:
        person["gender"] = look_up(GENDER, user["gender"]) or 0
    if isinstance(user.get("department_ids"), list):
        person["department"] = parse_user_departments(user)
    if isinstance(user.get("status"), dict):
        person["status"] = parse_status(user["status"])
    return person


def parse_user_departments(user: dict) -> list[str]:
    """Return a user's departments, the main one first."""
    orders = user["orders"] if isinstance(user.get("orders"), list) else []
    orders = [order for order in orders if isinstance(order, dict)]
    main = [order.get("department_id") for order in orders if order.get("is_primary_dept") is True]
    return sorted(texts(user["department_ids"]), key=lambda dept: dept not in main)


def parse_status(flags: dict) -> int:
    """Return the status of a person, as `portal.models` has it."""
    if flags.get("is_resigned") is True or flags.get("is_exited") is True:
        return LEFT
    if flags.get("is_frozen") is True:
        return FROZEN
    return NOT_ACTIVATED if flags.get("is_unjoin") is True or flags.get("is_activated") is False else ACTIVE


def parse_department(row: dict) -> dict:
    """Return a department by its readable or open id.

    What the platform does not tell is `None`. Without an open id nothing more can be asked about a department, so
    both ids are "" then. Leaders are union ids.
    """
    open_id = text(row.get("open_department_id"))
    return {
        "deptId": open_id and (text(row.get("department_id")) or open_id),
        "openId": open_id,
        "parentId": text(row["parent_department_id"]) if "parent_department_id" in row else None,
        "name": text(row["name"]) if "name" in row else None,
        "leaders": parse_leaders(row),
        "position": whole_number(row["order"]) if "order" in row else None,
    }


def parse_leaders(row: dict) -> list[str] | None:
    """Return a department's leaders, the main one first.

    `None` where the platform does not tell them.
    """
    if "leaders" not in row and "leader_user_id" not in row:
        return None
    others = row["leaders"] if isinstance(row.get("leaders"), list) else []
    ids = [get_first(leader, "leaderID", "leader_id") for leader in others]
    return [value for value in texts([text(row.get("leader_user_id")), *ids]) if value]


def quote_id(value: str) -> str:
    """Return an id as one step of a path.

    :raises Code: NOT_FOUND for an id that would lead to another path.
    """
    if value in ("", ".", "..") or "/" in value:
        raise Code(NOT_FOUND, "there is nothing of this id")
    return quote(value, safe="")


def get_first(mapping: object, *keys: str) -> Any:
    """Return a mapping's first value that is not empty."""
    values = (mapping.get(key) for key in keys) if isinstance(mapping, dict) else ()
    return next((value for value in values if value), None)
