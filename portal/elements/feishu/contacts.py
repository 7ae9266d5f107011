"""The directory of Feishu and Lark, read with the app's own authority.

https://open.feishu.cn/document/server-docs/contact-v3/resources
"""

from urllib.parse import quote

from portal.errors import NOT_ALLOWED, NOT_FOUND, NOT_PERMITTED, UNAVAILABLE, Code
from portal.providers.client import OfAnother, ProviderApp
from portal.providers.person import EMPTY
from portal.providers.survey import call_once, is_refusal
from portal.providers.values import look_up, text, texts, whole_number

GENDER = {1: 1, 2: 2}  # theirs has more values: 0 secret, 3 other
NO_PERMISSION = (99991672, 99991676, 99991679)
ROOT, OUT_OF_RANGE = "0", 40004
PAGE_KEYS = ("items", "department_ids", "user_ids", "group_ids", "memberlist")
MOST_PAGES = 20_000  # of one list: a million entries
MOST_EMPTY = 20  # pages in a row without anything on them
DEPARTMENT_IDS = {"department_id_type": "open_department_id", "user_id_type": "union_id"}
UNKNOWN_USER = 41012
UNCLEAR = (40004, 40008, 40014, 40015, 99992351, 99992361, 99992364, 99992381)  # of departments, or malformed ids
CONTACT = {
    **dict.fromkeys(NO_PERMISSION, NOT_PERMITTED),
    **dict.fromkeys((UNKNOWN_USER, *UNCLEAR), NOT_FOUND),
    41050: NOT_ALLOWED,
}


class FeishuContacts(ProviderApp):
    """What all token dialects share: people, departments and the company itself."""

    limits = ((50, 1), (1000, 60))  # https://open.feishu.cn/document/server-docs/contact-v3/user/find_by_department
    at_once = 8
    unclear = (None, *UNCLEAR)

    def contact(self, path: str, **params) -> dict:
        """Read from the directory with the app's own authority; return `data`."""
        return self.as_the_app(f"contact/v3/{path}", CONTACT, **params)

    def as_the_app(self, path: str, numbers: dict, **params) -> dict:
        url = f"{self.api_base_url}/open-apis/{path}"

        def call(token):
            return self.ask("GET", url, expect="data", numbers=numbers, token=token, params=params)

        data = self.as_app(call, "tenant_access_token")["data"]
        return data if isinstance(data, dict) else {}

    def tenant(self) -> str:
        """Return the key of the company the app belongs to.

        :raises Code: 60020 when the app may not ask.
        """
        found = self.as_the_app("tenant/v2/tenant/query", dict.fromkeys(NO_PERMISSION, NOT_PERMITTED)).get("tenant")
        if not isinstance(found, dict) or not text(found.get("tenant_key")):
            raise Code(UNAVAILABLE, "the platform's answer lacks the tenant key")
        return found["tenant_key"]

    def member(self, user_id: str) -> dict:
        """Return what the directory says of a person; keys it does not tell are absent.

        :param user_id: an open id, union id or user id; told apart by their shape.
        :raises Code: 60111 unknown, 40302 outside the app's range, 60020 without the permission, 50300 when the answer
            is about another person.
        """
        kind = {"ou_": "open_id", "on_": "union_id"}.get(user_id[:3], "user_id")
        path = f"users/{segment(user_id)}"
        user = self.contact(path, user_id_type=kind, department_id_type="department_id").get("user")
        if not isinstance(user, dict):
            raise Code(UNAVAILABLE, "the platform's answer lacks user")
        if text(user.get(kind)) not in ("", user_id):
            raise OfAnother()
        return self.told_of_user(user)

    def told_of_user(self, user: dict) -> dict:
        """Return what an entry of the directory says; keys it does not tell are absent."""
        told = {
            "userId": text(user.get("user_id")),
            "openId": text(user.get("open_id")),
            "unionId": text(user.get("union_id")),
            "name": text(user.get("name")),
            "email": text(user.get("email")) or text(user.get("enterprise_email")),
            "companyEmail": text(user.get("enterprise_email")),
            "mobile": text(user.get("mobile")),
            "position": text(user.get("job_title")),
            "employeeNo": text(user.get("employee_no")),
            "avatar": text(first(user.get("avatar"), "avatar_origin", "avatar_640", "avatar_240")),
        }
        told = {key: value for key, value in told.items() if value}
        if "gender" in user:
            told["gender"] = look_up(GENDER, user["gender"]) or 0
        if isinstance(user.get("department_ids"), list):
            told["department"] = departments(user)
        if isinstance(user.get("status"), dict):
            told["status"] = status(user["status"])
        return told

    def department(self, dept_id: str) -> dict:
        """Return one department.

        :param dept_id: a department id, or an open department id (`od-…`); told apart by their shape.
        :raises Code: 60111 unknown or outside the app's range, 60020 without the permission.
        """
        kind = "open_department_id" if dept_id.startswith("od-") else "department_id"
        ids = {**DEPARTMENT_IDS, "department_id_type": kind}
        found = self.contact(f"departments/{segment(dept_id)}", **ids).get("department")
        if not isinstance(found, dict):
            raise Code(UNAVAILABLE, "the platform's answer lacks department")
        told = self.told_of_department(found)
        if not told["deptId"]:
            raise Code(UNAVAILABLE, "the platform's department lacks its id")
        return told

    def survey(self, call=call_once):
        """Return what reads the whole directory; `call` makes each call."""
        return FeishuSurvey(self, call)

    def pages(self, path: str, call=call_once, **params):
        """Yield the `data` of every page.

        :param call: makes each call; see `providers.survey`.
        :raises Code: 50300 when the pages do not end.
        """
        tokens, contents, empty = set(), set(), 0
        while True:
            data = call(lambda: self.contact(path, **params))
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

    def told_of_department(self, found: dict) -> dict:
        """Return a department under its readable id, else its open id; what is not told is `None`.

        Without an open id nothing more can be asked about it: then both are "". Its leaders come by union id.
        """
        open_id = text(found.get("open_department_id"))
        return {
            "deptId": open_id and (text(found.get("department_id")) or open_id),
            "openId": open_id,
            "parentId": told(found, "parent_department_id", text),
            "name": told(found, "name", text),
            "leaders": leaders(found),
            "position": told(found, "order", whole_number),
        }


class FeishuSurvey:
    """Reads the whole directory: `departments()`, then `members()` of each of `sources()`."""

    def __init__(self, client: FeishuContacts, call):
        self.client, self.call = client, call
        self.whole = True  #: whether the app may see the whole company
        self.people: list[str] = []  #: union ids of those in the app's range by themselves or by a user group
        self.unread: dict[str, list] = {}  #: kind of a warning -> ids of what the app may not read
        self.readable: dict[str, str] = {}  #: open department id -> the id departments are stored under
        self.elsewhere: dict[str, str] = {}  #: likewise of departments outside the app's range
        self.leaders: dict[str, list] = {}  #: department id -> union ids; without those whose leaders are not told

    def departments(self):
        """Yield pages of departments: below the root, or where the app's range is smaller, from each of that."""
        try:
            yield from self.below(ROOT)
            return
        except Code as error:
            if error.native != OUT_OF_RANGE or self.readable:
                raise
        self.whole, roots, groups = False, [], []
        for page in self.client.pages("scopes", self.call, **DEPARTMENT_IDS, page_size=100):
            roots += texts(page.get("department_ids"))
            self.people += texts(page.get("user_ids"))
            groups += texts(page.get("group_ids"))
        roots = dict.fromkeys(roots)  # -> the user group it is of
        for group in dict.fromkeys(groups):
            roots = dict.fromkeys(self.read_group(group), group) | roots
        self.people = list(dict.fromkeys(self.people))
        for root, group in roots.items():
            if (top := self.top(root, group)) is not None:
                yield self.noted([top])
                yield from self.below(root)

    def top(self, root: str, group: str | None) -> dict | None:
        """Return a department of the range; `None`, and a warning, where a user group names one that can't be read."""
        try:
            return self.call(lambda: self.client.department(root))
        except Code as error:
            if group is None or not is_refusal(error):
                raise
            self.unread.setdefault("unread_group", []).append(group)
            return None

    def read_group(self, group: str) -> list[str]:
        """Note the people of a user group; return its departments."""
        try:
            people = self.in_group(group, member_type="user", member_id_type="union_id")
            departments = self.in_group(group, member_type="department", member_id_type="open_department_id")
        except Code as error:
            if not is_refusal(error):
                raise
            self.unread.setdefault("unread_group", []).append(group)
            return []
        self.people += people
        return departments

    def in_group(self, group: str, **kind) -> list[str]:
        """https://open.feishu.cn/document/server-docs/contact-v3/group-member/simplelist"""
        path = f"group/{segment(group)}/member/simplelist"
        pages = self.client.pages(path, self.call, **kind, page_size=100)
        return texts([member.get("member_id") for page in pages for member in rows(page, "memberlist")])

    def below(self, dept_id: str):
        """Yield pages of the departments below one, at any depth.

        :param dept_id: an open department id, or the root's.
        """
        path = f"departments/{segment(dept_id)}/children"
        for page in self.client.pages(path, self.call, **DEPARTMENT_IDS, fetch_child="true", page_size=50):
            yield self.noted([self.client.told_of_department(row) for row in rows(page, "items")])

    def noted(self, found: list[dict]) -> list[dict]:
        """Return departments; those of a smaller range once, as one of its roots may lie below another."""
        fresh = [dept for dept in found if self.whole or dept["openId"] not in self.readable]
        usable = [dept for dept in fresh if dept["openId"]]
        self.readable.update((dept["openId"], dept["deptId"]) for dept in usable)
        self.leaders.update((dept["deptId"], dept["leaders"]) for dept in usable if dept["leaders"] is not None)
        return fresh

    def sources(self) -> list:
        """Return what members are read from: departments, and bundles of people in the range by themselves."""
        bundles = [self.people[at : at + 50] for at in range(0, len(self.people), 50)]
        return [*([ROOT] if self.whole else []), *self.readable, *bundles]

    def members(self, source):
        """Yield pages of what the directory says of the people in a source."""
        if isinstance(source, list):
            ids = {**DEPARTMENT_IDS, "user_ids": source}
            pages = [self.call(lambda: self.client.contact("users/batch", **ids))]
        else:
            ids = {**DEPARTMENT_IDS, "department_id": source}
            pages = self.client.pages("users/find_by_department", self.call, **ids, page_size=50)
        for page in pages:
            yield [self.member(row) for row in rows(page, "items")]

    def member(self, row: dict) -> dict:
        person = self.client.told_of_user(row)
        if "department" in person:
            person["department"] = [
                self.readable.get(dept) or self.elsewhere.get(dept, dept) for dept in person["department"]
            ]
        return self.entry(person)

    def entry(self, person: dict) -> dict:
        """Return somebody with their `subject`, and with what their departments tell: whether they lead one."""
        subject, seats = person.get("unionId", ""), person.get("department", [])
        person = {"userId": person.get("openId", ""), **person, "subject": subject}
        leads = sorted(dept for dept in seats if subject in self.leaders.get(dept, ()))
        every = self.leaders and "department" in person and all(dept in self.leaders for dept in seats if dept != ROOT)
        if leads or every:
            person |= {"isLeader": bool(leads), "leads": leads}
        return person


def rows(page: dict, key: str) -> list[dict]:
    """Return the entries of a page."""
    found = page.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def told(found: dict, key: str, read):
    """Return what `read` makes of a value, or `None` where the platform does not tell it."""
    return read(found[key]) if key in found else None


def leaders(department: dict) -> list[str] | None:
    """Return the ids of those who lead a department, the main one first; `None` where that is not told."""
    if "leaders" not in department and "leader_user_id" not in department:
        return None
    others = department["leaders"] if isinstance(department.get("leaders"), list) else []
    ids = [first(leader, "leaderID", "leader_id") for leader in others]
    return [value for value in texts([text(department.get("leader_user_id")), *ids]) if value]


def status(flags: dict) -> int:
    """Return 1 active, 2 left, 3 frozen or 4 not yet activated."""
    if flags.get("is_resigned") is True or flags.get("is_exited") is True:
        return 2
    if flags.get("is_frozen") is True:
        return 3
    return 4 if flags.get("is_unjoin") is True or flags.get("is_activated") is False else EMPTY["status"]


def departments(user: dict) -> list[str]:
    """Return the ids of a user's departments, the main one first."""
    orders = user["orders"] if isinstance(user.get("orders"), list) else []
    orders = [order for order in orders if isinstance(order, dict)]
    main = [order.get("department_id") for order in orders if order.get("is_primary_dept") is True]
    ids = texts(user["department_ids"])
    return sorted(ids, key=lambda dept: dept not in main)


def segment(value: str) -> str:
    """Return an id as one step of a path.

    :raises Code: 60111 for what would be another path.
    """
    if value in ("", ".", "..") or "/" in value:
        raise Code(NOT_FOUND, "there is nothing of this id")
    return quote(value, safe="")


def first(mapping, *keys):
    """Return the first value that is there."""
    values = (mapping.get(key) for key in keys) if isinstance(mapping, dict) else ()
    return next((value for value in values if value), None)
