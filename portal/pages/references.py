"""The reference of a request, such as `7F3K-2Q`.

People quote it; the log and the audit log hold it.
"""

import re
import secrets

from flask import Flask, g

# No 0, 1, I, O: people read references out on the phone. 32 letters, so that random bytes fall on them evenly.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

SPOKEN = re.compile(f"([{ALPHABET}]{{4}})[- ]?([{ALPHABET}]{{2}})")


def init_app(app: Flask) -> None:
    """Give each request its reference before anything else happens."""
    app.before_request(make_reference)


def make_reference() -> None:
    """Make the reference of this request."""
    letters = "".join(ALPHABET[byte % len(ALPHABET)] for byte in secrets.token_bytes(6))
    g.reference = f"{letters[:4]}-{letters[4:]}"


def parse_reference(text: str) -> str | None:
    """Return a text as a reference, if it is one.

    People write it in small letters, with a blank, or without the hyphen.
    """
    match = SPOKEN.fullmatch(text.strip().upper())
    return f"{match[1]}-{match[2]}" if match else None
