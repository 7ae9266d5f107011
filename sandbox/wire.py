"""JSON as both platforms read and write it."""

import json
import re

from flask import request

SURROGATE = re.compile("[\ud800-\udfff]")


def read_json_object():
    """Return the JSON object in the request's body, or None.

    The content type does not matter: lark-oapi sends none with its own token requests.
    """
    try:
        body = request.get_json(force=True, silent=True)
    except RecursionError:  # brackets without end
        return None
    return body if isinstance(body, dict) else None


def dump_json(body):
    """Return compact JSON in raw UTF-8.

    Half characters, which UTF-8 lacks, stay escaped.
    """
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
