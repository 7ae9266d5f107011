"""JSON as both platforms write it: compact, raw UTF-8; half characters, which UTF-8 lacks, stay escaped."""

import json
import re

SURROGATE = re.compile("[\ud800-\udfff]")


def dump(body):
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
