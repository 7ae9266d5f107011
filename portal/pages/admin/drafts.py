"""Typed forms, kept in an address during a sign-in."""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

LARGEST_DRAFT = 64 * 1024  # bytes, as of a form


def pack_draft(fields: Mapping[str, str], stored: str = "") -> str:
    """Return fields as a short text.

    :param stored: what `unpack_draft()` will know, too: only what differs from it takes room.
    """
    packer = zlib.compressobj(level=9, zdict=make_dictionary(stored))
    content = packer.compress(json.dumps(fields, ensure_ascii=False).encode()) + packer.flush()
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def unpack_draft(text: str, stored: str = "") -> dict[str, str]:
    """Return the fields of a draft.

    There are none in a text that is no draft, or was packed with something else stored.
    """
    unpacker = zlib.decompressobj(zdict=make_dictionary(stored))
    try:
        content = unpacker.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), LARGEST_DRAFT)
        fields = json.loads(content)
    except (ValueError, zlib.error, RecursionError):
        return {}
    is_draft = isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values())
    return fields if is_draft else {}


def make_dictionary(stored: str) -> bytes:
    """Return what both ways of a draft begin with.

    An empty one would not be checked.
    """
    return (stored or "-").encode()
