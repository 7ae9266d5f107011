"""The headers of every answer, and its content security policy."""

from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from portal.elements.addresses import LOOPBACK

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


def add_headers(response: Response) -> Response:
    """Add the headers to an answer."""
    response.headers["Content-Security-Policy"] = write_policy()
    response.headers.update(HEADERS)
    if holds_code():
        response.headers["Referrer-Policy"] = "no-referrer"
    base = urlsplit(current_app.config["PORTAL_BASE_URL"])
    if base.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if base.scheme == "https" or base.hostname in LOOPBACK:  # browsers complain of it elsewhere
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint != "static" or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


def write_policy() -> str:
    """Return the content policy of this answer."""
    policy = {name: list(values) for name, values in POLICY.items()}
    for name, extra in g.get("policy", {}).items():
        policy.setdefault(name, []).extend(
            origin for origin in dict.fromkeys(extra) if origin not in policy.get(name, [])
        )
    return "; ".join(f"{name} {' '.join(values)}" for name, values in policy.items())


def holds_code() -> bool:
    """Tell whether this request's address may hold a login code.

    No other page should be told it. No other page hides its address: browsers send `Origin: null` with the forms of
    one that does.
    """
    endpoint = request.endpoint or ""
    names = {"code"}.union(*(element.code_names for element in current_app.elements.list_usable()))
    is_callback = endpoint == "login.callback" or endpoint.startswith("login.shared_callback")
    return is_callback or not names.isdisjoint(request.args)
