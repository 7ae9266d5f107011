"""What stands around every answer: the host and origin it may come from, cookies' form token, and its headers."""

import logging
from urllib.parse import urlsplit

from flask import current_app, g, redirect, request
from flask_wtf import CSRFProtect

from portal.elements.addresses import LOOPBACK
from portal.errors import NO_SUCH_PAGE, STALE_FORM, Code
from portal.pages import browser

log = logging.getLogger(__name__)
csrf = CSRFProtect()

UPLOADS = {"admin_imports.upload": 10 * 1024 * 1024}  # bytes; every other body has Flask's own limit
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_HOST = 100  # characters of it in the log
HEALTH = ("health.alive", "health.ready")  # asked by load balancers under any name
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


def init_app(app):
    app.before_request(browser.begin_request)
    app.before_request(check_host)
    app.before_request(check_origin)
    app.before_request(allow_upload)
    csrf.init_app(app)
    app.after_request(add_headers)


def check_host():
    """Answer under our own address only; the other names of this machine lead there."""
    if request.endpoint in HEALTH:
        return None
    base = urlsplit(current_app.config["PORTAL_BASE_URL"])
    name, port = asked_host()
    if name == base.hostname and port in (None, base.port, DEFAULT_PORTS[base.scheme]):
        return None
    if name in LOOPBACK and base.hostname in LOOPBACK and request.method in ("GET", "HEAD"):
        return redirect(current_app.config["PORTAL_BASE_URL"] + browser.address(), 307)
    asked = request.headers.get("Host", "")[:LONGEST_HOST]
    log.warning("%s asked for the host %r, but PORTAL_BASE_URL names %r", g.reference, asked, base.netloc)
    raise Code(NO_SUCH_PAGE, "the request is for a host that is not ours", status=400)


def asked_host() -> tuple[str | None, int | None]:
    """Return name and port of the host asked for; no name where it makes no sense."""
    try:
        parts = urlsplit(f"//{request.host}")
        return (None, None) if parts.username is not None or parts.path else (parts.hostname, parts.port)
    except ValueError:
        return None, None


def check_origin():
    """Refuse unsafe requests that another site's page has sent."""
    if current_app.config["PORTAL_TRUSTED_PROXIES"] == 0 and request.headers.get("X-Forwarded-For"):
        warn_of_proxy()
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # A form on a page that hides its address comes with `Origin: null`. Over plain http and in older browsers nothing
    # says where it was sent from, so there the form token decides alone.
    hidden = origin == "null" and site in (None, "same-origin")
    ours = hidden or origin in (None, current_app.config["PORTAL_BASE_URL"])
    if site == "cross-site" or not ours:
        raise Code(STALE_FORM, "the request comes from another site's page")


def allow_upload():
    """Let administrators send a larger body where a page takes files; it comes before the form token is looked for."""
    if request.endpoint in UPLOADS:
        me = browser.signed_in()
        if me is not None and me.role == "admin":
            request.max_content_length = UPLOADS[request.endpoint]


def warn_of_proxy():
    if not current_app.extensions.setdefault("proxy_warned", False):
        current_app.extensions["proxy_warned"] = True
        log.warning(
            "X-Forwarded-For arrives, but PORTAL_TRUSTED_PROXIES is 0: all visitors seem to have the proxy's address"
        )


def allow(sources: dict[str, list[str]]):
    """Widen this answer's content policy: directive -> origins."""
    policy = g.setdefault("policy", {})
    for directive, origins in sources.items():
        policy.setdefault(directive, []).extend(origins)


def holds_code() -> bool:
    """Return whether this request's own address may hold a login code, which no other page should be told.

    No other page hides its address: browsers send `Origin: null` with the forms of one that does.
    """
    endpoint = request.endpoint or ""
    return endpoint == "login.callback" or endpoint.startswith("login.shared_callback") or "code" in request.args


def add_headers(response):
    policy = {name: list(values) for name, values in POLICY.items()}
    for name, extra in g.get("policy", {}).items():
        policy.setdefault(name, []).extend(
            origin for origin in dict.fromkeys(extra) if origin not in policy.get(name, [])
        )
    response.headers["Content-Security-Policy"] = "; ".join(
        f"{name} {' '.join(values)}" for name, values in policy.items()
    )
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
