"""Examines what a WeCom app may do.

https://developer.work.weixin.qq.com/document/path/90313
"""

import json
import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import requests
from flask_babel import lazy_gettext as _

from portal.elements.doctor.advice import COMMON
from portal.elements.doctor.element import BROWSER_KINDS, Doctor
from portal.elements.doctor.examination import Finding
from portal.elements.wecom.doctor.advice import ADVICE, CALLBACK, DOMAIN, HOME
from portal.elements.wecom.entries import get_list
from portal.errors import Code
from portal.providers import http
from portal.providers.values import text, texts

CALLER_ADDRESS = re.compile(r"from ip: ([0-9A-Fa-f.:]{2,45})(?=[,\s]|$)")
SENSITIVE_FIELDS = ("mobile", "email", "biz_mail", "avatar", "gender")
MOST_DEPARTMENTS = 4  # searched for a member
WRONG_AGENT = (40056, 301002)  # the agent id does not exist, or belongs to another app


class WecomDoctor(Doctor):
    """Reads the app's own entry, the departments and one member."""

    checks = {
        "usable": _("Settings"),
        "credentials": _("Company id and secret"),
        "clock": _("Clock"),
        "address": _("This server's address"),
        "agent": _("Agent id"),
        "departments": _("Permission to read departments"),
        "range": _("Visible range"),
        "person": _("Permission to read members"),
        "domain": _("Trusted domain"),
        "redirect": _("Callback domain"),
        "home": _("Home page in the workspace"),
        "ownership": _("File for domain verification"),
    }
    advice = {**COMMON, **ADVICE}
    blocking = (*Doctor.blocking, "company_id", "secret", "app_off", "address", "contact_secret")
    dependent = ("address", "agent", "departments", "range", "person", "domain", "home")
    numbers = {
        40013: "company_id",
        40001: "secret",
        **dict.fromkeys((50003, 60031), "app_off"),
        60020: "address",
        48009: "contact_secret",
        48002: "forbidden",
        60011: "person_out_of_range",
        **dict.fromkeys(WRONG_AGENT, "agent_id"),
        **dict.fromkeys((-1, 45009, 45033), "busy"),
    }
    public = (*Doctor.public, "corpId", "agentId", "companyName", "apiBaseUrl", "loginBaseUrl", "oauthBaseUrl")
    fields = (
        (_("Home page in the workspace"), "home", HOME),
        (_("Trusted domain"), "host", DOMAIN),
        (_("Callback domain"), "host", CALLBACK),
    )
    path = ""  # of the current call
    app_entry: dict | None = None  # once it is read
    department_ids: list[str] | None = None  # once they are read

    def list_facts(self) -> dict:
        caller = self.find_caller_address() or _("WeCom does not say which")
        return {**super().list_facts(), "file": self.element.file, "call": self.path, "caller": caller}

    def find_caller_address(self) -> str | None:
        """Return the network address from which our last call came.

        WeCom names it in the text of its refusal.
        """
        try:
            match = CALLER_ADDRESS.search(text(json.loads(self.answers[-1].body)["errmsg"]))
            return str(ip_address(match[1])) if match else None
        except (IndexError, KeyError, TypeError, ValueError, RecursionError):
            return None

    # Checks

    def check_credentials(self) -> None:
        """Fetch a new token.

        A stored one may outlive its secret.
        """
        self.client.fetch_app_token()

    def check_address(self) -> None:
        """Make a first call with the token.

        It shows whether the platform accepts calls from this server.
        """
        self.read_app()

    def check_agent(self) -> Iterator[Finding]:
        """Check that agent id and secret belong to one app."""
        native = self.read_app().get("native")
        if native in WRONG_AGENT:
            yield self.make_finding("agent_id", native)

    def check_departments(self) -> None:
        """Check the permission to read departments."""
        rows = self.ask("department/list", "department")["department"]
        rows = rows if isinstance(rows, list) else []
        self.department_ids = texts([row.get("id") for row in rows if isinstance(row, dict)])

    def check_range(self) -> Iterator[Finding]:
        """Check that the visible range has departments."""
        if self.department_ids is None:
            yield self.make_finding("waits")
        elif not self.department_ids:
            has_members = self.list_named_members() or get_list(self.read_app(), "allow_tags", "tagid")
            yield self.make_finding("range_people" if has_members else "range_empty")

    def check_person(self) -> Iterator[Finding]:
        """Check which fields of a member the app may read."""
        userid = self.find_member()
        if userid is None:
            yield self.make_finding("person_unread")
            return
        member = self.ask("user/get", "userid", userid=userid)
        asks_member = self.element.settings.get("scope") == "snsapi_privateinfo"
        if not asks_member and not any(member.get(key) for key in SENSITIVE_FIELDS):
            yield self.make_finding("person_optional")

    def check_domain(self) -> Iterator[Finding]:
        """Check the app's trusted domain."""
        domain, host = self.read_app().get("redirect_domain"), self.addresses["host"]
        if not isinstance(domain, str):
            yield self.make_finding("domain_unread", host=host)
        elif domain.casefold() != host.casefold():
            yield self.make_finding("domain", host=host)

    def check_redirect(self) -> Iterator[Finding]:
        """Check earlier sign-ins for the callback domain.

        It is set in another place than the trusted domain, and no call tells it.
        """
        native = self.find_recent_refusal((50001,))
        if native:
            yield self.make_finding("redirect_refused", native, address=self.addresses["host"])
        elif not self.has_sign_in(BROWSER_KINDS):
            yield self.make_finding("redirect_unproven", address=self.addresses["host"])

    def check_home(self) -> Iterator[Finding]:
        """Check the app's home page."""
        url = self.read_app().get("home_url")
        if not isinstance(url, str):
            yield self.make_finding("home_unproven", address=self.addresses["home"])
        elif url.partition("?")[0].partition("#")[0] != self.addresses["home"]:
            yield self.make_finding("home", address=self.addresses["home"])

    def check_ownership(self) -> Iterator[Finding]:
        """Check that the file for domain verification is public."""
        proof = self.element.domainVerification
        if proof is None:
            yield self.make_finding("proof_unset", file=self.element.file)
            return
        address = f"{self.base}/{proof['file']}"
        try:
            with http.KeptSession() as session:
                answer = session.get(address, withhold_token=True)
        except requests.TooManyRedirects:
            yield self.make_finding("proof_wrong", address=address)
        except requests.RequestException:
            yield self.make_finding("proof_unreachable", address=address)
        else:
            if not answer.ok or answer.text.strip() != proof["content"].strip():
                yield self.make_finding("proof_wrong", address=address)

    # What the platform tells

    def read_app(self) -> dict:
        """Return the app's entry in the console.

        Where WeCom does not tell it, only `native`, the number of the refusal.
        """
        if self.app_entry is None:
            try:
                self.app_entry = self.ask("agent/get", "agentid", agentid=self.element.agentId)
            except Code as error:
                if self.find_name(error) in self.blocking:
                    raise
                self.app_entry = {"native": error.native}
        return self.app_entry

    def list_named_members(self) -> list[str]:
        """Return the members that the range names one by one."""
        users = get_list(self.read_app(), "allow_userinfos", "user")
        return texts([user.get("userid") for user in users if isinstance(user, dict)])

    def find_member(self) -> str | None:
        """Return the userid of a member in the range.

        Small departments are most likely at the end of the list.
        """
        if members := self.list_named_members():
            return members[0]
        for department in list(reversed(self.department_ids or []))[:MOST_DEPARTMENTS]:
            rows = self.ask("user/simplelist", "userlist", department_id=department)["userlist"]
            if ids := texts([row.get("userid") for row in rows or () if isinstance(row, dict)]):
                return ids[0]
        return None

    def ask(self, path: str, expect: str, **params: Any) -> dict:
        self.path = path
        return self.client.call("GET", path, expect=expect, params=params)
