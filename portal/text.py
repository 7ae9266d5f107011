"""Text from outside, how it is cleaned and compared.

Which marks are hidden is written here, not asked of the interpreter: its Unicode tables are older than some people's
names, and differ from one Python to the next.
"""

import hashlib
import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase

LONGEST = 255  # characters of a stored text
# The neighbours between which U+200C and U+200D do something: scripts whose letters join, and pictures.
JOINING = (
    "\u0600-\u061b\u061d-\u109f\u1780-\u180d\u180f-\u18af\u1a20-\u1cff\ua840-\ua87f\ua8e0-\uaaff\uabc0-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
    "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U00011000-\U00011fff\U0001e900-\U0001e95f"
    "\U0001f000-\U0001faff"
)
HIDDEN = (
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width, line ends, direction
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"  # the same of shorthand and music, and tags
    "\ud800-\udfff\ufdd0-\ufdef"  # lone surrogates, and code points that never become characters
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
)
FLAG = "\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f"  # of a part of a country
UNSEEN = re.compile(f"({FLAG}|(?<=[{JOINING}])[\u200c\u200d](?=[{JOINING}]))|[{HIDDEN}]")
LONGEST_SLUG = 40
NOT_IN_SLUG = re.compile("[^a-z0-9]+")
LINE_BREAK = re.compile("[\t\n\r]")
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}  # as Chinese input methods type them
NARROW = {wide: code for code, wide in WIDE.items()} | {0x3000: 0x20}


def clean(text: str) -> str:
    """Return a text as one line without hidden marks."""
    if text.isprintable():  # true in no Python for a hidden mark; the quick way for nearly all
        return text.strip()
    return UNSEEN.sub(r"\1", LINE_BREAK.sub(" ", text)).strip()


def one_line(value: object) -> str:
    """Return a cleaned text of at most 255 characters.

    A value that is no text becomes "".
    """
    if not isinstance(value, str):
        return ""
    kept = clean(value[: 4 * LONGEST])
    return kept if len(kept) <= LONGEST else clean(kept[:LONGEST])


def is_clean(value: object) -> bool:
    """Return whether a value can be stored as it is."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST and clean(value) == value


def ascii_lower(text: str) -> str:
    """Return a text with ASCII letters in lower case.

    `str.lower()` turns the Kelvin sign into a k, and databases disagree about letters beyond ASCII.
    """
    return text.translate(LOWER)


def narrow(text: str) -> str:
    """Return a text with full-width characters as ASCII."""
    return text.translate(NARROW)


def widen(text: str) -> str:
    """Return a text with ASCII characters in full width."""
    return text.translate(WIDE)


def username_key(username: str) -> str:
    """Return the form that is unique among usernames.

    Neither case nor width matter.
    """
    key = unicodedata.normalize("NFKC", username).casefold()
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()  # cut off alone, it would forget how the longest names end
    return key[: LONGEST - len(digest)] + digest


def make_slug(text: str) -> str:
    """Return a name for addresses, made of a text.

    It has small letters a to z, digits and hyphens, begins with a letter, and may be "".
    """
    return NOT_IN_SLUG.sub("-", text.lower()).lstrip("-0123456789")[:LONGEST_SLUG].rstrip("-")


def fold_name(text: str) -> str:
    """Return the form in which names are compared.

    Neither case, width nor blanks matter.
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
