"""Answers of the platforms become the persons beside them.

`data/answers/<platform>/<call>.json` is what the platform answers, `<call>_person.json` the person it becomes. A call
may have several cases: what follows a dot in its name says which.
"""

import json
from pathlib import Path

import pytest

ANSWERS = Path(__file__).parent.parent / "data" / "answers"
CASES = sorted(path for path in ANSWERS.glob("*/*.json") if not path.stem.endswith("_person"))
ELEMENTS = {"feishu": "FSInnerExample", "wecom": "QywxInnerExample"}
PATHS = {
    "contact_user": "/open-apis/contact/v3/users/*",
    "user_info": "/open-apis/authen/v1/user_info",
    "user_get": "/cgi-bin/user/get",
}
AT_LOGIN = ("user_info",)  # the other calls read the directory
NO_CONTACTS = {"code": 99991672, "msg": "no permission"}


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def fetch_person(element, sandbox, call):
    """Return the person of a login, or of the directory."""
    if call not in AT_LOGIN:
        return element.getUserInfo("zhangsan")
    sandbox.fail(PATHS["contact_user"], status=400, body=NO_CONTACTS)
    return element.getLoginCode(sandbox.code(element.provider, "zhangsan", redirect_uri=element.redirectUri))


def test_each_answer_has_its_person():
    assert len(CASES) >= 8
    people = {path for path in ANSWERS.glob("*/*_person.json")}
    assert people == {path.with_name(f"{path.stem}_person.json") for path in CASES}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_an_answer_becomes_its_person(portal, sandbox, path):
    call = path.stem.partition(".")[0]
    sandbox.fail(PATHS[call], body=read_json(path))
    with portal.app_context():
        person = fetch_person(portal.getElement(f"auths.loginTypes.{ELEMENTS[path.parent.name]}"), sandbox, call)
    assert json.loads(json.dumps(person)) == read_json(path.with_name(f"{path.stem}_person.json"))
