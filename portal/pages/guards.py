"""Checks of every request before its view.

They look at the host, the origin, the form token and the size of an upload.
"""

import logging
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request
from flask_wtf import CSRFProtect
from werkzeug.wrappers import Response

from portal.elements.addresses import LOOPBACK
from portal.errors import NO_SUCH_PAGE, STALE_FORM, Code
from portal.logs import log_event
from portal.pages import browser
from portal.pages.local_addresses import get_request_address
from portal.pages.proxies import is_gate
from portal.settings.values import DEFAULT_PORTS

log = logging.getLogger(__name__)
csrf = CSRFProtect()

UPLOADS = {"admin_imports.upload": 10 * 1024 * 1024}  # bytes; every other body has Flask's own limit
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LONGEST_HOST = 100  # characters of it in the log
# Asked by load balancers and monitors under any name; the page of the figures looks at the name itself.
HEALTH = ("health.alive", "health.ready", "metrics.show")


def init_app(app: Flask) -> None:
    """Check every request in this order."""
    app.before_request(check_host)
    app.before_request(check_origin)
    app.before_request(allow_upload)
    app.before_request(check_form_token)
    csrf.init_app(app)


def check_host() -> Response | None:
    """Answer under our own address only.

    The other names of this machine lead there.
    """
    if request.endpoint in HEALTH or is_gate():
        return None
    base = urlsplit(current_app.config["PORTAL_BASE_URL"])
    if request.environ.get("HTTP_HOST") == base.netloc:
        return None
    name, port = read_host()
    if name == base.hostname and port in (None, base.port, DEFAULT_PORTS[base.scheme]):
        return None
    if name in LOOPBACK and base.hostname in LOOPBACK and request.method in ("GET", "HEAD"):
        return redirect(current_app.config["PORTAL_BASE_URL"] + get_request_address(), 307)
    host = request.headers.get("Host", "")[:LONGEST_HOST]
    log_event(log, logging.WARNING, "foreign_host", host=host, expected=base.netloc)
    raise Code(NO_SUCH_PAGE, "the request is for a host that is not ours", status=400)


def read_host() -> tuple[str | None, int | None]:
    """Return name and port of the host asked for.

    There is no name where it makes no sense.
    """
    try:
        parts = urlsplit(f"//{request.host}")
        return (None, None) if parts.username is not None or parts.path else (parts.hostname, parts.port)
    except ValueError:
        return None, None


def check_origin() -> None:
    """Refuse unsafe requests that another site's page has sent."""
    if current_app.config["PORTAL_TRUSTED_PROXIES"] == 0 and request.headers.get("X-Forwarded-For"):
        warn_of_proxy()
    if request.method in SAFE_METHODS or is_gate():
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # A form on a page that hides its address comes with `Origin: null`. Over plain http and in older browsers nothing
    # says where it was sent from, so there the form token decides alone.
    is_hidden = origin == "null" and site in (None, "same-origin")
    is_ours = is_hidden or origin in (None, current_app.config["PORTAL_BASE_URL"])
    if site == "cross-site" or not is_ours:
        raise Code(STALE_FORM, "the request comes from another site's page")


def check_form_token() -> None:
    """Refuse unsafe requests without their form token."""
    if request.method not in SAFE_METHODS:
        csrf.protect(apply_exemptions=True)


def allow_upload() -> None:
    """Allow administrators a larger body where a page takes files.

    This happens before the form token is looked for, which reads the body.
    """
    if request.endpoint in UPLOADS:
        me = browser.get_signed_in()
        if me is not None and me.role == "admin":
            request.max_content_length = UPLOADS[request.endpoint]


def warn_of_proxy() -> None:
    """Warn once that addresses of visitors can't be told apart."""
    if not current_app.extensions.setdefault("proxy_warned", False):
        current_app.extensions["proxy_warned"] = True
        log_event(log, logging.WARNING, "unexpected_proxy")
