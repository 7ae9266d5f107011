"""Examines an element of WeCom: what its app may do, and what the console holds of it.

https://developer.work.weixin.qq.com/document/path/90313
"""

import json
import re
from ipaddress import ip_address

import requests
from flask_babel import lazy_gettext as _

from portal.elements.doctor.element import BROWSER, COMMON, Doctor, unproven
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WARNING, Advice, Place
from portal.elements.wecom.client import inside
from portal.errors import Code
from portal.providers import http
from portal.providers.values import text, texts

CALLER = re.compile(r"from ip: ([0-9A-Fa-f.:]{2,45})(?=[,\s]|$)")
SENSITIVE = ("mobile", "email", "biz_mail", "avatar", "gender")
MOST_DEPARTMENTS = 4  # looked into for somebody to look at
NOT_MINE = (40056, 301002)  # the agent id is nobody's, or another app's

COMPANY = Place("我的企业 → 企业信息", "My Company → Company Information")
APP = Place("应用管理 → 应用 → 自建", "App Management → Apps → Self-built")
ALLOWED = Place("应用管理 → 应用 → 自建 → 可见范围", "App Management → Apps → Self-built → Allowed users")
HOME = Place("应用主页", "App homepage")
DOMAIN = Place(
    "开发者接口 → 网页授权及JS-SDK → 可信域名", "Developer API → Web Authorization and JS-SDK → trusted domain"
)
PROOF = Place(
    "开发者接口 → 网页授权及JS-SDK → 申请校验域名", "Developer API → Web Authorization and JS-SDK → domain verification"
)
CALLBACK = Place(
    "开发者接口 → 企业微信授权登录 → Web网页 → 授权回调域",
    "Developer API → Log in via WeCom authorization → Web → authorised callback domain",
)
TRUSTED = Place("开发者接口 → 企业可信IP", "Developer API → Company's Trusted IP")

ADVICE = {
    "company_id": Advice(
        PROBLEM,
        _("The company id is wrong."),
        _("Copy it anew into corpId of %(file)s and restart the portal."),
        COMPANY,
    ),
    "secret": Advice(
        PROBLEM,
        _("The app's secret is wrong, or the app is stopped."),
        _("Copy the app's own secret anew into corpSecret, or the variable it names, and restart the portal."),
        APP,
    ),
    "app_off": Advice(PROBLEM, _("The app is switched off."), _("Enable the app."), APP),
    "address": Advice(
        PROBLEM,
        _("The app accepts calls from trusted network addresses only, and this server's is not trusted: %(caller)s."),
        _("Add that address to the trusted IPs; it counts after about a minute. Where it changes, set httpProxy."),
        TRUSTED,
    ),
    "contact_secret": Advice(
        PROBLEM,
        _("The secret is that of contact sync, which may no longer read members."),
        _("Use the secret of a self-built app."),
        APP,
    ),
    "forbidden": Advice(
        PROBLEM,
        _("The app may not call %(call)s."),
        _("Use agent id and secret of a self-built app."),
        APP,
    ),
    "agent_id": Advice(
        PROBLEM,
        _("The agent id is not that of the app whose secret is used."),
        _("Copy agent id and secret from the same page, and restart the portal."),
        APP,
    ),
    "range_empty": Advice(
        PROBLEM,
        _("The app's visible range is empty: nobody can sign in."),
        _("Choose everybody who may sign in, as departments if the directory is wanted."),
        ALLOWED,
    ),
    "range_people": Advice(
        WARNING,
        _("The app's visible range holds no department: only people named there are synced."),
        _("If departments are wanted, choose them instead of single people."),
        ALLOWED,
    ),
    "person_out_of_range": Advice(
        PROBLEM,
        _("WeCom refuses to tell of a member the app should see."),
        _("Set the visible range anew; changes may take a few minutes."),
        ALLOWED,
    ),
    "person_unread": Advice(
        SKIPPED,
        _("Nobody was found in the visible range whose fields could be looked at."),
        _("Add members to the departments of the range, then check again."),
        ALLOWED,
    ),
    "person_optional": Advice(
        SKIPPED,
        _("WeCom does not tell this app mobile, e-mail, avatar and gender. That is fine unless you want them."),
        _('Set "scope" to "snsapi_privateinfo": inside the client each member is asked for consent.'),
    ),
    "domain": Advice(
        PROBLEM,
        _("The app's trusted domain is not %(host)s."),
        _("Set it to %(host)s, without scheme or path, and with the port unless it is the scheme's own."),
        DOMAIN,
    ),
    "domain_unread": Advice(
        SKIPPED,
        _("WeCom does not tell the app's trusted domain."),
        _("Compare it, to the letter, with %(host)s."),
        DOMAIN,
    ),
    "home": Advice(
        WARNING,
        _("The app's home page is not the portal's: who opens the app is not signed in."),
        _("Set it to %(address)s."),
        HOME,
    ),
    "proof_unset": Advice(
        SKIPPED,
        _("No file for domain verification is set."),
        _("If WeCom asks for one, put its name and content into domainVerification of %(file)s."),
        PROOF,
    ),
    "proof_unreachable": Advice(
        WARNING,
        _("This server can't reach its own public address, so the verification file was not looked at."),
        _("Open %(address)s from outside: it must show the file's content, without a sign-in."),
        PROOF,
    ),
    "proof_wrong": Advice(
        PROBLEM,
        _("%(address)s does not show the verification file."),
        _("Let the proxy in front pass this address on to the portal, unchanged."),
        PROOF,
    ),
    **unproven(CALLBACK, HOME),
}


class WecomDoctor(Doctor):
    """Reads the app's own entry, the departments and one member."""

    checks = {
        "usable": _("Settings"),
        "credentials": _("Company id and secret"),
        "clock": _("Clock"),
        "address": _("This server's address"),
        "agent": _("Agent id"),
        "departments": _("Permission to read departments"),
        "reach": _("Visible range"),
        "person": _("Permission to read members"),
        "domain": _("Trusted domain"),
        "redirect": _("Callback domain"),
        "home": _("Home page in the workspace"),
        "ownership": _("File for domain verification"),
    }
    advice = {**COMMON, **ADVICE}
    stopping = (*Doctor.stopping, "company_id", "secret", "app_off", "address", "contact_secret")
    needing = ("address", "agent", "departments", "reach", "person", "domain", "home")
    numbers = {
        40013: "company_id",
        40001: "secret",
        **dict.fromkeys((50003, 60031), "app_off"),
        60020: "address",
        48009: "contact_secret",
        48002: "forbidden",
        60011: "person_out_of_range",
        **dict.fromkeys(NOT_MINE, "agent_id"),
        **dict.fromkeys((-1, 45009, 45033), "busy"),
    }
    public = (*Doctor.public, "corpId", "agentId", "apiBaseUrl", "loginBaseUrl", "oauthBaseUrl")
    fields = (
        (_("Home page in the workspace"), "home", HOME),
        (_("Trusted domain"), "host", DOMAIN),
        (_("Callback domain"), "host", CALLBACK),
    )
    path, told = "", None  # the call under way; what the console holds of the app
    listed = None  # the departments the app sees

    def facts(self):
        return {
            **super().facts(),
            "file": self.element.file,
            "call": self.path,
            "caller": self.caller() or _("WeCom does not say which"),
        }

    def caller(self) -> str | None:
        """Return the network address from which the platform saw our last call come."""
        try:
            said = CALLER.search(text(json.loads(self.heard[-1].body)["errmsg"]))
            return str(ip_address(said[1])) if said else None
        except (IndexError, KeyError, TypeError, ValueError, RecursionError):
            return None

    def credentials(self):
        """A token asked for anew: a stored one may outlive its secret."""
        self.client.fetch_app_token()

    def address(self):
        """The first call with the token: whether the platform listens to us at all."""
        self.entry()

    def agent(self):
        native = self.entry().get("native")
        if native in NOT_MINE:
            yield self.finding("agent_id", native)

    def departments(self):
        found = self.ask("department/list", "department")["department"]
        items = found if isinstance(found, list) else []
        self.listed = texts([item.get("id") for item in items if isinstance(item, dict)])

    def reach(self):
        if self.listed is None:
            yield self.finding("waits")
        if self.listed is None or self.listed:
            return
        single = self.named() or inside(self.entry(), "allow_tags", "tagid")
        yield self.finding("range_people" if single else "range_empty")

    def person(self):
        userid = self.somebody()
        if userid is None:
            yield self.finding("person_unread")
            return
        member = self.ask("user/get", "userid", userid=userid)
        asks = self.element.settings.get("scope") == "snsapi_privateinfo"
        if not asks and not any(member.get(key) for key in SENSITIVE):
            yield self.finding("person_optional")

    def domain(self):
        told, host = self.entry().get("redirect_domain"), self.addresses["host"]
        if not isinstance(told, str):
            yield self.finding("domain_unread", host=host)
        elif told.casefold() != host.casefold():
            yield self.finding("domain", host=host)

    def redirect(self):
        """Set in another place than the trusted domain, and told by no call: only sign-ins prove it."""
        native = self.refused_lately((50001,))
        if native:
            yield self.finding("redirect_refused", native, address=self.addresses["host"])
        elif not self.signed_in(BROWSER):
            yield self.finding("redirect_unproven", address=self.addresses["host"])

    def home(self):
        told = self.entry().get("home_url")
        if not isinstance(told, str):
            yield self.finding("home_unproven", address=self.addresses["home"])
        elif told.partition("?")[0].partition("#")[0] != self.addresses["home"]:
            yield self.finding("home", address=self.addresses["home"])

    def ownership(self):
        proof = self.element.domainVerification
        if proof is None:
            yield self.finding("proof_unset", file=self.element.file)
            return
        address = f"{self.base}/{proof['file']}"
        try:
            with http.KeptSession() as session:
                answer = session.get(address, withhold_token=True)
        except requests.TooManyRedirects:
            yield self.finding("proof_wrong", address=address)
        except requests.RequestException:
            yield self.finding("proof_unreachable", address=address)
        else:
            if not answer.ok or answer.text.strip() != proof["content"].strip():
                yield self.finding("proof_wrong", address=address)

    # What the platform told
    def entry(self) -> dict:
        """Return what the console holds of the app; where that is not told, the number at most."""
        if self.told is None:
            try:
                self.told = self.ask("agent/get", "agentid", agentid=self.element.agentId)
            except Code as error:
                if self.name_of(error) in self.stopping:
                    raise
                self.told = {"native": error.native}
        return self.told

    def named(self) -> list[str]:
        """Return the members the visible range names one by one."""
        users = inside(self.entry(), "allow_userinfos", "user")
        return texts([user.get("userid") for user in users if isinstance(user, dict)])

    def somebody(self) -> str | None:
        """Return the userid of somebody the app may see; small departments are the likeliest to come last."""
        if self.named():
            return self.named()[0]
        for department in list(reversed(self.listed or []))[:MOST_DEPARTMENTS]:
            members = self.ask("user/simplelist", "userlist", department_id=department)["userlist"]
            ids = texts([member.get("userid") for member in members or () if isinstance(member, dict)])
            if ids:
                return ids[0]
        return None

    def ask(self, path: str, expect: str, **params) -> dict:
        self.path = path
        return self.client.call("GET", path, expect=expect, params=params)
