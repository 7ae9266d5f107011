"""WeCom: no OAuth 2 token of a person; the company's own token opens the code.

https://developer.work.weixin.qq.com/document/path/98152 (browser), …/91022 (inside the client), …/91023 (who it is)
"""

import logging
from urllib.parse import quote

from portal.errors import (
    BAD_CODE,
    BAD_CREDENTIALS,
    BAD_TOKEN,
    EXPIRED_TOKEN,
    NOT_A_MEMBER,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_PERMITTED,
    UNAVAILABLE,
    Code,
)
from portal.providers.client import OfAnother, ProviderApp
from portal.providers.person import Person
from portal.providers.survey import call_once, is_refusal
from portal.providers.values import life_in, look_up, text, texts, token_in, whole_number
from portal.text import is_clean

log = logging.getLogger(__name__)

HOSTS = {
    "apiBaseUrl": "https://qyapi.weixin.qq.com",
    "loginBaseUrl": "https://login.work.weixin.qq.com",
    "oauthBaseUrl": "https://open.weixin.qq.com",
}
GENDER = {"1": 1, "2": 2, 1: 1, 2: 2}
STATUS = {1: 1, 2: 3, 4: 4, 5: 2}  # theirs: 1 active, 2 disabled, 4 not activated, 5 left
ROOT = "1"
BUNDLE = 20  # people asked for one by one in a source
UNKNOWN_MEMBER, NO_USERID = 60111, 41009
OUT_OF_RANGE = (60011, 50002)  # reports show the first at user/get, the platform's table has both
NO_DEPARTMENT = dict.fromkeys((60003, 60011, 60123), NOT_FOUND)
UNKNOWN_DEPARTMENT = NO_DEPARTMENT | {40035: NOT_FOUND}  # 40035: the id is no number
NOT_A_CODE = dict.fromkeys((40029, 41008, 42003), BAD_CODE)


class WeCom(ProviderApp):
    """A company's own app.

    Extra settings, in Authlib's `server_metadata`: `agent_id`, `sso_url` (browser), `oauth_url` (inside the client),
    `scope` there.
    """

    provider = "wecom"
    sso_page = "{loginBaseUrl}/wwlogin/sso/login"
    oauth_page = "{oauthBaseUrl}/connect/oauth2/authorize"
    code_key = "errcode"
    busy = {45009: 20, 45033: 1}  # a limit of calls a minute blocks for 60 seconds: over at the third try
    limits = ((10_000, 60),)  # https://developer.work.weixin.qq.com/document/path/90312
    lasting_id = "user_id"
    unclear = (None, NO_USERID)
    at_once = 3  # about five are refused with 45033
    numbers = {
        -1: UNAVAILABLE,
        40001: BAD_CREDENTIALS,
        40013: BAD_CREDENTIALS,
        **dict.fromkeys((41002, 41004), BAD_CREDENTIALS),
        40014: BAD_TOKEN,
        42001: EXPIRED_TOKEN,
        40056: NOT_PERMITTED,
        301002: NOT_PERMITTED,
        45009: UNAVAILABLE,
        45033: UNAVAILABLE,
        48002: NOT_PERMITTED,
        48009: NOT_PERMITTED,
        50001: NOT_PERMITTED,
        50003: NOT_PERMITTED,
        60020: NOT_PERMITTED,
        60031: NOT_PERMITTED,
    }
    reasons = {
        40001: "the app secret is wrong",
        40013: "the company id is wrong",
        40056: "the agent id is wrong",
        41002: "the company id is missing",
        41004: "the app secret is missing",
        48002: "the app may not call this interface",
        48009: "the contacts secret is not allowed from this network address; use the app's own secret",
        50001: "the redirect address is not on the app's trusted domain",
        50003: "the app is switched off",
        60020: "the server's network address is not on the app's list of trusted addresses",
        60031: "the app is forbidden to call interfaces",
        301002: "the secret belongs to another app than the agent id",
    }

    @classmethod
    def endpoints(cls, hosts: dict[str, str]) -> dict[str, str]:
        """Return the addresses as Authlib and our own settings name them."""
        return {
            "api_base_url": hosts["apiBaseUrl"],
            "sso_url": cls.sso_page.format(**hosts),
            "oauth_url": cls.oauth_page.format(**hosts),
        }

    def create_authorization_url(self, redirect_uri=None, state=None, in_app=False, **kwargs):
        """Return the SSO page, or inside the client the silent OAuth page. Neither knows `client_id` or PKCE."""
        agent = self.server_metadata["agent_id"]
        if in_app:
            url, fragment = self.server_metadata["oauth_url"], "#wechat_redirect"
            query = {
                "appid": self.client_id,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": self.server_metadata["member_scope"],
                "state": state,
                "agentid": agent,
            }
        else:
            url, fragment = self.server_metadata["sso_url"], ""
            query = {
                "login_type": "CorpApp",
                "appid": self.client_id,
                "agentid": agent,
                "redirect_uri": redirect_uri,
                "state": state,
            }
        pairs = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
        return {"url": f"{url}?{pairs}{fragment}", "state": state}

    def person_by_code(self, code, **extra):
        """Open the code, then read the member: two calls, three where the member consented to more."""
        who = self.fetch_access_token(code=code)
        told = self.member_at_login(who["userid"])
        if who["user_ticket"]:
            told |= self.consented(who["user_ticket"])
        return self.person(told)

    def fetch_access_token(self, code=None, **kwargs):
        """Return the member's id, and the ticket for what they consented to, or "".

        The company's token stays in here: returned as "the token", somebody would store a key to the whole company.
        """
        answer = self.call(
            "GET", "auth/getuserinfo", expect=None, again=False, numbers=NOT_A_CODE, params={"code": code}
        )
        found = {key.lower(): text(value) for key, value in answer.items()}
        if not any(found.get(key) for key in ("userid", "openid", "external_userid")):
            raise Code(UNAVAILABLE, "the platform's answer does not say who it is")
        if not found.get("userid") or "/" in found["userid"]:
            raise Code(NOT_A_MEMBER, "the visitor is not a member of this company")
        if not subject_of(found["userid"]):
            raise Code(UNAVAILABLE, "the platform's answer holds no usable userid")
        return {"userid": found["userid"], "user_ticket": found.get("user_ticket", "")}

    def member_at_login(self, userid: str) -> dict:
        """Return what the directory says; where it can't be read, only who it is: the login goes on."""
        try:
            return self.member(userid)
        except Code as error:
            if error.native in (UNKNOWN_MEMBER, *OUT_OF_RANGE):
                raise Code(
                    NOT_ALLOWED, "the member is unknown or outside the app's visible range", error.native
                ) from None
            log.warning(
                "wecom: the member can't be read, the login goes on without (%s, platform %s)", error, error.native
            )
            return {"userId": userid}

    def person(self, told: dict) -> Person:
        return Person(provider=self.provider, tenant=self.client_id, subject=subject_of(told["userId"]), **told)

    def member(self, userid: str) -> dict:
        """Return what the directory says of a member; keys it does not tell are absent.

        :raises Code: 60111 unknown, 40302 outside the app's range, 60020 without the permission, 50300 when the answer
            is about another person.
        """
        if not subject_of(userid):
            raise Code(NOT_FOUND, "no member of WeCom can have this id")
        numbers = {UNKNOWN_MEMBER: NOT_FOUND, NO_USERID: NOT_FOUND, **dict.fromkeys(OUT_OF_RANGE, NOT_ALLOWED)}
        user = self.call("GET", "user/get", expect=None, numbers=numbers, params={"userid": userid})
        if subject_of(user.get("userid")) != subject_of(userid):
            raise OfAnother()
        return self.told_of_member(user)

    def told_of_member(self, user: dict) -> dict:
        """Return what an entry of the directory says; keys it does not tell are absent."""
        told = {
            "userId": user.get("userid"),
            "name": user.get("name"),
            "position": user.get("position"),
            "mobile": user.get("mobile"),
            "email": user.get("email") or user.get("biz_mail"),
            "companyEmail": user.get("biz_mail"),
            "avatar": user.get("avatar"),
        }
        told = {key: value for key, value in told.items() if isinstance(value, str)}
        for key, table in (("gender", GENDER), ("status", STATUS)):
            if (value := look_up(table, user.get(key))) is not None:
                told[key] = value
        if isinstance(user.get("department"), list):
            main = str(user.get("main_department"))
            told["department"] = sorted(texts(user["department"]), key=lambda dept: dept != main)
            told["leads"] = leads(user)
            told["isLeader"] = bool(told["leads"])
        return told

    def department(self, dept_id: str) -> dict:
        """Return one department.

        :raises Code: 60111 unknown or outside the app's range, 60020 without the permission.
        """
        found = self.call(
            "GET", "department/get", expect="department", numbers=UNKNOWN_DEPARTMENT, params={"id": dept_id}
        )
        if not isinstance(found["department"], dict):
            raise Code(UNAVAILABLE, "the platform's answer lacks department")
        told = self.told_of_department(found["department"])
        if not told["deptId"]:
            raise Code(UNAVAILABLE, "the platform's department lacks its id")
        return told

    def survey(self, call=call_once):
        """Return what reads the whole directory; `call` makes each call."""
        return WeComSurvey(self, call)

    def told_of_department(self, found: dict) -> dict:
        """Return a department; what is not told is `None`, but for the id: ""."""
        dept_id, parent = texts([found.get("id")]), texts([found.get("parentid")])
        return {
            "deptId": dept_id[0] if dept_id else "",
            "openId": "",
            "parentId": parent[0] if parent else None,
            "name": text(found["name"]) if "name" in found else None,
            "leaders": texts(found["department_leader"]) if "department_leader" in found else None,
            "position": -whole_number(found["order"]) if "order" in found else None,  # theirs: the greatest first
        }

    def consented(self, ticket: str) -> dict:
        """Return what the member consented to; nothing where the platform refuses: the login goes on."""
        try:
            found = self.call("POST", "auth/getuserdetail", expect="userid", json={"user_ticket": ticket})
        except Code as error:
            log.warning("wecom: the consented details can't be read (%s, platform %s)", error, error.native)
            return {}
        details = {
            "mobile": text(found.get("mobile")),
            "email": text(found.get("email")) or text(found.get("biz_mail")),
            "companyEmail": text(found.get("biz_mail")),
            "avatar": text(found.get("avatar")),
            "gender": look_up(GENDER, found.get("gender")),
        }
        return {key: value for key, value in details.items() if value}

    # The company's token

    def call(self, method, path, *, expect, params=None, **kwargs):
        """Call with the company's token, which WeCom takes in the query string only."""

        def send(token):
            query = {**(params or {}), "access_token": token}
            url = f"{self.api_base_url}/cgi-bin/{path}"
            return self.ask(method, url, expect=expect, lacks_code=True, params=query, **kwargs)

        return self.as_app(send)

    def fetch_app_token(self):
        """https://developer.work.weixin.qq.com/document/path/91039"""
        answer = self.ask(
            "GET",
            f"{self.api_base_url}/cgi-bin/gettoken",
            expect="access_token",
            lacks_code=True,
            params={"corpid": self.client_id, "corpsecret": self.client_secret},
        )
        return {"access_token": token_in(answer, "access_token")}, life_in(answer, "expires_in")


class WeComSurvey:
    """Reads the whole directory: `departments()`, then `members()` of each of `sources()`."""

    def __init__(self, client: WeCom, call):
        self.client, self.call = client, call
        self.found: dict[str, None] = {}  #: ids of the departments
        self.people: list[str] = []  #: user ids of those in the app's range by themselves or by a tag
        self.unread: dict[str, list] = {}  #: kind of a warning -> ids of what the app may not read
        self.whole = True  #: whether the app may see the whole company
        self.elsewhere: dict[str, str] = {}  #: not needed here: a department has one id

    def departments(self):
        """Yield all departments the app may see; where the range is smaller, also those of its tags."""
        answer = self.ask("department/list", "department", numbers=NO_DEPARTMENT)
        yield self.noted(rows(answer, "department"))
        self.whole = ROOT in self.found
        if not self.whole:
            for tag in self.read_range():
                for dept_id in self.read_tag(tag):
                    yield self.listed_by(tag, dept_id)

    def listed_by(self, tag: str, dept_id: str) -> list[dict]:
        """Return a department of a tag and those below it."""
        which = {"numbers": NO_DEPARTMENT, "params": {"id": dept_id}}
        answer = self.if_allowed("unread_tag", tag, "department/list", "department", **which)
        return self.noted(rows(answer, "department"))

    def noted(self, told: list) -> list[dict]:
        """Return departments not seen yet."""
        told = [self.client.told_of_department(row) for row in told]
        fresh = [dept for dept in told if dept["deptId"] not in self.found]
        self.found |= dict.fromkeys(dept["deptId"] for dept in fresh if dept["deptId"])
        return fresh

    def read_range(self) -> list[str]:
        """Note the people in the app's range by themselves; return its tags.

        https://developer.work.weixin.qq.com/document/path/90227
        """
        agent = self.client.server_metadata["agent_id"]
        app = self.if_allowed("unread_range", agent, "agent/get", "agentid", params={"agentid": agent})
        self.note_people(inside(app, "allow_userinfos", "user"))
        return texts(inside(app, "allow_tags", "tagid"))

    def read_tag(self, tag: str) -> list[str]:
        """Note the people of a tag; return its departments that were not seen yet.

        https://developer.work.weixin.qq.com/document/path/90213
        """
        found = self.if_allowed("unread_tag", tag, "tag/get", "userlist", params={"tagid": tag})
        self.note_people(found.get("userlist"))
        return [dept for dept in texts(found.get("partylist")) if dept not in self.found]

    def if_allowed(self, warning: str, id: str, path: str, expect: str, **kwargs) -> dict:
        """Return an answer; an empty one, and a warning, where the platform refuses."""
        try:
            return self.ask(path, expect, **kwargs)
        except Code as error:
            if not is_refusal(error):
                raise
            self.unread.setdefault(warning, []).append(id)
            return {}

    def note_people(self, users):
        users = users if isinstance(users, list) else []
        ids = texts([user.get("userid") for user in users if isinstance(user, dict)])
        self.people = list(dict.fromkeys([*self.people, *ids]))

    def ask(self, path: str, expect: str, **kwargs) -> dict:
        return self.call(lambda: self.client.call("GET", path, expect=expect, **kwargs))

    def sources(self) -> list:
        """Return what members are read from: departments, and bundles of people in the range by themselves."""
        return [*self.found, *(self.people[at : at + BUNDLE] for at in range(0, len(self.people), BUNDLE))]

    def members(self, source):
        """Yield, in one page, what the directory says of the people in a source."""
        if isinstance(source, list):
            yield [person for userid in source for person in self.alone(userid)]
            return
        answer = self.ask("user/list", "userlist", numbers=NO_DEPARTMENT, params={"department_id": source})
        yield [self.member(row) for row in rows(answer, "userlist")]

    def alone(self, userid: str):
        """Yield what the directory says of one member, if it tells."""
        try:
            yield self.entry(self.call(lambda: self.client.member(userid)))
        except OfAnother:
            self.unread.setdefault("unanswered_person", []).append(userid)
        except Code as error:
            if error.code not in (NOT_FOUND, NOT_ALLOWED):
                raise

    def member(self, row: dict) -> dict:
        return self.entry(self.client.told_of_member(row))

    def entry(self, person: dict) -> dict:
        """Return somebody with their `subject`."""
        return {**person, "subject": subject_of(person.get("userId"))}


def subject_of(userid) -> str:
    """Return the form in which a member's id is compared: its case does not matter; "" for what is no such id.

    The ids are ASCII (https://developer.work.weixin.qq.com/document/path/90195): what merely folds to the same letters
    is somebody else's, or nobody's.
    """
    return userid.lower() if is_clean(userid) and userid.isascii() else ""


def rows(answer: dict, key: str) -> list[dict]:
    """Return the entries of an answer."""
    found = answer.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def inside(answer: dict, *keys) -> list:
    """Return the list below some keys of an answer; empty for anything else that is there."""
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, list) else []


def leads(user: dict) -> list[str]:
    """Return which of a member's departments they lead, from two lists of the same order."""
    ids, flags = user["department"], user.get("is_leader_in_dept")
    if not isinstance(flags, list) or len(flags) != len(ids):
        return []
    return sorted({str(dept) for dept, flag in zip(ids, flags, strict=True) if flag in (1, "1")})
