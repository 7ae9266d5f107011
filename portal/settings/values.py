"""The ways to read a setting's value.

Each function takes a text and returns the value, or raises ValueError saying what is allowed.
"""

import re
from collections.abc import Callable
from datetime import tzinfo
from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import LOCALTZ
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
DEFAULT_PORTS = {"http": 80, "https": 443}


def read_text(value: str) -> str:
    """Return a text as it is."""
    return value


def read_choice(*allowed: str) -> Callable[[str], str]:
    """Return a function that reads one of some words."""

    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of: {', '.join(allowed)}")
        return value

    return read


def read_whole(least: int, most: int) -> Callable[[str], int]:
    """Return a function that reads a whole number."""

    def read(value: str) -> int:
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else least - 1
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    return read


def read_origin(value: str) -> str:
    """Return an address as `scheme://host[:port]`.

    It is in lower case and without the scheme's own port.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("must be an address such as https://login.example.com") from None
    host = parts.hostname or ""
    try:
        host = f"[{ip_address(host)}]" if ":" in host else host.encode("idna").decode()
    except ValueError:
        host = ""
    if parts.scheme not in DEFAULT_PORTS or not HOST.fullmatch(host) or port == 0 or parts.username is not None:
        raise ValueError("must be an address such as https://login.example.com")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must end after the host and port: the portal lives at the root of its host")
    shown_port = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}"


def read_database(value: str) -> str:
    """Return the address of a database for SQLAlchemy."""
    for short in ("postgres://", "postgresql://"):
        if value.startswith(short):
            value = "postgresql+psycopg://" + value.removeprefix(short)
    advice = "must start with sqlite:/// and the path of a file, or with postgresql+psycopg://"
    if not value.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise ValueError(advice)
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError("can't be read as a database address") from None
    # A database in memory is another one in each process, and gone with it. SQLite has several spellings of one.
    if value.startswith("sqlite:") and (not url.database or ":memory:" in value or "mode=memory" in value):
        raise ValueError(advice)
    return value


def read_redis(value: str) -> str:
    """Return the address of a Redis server."""
    try:
        parts = urlsplit(value)
        is_sound = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or not re.fullmatch("(/[0-9]{0,5})?", parts.path) or parts.fragment:
        raise ValueError("must start with redis:// or rediss:// and a host, such as redis://127.0.0.1:6379/0")
    return value


def read_secret_key(value: str) -> str:
    """Return a secret of at least 32 characters."""
    if len(value) < 32:
        raise ValueError("must have at least 32 characters")
    return value


def read_secret_keys(value: str) -> list[str]:
    """Return the secret keys of a comma list."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    if any(len(key) < 32 for key in keys):
        raise ValueError("must be a comma list of keys, each with at least 32 characters")
    return keys


def read_token(value: str) -> str:
    """Return a bearer token of at least 16 characters."""
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]{16,}", value):
        raise ValueError("must have at least 16 characters: letters, digits and . _ ~ + / = -")
    return value


def find_machine_timezone() -> tzinfo:
    """Return the time zone of the machine.

    Babel finds it, by pytz where that is installed; a zone of pytz is wrong in the hands of `datetime`.
    """
    try:
        return ZoneInfo(str(LOCALTZ))
    except (LookupError, OSError, ValueError):
        return LOCALTZ


def read_timezone(value: str) -> ZoneInfo:
    """Return the time zone of an IANA name."""
    try:
        return ZoneInfo(value)
    except (LookupError, OSError, ValueError):
        raise ValueError("must be the IANA name of a time zone, such as Asia/Shanghai or UTC") from None


def read_bind(value: str) -> str:
    """Return where to listen: `host:port`, or `unix:` and a path."""
    host, _, port = value.rpartition(":")
    is_number = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    if not re.fullmatch(r"unix:/.+", value) and not (host and is_number and " " not in value):
        raise ValueError("must be an address and a port, such as 127.0.0.1:8000, or unix:/run/portal.sock")
    return value


def read_fernet_keys(value: str) -> list[str]:
    """Return the keys of a comma list."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        keys = []
    # Fernet takes the first of two keys on two lines, and says nothing of the second.
    if not keys or any(key.split() != [key] for key in keys):
        raise ValueError("must be a comma list of Fernet keys, each 32 bytes in URL-safe base64")
    return keys
