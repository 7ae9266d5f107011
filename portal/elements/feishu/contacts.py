"""People, departments and the company, read by the app.

https://open.feishu.cn/document/server-docs/contact-v3/resources
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from portal.directory.companies import Company
from portal.elements.feishu.entries import parse_department, parse_user, quote_id
from portal.elements.feishu.survey import DEPARTMENT_IDS, FeishuSurvey
from portal.errors import NOT_ALLOWED, NOT_FOUND, NOT_PERMITTED, UNAVAILABLE, Code
from portal.providers.client import AnswerAboutAnother, Expected, ProviderApp
from portal.providers.survey import call_once
from portal.providers.values import text
from portal.text import one_line

NO_PERMISSION = (99991672, 99991676, 99991679)
PAGE_KEYS = ("items", "department_ids", "user_ids", "group_ids", "memberlist")
MOST_PAGES = 20_000  # of one list: a million entries
MOST_EMPTY = 20  # pages in a row without anything on them
UNKNOWN_USER = 41012
UNCLEAR = (40004, 40008, 40014, 40015, 99992351, 99992361, 99992364, 99992381)  # of departments, or malformed ids
ID_IN_PATH = re.compile(r"(?<=/contact/v3/)(users|departments)/(?!batch$|find_by_department$)[^/]+")
CONTACT_NUMBERS = {
    **dict.fromkeys(NO_PERMISSION, NOT_PERMITTED),
    **dict.fromkeys((UNKNOWN_USER, *UNCLEAR), NOT_FOUND),
    41050: NOT_ALLOWED,
}


class FeishuContacts(ProviderApp):
    """The part of a client that all dialects share."""

    limits = ((50, 1), (1000, 60))  # https://open.feishu.cn/document/server-docs/contact-v3/user/find_by_department
    at_once = 8
    unclear = (None, *UNCLEAR)

    def name_call(self, url: str) -> str:
        return ID_IN_PATH.sub(r"\1/{id}", super().name_call(url))

    def ask_contacts(self, path: str, **params: Any) -> dict:
        """Return the `data` of an answer of the contact interfaces."""
        return self.ask_as_app(f"contact/v3/{path}", CONTACT_NUMBERS, **params)

    def ask_as_app(self, path: str, numbers: dict, **params: Any) -> dict:
        """Return the `data` of a call with the app's token."""
        url = f"{self.api_base_url}/open-apis/{path}"

        def call(token):
            return self.ask("GET", url, Expected("data", numbers=numbers), token=token, params=params)

        data = self.as_app(call, "tenant_access_token")["data"]
        return data if isinstance(data, dict) else {}

    def read_company(self) -> Company:
        """Return the app's company.

        It may have no name.

        :raises Code: NOT_PERMITTED when the app may not ask.
        """
        tenant = self.ask_as_app("tenant/v2/tenant/query", dict.fromkeys(NO_PERMISSION, NOT_PERMITTED)).get("tenant")
        if not isinstance(tenant, dict) or not text(tenant.get("tenant_key")):
            raise Code(UNAVAILABLE, "the platform's answer lacks the tenant key")
        return Company(tenant["tenant_key"], one_line(tenant.get("name")))

    def member(self, user_id: str) -> dict:
        """Return what the directory says of a person.

        Keys that it does not tell are absent.

        :param user_id: an open id, union id or user id, which differ in their shape.
        :raises Code: NOT_FOUND; NOT_ALLOWED outside the app's range; NOT_PERMITTED; UNAVAILABLE when the answer is
            about another person.
        """
        kind = {"ou_": "open_id", "on_": "union_id"}.get(user_id[:3], "user_id")
        path = f"users/{quote_id(user_id)}"
        user = self.ask_contacts(path, user_id_type=kind, department_id_type="department_id").get("user")
        if not isinstance(user, dict):
            raise Code(UNAVAILABLE, "the platform's answer lacks user")
        if text(user.get(kind)) not in ("", user_id):
            raise AnswerAboutAnother()
        return parse_user(user)

    def department(self, dept_id: str) -> dict:
        """Return one department.

        :param dept_id: a department id, or an open department id (`od-…`).
        :raises Code: NOT_FOUND, also outside the app's range; NOT_PERMITTED.
        """
        kind = "open_department_id" if dept_id.startswith("od-") else "department_id"
        ids = {**DEPARTMENT_IDS, "department_id_type": kind}
        row = self.ask_contacts(f"departments/{quote_id(dept_id)}", **ids).get("department")
        if not isinstance(row, dict):
            raise Code(UNAVAILABLE, "the platform's answer lacks department")
        department = parse_department(row)
        if not department["deptId"]:
            raise Code(UNAVAILABLE, "the platform's department lacks its id")
        return department

    def survey(self, call: Callable = call_once) -> FeishuSurvey:
        """Start reading the whole directory.

        :param call: makes each call; see `portal.providers.survey`.
        """
        return FeishuSurvey(self, call)

    def read_pages(self, path: str, call: Callable = call_once, **params: Any) -> Iterator[dict]:
        """Yield the `data` of every page.

        :param call: makes each call; see `portal.providers.survey`.
        :raises Code: UNAVAILABLE when the pages do not end.
        """
        tokens, contents, empty = set(), set(), 0
        while True:
            data = call(lambda: self.ask_contacts(path, **params))
            yield data
            if data.get("has_more") is not True:
                return
            token, content = text(data.get("page_token")), hash(repr([data.get(key) for key in PAGE_KEYS]))
            empty = 0 if any(data.get(key) for key in PAGE_KEYS) else empty + 1
            again = token in tokens or (not empty and content in contents)
            if not token or again or empty > MOST_EMPTY or len(tokens) >= MOST_PAGES:
                raise Code(UNAVAILABLE, "the platform's pages do not end")
            tokens.add(token)
            contents.add(content)
            params["page_token"] = token
