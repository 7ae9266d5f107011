"""The settings that people meet on pages.

They name a contact, and the page a sign-in leads to.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from portal import text
from portal.settings.values import HOST

CONTACT_LONGEST = 200  # characters
ADDRESS_LONGEST = 2000  # characters, as the table of attempts holds
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
ADDRESS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
WEB_ADDRESS = re.compile(f"https?://{ADDRESS.pattern}", re.IGNORECASE)
LEADS_BACK = re.compile(r"/login([/?#]|$)|/?([?#]|$)")
BAD_IN_DECODED = re.compile(r"//|[\\\x00-\x1f\x7f]")
HOME_ADVICE = "must be a path here, such as /account, or an address such as https://work.example.com/"


@dataclass(frozen=True)
class Contact:
    """What people read when they are stuck.

    :param link: the address behind the words, or `None`.
    """

    words: str
    link: str | None


def read_contact(value: str) -> Contact:
    """Return the contact for people who are stuck.

    It is a line of text, an e-mail address or a link.
    """
    if len(value) > CONTACT_LONGEST:
        raise ValueError(f"must have at most {CONTACT_LONGEST} characters")
    if text.clean(value) != value:
        raise ValueError("must be one line without control characters")
    if EMAIL.fullmatch(value):
        return Contact(value, f"mailto:{value}")
    if value.lower().startswith(("https:", "http:")):
        if not is_https_address(value):
            raise ValueError("must be a line of text, an e-mail address, or an address that begins with https://")
        return Contact(value, value)
    return Contact(value, None)


def read_home(value: str) -> str:
    """Return where a sign-in leads: a path here or https."""
    if is_https_address(value):
        return value
    path = re.split("[?#]", value, maxsplit=1)[0]
    if not path.startswith("/") or len(value) > ADDRESS_LONGEST or not ADDRESS.fullmatch(value):
        raise ValueError(HOME_ADVICE)
    decoded = None
    while path != decoded:  # a path may be decoded on its way, any number of times
        if BAD_IN_DECODED.search(path):
            raise ValueError(HOME_ADVICE)
        decoded, path = path, unquote(path)
    return value


def leads_back(path: str) -> bool:
    """Tell whether a path leads signed-in users on."""
    return LEADS_BACK.match(unquote(path)) is not None


def is_https_address(value: str) -> bool:
    """Tell whether a browser can open a text over https."""
    return value.startswith("https://") and is_web_address(value)


def is_web_address(value: str) -> bool:
    """Tell whether a browser can open a text.

    No user is named in it, and nothing that browsers read differently.
    """
    if len(value) > ADDRESS_LONGEST or not WEB_ADDRESS.fullmatch(value):
        return False
    try:
        parts = urlsplit(value)
        return HOST.fullmatch(parts.hostname or "") is not None and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
