"""Members and departments of WeCom, read with the app's token.

https://developer.work.weixin.qq.com/document/path/90193
"""

from collections.abc import Callable
from typing import Any

from portal.elements.wecom.entries import make_subject, parse_department, parse_member
from portal.elements.wecom.survey import NO_DEPARTMENT, WeComSurvey
from portal.errors import NOT_ALLOWED, NOT_FOUND, UNAVAILABLE, Code
from portal.providers.client import AnswerAboutAnother, Expected, ProviderApp
from portal.providers.survey import call_once
from portal.providers.values import life_in, token_in

UNKNOWN_MEMBER, NO_USERID = 60111, 41009
OUT_OF_RANGE = (60011, 50002)  # user/get answers with the first; the platform's table has both
MEMBER_NUMBERS = {UNKNOWN_MEMBER: NOT_FOUND, NO_USERID: NOT_FOUND, **dict.fromkeys(OUT_OF_RANGE, NOT_ALLOWED)}
DEPARTMENT_NUMBERS = NO_DEPARTMENT | {40035: NOT_FOUND}  # 40035: the id is no number


class WeComContacts(ProviderApp):
    """The part of a WeCom client that reads the directory."""

    limits = ((10_000, 60),)  # https://developer.work.weixin.qq.com/document/path/90312
    at_once = 3  # about five are refused with 45033
    lasting_id = "user_id"
    unclear = (None, NO_USERID)

    def member(self, userid: str) -> dict:
        """Return what the directory says of a member.

        Keys that it does not tell are absent.

        :raises Code: NOT_FOUND; NOT_ALLOWED outside the app's range; NOT_PERMITTED; UNAVAILABLE when the answer is
            about another person.
        """
        if not make_subject(userid):
            raise Code(NOT_FOUND, "no member of WeCom can have this id")
        user = self.call("GET", "user/get", expect=None, numbers=MEMBER_NUMBERS, params={"userid": userid})
        if make_subject(user.get("userid")) != make_subject(userid):
            raise AnswerAboutAnother()
        return parse_member(user)

    def department(self, dept_id: str) -> dict:
        """Return one department.

        :raises Code: NOT_FOUND, also outside the app's range; NOT_PERMITTED.
        """
        options = {"numbers": DEPARTMENT_NUMBERS, "params": {"id": dept_id}}
        row = self.call("GET", "department/get", expect="department", **options)["department"]
        if not isinstance(row, dict):
            raise Code(UNAVAILABLE, "the platform's answer lacks department")
        department = parse_department(row)
        if not department["deptId"]:
            raise Code(UNAVAILABLE, "the platform's department lacks its id")
        return department

    def survey(self, call: Callable = call_once) -> WeComSurvey:
        """Start reading the whole directory.

        :param call: makes each call; see `portal.providers.survey`.
        """
        return WeComSurvey(self, call)

    # The app's token

    def call(
        self,
        method: str,
        path: str,
        *,
        expect: str | None,
        numbers: dict | None = None,
        params: dict | None = None,
        **kwargs: Any,
    ) -> dict:
        """Return an answer, asked for with the app's token.

        WeCom takes the token in the query string only.
        """

        def send(token):
            query = {**(params or {}), "access_token": token}
            url = f"{self.api_base_url}/cgi-bin/{path}"
            expected = Expected(expect, lacks_code=True, numbers=numbers or {})
            return self.ask(method, url, expected, params=query, **kwargs)

        return self.as_app(send)

    def fetch_app_token(self) -> tuple[dict, int]:
        """Return the app's new token and its life (seconds).

        https://developer.work.weixin.qq.com/document/path/91039
        """
        answer = self.ask(
            "GET",
            f"{self.api_base_url}/cgi-bin/gettoken",
            Expected("access_token", lacks_code=True),
            params={"corpid": self.client_id, "corpsecret": self.client_secret},
        )
        return {"access_token": token_in(answer, "access_token")}, life_in(answer, "expires_in")
