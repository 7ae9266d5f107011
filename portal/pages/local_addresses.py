"""Addresses on this host, and where a sign-in leads."""

import re
import string
from urllib.parse import quote, unquote

from flask import current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from portal.applications import launching

LONGEST_PATH = 2000  # characters, as the table of attempts holds
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
BAD_IN_PATH = re.compile(r"//|[\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
AFTER_PATH = re.compile(r"[?#]")
SAFE_IN_PATH = "!$&'()*+,/:;=@~"
SAFE_IN_QUERY = "%" + string.punctuation.replace("#", "")  # what a query holds as it is, escapes included


def get_request_address() -> str:
    """Return this request's path and query as they were sent."""
    query = quote(request.query_string, safe=SAFE_IN_QUERY)
    return quote(request.path, safe=SAFE_IN_PATH) + (f"?{query}" if query else "")


def accept_local_path(value: str | None) -> str | None:
    """Return a path on this host, or `None`.

    Browsers drop tabs and line breaks, read a backslash as a slash, and resolve dots; and a path may be decoded on its
    way, any number of times. A query leads nowhere: there only what no address can hold is refused.
    """
    if not value or not value.startswith("/") or len(value) > LONGEST_PATH or UNWRITABLE.search(value):
        return None
    path, decoded = None, AFTER_PATH.split(value, maxsplit=1)[0]
    while path != decoded:
        path, decoded = decoded, unquote(decoded)
        if BAD_IN_PATH.search(path):
            return None
    return value


def choose_way_back(value: str | None, default: str) -> str:
    """Return the sent path if it is one of ours."""
    return accept_local_path(value) or default


def get_home_address() -> str:
    """Return where a sign-in for no page leads.

    Where no setting says so, it is the page of the applications as soon as there are any.
    """
    home = current_app.config["PORTAL_HOME_URL"]
    return home or url_for("launcher.show" if launching.has_active_applications() else "account.show")


def redirect_to(endpoint: str, **values: object) -> Response:
    """Lead to a page, which is asked for with GET."""
    return redirect(url_for(endpoint, **values), 303)


def lead_errors_to(address: str) -> str:
    """Make this request's error page lead to an address.

    :return: the address.
    """
    g.go_on = address
    return address
