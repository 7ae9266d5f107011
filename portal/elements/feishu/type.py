"""Sign in with Feishu or Lark, `auths.loginTypes.FSInnerType`."""

import logging
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from flask_babel import lazy_gettext as _

from portal.clocks import now
from portal.database import db
from portal.directory import companies, people, user_tokens
from portal.directory.companies import Company
from portal.elements.feishu.client import HOSTS, Feishu
from portal.elements.feishu.dialects import DIALECTS
from portal.elements.feishu.doctor import FeishuDoctor
from portal.elements.meta import Meta, id_text
from portal.elements.state import KINDS
from portal.errors import EXPIRED_TOKEN, NOT_ALLOWED, NOT_FOUND, NOT_PERMITTED, SETTING_MISSING, Code
from portal.logs import log_event
from portal.models import FSInnerAuthModel
from portal.providers.client import AnswerAboutAnother
from portal.providers.person import EMPTY, Person
from portal.text import one_line

log = logging.getLogger(__name__)

APP_LINKS = {"feishu": "https://applink.feishu.cn", "lark": "https://applink.larksuite.com"}
SCRIPTS = {
    "feishu": {
        "qrSdkUrl": "https://lf-package-cn.feishucdn.com/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
        "h5SdkUrl": "https://lf-scm-cn.feishucdn.com/lark/op/h5-js-sdk-1.5.44.js",
    },
    "lark": {
        "qrSdkUrl": "https://lf-package-us.larksuitecdn.com/obj/lark-static-us/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
        "h5SdkUrl": "https://lf-package-sg.larksuitecdn.com/obj/lark-static-sgsaas/lark/op/h5-js-sdk-1.5.44.js",
    },
}
TOKEN_EARLY = timedelta(minutes=1)  # a user's token is refreshed so long before its end
OWN_HOST = re.compile(r"([a-z0-9-]+\.)+(feishu\.cn|larksuite\.com)", re.IGNORECASE)
HAS_REDIRECT = ("redirect", "qr")  # the other kinds' codes are made by the client, without a redirect address


class FSInnerType(Meta):
    """A Feishu or Lark self-built app."""

    provider = "feishu"
    picture, colour = "marks/feishu.svg", "blue"
    avatar_hosts = (".feishucdn.com", ".feishu.cn", ".larksuitecdn.com", ".larksuite.com", ".byteimg.com")
    csv_names = ("飞书", "lark")
    client_agent = re.compile(r"\b(Lark|Feishu)/", re.IGNORECASE)
    client_programs = {"Lark": "Feishu"}
    login_scripts = {"login": "feishu-qr.js", "in_app": "feishu-in-app.js"}
    example_keys = {"appId": "cli_0000000000000001", "appSecret": "${FEISHU_SECRET}"}
    FSInnerAuthModel = FSInnerAuthModel
    doctor = FeishuDoctor

    def configure(self) -> None:
        self.region = self.choice("region", HOSTS, "feishu")
        self.label = _("Lark") if self.region == "lark" else _("Feishu")
        self.appId = self.text("appId")
        self.tenantKeys = self.text_list("tenantKeys")
        self.keepUserTokens = self.flag("keepUserTokens", False)
        hosts = self.addresses(HOSTS[self.region])
        self.check_company(hosts)
        self.qrSdkUrl = self.address("qrSdkUrl", SCRIPTS[self.region]["qrSdkUrl"], origin=False)
        self.h5SdkUrl = self.address("h5SdkUrl", SCRIPTS[self.region]["h5SdkUrl"], origin=False)
        self.passportBaseUrl, self.accountsBaseUrl = hosts["passportBaseUrl"], hosts["accountsBaseUrl"]
        dialect = self.choice("tokenDialect", DIALECTS, "v2")
        qr_dialect = self.choice("qrTokenDialect", DIALECTS, dialect)
        auth_code_dialect = self.choice("authCodeDialect", DIALECTS, "v1")
        by_kind = dict(zip(KINDS, (dialect, qr_dialect, dialect, auth_code_dialect), strict=True))
        self.clients = {kind: self.connect(DIALECTS[name], hosts, kind) for kind, name in by_kind.items()}
        # By dialect: only the one that gave a refresh token takes it.
        self.refreshers = {name: self.connect(cls, hosts, f"refresh_{name}") for name, cls in DIALECTS.items()}

    def connect(self, dialect: type[Feishu], hosts: dict[str, str], kind: str) -> Feishu:
        """Return the client for logins of one kind.

        Authlib registers it.
        """
        options = dialect.endpoints(hosts, kind)
        options["client_kwargs"].update(self.proxy())
        if "scope" in self.settings and dialect.takes_scope(kind):
            options["client_kwargs"]["scope"] = self.text("scope")
        return self.app.oauth.register(
            f"{self.fullName}.{kind}",
            client_cls=dialect,
            client_id=self.appId,
            client_secret=self.text("appSecret"),
            **options,
        )

    def check_company(self, hosts: dict[str, str]) -> None:
        """Raise where a foreign host could name any company.

        Such a host is not the platform's own. In development it may.

        :raises Code: SETTING_MISSING without `tenantKeys`.
        """
        foreign = [key for key, address in hosts.items() if not OWN_HOST.fullmatch(urlsplit(address).hostname)]
        if self.in_production and foreign and self.tenantKeys is None:
            why = f"{foreign[0]} is not Feishu's or Lark's own, so the companies that may sign in have to be named"
            raise Code(SETTING_MISSING, f"{self.file}: tenantKeys is missing: {why}")

    def getLoginConfig(self, kind: str = "qr", **kwargs: Any) -> dict:
        """Return `appId`, `redirectUri` and a fresh `state`."""
        return {"appId": self.appId, **super().getLoginConfig(kind, **kwargs)}

    def authorize_url(self, kind: str, state: str) -> str | None:
        if kind not in HAS_REDIRECT:
            return None
        client = self.clients[kind]
        extra = {"code_verifier": self.code_verifier(state)} if self.has_challenge(kind) else {}
        return client.authorization_url(self.redirectUri, state, **extra)

    def has_challenge(self, kind: str) -> bool:
        return "code_challenge_method" in self.clients[kind].client_kwargs

    def fetch_person(self, code: str, kind: str, state: str | None) -> Person:
        """Exchange the code, and add contact data.

        The dialect of the exchange follows the kind of login. The directory is asked when what we hold is older than a
        day.

        :raises Code: BAD_CODE; NOT_A_MEMBER another company; NOT_ALLOWED left, frozen or outside the app's range.
        """
        extra = {"redirect_uri": self.redirectUri} if kind in HAS_REDIRECT else {}
        if state is not None and self.has_challenge(kind):
            extra["code_verifier"] = self.code_verifier(state)
        person = self.clients[kind].person_by_code(code, keep=self.keepUserTokens, **extra)
        self.check_tenant(person, self.tenantKeys)
        self.add_contact_data(person)
        return person

    def add_contact_data(self, person: Person) -> None:
        """Add what the login profile lacks.

        It comes from the directory, or from what is stored.
        """
        identity, is_fresh = people.find_identity_early(person)
        if is_fresh:
            columns = ((key, column) for key, column in people.COLUMNS.items() if key in person["withheld"])
            person.update({key: getattr(identity, column) for key, column in columns})
            return
        status = identity.status if identity is not None else EMPTY["status"]
        db.session.rollback()  # no transaction stays open during a call
        try:
            entry = self.clients["redirect"].member(person["openId"])
            if entry.get("unionId", person["unionId"]) != person["unionId"]:
                raise AnswerAboutAnother()
        except Code as error:
            facts = {"number": error.code, "reason": error.reason, "native": error.native}
            log_event(log, logging.WARNING, "details_missing", element=self.name, what="no contact data", **facts)
            person["status"] = status
            return
        entry = {key: value for key, value in entry.items() if key not in ("openId", "unionId")}  # the login's count
        if not one_line(entry.get("name")):
            entry.pop("name", None)
        withheld = [key for key in person["withheld"] if key not in entry]
        person.update({**entry, "withheld": withheld, "contactRead": True})

    def directory_client(self) -> Feishu:
        return self.clients["redirect"]

    def directory_person(self, user_id: str) -> Person:
        entry = self.directory_client().member(user_id)
        entry = {"userId": entry.get("openId"), **entry}
        return Person(provider=self.provider, tenant=self.recall_tenant(), subject=entry.get("unionId"), **entry)

    def recall_tenant(self) -> str:
        """Return the only listed company, or the remembered one."""
        if self.tenantKeys is not None and len(self.tenantKeys) == 1:
            return self.tenantKeys[0]
        return companies.find_company(self.provider, self.directory_client().app_key())

    def own_company(self) -> Company:
        only_one = self.tenantKeys is not None and len(self.tenantKeys) == 1
        return Company(self.tenantKeys[0]) if only_one else Company()

    def tenant(self) -> str:
        """Return the company of this directory, and remember it.

        The directory does not tell it, so the platform is asked, once. Without that permission the company is known
        once the directory knows a person that has signed in here.
        """
        tenant, app = self.recall_tenant(), self.directory_client().app_key()
        if tenant and companies.has_asked(self.provider, app):
            return tenant
        db.session.rollback()  # no transaction stays open during a call
        if company := self.ask_company(tenant):
            companies.remember_company(self.provider, app, company)
        return tenant or company.tenant

    def ask_company(self, known: str) -> Company | None:
        """Return the company the platform or our people tell.

        :param known: its key where that is known already. Then the name alone is missing, and a failure is none.
        :raises Code: NOT_PERMITTED where neither tells it.
        """
        try:
            return self.directory_client().read_company()
        except Code as error:
            if known:
                return Company(known) if error.code == NOT_PERMITTED else None
            if error.code != NOT_PERMITTED:
                raise
            if tenant := self.tenant_of_people():
                return Company(tenant)
            why = "the company is unknown: set tenantKeys, grant tenant:tenant:readonly, or sign in once"
            raise Code(NOT_PERMITTED, f"{self.file}: {why}", error.native) from None

    def tenant_of_people(self) -> str:
        """Return the company of a bound person the directory knows.

        It is the first one's, or "" where the directory knows none.
        """
        bound = companies.list_bound_people(self.name)
        db.session.rollback()
        for tenant, subject in bound:
            try:
                if self.directory_client().member(subject).get("unionId") == subject:
                    return tenant
            except Code as error:
                if error.code not in (NOT_FOUND, NOT_ALLOWED):
                    raise
        return ""

    def getUserToken(self, userId: str) -> str:
        """Return a valid token of a person.

        The person has signed in before. A token that has ended is refreshed. Of several workers that refresh at once,
        the first at the platform stores the new pair for all.

        :raises Code: NOT_FOUND when no token of the person is kept (see `keepUserTokens`); EXPIRED_TOKEN or BAD_TOKEN
            when it can't be refreshed any more, and the person has to sign in again. Any other failure may be tried
            again.
        """
        identity = self.find_person(id_text(userId))
        if identity is None or not identity.access_token or identity.token_app not in (None, self.appId):
            raise Code(NOT_FOUND, "no token of this person is kept for this app")
        token, ends, refresh = identity.access_token, identity.expires_at, identity.refresh_token
        identity_id, dialect = identity.id, identity.token_dialect or self.clients["redirect"].dialect
        db.session.rollback()  # no transaction stays open during a call
        if ends - now() > TOKEN_EARLY:
            return token
        if not refresh:
            raise Code(EXPIRED_TOKEN, "the token has ended and came without another; ask for offline_access in scope")
        try:
            pair = self.refreshers[dialect].refresh(refresh)
        except Code as error:
            return user_tokens.wait_for_refresh(identity_id, ends, error)
        user_tokens.store_tokens(identity_id, pair)
        return pair["accessToken"]

    def getAccessToken(self) -> str:
        """Return the app's own valid `tenant_access_token`."""
        return self.clients["redirect"].stored_token.get()["tenant_access_token"]

    def start_origins(self, user_agent: str) -> list[str]:
        """Return the platform's origins to which a login's form leads.

        A person not signed in to Feishu is led through its other hosts. Browsers check the whole way.
        """
        return [*super().start_origins(user_agent), self.accountsBaseUrl, self.passportBaseUrl]

    def qr(self) -> dict:
        return {"script": self.qrSdkUrl, "origin": self.passportBaseUrl}

    def client_script(self) -> dict:
        return {"script": self.h5SdkUrl, "app": self.appId}

    def app_link(self) -> str:
        return f"{APP_LINKS[self.region]}/client/web_app/open?appId={quote(self.appId)}"

    def page_sources(self, page: str) -> dict[str, list[str]]:
        # The vendor's script alone, not its whole host. It has no integrity hash: the vendor publishes none, and a file
        # it mends under the same address would lock all people out. docs/feishu.md says more.
        if page == "in_app":
            return {"script-src": [self.file_source(self.h5SdkUrl)]}
        return {"script-src": [self.file_source(self.qrSdkUrl)], "frame-src": [self.passportBaseUrl]}
