"""Finds the hosts that mean this machine."""

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # as a browser's address bar has them
LOCAL_NAMES = {"localhost", "localhost.localdomain", "localhost6", "localhost6.localdomain6"}
LOCAL_NAMES |= {"ip6-localhost", "ip6-loopback"}
# IPv6 addresses whose last 32 bits are an IPv4 address: mapped, compatible, translated.
CARRIERS = [IPv6Network(net) for net in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96")]
THIS_NETWORK = ip_network("0.0.0.0/8")
HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*")


def plain_host(host: str) -> str:
    """Return a host in lower case and ASCII.

    A dot at its end is taken away.

    :raises ValueError: for what is no host.
    """
    name = host.partition("%")[0] if ":" in host else host.encode("idna").decode()  # %: the zone of an IPv6 address
    name = name.lower().rstrip(".")
    if not HOST.fullmatch(name):
        raise ValueError(f"{host!r} is no host")
    return name


def is_local(host: str) -> bool:
    """Return whether a host is this machine.

    It may be a name, or an address in any form that connects to this machine.

    :param host: as :func:`plain_host` returns it.
    """
    if host in LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        try:
            address = IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433, 0177.0.0.1
        except (OSError, ValueError):
            return False
    return any(form.is_loopback or form.is_unspecified or form in THIS_NETWORK for form in list_forms(address))


def list_forms(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """Yield an address, and an IPv4 address inside it."""
    yield address
    if isinstance(address, IPv6Address):
        if any(address in net for net in CARRIERS):
            yield IPv4Address(int(address) & 0xFFFFFFFF)
        if address.sixtofour is not None:
            yield address.sixtofour
