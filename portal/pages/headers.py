"""The headers of every answer, and its content security policy."""

import re
from functools import cache, lru_cache
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from portal.applications import doors
from portal.elements.addresses import LOOPBACK
from portal.pages.proxies import CHECKS, is_gate

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
    "object-src": ["'none'"],
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
}

ENTERED = re.compile("/apps/(?P<name>[a-z][a-z0-9-]*)/enter[?]")
KEPT_BY_BROWSERS = ("static", "site.logo")  # endpoints that say themselves how long


def init_app(app: Flask) -> None:
    """Add the headers to every answer of an app."""
    app.after_request(add_headers)


def widen_policy(sources: dict[str, list[str]]) -> None:
    """Allow more sources in this answer's content policy.

    :param sources: directive -> origins, or files' addresses.
    """
    policy = g.setdefault("policy", {})
    for directive, origins in sources.items():
        policy.setdefault(directive, []).extend(origins)


def allow_logins_from_forms(elements: list) -> None:
    """Allow this page's forms to begin logins of these elements."""
    agent = request.user_agent.string
    widen_policy({"form-action": [origin for element in elements for origin in element.start_origins(agent)]})


def allow_home_from_forms(goal: str | None = None) -> None:
    """Allow this page's forms to end where a sign-in leads.

    Browsers apply the policy to the whole chain of redirects behind a form.

    :param goal: the path that a sign-in was asked for; that into an application leads on to its host.
    """
    home = urlsplit(current_app.config["PORTAL_HOME_URL"] or "")
    if home.scheme:
        widen_policy({"form-action": [f"{home.scheme}://{home.netloc}"]})
    if entered := ENTERED.match(goal or ""):
        _id, hosts = doors.find_gate_hosts(entered["name"]) or (None, [])
        widen_policy({"form-action": hosts})


def add_headers(response: Response) -> Response:
    """Add the headers to an answer.

    A check that passes needs none of a page's: proxies alone read it.
    """
    if response.status_code == 200 and request.endpoint in CHECKS:
        response.headers["Cache-Control"] = "no-store"
        return response
    extra = g.get("policy")
    sources = tuple((name, tuple(origins)) for name, origins in extra.items()) if extra else ()
    response.headers.setdefault("Content-Security-Policy", write_policy(sources))
    for name, value in list_headers("" if is_gate() else current_app.config["PORTAL_BASE_URL"]):
        response.headers[name] = value
    if holds_code():
        response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint not in KEPT_BY_BROWSERS or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


@cache
def list_headers(base_url: str) -> list[tuple[str, str]]:
    """Return the headers that every answer of a portal has.

    :param base_url: "" at applications' hosts, where HSTS is not ours to ask for.
    """
    base, headers = urlsplit(base_url), dict(HEADERS)
    if base.scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if base.scheme == "https" or base.hostname in LOOPBACK:  # browsers complain of it elsewhere
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return list(headers.items())


@lru_cache(maxsize=256)
def write_policy(extra: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """Return the content policy with more sources.

    :param extra: pairs of a directive and its sources.
    """
    policy = {name: list(values) for name, values in POLICY.items()}
    for name, sources in extra:
        policy.setdefault(name, []).extend(
            origin for origin in dict.fromkeys(sources) if origin not in policy.get(name, [])
        )
    return "; ".join(f"{name} {' '.join(values)}" for name, values in policy.items())


def holds_code() -> bool:
    """Tell whether this request's address may hold a login code.

    No other page should be told it. No other page hides its address: browsers send `Origin: null` with the forms of
    one that does.
    """
    endpoint = request.endpoint or ""
    if endpoint == "login.callback" or endpoint.startswith("login.shared_callback"):
        return True
    if not request.query_string:
        return False
    names = {"code"}.union(*(element.code_names for element in current_app.elements.list_usable()))
    return not names.isdisjoint(request.args)
