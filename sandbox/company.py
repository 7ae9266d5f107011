"""The people and departments of the pretend company.

They are read from company.json, and crowds of more can be made up. Each platform has a copy of its own, so that a
person can be frozen in one and active in the other.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

COMPANY = json.loads(Path(__file__).with_name("company.json").read_text("utf-8"))
ROOT = "1"
STATES = ("active", "inactive", "frozen", "exited", "resigned")
FAMILY_NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN_NAMES = ("伟", "芳", "娜", "敏", "静", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超")
BRANCHES = 8  # sub-departments under each department of a crowd


@dataclass(slots=True, eq=False)
class Person:
    """A person that can hold the pretend phone.

    `key` is the WeCom userid and the Feishu user_id.
    """

    key: str
    name: str
    en_name: str = ""
    nickname: str = ""
    title: str = ""
    email: str = ""
    work_email: str = ""
    mobile: str = ""
    telephone: str = ""
    gender: int = 0  # 0 unknown, 1 male, 2 female
    avatar: str | None = None  # None: the sandbox's own picture
    number: str = ""
    city: str = ""
    country: str = ""
    desk: str = ""
    address: str = ""
    joined: int = 1609459200  # seconds since 1970
    departments: list = field(default_factory=list)
    boss: str = ""
    manager: bool = False
    state: str = "active"
    company: str = "home"
    customer: bool = False  # WeCom knows them as an external contact
    hidden: bool = False  # outside what applications may see
    barred: bool = False  # not offered the application
    withhold: list = field(default_factory=list)  # platform fields left out of every answer
    extra: dict = field(default_factory=dict)  # platform fields put in place of ours

    @property
    def listed(self):
        """Whether department lists show this person.

        The resigned are gone from them.
        """
        return self.company == "home" and self.state != "resigned"

    def adjust_fields(self, fields):
        """Return platform fields with this person's own changes.

        Replacements are in, withheld fields are out.
        """
        return {name: self.extra.get(name, value) for name, value in fields.items() if name not in self.withhold}


@dataclass(slots=True, eq=False)
class Department:
    id: str
    name: str
    en_name: str = ""
    parent: str | None = None
    leaders: list = field(default_factory=list)  # keys of people, the main leader first
    feishu_id: str = ""  # a department id with letters, where the company gave one
    order: int = 100
    withhold: list = field(default_factory=list)  # platform fields left out of every answer
    extra: dict = field(default_factory=dict)  # platform fields put in place of ours

    def adjust_fields(self, fields):
        """Return platform fields with this department's own changes.

        Replacements are in, withheld fields are out.
        """
        return {name: value for name, value in (fields | self.extra).items() if name not in self.withhold}


class Directory:
    """The people and departments one platform knows."""

    def __init__(self, people=0, departments=0):
        self.is_changed = False
        self.departments = {row["id"]: Department(**row) for row in COMPANY["departments"]}
        self.people = {row["key"]: Person(**copy_lists(row)) for row in COMPANY["people"]}
        self.departments.update((row.id, row) for row in make_crowd_departments(departments))
        self.people.update((row.key, row) for row in make_crowd_people(people, departments))
        self.groups = {}  # key -> {"users": [keys], "departments": [ids]}: user groups of Feishu, tags of WeCom

    def mark_changed(self):
        """Forget what was worked out before a change."""
        self.is_changed = True
        for name in ("members", "children", "lookups"):
            self.__dict__.pop(name, None)

    @cached_property
    def members(self):
        """Department id -> the people listed directly in it."""
        members = defaultdict(list)
        for person in self.people.values():
            if person.listed:
                for department_id in person.departments:
                    members[department_id].append(person)
        return members

    @cached_property
    def children(self):
        """Department id -> its direct sub-departments."""
        children = defaultdict(list)
        for department in self.departments.values():
            children[department.parent].append(department)
        return children

    @cached_property
    def lookups(self):
        """Tables worked out from the people and departments.

        Every change empties them.
        """
        return {}

    def list_below(self, department_id):
        """Return all departments under one, nearest first."""
        departments = list(self.children[department_id])
        for department in departments:
            departments.extend(self.children[department.id])
        return departments

    def list_above(self, department_id):
        """Return the department and its ancestors without the root."""
        chain = []
        while department_id in self.departments and department_id != ROOT:
            chain.append(self.departments[department_id])
            department_id = chain[-1].parent
        return chain

    def find_named(self, reach):
        """Return the people and departments a range or group names."""
        users = [self.people[key] for key in reach.get("users", ()) if key in self.people]
        return users, [self.departments[key] for key in reach.get("departments", ()) if key in self.departments]

    def expand_groups(self, reach):
        """Return an application's range with what its groups hold."""
        groups = [self.groups[key] for key in reach.get("groups", ()) if key in self.groups]
        names = ("users", "departments")
        return {name: [key for part in (reach, *groups) for key in part.get(name, ())] for name in names}

    def visible_departments(self, reach):
        """Return the ids of the departments in a range.

        The range `None` means all of them.
        """
        if reach is None:
            return self.departments.keys()
        kept = self.lookups.setdefault("visible departments", {})
        if repr(reach) not in kept:
            _, roots = self.find_named(self.expand_groups(reach))
            below = (department for root in roots for department in self.list_below(root.id))
            kept[repr(reach)] = {department.id for department in (*roots, *below)}
        return kept[repr(reach)]

    def sees(self, reach, person):
        """Whether an application with this range may read this person."""
        if person.hidden or person.company != "home":
            return False
        if reach is None or person.key in self.expand_groups(reach)["users"]:
            return True
        return not self.visible_departments(reach).isdisjoint(person.departments)


def copy_lists(row):
    return {name: list(value) if isinstance(value, list) else value for name, value in row.items()}


def make_crowd_departments(count):
    """Yield departments under the root, as a tree.

    Each has a few branches.
    """
    for number in range(count):
        parent = ROOT if number < BRANCHES else str(100 + number // BRANCHES - 1)
        names = (f"部门{number + 1:05}", f"Department {number + 1}")
        yield Department(str(100 + number), *names, parent, order=number + 1)


def make_crowd_people(count, departments):
    """Yield made-up people, always the same ones.

    Every tenth sits in two departments.
    """
    for number in range(count):
        name = FAMILY_NAMES[number % len(FAMILY_NAMES)] + GIVEN_NAMES[number // 7 % len(GIVEN_NAMES)]
        seats = [number, number * 7 + 1] if number % 10 == 0 else [number]
        yield Person(
            key=f"p{number + 1:06}",
            name=f"{name}{number + 1}",
            en_name=f"Person {number + 1}",
            title="员工",
            email=f"p{number + 1:06}@example.com",
            mobile=f"150{number + 1:08}",
            gender=number % 2 + 1,
            number=f"P{number + 1:06}",
            departments=list(dict.fromkeys(str(100 + seat % departments) if departments else ROOT for seat in seats)),
        )
