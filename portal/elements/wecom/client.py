"""Sign-in with WeCom, which gives no person's token.

The app's own token opens the code. https://developer.work.weixin.qq.com/document/path/98152 (browser), …/91022 (inside
the client), …/91023 (the member)
"""

import logging
from typing import Any
from urllib.parse import quote

from portal.elements.wecom.contacts import OUT_OF_RANGE, UNKNOWN_MEMBER, WeComContacts
from portal.elements.wecom.entries import GENDER, make_subject
from portal.errors import (
    BAD_CODE,
    BAD_CREDENTIALS,
    BAD_TOKEN,
    EXPIRED_TOKEN,
    NOT_A_MEMBER,
    NOT_ALLOWED,
    NOT_PERMITTED,
    UNAVAILABLE,
    Code,
)
from portal.logs import log_event
from portal.providers.person import Person
from portal.providers.values import look_up, text

log = logging.getLogger(__name__)

HOSTS = {
    "apiBaseUrl": "https://qyapi.weixin.qq.com",
    "loginBaseUrl": "https://login.work.weixin.qq.com",
    "oauthBaseUrl": "https://open.weixin.qq.com",
}
CODE_REFUSED = dict.fromkeys((40029, 41008, 42003), BAD_CODE)


class WeCom(WeComContacts):
    """A client of a company's own app.

    Further settings, in Authlib's `server_metadata`: `agent_id`, `sso_url` (browser), `oauth_url` (inside the client)
    and `member_scope` there.
    """

    provider = "wecom"
    sso_page = "{loginBaseUrl}/wwlogin/sso/login"
    oauth_page = "{oauthBaseUrl}/connect/oauth2/authorize"
    code_key = "errcode"
    busy = {45009: 20, 45033: 1}  # a limit of calls a minute blocks for 60 seconds, which the third try outlasts
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
        """Return the addresses under the names of their settings."""
        return {
            "api_base_url": hosts["apiBaseUrl"],
            "sso_url": cls.sso_page.format(**hosts),
            "oauth_url": cls.oauth_page.format(**hosts),
        }

    def create_authorization_url(
        self, redirect_uri: str | None = None, state: str | None = None, in_app: bool = False, **kwargs: Any
    ) -> dict:
        """Return the SSO page, or the client's silent OAuth page.

        Neither knows `client_id` or PKCE.
        """
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

    def person_by_code(self, code: str, **extra: Any) -> Person:
        """Return the member of a login code.

        Two calls: the code and the directory. A third one if the member gave consent to more.
        """
        token = self.fetch_access_token(code=code)
        profile = self.read_member_at_login(token["userid"])
        if token["user_ticket"]:
            profile |= self.read_consented_details(token["user_ticket"])
        return self.make_person(profile)

    def fetch_access_token(self, code: str | None = None, **kwargs: Any) -> dict:
        """Return the member's id and the ticket of their consent.

        The ticket may be "". The app's token is not returned as "the token", because callers would store a key to the
        whole company.
        """
        answer = self.call(
            "GET", "auth/getuserinfo", expect=None, again=False, numbers=CODE_REFUSED, params={"code": code}
        )
        values = {key.lower(): text(value) for key, value in answer.items()}
        if not any(values.get(key) for key in ("userid", "openid", "external_userid")):
            raise Code(UNAVAILABLE, "the platform's answer names no person")
        if not values.get("userid") or "/" in values["userid"]:
            raise Code(NOT_A_MEMBER, "the visitor is not a member of this company")
        if not make_subject(values["userid"]):
            raise Code(UNAVAILABLE, "the platform's answer holds no usable userid")
        return {"userid": values["userid"], "user_ticket": values.get("user_ticket", "")}

    def read_member_at_login(self, userid: str) -> dict:
        """Return the member, or at least the id.

        The login goes on without the rest.
        """
        try:
            return self.member(userid)
        except Code as error:
            if error.native in (UNKNOWN_MEMBER, *OUT_OF_RANGE):
                reason = "the member is unknown or outside the app's visible range"
                raise Code(NOT_ALLOWED, reason, error.native) from None
            self.log_missing("the member can't be read", error)
            return {"userId": userid}

    def read_consented_details(self, ticket: str) -> dict:
        """Return what the member gave consent to.

        Where WeCom refuses it is nothing. The login goes on without the details.
        """
        try:
            answer = self.call("POST", "auth/getuserdetail", expect="userid", json={"user_ticket": ticket})
        except Code as error:
            self.log_missing("the consented details can't be read", error)
            return {}
        details = {
            "mobile": text(answer.get("mobile")),
            "email": text(answer.get("email")) or text(answer.get("biz_mail")),
            "companyEmail": text(answer.get("biz_mail")),
            "avatar": text(answer.get("avatar")),
            "gender": look_up(GENDER, answer.get("gender")),
        }
        return {key: value for key, value in details.items() if value}

    def log_missing(self, what: str, error: Code) -> None:
        """Log that a login goes on without some details."""
        facts = {"number": error.code, "reason": error.reason, "native": error.native}
        log_event(log, logging.WARNING, "details_missing", element=self.name.rpartition(".")[2], what=what, **facts)

    def make_person(self, profile: dict) -> Person:
        """Return the person that a member's profile describes."""
        return Person(provider=self.provider, tenant=self.client_id, subject=make_subject(profile["userId"]), **profile)
