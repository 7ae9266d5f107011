"""The page that Prometheus reads."""

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, current_app, request

from portal import metrics
from portal.elements.addresses import LOOPBACK
from portal.monitoring import StateCollector
from portal.pages.guards import read_host

bp = Blueprint("metrics", __name__)

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
FORWARDED = ("X-Forwarded-For", "Forwarded")  # a proxy has added it, so the peer is not the visitor


@bp.get("/metrics")
def show():
    """Return all figures to a monitor that may read them."""
    if not may_read():
        return Response("no access\n", 403, content_type="text/plain; charset=utf-8")
    return Response(metrics.render(StateCollector()), content_type=TEXT_FORMAT)


def may_read() -> bool:
    """Tell whether the request may read the figures.

    Where a token is set, it decides alone. Without one, the request must come straight from this machine, under one of
    the names that only this machine has: a page of another site in a browser here has another.
    """
    token = current_app.config["PORTAL_METRICS_TOKEN"]
    if token:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(), token.encode())
        return kind.lower() == "bearer" and is_same
    if any(name in request.headers for name in FORWARDED) or read_host()[0] not in LOOPBACK:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:  # a Unix socket has none
        return False
