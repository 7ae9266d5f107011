"""Sign in with WeCom, `auths.loginTypes.QywxInnerType`."""

import re
from typing import Any

from flask_babel import lazy_gettext as _

from portal.directory.companies import Company
from portal.elements.meta import Meta
from portal.elements.wecom.client import HOSTS, WeCom
from portal.elements.wecom.doctor import WecomDoctor
from portal.models import QywxInnerAuthModel
from portal.providers.person import Person

SCOPES = ("snsapi_base", "snsapi_privateinfo")
IN_CLIENT = ("in_app", "auth_code")
VERIFICATION_FILE = re.compile(r"WW_verify_[A-Za-z0-9]{1,64}\.txt")


class QywxInnerType(Meta):
    """A WeCom self-built app."""

    provider = "wecom"
    label = _("WeCom")
    picture, colour = "marks/wecom.svg", "blue"
    avatar_hosts = (".qlogo.cn", ".qpic.cn")
    csv_names = ("企业微信", "wechat work", "企微")
    client_agent = re.compile(r"\bwxwork/", re.IGNORECASE)
    client_programs = {"wxwork": "WeCom"}
    lookalike_apps = {"MicroMessenger": _("WeChat")}
    works_on_phones = False
    example_keys = {
        "corpId": "ww0000000000000001",
        "corpSecret": "${WECOM_SECRET}",
        "agentId": "1000002",
        "redirectUri": "${PORTAL_BASE_URL}/login/Wecom/callback",
    }
    QywxInnerAuthModel = QywxInnerAuthModel
    doctor = WecomDoctor

    def configure(self) -> None:
        self.corpId, self.agentId = self.text("corpId"), self.text("agentId")
        if not self.agentId.isascii() or not self.agentId.isdigit():
            raise self.wrong_setting("agentId", "must be the app's number")
        self.text("redirectUri")  # the platform compares it; this Type has no default
        self.domainVerification = self.verification()
        self.hasPanel = self.flag("panel", True)
        hosts = self.addresses(HOSTS)
        self.loginBaseUrl = hosts["loginBaseUrl"]
        self.companyName = self.text("companyName") if "companyName" in self.settings else ""
        self.client = self.app.oauth.register(
            self.fullName,
            client_cls=WeCom,
            client_id=self.corpId,
            client_secret=self.text("corpSecret"),
            agent_id=self.agentId,
            member_scope=self.choice("scope", SCOPES, "snsapi_base"),
            client_kwargs=self.proxy(),
            **WeCom.endpoints(hosts),
        )

    def verification(self) -> dict[str, str] | None:
        """Return name and content of WeCom's verification file.

        By this file WeCom checks that the domain is ours.
        """
        setting = self.settings.get("domainVerification")
        if setting is None:
            return None
        name, content = (setting.get(key) if isinstance(setting, dict) else None for key in ("file", "content"))
        if not isinstance(name, str) or not VERIFICATION_FILE.fullmatch(name) or not isinstance(content, str):
            raise self.wrong_setting("domainVerification", 'must be {"file": "WW_verify_….txt", "content": "…"}')
        return {"file": name, "content": content}

    def root_files(self) -> dict[str, str]:
        file = self.domainVerification
        return {file["file"]: file["content"]} if file else {}

    def getLoginConfig(self, kind: str = "qr", **kwargs: Any) -> dict:
        """Return `corpId`, `agentId`, `redirectUri` and a fresh `state`."""
        return {"corpId": self.corpId, "agentId": self.agentId, **super().getLoginConfig(kind, **kwargs)}

    def authorize_url(self, kind: str, state: str) -> str:
        return self.client.authorization_url(self.redirectUri, state, in_app=kind in IN_CLIENT)

    def panel(self) -> dict | None:
        if not self.hasPanel:
            return None
        return {"template": "_wecom_panel.html", "script": "wecom-panel.js", "origin": self.loginBaseUrl}

    def page_sources(self, page: str) -> dict[str, list[str]]:
        return {"frame-src": [self.loginBaseUrl]} if page == "login" and self.hasPanel else {}

    def start_kind(self, user_agent: str) -> str:
        """Return the kind of a login begun by a click.

        The SSO page does not work inside the client. There the client's own silent page is used.
        """
        return "in_app" if self.is_client(user_agent) else "redirect"

    def fetch_person(self, code: str, kind: str, state: str | None) -> Person:
        """Ask for the member's id, then read the member.

        With the member's consent there is a third call.

        :raises Code: BAD_CODE; NOT_A_MEMBER; NOT_ALLOWED unknown or outside the app's range.
        """
        return self.client.person_by_code(code)

    def directory_client(self) -> WeCom:
        return self.client

    def directory_person(self, user_id: str) -> Person:
        return self.client.make_person(self.client.member(user_id))

    def recall_tenant(self) -> str:
        return self.corpId

    def own_company(self) -> Company:
        return Company(self.corpId, self.companyName)

    def getAccessToken(self) -> str:
        """Return the app's own valid `access_token`."""
        return self.client.stored_token.get()["access_token"]
