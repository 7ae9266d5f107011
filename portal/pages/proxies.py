"""What proxies in front change in a request."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address

from flask import request

GATE = "/_portal/"  # begins the addresses that proxies and applications' hosts ask for
ASKED_METHOD = "portal.asked_method"  # a key of the request's environment
CHECK_PATH = re.compile("/_portal/[^/]+/(auth-request|forward-auth|ext-authz)(/|$)")
CHECKS = ("gate.auth_request", "gate.forward_auth", "gate.ext_authz")  # endpoints that proxies alone ask for
WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]*)\](:[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")


class VisitorAddress:
    """Put the visitor's network address into `REMOTE_ADDR`.

    The limits, sessions and the audit log read it there. It is "" where there is none.

    :param proxies: how many in front may add to `X-Forwarded-For`; the entry of the outermost one counts.
    """

    def __init__(self, app: Callable, proxies: int):
        self.app, self.proxies = app, proxies

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = parse_network_address(self.choose_entry(environ))
        return self.app(environ, start_response)

    def choose_entry(self, environ: dict) -> str:
        """Return the text that names the visitor's address.

        It is an entry of the proxies, else the peer. Entries are parted at every comma: what a visitor has sent before
        them, quotes included, must not move them.
        """
        entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if 0 < self.proxies <= len(entries) and entries != [""]:
            return entries[-self.proxies]
        return environ.get("REMOTE_ADDR") or ""


def is_gate() -> bool:
    """Tell whether this request's address is the gate's.

    Applications' hosts serve it, too, so its views look at host and origin themselves.
    """
    return request.path.startswith(GATE)


class GateRequests:
    """Let the gate's checks come as plain requests.

    A proxy that asks about a WebSocket may hand its headers on, and Werkzeug has no such routes. Envoy and others may
    ask with the method of the request they ask about, of which WebDAV has many; `ASKED_METHOD` keeps it.
    """

    def __init__(self, app: Callable):
        self.app = app

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(GATE):
            environ.pop("HTTP_UPGRADE", None)
            method = environ[ASKED_METHOD] = environ["REQUEST_METHOD"]
            if CHECK_PATH.match(environ["PATH_INFO"]) and method != "HEAD":
                environ["REQUEST_METHOD"] = "GET"
        return self.app(environ, start_response)


@lru_cache(maxsize=1024)
def parse_network_address(text: str) -> str:
    """Return an IP address in its usual form.

    A port is dropped, and anything else becomes "".
    """
    text = text.strip()
    match = WITH_PORT.fullmatch(text)
    host = (match["v6"] or match["v4"] or "") if match else text
    try:
        address = ip_address(host.partition("%")[0])  # a zone means something on its own machine only
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
