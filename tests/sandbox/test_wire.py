"""The sandbox's raw answers, compared with the platforms' bodies.

The cases are in data/sandbox/*.json. A case has the state `given`, the changes made `later` (after codes and tokens
were made), the request and the answer. The cases of `*_published.json` are answers of the platforms that others
published. `source` may say where. `$name` in a request is made for the case, see `support.sandbox_tokens`.

In an answer, `"~abc"` is any text that starts with abc, `"~str"` any text, `"~^…"` any text like the expression. All
else has to be equal, keys included. `only` names the fields of users and departments to compare.
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


def turn_knobs(sandbox, provider, knobs):
    for name, value in knobs.items():
        if name == "clock":
            sandbox.clock(value)
        elif name == "app":
            sandbox.app(provider, **value)
        else:
            for key, changes in value.items():
                sandbox.person(provider, key, **changes)


def is_like(value, expected):
    if isinstance(expected, str) and expected.startswith("~^"):
        return isinstance(value, str) and re.match(expected[1:], value) is not None
    if isinstance(expected, str) and expected.startswith("~"):
        return isinstance(value, str) and bool(value) and (expected == "~str" or value.startswith(expected[1:]))
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and value.keys() == expected.keys()
            and all(is_like(value[name], expected[name]) for name in expected)
        )
    if isinstance(expected, list):
        return isinstance(value, list) and len(value) == len(expected) and all(map(is_like, value, expected))
    return type(value) is type(expected) and value == expected


def narrow(value, names):
    """Return an answer with these names only in its entries."""
    if isinstance(value, list):
        return [narrow(entry, names) for entry in value]
    if isinstance(value, dict) and not value.keys().isdisjoint(names):
        return {name: part for name, part in value.items() if name in (*names, "errcode", "errmsg")}
    if isinstance(value, dict):
        return {name: narrow(part, names) for name, part in value.items()}
    return value


@pytest.mark.parametrize(("provider", "case"), CASES)
def test_an_answer_is_the_platforms(sandbox, provider, case):
    turn_knobs(sandbox, provider, case.get("given", {}))
    request = RequestFiller(sandbox).fill(case["request"])
    turn_knobs(sandbox, provider, case.get("later", {}))
    expected = case["answer"]

    answer = send_request(
        sandbox,
        request["method"],
        request["path"],
        headers=request.get("headers"),
        json=request.get("json"),
        data=request.get("form") or request.get("data"),
    )

    assert answer.status_code == expected["status"], answer.text
    for name, part in expected.get("headers", {}).items():
        assert is_like(answer.headers.get(name), part), (name, answer.headers.get(name))
    if "text" in expected:
        assert answer.text == expected["text"]
        return
    body = narrow(answer.json(), case["only"]) if "only" in case else answer.json()
    assert is_like(body, expected["body"]), f"\n{json.dumps(body, ensure_ascii=False)}\nis not like\n{expected['body']}"
