"""The fields of an application, and what each may hold.

They come from the form of the administrators, or from a file.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from portal.accounts.accounts import InvalidFields
from portal.database import db
from portal.elements.addresses import LOOPBACK
from portal.models import HEADERS, Application, Group
from portal.settings.page_values import is_web_address, read_contact
from portal.settings.values import DEFAULT_PORTS, read_origin
from portal.text import clean

NAME = re.compile("[a-z][a-z0-9-]{1,39}")
# `create` is a page. On loopback http, an application's cookies `portal_<name>…` are beside the portal's own.
RESERVED_NAMES = ("create", "session", "visit", "waiting", "attempt")
LONGEST_TITLE = 100  # characters
LONGEST_HOST = 255  # characters, as the table of doors holds
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?")
USERNAMES_FROM = ("username", "user_id", "email", "employee_number")
ENCODINGS = ("utf-8", "percent")
SCOPES = ("openid", "profile", "email", "phone", "groups", "staff", "offline_access")
FLAGS = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False, "": False}
AT_FIRST = {"public": False, "pkce": "required", "refresh": False, "offline_days": 0}  # as the table has them


def clean_application(values: Mapping, stored: Application | None = None) -> dict:
    """Return the fields of an application, cleaned.

    :param values: the fields of `READERS` and `groups`, as far as they are given; lists are lists of texts.
    :param stored: the application to change; its other fields stay.
    :raises InvalidFields: naming each field that can't be used.
    """
    fields, problems = read_given(values, READERS)
    now = {field: fields.get(field, getattr(stored, field, value)) for field, value in AT_FIRST.items()}
    if now["public"] and now["pkce"] == "optional":
        problems.setdefault("pkce", _("A public client needs PKCE."))
    if now["offline_days"] and not now["refresh"]:
        problems.setdefault("offline_days", _("Offline access needs refresh tokens."))
    if problems:
        raise InvalidFields(problems)
    return fields


def read_given(values: Mapping, readers: Mapping[str, Callable[[Any], Any]]) -> tuple[dict, dict]:
    """Return the fields that are given, and their problems.

    :param readers: field -> the function that cleans its value, or raises ValueError.
    """
    fields, problems = {}, {}
    for field, read in readers.items():
        if field in values:
            try:
                fields[field] = read(values[field])
            except ValueError as error:
                problems[field] = error.args[0]
    return fields, problems


# Single values


def read_name(value: Any) -> str:
    """Return the name of an application, or raise ValueError."""
    return check_slug(value, RESERVED_NAMES)


def check_slug(value: Any, reserved: tuple[str, ...]) -> str:
    """Return a name that can be part of addresses.

    :raises ValueError: saying what is wrong with it.
    """
    name = value.strip() if isinstance(value, str) else ""
    if not NAME.fullmatch(name):
        raise ValueError(_("Use 2 to 40 letters a-z, digits and hyphens, a letter first."))
    if name in reserved:
        raise ValueError(_("This name is reserved."))
    return name


def read_title(value: Any) -> str:
    """Return a title, or raise ValueError."""
    title = " ".join(value.split()) if isinstance(value, str) else ""
    if not title:
        raise ValueError(_("Please enter a title."))
    if len(title) > LONGEST_TITLE:
        raise ValueError(_("This is too long: %(most)s characters at most.", most=LONGEST_TITLE))
    if clean(title) != title:
        raise ValueError(_("This has characters that can't be used."))
    return title


def read_line(value: Any) -> str | None:
    """Return a trimmed text, or `None` for an empty one."""
    if value is not None and not isinstance(value, str):
        raise ValueError(_("Enter a text."))
    return (value or "").strip() or None


def read_contact_line(value: Any) -> str | None:
    """Return the contact to show, or raise ValueError."""
    line = read_line(value)
    try:
        return line and read_contact(line).words
    except ValueError:
        advice = _("Enter a line of text, an e-mail address, or an address that begins with https://.")
        raise ValueError(advice) from None


def read_launch_address(value: Any) -> str | None:
    """Return the address that a tile opens, or raise ValueError."""
    address = read_line(value)
    if address and not is_web_address(address):
        raise ValueError(_("Enter a full http or https address."))
    return address


def read_answer_address(value: Any) -> str | None:
    """Return an address of an OpenID client, or raise ValueError.

    It is compared letter by letter, so it stays as it is.
    """
    address = read_line(value)
    if address and ("#" in address or not is_web_address(address)):
        raise ValueError(_("Enter a full http or https address without a fragment."))
    return address


def read_domain(value: Any) -> str | None:
    """Return a domain of e-mail addresses, or raise ValueError."""
    domain = (read_line(value) or "").lower()
    if domain and not (len(domain) <= 190 and DOMAIN.fullmatch(domain)):
        raise ValueError(_("Enter a domain such as example.com."))
    return domain or None


def read_flag(value: Any) -> bool:
    """Return yes or no, or raise ValueError."""
    flag = value if isinstance(value, bool) else FLAGS.get(value) if isinstance(value, str) else None
    if flag is None:
        raise ValueError(_("Choose yes or no."))
    return flag


def make_choice_reader(*allowed: str) -> Callable[[Any], str]:
    """Return a function that reads one of some words."""

    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(_("Choose one of: %(allowed)s.", allowed=", ".join(allowed)))
        return value

    return read


def make_number_reader(least: int, most: int, empty: int | None = None) -> Callable[[Any], int | None]:
    """Return a function that reads a whole number.

    :param empty: what an empty text and `None` mean.
    """

    def read(value: Any) -> int | None:
        text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if value is None or value == "":
            return empty
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise ValueError(_("Enter a whole number from %(least)s to %(most)s.", least=least, most=most))
        return int(text)

    return read


# Lists


def read_texts(value: Any) -> list[str]:
    """Return the different texts of a list, or raise ValueError."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(_("Enter a list of texts."))
    entries = list(dict.fromkeys(entry.strip() for entry in value if entry.strip()))
    if any(clean(entry) != entry for entry in entries):
        raise ValueError(_("This has characters that can't be used."))
    return entries


def make_words_reader(allowed: tuple[str, ...]) -> Callable[[Any], list[str]]:
    """Return a function that reads a list of some words."""

    def read(value: Any) -> list[str]:
        words = read_texts(value)
        if not set(words) <= set(allowed):
            raise ValueError(_("Choose from: %(allowed)s.", allowed=", ".join(allowed)))
        return [word for word in allowed if word in words]

    return read


def read_answer_addresses(value: Any) -> list[str]:
    """Return addresses of an OpenID client, or raise ValueError."""
    return [address for entry in read_texts(value) if (address := read_answer_address(entry))]


def read_hosts(value: Any) -> list[str]:
    """Return the origins of an application, or raise ValueError."""
    return list(dict.fromkeys(read_host_of_application(entry) for entry in read_texts(value)))


def read_host_of_application(value: str) -> str:
    """Return an origin in lower case, without its scheme's port.

    Its cookies must be safe: plain http is for loopback addresses, while the portal has one itself. Cookies know no
    ports, so elsewhere no application may be at another port of the portal's host.
    """
    advice = _("Enter an origin such as https://wiki.example.com.")
    try:
        origin = read_origin(value)
    except ValueError:
        raise ValueError(advice) from None
    base = urlsplit(current_app.config["PORTAL_BASE_URL"])
    is_for_trying = base.scheme == "http" and is_loopback(base.hostname)
    parts = urlsplit(origin)
    if len(origin) > LONGEST_HOST or not (parts.scheme == "https" or (is_for_trying and is_loopback(parts.hostname))):
        raise ValueError(advice)
    if split_origin(origin) == split_origin(base.geturl()) or (parts.hostname == base.hostname and not is_for_trying):
        raise ValueError(_("This is the portal's own host."))
    return origin


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine for every browser."""
    return host in LOOPBACK or host.endswith(".localhost")


def split_origin(origin: str) -> tuple[str, int]:
    """Return the host and port of an origin."""
    parts = urlsplit(origin)
    return parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]


def read_groups(value: Any) -> list[str]:
    """Return names of groups that exist, or raise ValueError."""
    names = read_texts(value)
    check_groups(names, db.session.scalars(select(Group.name).where(Group.name.in_(names))))
    return sorted(names)


def check_groups(names: list[str], known: Any) -> None:
    """Raise ValueError for the first group that is not there."""
    missing = sorted(set(names) - set(known))
    if missing:
        raise ValueError(_("There is no group named %(name)s.", name=missing[0]))


READERS = {  # in the order in which files have them
    "name": read_name,
    "title": read_title,
    "active": read_flag,
    "launch_url": read_launch_address,
    "contact": read_contact_line,
    "open_to_all": read_flag,
    "groups": read_groups,
    "username_from": make_choice_reader(*USERNAMES_FROM),
    "email_domain": read_domain,
    "fresh_minutes": make_number_reader(1, 10_080),
    "session_hint": make_number_reader(1, 8760),
    "hosts": read_hosts,
    "headers": make_words_reader(HEADERS),
    "header_encoding": make_choice_reader(*ENCODINGS),
    "redirect_uris": read_answer_addresses,
    "post_logout_uris": read_answer_addresses,
    "backchannel_uri": read_answer_address,
    "public": read_flag,
    "pkce": make_choice_reader("required", "optional"),
    "refresh": read_flag,
    "offline_days": make_number_reader(0, 365, empty=0),
    "scopes": make_words_reader(SCOPES),
    "token_minutes": make_number_reader(1, 1440, empty=15),
    "claims_in_id_token": read_flag,
    "ask": read_flag,
    "all_groups": read_flag,
    "picture": read_flag,
}
