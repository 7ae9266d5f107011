"""Typed forms, kept in an address during a sign-in.

They are signed: a link that somebody else has made fills in no form.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from flask import current_app
from itsdangerous import BadSignature, Signer

from portal.pages.sign_in_guards import require_sign_in

LARGEST_DRAFT = 64 * 1024  # bytes, as of a form


def pack_draft(fields: Mapping[str, str], stored: str = "") -> str:
    """Return fields as a short text.

    :param stored: what `unpack_draft()` will know, too: only what differs from it takes room.
    """
    packer = zlib.compressobj(level=9, zdict=make_dictionary(stored))
    content = packer.compress(json.dumps(fields, ensure_ascii=False).encode()) + packer.flush()
    return make_signer().sign(urlsafe_b64encode(content).rstrip(b"=")).decode()


def unpack_draft(text: str, stored: str = "") -> dict[str, str]:
    """Return the fields of a draft.

    There are none in a text that is no draft of this account, or was packed with something else stored.
    """
    unpacker = zlib.decompressobj(zdict=make_dictionary(stored))
    try:
        packed = make_signer().unsign(text.encode())
        content = unpacker.decompress(urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)), LARGEST_DRAFT)
        fields = json.loads(content)
    except (BadSignature, ValueError, zlib.error, RecursionError):
        return {}
    is_draft = isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values())
    return fields if is_draft else {}


def make_signer() -> Signer:
    """Return the signer of this account's drafts."""
    keys = [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
    return Signer(keys, salt=f"draft of account {require_sign_in().account_id}", sep=".")


def make_dictionary(stored: str) -> bytes:
    """Return what both ways of a draft begin with.

    An empty one would not be checked.
    """
    return (stored or "-").encode()
