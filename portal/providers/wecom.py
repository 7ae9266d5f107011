"""WeCom: no OAuth 2 token of a person; the company's own token opens the code.

https://developer.work.weixin.qq.com/document/path/98152 (browser), …/91022 (inside the client), …/91023 (who it is)
"""

from urllib.parse import quote

from portal.errors import Code
from portal.providers.base import Person, ProviderApp, known, life_in, log, text, texts, token_in, whole
from portal.providers.survey import straight
from portal.text import is_clean

HOSTS = {
    "apiBaseUrl": "https://qyapi.weixin.qq.com",
    "loginBaseUrl": "https://login.work.weixin.qq.com",
    "oauthBaseUrl": "https://open.weixin.qq.com",
}
GENDER = {"1": 1, "2": 2, 1: 1, 2: 2}
STATUS = {1: 1, 2: 3, 4: 4, 5: 2}  # theirs: 1 active, 2 disabled, 4 not activated, 5 left
ROOT = "1"
UNKNOWN_MEMBER, OUT_OF_RANGE, NO_USERID = 60111, 60011, 41009
NO_DEPARTMENT = dict.fromkeys((60003, 60011, 60123), 60111)
UNKNOWN_DEPARTMENT = NO_DEPARTMENT | {40035: 60111}  # 40035: the id is no number
NOT_A_CODE = dict.fromkeys((40029, 41008, 42003), 40029)


class WeCom(ProviderApp):
    """A company's own app.

    Extra settings, in Authlib's `server_metadata`: `agent_id`, `sso_url` (browser), `oauth_url` (inside the client),
    `scope` there.
    """

    provider = "wecom"
    code_key = "errcode"
    busy = {45009: 20, 45033: 1}  # a limit of calls a minute blocks for 60 seconds: over at the third try
    public = (HOSTS["apiBaseUrl"],)
    limits = ((10_000, 60),)  # https://developer.work.weixin.qq.com/document/path/90312
    lasting_id = "user_id"
    at_once = 3  # about five are refused with 45033
    numbers = {
        -1: 50300,
        40001: 40013,
        40013: 40013,
        40014: 40014,
        42001: 42001,
        40056: 60020,
        301002: 60020,
        45009: 50300,
        45033: 50300,
        48002: 60020,
        48009: 60020,
        50001: 60020,
        50003: 60020,
        60020: 60020,
        60031: 60020,
    }
    reasons = {
        40001: "the app secret is wrong",
        40013: "the company id is wrong",
        40056: "the agent id is wrong",
        48002: "the app may not call this interface",
        48009: "the contacts secret is not allowed from this network address; use the app's own secret",
        50001: "the redirect address is not on the app's trusted domain",
        50003: "the app is switched off",
        60020: "the server's network address is not on the app's list of trusted addresses",
        60031: "the app is forbidden to call interfaces",
        301002: "the secret belongs to another app than the agent id",
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
            raise Code(50300, "the platform's answer does not say who it is")
        if not found.get("userid") or "/" in found["userid"]:
            raise Code(40301, "the visitor is not a member of this company")
        if not subject_of(found["userid"]):
            raise Code(50300, "the platform's answer holds no usable userid")
        return {"userid": found["userid"], "user_ticket": found.get("user_ticket", "")}

    def member_at_login(self, userid: str) -> dict:
        """Return what the directory says; where it can't be read, only who it is: the login goes on."""
        try:
            return self.member(userid)
        except Code as error:
            if error.native in (UNKNOWN_MEMBER, OUT_OF_RANGE):
                raise Code(40302, "the member is unknown or outside the app's visible range", error.native) from None
            log.warning(
                "wecom: the member can't be read, the login goes on without (%s, platform %s)", error, error.native
            )
            return {"userId": userid}

    def person(self, told: dict) -> Person:
        return Person(provider=self.provider, tenant=self.client_id, subject=subject_of(told["userId"]), **told)

    def member(self, userid: str) -> dict:
        """Return what the directory says of a member; keys it does not tell are absent.

        :raises Code: 60111 unknown, 40302 outside the app's range, 60020 without the permission.
        """
        if not subject_of(userid):
            raise Code(60111, "no member of WeCom can have this id")
        numbers = {UNKNOWN_MEMBER: 60111, NO_USERID: 60111, OUT_OF_RANGE: 40302}
        user = self.call("GET", "user/get", expect="userid", numbers=numbers, params={"userid": userid})
        if subject_of(user["userid"]) != subject_of(userid):
            raise Code(50300, "the platform's answer is about somebody else")
        return self.told_of_member(user)

    def told_of_member(self, user: dict) -> dict:
        """Return what an entry of the directory says; keys it does not tell are absent."""
        told = {
            "userId": user["userid"],
            "name": user.get("name"),
            "position": user.get("position"),
            "mobile": user.get("mobile"),
            "email": user.get("email") or user.get("biz_mail"),
            "companyEmail": user.get("biz_mail"),
            "avatar": user.get("avatar"),
        }
        told = {key: value for key, value in told.items() if isinstance(value, str)}
        for key, table in (("gender", GENDER), ("status", STATUS)):
            if (value := known(table, user.get(key))) is not None:
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
            raise Code(50300, "the platform's answer lacks department")
        return self.told_of_department(found["department"])

    def survey(self, patient=straight):
        """Return what reads the whole directory; `patient` makes each call."""
        return WeComSurvey(self, patient)

    def told_of_department(self, found: dict) -> dict:
        """Return a department; what is not told is `None`."""
        dept_id, parent = texts([found.get("id")]), texts([found.get("parentid")])
        if not dept_id:
            raise Code(50300, "the platform's department lacks its id")
        return {
            "deptId": dept_id[0],
            "openId": "",
            "parentId": parent[0] if parent else None,
            "name": text(found["name"]) if "name" in found else None,
            "leaders": texts(found["department_leader"]) if "department_leader" in found else None,
            "position": -whole(found["order"]) if "order" in found else None,  # theirs: the greatest first
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
            "gender": known(GENDER, found.get("gender")),
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

    def __init__(self, client: WeCom, patient):
        self.client, self.patient = client, patient
        self.found: list[str] = []
        self.whole = True  #: whether the app may see the whole company
        self.elsewhere: dict[str, str] = {}  #: not needed here: a department has one id

    def departments(self):
        """Yield all departments the app may see, in one page."""
        send = self.client.call
        answer = self.patient(lambda: send("GET", "department/list", expect="department", numbers=NO_DEPARTMENT))
        told = [self.client.told_of_department(row) for row in rows(answer, "department")]
        self.found = list(dict.fromkeys(dept["deptId"] for dept in told))
        self.whole = ROOT in self.found
        yield told

    def sources(self) -> list[str]:
        return self.found

    def members(self, source: str):
        """Yield what the directory says of a department's direct members, in one page."""
        params = {"department_id": source}
        send = self.client.call
        answer = self.patient(lambda: send("GET", "user/list", expect="userlist", numbers=NO_DEPARTMENT, params=params))
        yield [self.member(row) for row in rows(answer, "userlist")]

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
    found = answer[key]
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def leads(user: dict) -> list[str]:
    """Return which of a member's departments they lead, from two lists of the same order."""
    ids, flags = user["department"], user.get("is_leader_in_dept")
    if not isinstance(flags, list) or len(flags) != len(ids):
        return []
    return sorted({str(dept) for dept, flag in zip(ids, flags, strict=True) if flag in (1, "1")})
