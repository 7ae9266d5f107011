"""Reads the whole directory of WeCom."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from portal.elements.wecom.entries import get_list, list_rows, make_subject, parse_department, parse_member
from portal.errors import NOT_ALLOWED, NOT_FOUND, Code
from portal.providers.client import AnswerAboutAnother
from portal.providers.survey import is_refusal
from portal.providers.values import texts

if TYPE_CHECKING:
    from portal.elements.wecom.contacts import WeComContacts

ROOT = "1"
BUNDLE = 20  # people asked for one by one in one source
NO_DEPARTMENT = dict.fromkeys((60003, 60011, 60123), NOT_FOUND)


class WeComSurvey:
    """A `Survey` of the app's range.

    The range is the whole company, or departments, members and tags.
    """

    def __init__(self, client: "WeComContacts", call: Callable):
        self.client, self.call = client, call
        self.whole = True
        self.department_ids: dict[str, None] = {}  #: in the order of their reading
        self.people: list[str] = []  #: user ids in the range by themselves or by a tag
        self.unread: dict[str, list[str]] = {}
        self.elsewhere: dict[str, str] = {}  #: not needed here, as a department has one id

    # Departments

    def departments(self) -> Iterator[list[dict]]:
        """Yield the departments of the range and its tags."""
        answer = self.ask("department/list", "department", numbers=NO_DEPARTMENT)
        yield self.note_departments(list_rows(answer, "department"))
        self.whole = ROOT in self.department_ids
        if not self.whole:
            for tag in self.read_range():
                for dept_id in self.read_tag(tag):
                    yield self.read_below(dept_id, tag)

    def read_below(self, dept_id: str, tag: str) -> list[dict]:
        """Return a department of a tag and those below it."""
        options = {"numbers": NO_DEPARTMENT, "params": {"id": dept_id}}
        answer = self.ask_if_allowed("unread_tag", tag, "department/list", "department", **options)
        return self.note_departments(list_rows(answer, "department"))

    def note_departments(self, rows: list[dict]) -> list[dict]:
        """Return the departments that are new."""
        departments = [parse_department(row) for row in rows]
        new = [dept for dept in departments if dept["deptId"] not in self.department_ids]
        self.department_ids |= dict.fromkeys(dept["deptId"] for dept in new if dept["deptId"])
        return new

    def read_range(self) -> list[str]:
        """Note the people of the range and return its tags.

        https://developer.work.weixin.qq.com/document/path/90227
        """
        agent = self.client.server_metadata["agent_id"]
        app = self.ask_if_allowed("unread_range", agent, "agent/get", "agentid", params={"agentid": agent})
        self.note_people(get_list(app, "allow_userinfos", "user"))
        return texts(get_list(app, "allow_tags", "tagid"))

    def read_tag(self, tag: str) -> list[str]:
        """Note a tag's people and return its new departments.

        https://developer.work.weixin.qq.com/document/path/90213
        """
        answer = self.ask_if_allowed("unread_tag", tag, "tag/get", "userlist", params={"tagid": tag})
        self.note_people(get_list(answer, "userlist"))
        return [dept for dept in texts(answer.get("partylist")) if dept not in self.department_ids]

    def note_people(self, users: list) -> None:
        ids = texts([user.get("userid") for user in users if isinstance(user, dict)])
        self.people = list(dict.fromkeys([*self.people, *ids]))

    # People

    def sources(self) -> list:
        """Return the departments and bundles of people to read from."""
        bundles = [self.people[start : start + BUNDLE] for start in range(0, len(self.people), BUNDLE)]
        return [*self.department_ids, *bundles]

    def members(self, source: str | list[str]) -> Iterator[list[dict]]:
        """Yield the people in one source, in one page."""
        if isinstance(source, list):
            yield [person for userid in source for person in self.read_alone(userid)]
            return
        answer = self.ask("user/list", "userlist", numbers=NO_DEPARTMENT, params={"department_id": source})
        yield [self.entry(parse_member(row)) for row in list_rows(answer, "userlist")]

    def read_alone(self, userid: str) -> Iterator[dict]:
        """Yield one member, if the platform tells about them."""
        try:
            yield self.entry(self.call(lambda: self.client.member(userid)))
        except AnswerAboutAnother:
            self.unread.setdefault("unanswered_person", []).append(userid)
        except Code as error:
            if error.code not in (NOT_FOUND, NOT_ALLOWED):
                raise

    def entry(self, person: dict) -> dict:
        """Return a person with `subject`."""
        return {**person, "subject": make_subject(person.get("userId"))}

    # Calls

    def ask(self, path: str, expect: str, **kwargs: Any) -> dict:
        return self.call(lambda: self.client.call("GET", path, expect=expect, **kwargs))

    def ask_if_allowed(self, warning: str, id: str, path: str, expect: str, **kwargs: Any) -> dict:
        """Return an answer, or warn and return an empty one.

        :param warning: a kind of `unread`.
        :param id: of what could not be read.
        """
        try:
            return self.ask(path, expect, **kwargs)
        except Code as error:
            if not is_refusal(error):
                raise
            self.unread.setdefault(warning, []).append(id)
            return {}
