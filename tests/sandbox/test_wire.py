"""The sandbox's raw answers, compared with the platforms' bodies in data/sandbox/*.json.

A case says what is `given`, what happens `later` (after codes and tokens were made), the request and the answer.
The cases of `*_published.json` are answers of the platforms that others published; `source` may say where.
`$name` in a request is made on the spot, see `made.py`. In an answer, `"~abc"` is any text that starts with abc,
`"~str"` any text, `"~^…"` any text like the expression; everything else has to be equal, keys included. `only` narrows
what is compared of users and departments.
"""

import json
import re
from pathlib import Path

import pytest
from support.sandbox_tokens import RequestFiller, send_request

DATA = Path(__file__).parent.parent / "data" / "sandbox"
CASES = [
    pytest.param(path.stem.split("_")[0], case, id=f"{path.stem}: {case['name']}")
    for path in sorted(DATA.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
]


def turn(sandbox, provider, knobs):
    for name, value in knobs.items():
        if name == "clock":
            sandbox.clock(value)
        elif name == "app":
            sandbox.app(provider, **value)
        else:
            for key, changes in value.items():
                sandbox.person(provider, key, **changes)


def is_like(found, wanted):
    if isinstance(wanted, str) and wanted.startswith("~^"):
        return isinstance(found, str) and re.match(wanted[1:], found) is not None
    if isinstance(wanted, str) and wanted.startswith("~"):
        return isinstance(found, str) and bool(found) and (wanted == "~str" or found.startswith(wanted[1:]))
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(is_like(found[name], wanted[name]) for name in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(is_like, found, wanted))
    return type(found) is type(wanted) and found == wanted


def narrow(found, names):
    """Return an answer whose entries hold nothing but these names."""
    if isinstance(found, list):
        return [narrow(entry, names) for entry in found]
    if isinstance(found, dict) and not found.keys().isdisjoint(names):
        return {name: value for name, value in found.items() if name in (*names, "errcode", "errmsg")}
    if isinstance(found, dict):
        return {name: narrow(value, names) for name, value in found.items()}
    return found


@pytest.mark.parametrize(("provider", "case"), CASES)
def test_answer_is_the_platforms(sandbox, provider, case):
    turn(sandbox, provider, case.get("given", {}))
    request = RequestFiller(sandbox).fill(case["request"])
    turn(sandbox, provider, case.get("later", {}))
    wanted = case["answer"]

    answer = send_request(
        sandbox,
        request["method"],
        request["path"],
        headers=request.get("headers"),
        json=request.get("json"),
        data=request.get("form") or request.get("data"),
    )

    assert answer.status_code == wanted["status"], answer.text
    for name, value in wanted.get("headers", {}).items():
        assert is_like(answer.headers.get(name), value), (name, answer.headers.get(name))
    if "text" in wanted:
        assert answer.text == wanted["text"]
        return
    body = narrow(answer.json(), case["only"]) if "only" in case else answer.json()
    assert is_like(body, wanted["body"]), f"\n{json.dumps(body, ensure_ascii=False)}\nis not like\n{wanted['body']}"
