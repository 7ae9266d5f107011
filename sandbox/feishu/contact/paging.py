"""The pages of long lists, and their tokens."""

import base64
import binascii
import zlib

from flask import request

from sandbox.feishu.answers import Refused, answer_success


def answer_page(entries, render, default=10):
    part, more = slice_page(entries, default)
    return answer_success({**more, "items": [render(entry) for entry in part]})


def slice_page(entries, default, most=50):
    """Return a page of entries and the paging fields."""
    text = request.args.get("page_size", str(default))
    size = int(text) if text.isdecimal() else 0
    if not 0 < size <= most:
        raise Refused(40011)
    start = read_page_token(request.args.get("page_token"))
    rest = start + size
    more = {"has_more": True, "page_token": make_page_token(rest)} if rest < len(entries) else {"has_more": False}
    return entries[start:rest], more


def make_page_token(start):
    """Return an opaque token for the page at this entry.

    It always holds `+`, `/` and `=`, so that a caller has to encode it.
    """
    text = f"{start}:{compute_checksum()}".encode()
    return base64.b64encode(b"\xfb\xef\xbe\xff\xff\xff" + text.ljust(-(-len(text) // 3) * 3 + 1)).decode()


def read_page_token(token):
    if not token:
        return 0
    try:
        start, checksum = base64.b64decode(token, validate=True)[6:].decode().strip().split(":")
        if checksum == compute_checksum():
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise Refused(40012)


def compute_checksum():
    """Return the checksum of the list a token belongs to.

    Another path or department does not take the token.
    """
    names = ("department_id", "parent_department_id", "fetch_child")
    facts = [request.path, *(request.args.get(name, "") for name in names)]
    return f"{zlib.crc32('|'.join(facts).encode()):08x}"
