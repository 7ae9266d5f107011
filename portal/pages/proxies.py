"""Where a visitor comes from, as the proxies in front tell: a network address, or nothing."""

import re
from ipaddress import ip_address

WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]*)\](:[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")


class VisitorAddress:
    """Leave the visitor's network address in `REMOTE_ADDR`; the limits, sessions and the audit read it there.

    :param proxies: how many in front may add to `X-Forwarded-For`; the entry of the outermost one counts.
    """

    def __init__(self, app, proxies: int):
        self.app, self.proxies = app, proxies

    def __call__(self, environ, start_response):
        environ["REMOTE_ADDR"] = network_address(self.told(environ))
        return self.app(environ, start_response)

    def told(self, environ) -> str:
        """Return what stands for the visitor's address: an entry of the proxies, else the peer.

        Entries are parted at every comma: what a visitor has sent before them, quotes included, must not move them.
        """
        entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if 0 < self.proxies <= len(entries) and entries != [""]:
            return entries[-self.proxies]
        return environ.get("REMOTE_ADDR") or ""


def network_address(text: str) -> str:
    """Return an IPv4 or IPv6 address in its usual form, without a port; "" for what is none."""
    text = text.strip()
    match = WITH_PORT.fullmatch(text)
    host = (match["v6"] or match["v4"] or "") if match else text
    try:
        address = ip_address(host.partition("%")[0])  # a zone means something on its own machine only
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
