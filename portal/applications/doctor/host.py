"""Examines one host of an application, from outside."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from portal import database
from portal.applications import access, claims, doors, proxy_problems
from portal.applications.doctor.advice import ADVICE, AT_THE_GATE, SILENT
from portal.applications.doctor.asking import NAVIGATION, SCRIPT, HostAnswer, Silence, Visitor
from portal.clocks import now
from portal.database import db
from portal.elements.doctor.examination import Examination, Finding
from portal.models import Application, ProxyProblem

START = re.compile(r"(?P<origin>https?://[^/?#]+)?/_portal/(?P<name>[a-z0-9-]+)/start\?.*")
REMEMBERED = timedelta(seconds=proxy_problems.NOTED_EVERY + 10)  # a process notes a problem once in this time
LONGEST_ADDRESS = 200  # characters of an address in a finding


@dataclass(frozen=True)
class SignedInAs:
    """The session with which the whole way is checked."""

    session_id: int
    account_id: int
    identity_id: int | None


class HostDoctor(Examination):
    """The checks of a host, signed out and signed in.

    :param visitor: sends the requests.
    :param me: the administrator; `None` for a command, which has no session.
    """

    checks = {
        "connection": _("Connection"),
        "gate": _("Sign-in for pages"),
        "script": _("Answer to scripts"),
        "pages": _("The portal's addresses at this host"),
        "forged": _("Made-up headers, signed out"),
        "passage": _("The whole way, signed in"),
    }
    advice = ADVICE
    blocking = (*SILENT, *(name for name in AT_THE_GATE if name not in ("not_led", "script_led")))
    dependent = ("gate", "script", "pages", "forged", "passage")

    def __init__(self, application: Application, origin: str, visitor: Visitor, me: SignedInAs | None = None):
        self.id, self.name, self.origin = application.id, application.name, origin
        self.visitor, self.me = visitor, me
        self.base = current_app.config["PORTAL_BASE_URL"]

    def run_check(self) -> list[Finding]:
        db.session.rollback()  # no transaction is open while a host is asked
        try:
            return super().run_check()
        except Silence as silence:
            return [self.make_finding(silence.cause, host=self.origin)]

    def ask(self, path: str, *headers: dict[str, str]) -> HostAnswer:
        return self.visitor.ask(self.origin + path, *headers)

    # Signed out

    def check_connection(self) -> None:
        """Ask as a browser does, and as a script does."""
        self.navigation = self.ask("/", NAVIGATION)
        self.script = self.ask("/", SCRIPT)

    def check_gate(self) -> Iterator[Finding]:
        """Check that a page leads to the sign-in."""
        if self.navigation.status == 401 and self.leads_to_start(self.script.fields.get("signInUrl")):
            yield self.make_finding("not_led")
        elif not self.leads_to_start(self.navigation.location):
            yield self.explain_other_answer(self.navigation)

    def check_script(self) -> Iterator[Finding]:
        """Check that a script is told to sign in."""
        if self.leads_to_start(self.script.location):
            yield self.make_finding("script_led")
        elif self.script.status != 401 or not self.leads_to_start(self.script.fields.get("signInUrl")):
            yield self.explain_other_answer(self.script)

    def check_pages(self) -> Iterator[Finding]:
        """Check that the portal's own paths lead to the portal."""
        path = f"/_portal/{self.name}/"
        answer = self.ask(f"{path}start?to=/", SCRIPT)
        if not answer.location.startswith(f"{self.base}/apps/{self.name}/enter?"):
            is_other_host = answer.status == 400 and "errcode" in answer.fields
            yield self.make_finding("pages_host" if is_other_host else "pages_missing", path=path, status=answer.status)

    def check_forged(self) -> Iterator[Finding]:
        """Check that made-up headers end at the proxy."""
        forged = forge_headers()
        for headers in (forged, {"Connection": ", ".join(["close", *forged])}):
            answer = self.ask("/", NAVIGATION, forged, headers)
            if 200 <= answer.status < 300:
                yield self.make_finding("let_in", status=answer.status)
                return
        if problem := self.find_problem(proxy_problems.FORGED):
            yield self.make_finding("noted", header=problem.detail)

    def explain_other_answer(self, answer: HostAnswer) -> Finding:
        """Return the finding for an answer of something else."""
        address = answer.location or answer.fields.get("signInUrl")
        address = address[:LONGEST_ADDRESS] if isinstance(address, str) else ""
        facts = {"status": answer.status, "address": address}
        if 200 <= answer.status < 300:
            return self.make_finding("open", **facts)
        if match := START.fullmatch(address):
            if match["name"] != self.name:
                return self.make_finding("other_gate", other=match["name"])
            return self.make_finding("other_host", asked=match["origin"])
        if address:
            is_insecure = self.origin.startswith("https:") and address.startswith("http:")
            return self.make_finding("insecure" if is_insecure else "elsewhere", **facts)
        if answer.status in (403, 404) and "errcode" in self.script.fields:
            return self.explain_portals_refusal()
        return self.make_finding("fault" if answer.status >= 500 else "other_answer", **facts)

    def explain_portals_refusal(self) -> Finding:
        """Return the finding for a proxy that the portal refuses."""
        if problem := self.find_problem(proxy_problems.INCOMPLETE):
            return self.make_finding("incomplete", header=problem.detail)
        if problem := self.find_problem(proxy_problems.HOST):
            return self.make_finding("other_host", asked=problem.detail)
        is_asked = (ProxyProblem.kind == proxy_problems.HOST, ProxyProblem.detail == self.origin)
        is_fresh = ProxyProblem.seen_at > now() - REMEMBERED
        others = select(Application.name).join(ProxyProblem, ProxyProblem.application_id == Application.id)
        other = db.session.scalar(others.where(*is_asked, is_fresh).order_by(ProxyProblem.seen_at.desc()))
        return self.make_finding("other_gate", other=other) if other else self.make_finding("unknown")

    def find_problem(self, kind: str) -> ProxyProblem | None:
        """Return a problem that the gate has just noted."""
        problems = proxy_problems.list_problems(self.id)
        recent = [problem for problem in problems if problem.seen_at > now() - REMEMBERED]
        return next((problem for problem in recent if problem.kind == kind), None)

    def leads_to_start(self, address: object) -> bool:
        """Tell whether an address is this application's sign-in, here."""
        match = START.fullmatch(address) if isinstance(address, str) else None
        return match is not None and match["name"] == self.name and match["origin"] in (None, self.origin)

    # Signed in

    def check_passage(self) -> Iterator[Finding]:
        """Look for made-up headers behind the gate."""
        if self.me is None:
            yield self.make_finding("in_browser")
            return
        verdict = access.decide(db.session.get_one(Application, self.id), self.me.account_id, self.me.identity_id)
        if verdict.groups is None:
            yield self.make_finding("may_not_enter", groups=", ".join(verdict.missing) or "—")
            return
        with database.write():
            token = doors.open_door(self.id, self.origin, self.me.session_id, self.me.account_id, verdict)
        try:
            yield from self.check_door(token)
        finally:
            doors.remove_door(token)

    def check_door(self, token: str) -> Iterator[Finding]:
        """Ask with a working sign-in and made-up headers."""
        prefix = "__Host-" if urlsplit(self.origin).scheme == "https" else ""
        forged = forge_headers()
        answer = self.ask("/", NAVIGATION, forged, {"Cookie": f"{prefix}portal_{self.name}={token}"})
        if header := next((name for name, value in forged.items() if answer.holds(value)), None):
            yield self.make_finding("arrives", header=header)
        elif answer.status in (401, 403) or START.fullmatch(answer.location):
            yield self.make_finding("not_let_in", status=answer.status)
        elif answer.status >= 500:
            yield self.make_finding("application_fault", status=answer.status)


def forge_headers() -> dict[str, str]:
    """Return made-up headers with twins, each another value."""
    headers = claims.HEADER_NAMES.values()
    names = [name for header in headers for name in (header, *claims.list_twins(header))]
    return {name: f"check{secrets.token_hex(8)}" for name in names}
