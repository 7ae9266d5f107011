"""The request that a proxy asks the gate about.

Each kind of check reads its own headers alone, and nothing of its query: what a client adds elsewhere must not count.
"""

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import request

from portal.applications.claims import HEADER_NAMES
from portal.pages.proxies import ASKED_METHOD
from portal.settings.values import DEFAULT_PORTS

LONGEST_HOST = 200  # characters of it that are kept
IDENTITY_KEYS = [(name, f"HTTP_{name.upper().replace('-', '_')}") for name in HEADER_NAMES.values()]  # in WSGI


class MissingHeader(ValueError):
    """A proxy has not sent a header.

    :param name: the header's.
    """

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


class AskedFor(NamedTuple):
    """The request a check is about.

    :param host: with its port, as the client has sent it.
    :param path: with the query, undecoded.
    """

    method: str
    host: str
    path: str


def read_original() -> AskedFor:
    """Return what nginx asks about.

    :raises MissingHeader: naming the header.
    """
    url, method = require_header("X-Original-URL"), require_header("X-Original-Method")
    try:
        address = urlsplit(url)
    except ValueError:  # a host that is none
        address = urlsplit("")
    path = address.path + (f"?{address.query}" if address.query else "")
    return AskedFor(method.upper(), address.netloc, path or "/")


def read_forwarded() -> AskedFor:
    """Return what Traefik, Caddy or HAProxy asks about.

    :raises MissingHeader: naming the header.
    """
    host, method = require_header("X-Forwarded-Host"), require_header("X-Forwarded-Method")
    return AskedFor(method.upper(), host, require_header("X-Forwarded-Uri"))


def read_direct(prefix: str) -> AskedFor:
    """Return what Envoy asks about, which is the request itself.

    :param prefix: what Envoy puts before the path.
    """
    raw = request.environ.get("RAW_URI") or request.full_path
    path = "/" + raw.removeprefix(prefix).removeprefix("/")
    return AskedFor(request.environ[ASKED_METHOD], request.host, path)


def require_header(name: str) -> str:
    """Return a header of the check.

    :raises MissingHeader: when there is none.
    """
    value = request.headers.get(name, "")
    if not value:
        raise MissingHeader(name)
    return value


def find_forged_header() -> str | None:
    """Return an identity header that a client has sent.

    No proxy should have handed it on to the check.
    """
    return next((name for name, key in IDENTITY_KEYS if request.environ.get(key)), None)


def choose_origin(hosts: list[str], host: str) -> str | None:
    """Return the registered origin of a host.

    :param host: with or without its port; the scheme is the registered origin's.
    """
    wanted = host.lower()
    for origin in hosts:
        parts = urlsplit(origin)
        names = {parts.netloc}
        if parts.port is None:
            names.add(f"{parts.netloc}:{DEFAULT_PORTS[parts.scheme]}")
        if wanted in names:
            return origin
    return None


def is_navigation() -> bool:
    """Tell whether the answer is shown as a page.

    Older browsers do not say so; then a wish for HTML counts.
    """
    mode, destination = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    if mode or destination:
        return mode == "navigate" and destination == "document"
    wants_html = "text/html" in request.headers.get("Accept", "")
    return wants_html and "X-Requested-With" not in request.headers


def write_start_address(origin: str, name: str, path: str) -> str:
    """Return where a sign-in for an application begins."""
    sent = path.encode("latin-1", "replace")  # as WSGI holds raw bytes
    return f"{origin}/_portal/{name}/start?to={quote(sent, safe='/')}"
