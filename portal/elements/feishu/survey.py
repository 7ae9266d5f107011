"""Reads the whole directory of Feishu or Lark."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from portal.elements.feishu.entries import parse_department, parse_user, quote_id
from portal.errors import Code
from portal.providers.survey import is_refusal
from portal.providers.values import texts

if TYPE_CHECKING:
    from portal.elements.feishu.contacts import FeishuContacts

ROOT, OUT_OF_RANGE = "0", 40004
DEPARTMENT_IDS = {"department_id_type": "open_department_id", "user_id_type": "union_id"}
BUNDLE = 50  # people asked for in one call
PAGE_SIZE, LARGE_PAGE_SIZE = 50, 100  # the most that the interfaces allow


class FeishuSurvey:
    """A `Survey` of the app's range.

    The range is the whole company, or departments, people and user groups.
    """

    def __init__(self, client: "FeishuContacts", call: Callable):
        self.client, self.call = client, call
        self.whole = True
        self.people: list[str] = []  #: union ids in the range by themselves or by a user group
        self.unread: dict[str, list[str]] = {}
        self.readable: dict[str, str] = {}  #: open department id -> the id under which departments are stored
        self.elsewhere: dict[str, str] = {}
        self.leaders: dict[str, list] = {}  #: department id -> union ids, where the platform tells the leaders

    # Departments

    def departments(self) -> Iterator[list[dict]]:
        """Yield pages of departments.

        In a smaller range they are read from each of its roots.
        """
        try:
            yield from self.read_below(ROOT)
            return
        except Code as error:
            if error.native != OUT_OF_RANGE or self.readable:
                raise
        self.whole = False
        for root, group in self.read_range().items():
            if (department := self.read_root(root, group)) is not None:
                yield self.note_departments([department])
                yield from self.read_below(root)

    def read_range(self) -> dict[str, str | None]:
        """Note the people of the range and return its departments.

        :return: department -> the user group that it is in, `None` for one in the range by itself.
        """
        roots, groups = [], []
        for page in self.client.read_pages("scopes", self.call, **DEPARTMENT_IDS, page_size=LARGE_PAGE_SIZE):
            roots += texts(page.get("department_ids"))
            self.people += texts(page.get("user_ids"))
            groups += texts(page.get("group_ids"))
        group_by_root = dict.fromkeys(roots)
        for group in dict.fromkeys(groups):
            group_by_root = dict.fromkeys(self.read_group(group), group) | group_by_root
        self.people = list(dict.fromkeys(self.people))
        return group_by_root

    def read_root(self, root: str, group: str | None) -> dict | None:
        """Return a department of the range.

        `None`, and a warning, where a user group names a department that can't be read.
        """
        try:
            return self.call(lambda: self.client.department(root))
        except Code as error:
            if group is None or not is_refusal(error):
                raise
            self.warn_of_group(group)
            return None

    def read_group(self, group: str) -> list[str]:
        """Note a user group's people and return its departments."""
        try:
            people = self.list_group_members(group, member_type="user", member_id_type="union_id")
            departments = self.list_group_members(group, member_type="department", member_id_type="open_department_id")
        except Code as error:
            if not is_refusal(error):
                raise
            self.warn_of_group(group)
            return []
        self.people += people
        return departments

    def list_group_members(self, group: str, **kind: str) -> list[str]:
        """Return the ids of a user group's people or departments.

        https://open.feishu.cn/document/server-docs/contact-v3/group-member/simplelist
        """
        path = f"group/{quote_id(group)}/member/simplelist"
        pages = self.client.read_pages(path, self.call, **kind, page_size=LARGE_PAGE_SIZE)
        return texts([member.get("member_id") for page in pages for member in list_entries(page, "memberlist")])

    def warn_of_group(self, group: str) -> None:
        self.unread.setdefault("unread_group", []).append(group)

    def read_below(self, dept_id: str) -> Iterator[list[dict]]:
        """Yield pages of the departments below one, at any depth.

        :param dept_id: an open department id, or `ROOT`.
        """
        path = f"departments/{quote_id(dept_id)}/children"
        options = {**DEPARTMENT_IDS, "fetch_child": "true", "page_size": PAGE_SIZE}
        for page in self.client.read_pages(path, self.call, **options):
            yield self.note_departments([parse_department(row) for row in list_entries(page, "items")])

    def note_departments(self, departments: list[dict]) -> list[dict]:
        """Return departments, in a smaller range only the new ones.

        One root of the range may lie below another.
        """
        new = [dept for dept in departments if self.whole or dept["openId"] not in self.readable]
        usable = [dept for dept in new if dept["openId"]]
        self.readable.update((dept["openId"], dept["deptId"]) for dept in usable)
        self.leaders.update((dept["deptId"], dept["leaders"]) for dept in usable if dept["leaders"] is not None)
        return new

    # People

    def sources(self) -> list:
        """Return the departments and bundles of people to read from."""
        bundles = [self.people[start : start + BUNDLE] for start in range(0, len(self.people), BUNDLE)]
        return [*([ROOT] if self.whole else []), *self.readable, *bundles]

    def members(self, source: str | list[str]) -> Iterator[list[dict]]:
        """Yield pages of the people in one source."""
        if isinstance(source, list):
            ids = {**DEPARTMENT_IDS, "user_ids": source}
            pages = [self.call(lambda: self.client.ask_contacts("users/batch", **ids))]
        else:
            ids = {**DEPARTMENT_IDS, "department_id": source}
            pages = self.client.read_pages("users/find_by_department", self.call, **ids, page_size=PAGE_SIZE)
        for page in pages:
            yield [self.make_entry(row) for row in list_entries(page, "items")]

    def make_entry(self, row: dict) -> dict:
        """Return a person with the stored departments' ids."""
        person = parse_user(row)
        if "department" in person:
            person["department"] = [
                self.readable.get(dept) or self.elsewhere.get(dept, dept) for dept in person["department"]
            ]
        return self.entry(person)

    def entry(self, person: dict) -> dict:
        """Return a person with `subject` and their led departments.

        Departments outside the range do not tell their leaders. So a person leads none only if all their departments
        told.
        """
        subject, departments = person.get("unionId", ""), person.get("department", [])
        person = {"userId": person.get("openId", ""), **person, "subject": subject}
        leads = sorted(dept for dept in departments if subject in self.leaders.get(dept, ()))
        all_told = all(dept in self.leaders for dept in departments if dept != ROOT)
        if leads or (self.leaders and "department" in person and all_told):
            person |= {"isLeader": bool(leads), "leads": leads}
        return person


def list_entries(page: dict, key: str) -> list[dict]:
    """Return the entries of a page."""
    rows = page.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
