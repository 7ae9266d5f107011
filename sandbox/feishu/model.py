"""Feishu's applications, identifiers and permissions.

https://open.feishu.cn/document/home/user-identity-introduction/open-id
https://open.feishu.cn/document/server-docs/application-scope/scope-list
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import md5
from secrets import token_hex, token_urlsafe

from sandbox.company import COMPANY, ROOT
from sandbox.world import App, world

APP_ID = "cli_5a4db0c5a4db0c01"
APP_SECRET = "sandbox-feishu-secret"
LONGEST_TOKEN = 4096  # characters Feishu asks callers to have room for
BRANDS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}
EVERYTHING = frozenset(
    {
        "auth:user.id:read",
        "contact:contact.base:readonly",
        "contact:department.base:readonly",
        "contact:department.hrbp:readonly",
        "contact:department.organize:readonly",
        "contact:group:readonly",
        "contact:user.base:readonly",
        "contact:user.basic_profile:readonly",
        "contact:user.department:readonly",
        "contact:user.email:readonly",
        "contact:user.employee:readonly",
        "contact:user.employee_id:readonly",
        "contact:user.employee_number:read",
        "contact:user.gender:readonly",
        "contact:user.id:readonly",
        "contact:user.phone:readonly",
        "offline_access",
        "tenant:tenant:readonly",
    }
)


@dataclass(kw_only=True, eq=False)
class FeishuApp(App):
    app_id: str
    brand: str = "feishu"
    redirect_uris: list | None = None  # None: every loopback address
    permissions: set = field(default_factory=lambda: set(EVERYTHING))
    accept_codes: dict | None = None  # dialect -> the code sources it takes; None: every code everywhere
    allowed: list | None = None  # tenants ("home", "other") that installed the app; None: all
    refresh: bool = True  # the console's switch "refresh user_access_token"

    @property
    def console(self):
        return f"{BRANDS[self.brand]}/app/{self.app_id}"

    def has_any(self, permissions):
        """Tell whether the application has one of these permissions."""
        return not self.permissions.isdisjoint(permissions)


def make_default_apps():
    return {APP_ID: FeishuApp(app_id=APP_ID, secret=APP_SECRET)}


def digest(*parts):
    return md5("/".join(parts).encode()).hexdigest()


def tenant(person):
    return COMPANY["tenants"][person.company]


def open_id(app, person):
    return "ou_" + digest(app.app_id, person.key)


def union_id(app, person):
    return "on_" + digest("developer", person.key)


def user_id(app, person):
    return person.key


USER_ID_TYPES = {"open_id": open_id, "union_id": union_id, "user_id": user_id}


def find_person(app, kind, value):
    """Return the person with this id, or None.

    It has to be a person of the application's own company.
    """
    table = world.feishu.directory.lookups.get((app, kind))
    if table is None:
        people = world.feishu.directory.people.values()
        table = {USER_ID_TYPES[kind](app, person): person for person in people if person.company == "home"}
        world.feishu.directory.lookups[app, kind] = table
    return table.get(value)


def open_department_id(department):
    return "0" if department.id == ROOT else "od-" + digest("department", department.id)


def department_id(department):
    return "0" if department.id == ROOT else department.feishu_id or department.id


DEPARTMENT_ID_TYPES = {"open_department_id": open_department_id, "department_id": department_id}


def find_department(kind, value):
    table = world.feishu.directory.lookups.get(kind)
    if table is None:
        departments = world.feishu.directory.departments.values()
        table = {DEPARTMENT_ID_TYPES[kind](department): department for department in departments}
        world.feishu.directory.lookups[kind] = table
    return table.get(value)


def make_app_token():
    return "t-" + token_hex(20)


def make_app_jwt():
    """Return an application's token as v3 gives it.

    It is as long as Feishu says a token may become.
    """
    return make_jwt(LONGEST_TOKEN)


def make_user_token(prefix):
    """Return a token with the prefix of its kind.

    Without a prefix it is a JWT of more than a kilobyte.
    """
    return prefix + token_urlsafe(40) if prefix else make_jwt(1184)


def make_jwt(length):
    """Return a JWT with a random signature.

    :param length: how many characters, a multiple of four, so that no part needs padding.
    """
    head, signature = "eyJhbGciOiJFUzI1NiJ9", token_urlsafe(64)
    room = (length - len(f"{head}..{signature}")) // 4 * 3  # bytes of claims
    claims = f'{{"jti":"{token_urlsafe(room)[: room - 10]}"}}'
    return f"{head}.{urlsafe_b64encode(claims.encode()).decode()}.{signature}"


def make_code(source):
    """Return a code in the shape of its source.

    It is short on the old pages and long elsewhere.
    """
    return token_hex(16) if source in ("passport", "index") else token_urlsafe(36)
