"""`auths.loginTypes.FSInnerType`: sign in with Feishu or Lark."""

import logging
import re
from datetime import timedelta
from urllib.parse import quote, urlsplit

from flask_babel import lazy_gettext as _

from portal.clocks import now
from portal.database import db
from portal.directory import companies, people, user_tokens
from portal.elements.feishu.client import HOSTS
from portal.elements.feishu.dialects import DIALECTS
from portal.elements.feishu.doctor import FeishuDoctor
from portal.elements.meta import Meta, id_text
from portal.elements.state import KINDS
from portal.errors import EXPIRED_TOKEN, NOT_A_MEMBER, NOT_ALLOWED, NOT_FOUND, NOT_PERMITTED, SETTING_MISSING, Code
from portal.models import FSInnerAuthModel
from portal.providers.client import OfAnother
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
    colour = "blue"
    avatar_hosts = (".feishucdn.com", ".feishu.cn", ".larksuitecdn.com", ".larksuite.com", ".byteimg.com")
    csv_names = ("飞书", "lark")
    client_agent = re.compile(r"\b(Lark|Feishu)/", re.IGNORECASE)
    client_programs = {"Lark": "Feishu"}
    login_scripts = {"login": "feishu-qr.js", "in_app": "feishu-in-app.js"}
    FSInnerAuthModel = FSInnerAuthModel
    doctor = FeishuDoctor

    def configure(self):
        self.region = self.choice("region", HOSTS, "feishu")
        self.label = _("Lark") if self.region == "lark" else _("Feishu")
        self.mark = "L" if self.region == "lark" else "飞"
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
        self.refreshers = {name: self.connect(each, hosts, f"refresh_{name}") for name, each in DIALECTS.items()}

    def connect(self, dialect, hosts: dict, kind: str):
        """Return the client for logins of one kind, registered with Authlib."""
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

    def check_company(self, hosts: dict):
        """Raise where a host that is not the platform's own may name any company; in development it may.

        :raises Code: 47000 without `tenantKeys`.
        """
        foreign = [key for key, address in hosts.items() if not OWN_HOST.fullmatch(urlsplit(address).hostname)]
        if self.in_production and foreign and self.tenantKeys is None:
            why = f"{foreign[0]} is not Feishu's or Lark's own, so the companies that may sign in have to be named"
            raise Code(SETTING_MISSING, f"{self.file}: tenantKeys is missing: {why}")

    def getLoginConfig(self, kind="qr", **kwargs):
        """Return `appId`, `redirectUri` and a fresh `state`."""
        return {"appId": self.appId, **super().getLoginConfig(kind, **kwargs)}

    def authorize_url(self, kind, state):
        if kind not in HAS_REDIRECT:
            return None
        client = self.clients[kind]
        extra = {"code_verifier": self.code_verifier(state)} if self.has_challenge(kind) else {}
        return client.authorization_url(self.redirectUri, state, **extra)

    def has_challenge(self, kind) -> bool:
        return "code_challenge_method" in self.clients[kind].client_kwargs

    def fetch_person(self, code, kind, state):
        """Exchange the code, and read what the login does not tell from the directory.

        The dialect of the exchange follows the kind of login. The directory is asked when what we hold is older than a
        day.

        :raises Code: BAD_CODE; NOT_A_MEMBER another company; NOT_ALLOWED left, frozen or outside the app's range.
        """
        extra = {"redirect_uri": self.redirectUri} if kind in HAS_REDIRECT else {}
        if state is not None and self.has_challenge(kind):
            extra["code_verifier"] = self.code_verifier(state)
        person = self.clients[kind].person_by_code(code, keep=self.keepUserTokens, **extra)
        if self.tenantKeys is not None and person["tenant"] not in self.tenantKeys:
            raise Code(NOT_A_MEMBER, "the visitor's company is not on this element's list")
        self.add_contact_data(person)
        return person

    def add_contact_data(self, person: Person) -> None:
        """Add what the login profile lacks, from the directory or from what is stored."""
        identity = people.find_identity_early(person)
        if people.has_fresh_contact(identity):
            columns = ((key, column) for key, column in people.COLUMNS.items() if key in person["withheld"])
            person.update({key: getattr(identity, column) for key, column in columns})
            return
        status = identity.status if identity is not None else EMPTY["status"]
        db.session.rollback()  # no transaction stays open during a call
        try:
            entry = self.clients["redirect"].member(person["openId"])
            if entry.get("unionId", person["unionId"]) != person["unionId"]:
                raise OfAnother()
        except Code as error:
            log.warning(
                "%s: no contact data, the login goes on without (%s, platform %s)", self.name, error, error.native
            )
            person["status"] = status
            return
        entry = {key: value for key, value in entry.items() if key not in ("openId", "unionId")}  # the login's count
        if not one_line(entry.get("name")):
            entry.pop("name", None)
        withheld = [key for key in person["withheld"] if key not in entry]
        person.update({**entry, "withheld": withheld, "contactRead": True})

    def directory_client(self):
        return self.clients["redirect"]

    def directory_person(self, user_id):
        told = self.directory_client().member(user_id)
        told = {"userId": told.get("openId"), **told}
        return Person(provider=self.provider, tenant=self.recall_tenant(), subject=told.get("unionId"), **told)

    def recall_tenant(self):
        """Return the only company on the list, or the one that is remembered."""
        if self.tenantKeys is not None and len(self.tenantKeys) == 1:
            return self.tenantKeys[0]
        return companies.of_app(self.provider, self.directory_client().app_key())

    def tenant(self):
        """Return the company whose directory this is, and remember it.

        The directory does not tell, so the platform is asked; without that permission, whom the directory knows of
        the people who have signed in here tells.
        """
        tenant = self.recall_tenant()
        if not tenant:
            db.session.rollback()  # no transaction stays open during a call
            tenant = self.ask_tenant()
            companies.remember(self.provider, self.directory_client().app_key(), tenant)
        return tenant

    def ask_tenant(self) -> str:
        try:
            return self.directory_client().read_tenant()
        except Code as error:
            if error.code != NOT_PERMITTED:
                raise
            if tenant := self.tenant_of_people():
                return tenant
            why = "the company is unknown: set tenantKeys, grant tenant:tenant:readonly, or let somebody sign in first"
            raise Code(NOT_PERMITTED, f"{self.file}: {why}", error.native) from None

    def tenant_of_people(self) -> str:
        """Return the company of the first bound person whom the directory knows, or ""."""
        bound = companies.of_bound_people(self.name)
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
        """Return a valid token of somebody who has signed in, refreshed where it has ended.

        Of several that refresh at once, the one that comes first at the platform stores the new pair for all.

        :raises Code: 60111 when none of theirs is kept (see `keepUserTokens`); 42001 or 40014 when it can't be
            refreshed any more: then they have to sign in again. Any other failure may be tried again.
        """
        stored = self.find_person(id_text(userId))
        if stored is None or not stored.access_token or stored.token_app not in (None, self.appId):
            raise Code(NOT_FOUND, "no token of this person is kept for this app")
        person, token, ends, refresh = stored.id, stored.access_token, stored.expires_at, stored.refresh_token
        dialect = stored.token_dialect or self.clients["redirect"].dialect
        db.session.rollback()  # no transaction stays open during a call
        if ends - now() > TOKEN_EARLY:
            return token
        if not refresh:
            raise Code(EXPIRED_TOKEN, "the token has ended and came without another; ask for offline_access in scope")
        try:
            pair = self.refreshers[dialect].refresh(refresh)
        except Code as error:
            return user_tokens.wait_for_refresh(person, ends, error)
        user_tokens.store_tokens(person, pair)
        return pair["accessToken"]

    def getAccessToken(self) -> str:
        """Return the app's valid `tenant_access_token`, for calls to the platform's interfaces."""
        return self.clients["redirect"].stored_token.get()["tenant_access_token"]

    def start_origins(self, user_agent):
        """Whoever is not signed in to Feishu is led through its other hosts; browsers look at the whole way."""
        return [*super().start_origins(user_agent), self.accountsBaseUrl, self.passportBaseUrl]

    def qr(self):
        return {"script": self.qrSdkUrl, "origin": self.passportBaseUrl}

    def client_script(self):
        return {"script": self.h5SdkUrl, "app": self.appId}

    def app_link(self):
        return f"{APP_LINKS[self.region]}/client/web_app/open?appId={quote(self.appId)}"

    def page_sources(self, page):
        # The vendor's script alone, not its whole host. It has no integrity hash: the vendor publishes none, and a file
        # it mends under the same address would lock all people out. docs/feishu.md says more.
        if page == "in_app":
            return {"script-src": [self.file_source(self.h5SdkUrl)]}
        return {"script-src": [self.file_source(self.qrSdkUrl)], "frame-src": [self.passportBaseUrl]}
