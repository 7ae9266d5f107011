"""The sandbox's knobs, and its process."""

import ast
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from support.authorize_pages import find_feishu_person

from sandbox.company import Directory

ROOT = Path(__file__).parent.parent.parent
AUTHORIZE = "/open-apis/authen/v1/authorize"
V2 = "/open-apis/authen/v2/oauth/token"


def gettoken(sandbox, **words):
    query = {"corpid": sandbox.WECOM["corpid"], "corpsecret": sandbox.WECOM["corpsecret"]}
    return requests.get(f"{sandbox.url}/cgi-bin/gettoken", params=query, timeout=10, **words)


def get_profile(sandbox, person):
    """Return a person's profile from a login at Feishu."""
    return find_feishu_person(sandbox, sandbox.code("feishu", person))


# Calls and failures


def test_fail_answers_the_number_of_requests_asked_for(sandbox):
    sandbox.fail("/cgi-bin/*", count=2, status=502, body="<h1>Bad gateway</h1>", headers={"X-Mark": "1"})

    answers = [gettoken(sandbox) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [502, 502, 200]
    assert (answers[0].text, answers[0].headers["X-Mark"]) == ("<h1>Bad gateway</h1>", "1")
    assert answers[2].json()["errcode"] == 0


def test_fail_with_json_leaves_other_paths_alone(sandbox):
    busy = {"errcode": -1, "errmsg": "system busy"}
    sandbox.fail("/cgi-bin/user/get", body=busy)

    assert gettoken(sandbox).json()["errcode"] == 0
    assert requests.get(f"{sandbox.url}/cgi-bin/user/get", timeout=10).json() == busy


def test_fail_delays_and_then_answers(sandbox):
    sandbox.fail("/cgi-bin/gettoken", delay=0.2)
    start = time.monotonic()

    answer = gettoken(sandbox)

    assert answer.json()["errcode"] == 0
    assert time.monotonic() - start >= 0.2


def test_fail_drips_the_body(sandbox):
    sandbox.fail("/cgi-bin/gettoken", body="ten bytes!", drip=0.2)

    with gettoken(sandbox, stream=True) as answer:
        pieces = list(answer.raw.stream(1, decode_content=False))

    assert b"".join(pieces) == b"ten bytes!"
    assert answer.elapsed.total_seconds() < 0.2  # the headers arrived long before the end


def test_fail_drops_the_connection(sandbox):
    sandbox.fail("/cgi-bin/gettoken", drop=True)

    with pytest.raises(requests.ConnectionError):
        gettoken(sandbox)
    assert gettoken(sandbox).status_code == 200


def test_fail_redirects(sandbox):
    sandbox.fail("/cgi-bin/gettoken", redirect="http://127.0.0.1:9/elsewhere")

    answer = gettoken(sandbox, allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (302, "http://127.0.0.1:9/elsewhere")


def test_hold_releases_all_requests_together(sandbox):
    crowd = 100
    sandbox.fail("/cgi-bin/gettoken", hold=crowd)
    arrived = []

    def ask(number):
        answer = gettoken(sandbox)
        arrived.append(number)
        return answer.status_code

    with ThreadPoolExecutor(crowd) as pool:
        waiting = [pool.submit(ask, number) for number in range(crowd - 1)]
        while len(sandbox.calls("/cgi-bin/gettoken")) < crowd - 1:
            threading.Event().wait(0.01)
        before = len(arrived)
        waiting.append(pool.submit(ask, crowd))

        assert {future.result() for future in waiting} == {200}
    assert (before, len(arrived)) == (0, crowd)


def test_a_gate_holds_later_requests_until_it_opens(sandbox):
    sandbox.gate("/cgi-bin/get*", after=1)
    assert gettoken(sandbox).status_code == 200

    with ThreadPoolExecutor(2) as pool:
        late = [pool.submit(gettoken, sandbox) for _ in range(2)]
        while sandbox.count_waiting() < 2:
            threading.Event().wait(0.01)
        assert not any(answer.done() for answer in late)
        sandbox.open_gates()

        assert [answer.result().status_code for answer in late] == [200, 200]
    assert sandbox.count_waiting() == 0
    assert gettoken(sandbox).status_code == 200


def test_each_failing_answer_has_a_number_of_its_own(sandbox):
    sandbox.fail("/cgi-bin/gettoken", count=2, body={"errcode": 0, "cursor": "page %n"})

    cursors = [gettoken(sandbox).json()["cursor"] for _ in range(2)]

    assert len(set(cursors)) == 2


def test_a_department_can_be_added_moved_and_removed(sandbox):
    token = gettoken(sandbox).json()["access_token"]

    def departments():
        address = f"{sandbox.url}/cgi-bin/department/list?access_token={token}"
        return {row["id"]: row for row in requests.get(address, timeout=10).json()["department"]}

    sandbox.department("90", add=True, name="新部门", parent="7", leaders=["lisi"])
    assert departments()[90] | {"order": 0} == {
        **{"id": 90, "name": "新部门", "name_en": "", "parentid": 7, "order": 0},
        "department_leader": ["lisi"],
    }
    sandbox.department("90", parent="2", set={"name_en": "New"})
    assert (departments()[90]["parentid"], departments()[90]["name_en"]) == (2, "New")
    sandbox.department("90", remove=True)
    assert 90 not in departments()


def test_calls_are_recorded_with_query_headers_and_body(sandbox):
    requests.post(f"{sandbox.url}{V2}?x=1&x=2", data="hello", headers={"X-Mark": "m"}, timeout=10)
    gettoken(sandbox)

    calls = sandbox.calls(V2)

    assert [call["path"] for call in sandbox.calls()] == [V2, "/cgi-bin/gettoken"]
    assert (calls[0]["method"], calls[0]["query"], calls[0]["body"]) == ("POST", {"x": ["1", "2"]}, "hello")
    assert calls[0]["headers"]["X-Mark"] == "m"
    sandbox.forget_calls()
    assert sandbox.calls() == []


def test_connections_are_counted_as_opened(sandbox):
    with requests.Session() as kept:
        for _ in range(5):
            kept.get(f"{sandbox.url}/cgi-bin/gettoken", timeout=10)
    with requests.Session() as browser:
        browser.get(sandbox.url + AUTHORIZE, timeout=10)

    assert sandbox.connections() == 1
    gettoken(sandbox)
    assert sandbox.connections() == 2


# People and applications


def test_reset_undoes_everything(sandbox):
    sandbox.person("feishu", "zhangsan", name="Somebody Else", freeze=True)
    sandbox.app("wecom", corpid="wwsandbox00000002", agentid=1, secret="two")
    sandbox.fail("/*", count=9, status=500)
    sandbox.clock(9999)
    sandbox.reset()

    assert gettoken(sandbox).json()["errcode"] == 0
    assert get_profile(sandbox, "zhangsan")["name"] == "张三"
    with pytest.raises(ValueError, match="no such application"):
        sandbox.code("wecom", "zhangsan", corpid="wwsandbox00000002", agentid=1)


def test_a_person_can_be_added_and_changed(sandbox):
    sandbox.person("feishu", "dora", add=True, name="Dora", departments=["3"], leads=["3"])
    sandbox.person("feishu", "dora", set={"email": "dora@example.com", "en_name": 7}, withhold=["mobile"])

    profile = get_profile(sandbox, "dora")

    assert (profile["name"], profile["email"], profile["en_name"]) == ("Dora", "dora@example.com", 7)
    assert "mobile" not in profile


def test_a_change_on_one_platform_leaves_the_other(sandbox):
    sandbox.person("feishu", "zhangsan", name="Other")

    assert get_profile(sandbox, "zhangsan")["name"] == "Other"
    query = {"access_token": gettoken(sandbox).json()["access_token"], "userid": "zhangsan"}
    assert requests.get(f"{sandbox.url}/cgi-bin/user/get", params=query, timeout=10).json()["name"] == "张三"


def test_an_app_of_lark_can_be_added(sandbox):
    sandbox.app("feishu", app_id="cli_5a4db0c5a4db0cff", secret="lark", brand="lark", permissions=[])
    body = {"app_id": "cli_5a4db0c5a4db0cff", "app_secret": "lark"}
    path = f"{sandbox.url}/open-apis/auth/v3/tenant_access_token/internal"
    headers = {"Authorization": f"Bearer {requests.post(path, json=body, timeout=10).json()['tenant_access_token']}"}

    refused = requests.get(f"{sandbox.url}/open-apis/contact/v3/scopes", headers=headers, timeout=10).json()

    assert refused["error"]["helps"][0]["url"].startswith("https://open.larksuite.com/app/cli_5a4db0c5a4db0cff/")


def test_corp_ids_that_look_real_are_refused(sandbox):
    with pytest.raises(ValueError, match="looks like a real company"):
        sandbox.app("wecom", corpid="ww0123456789abcdef", agentid=1, secret="x")
    sandbox.app("wecom", corpid="ww0123456789abcdef", agentid=1, secret="x", look_real=True)
    assert sandbox.code("wecom", "zhangsan", corpid="ww0123456789abcdef", agentid=1)


@pytest.mark.parametrize(
    ("knob", "words"),
    [
        ("person", {"provider": "feishu", "person": "nobody"}),
        ("person", {"provider": "feishu", "person": "zhangsan", "frieze": True}),
        ("app", {"provider": "dingtalk"}),
        ("app", {"provider": "feishu", "secrets": "x"}),
        ("fail", {"path": "/", "often": True}),
        ("code", {"provider": "feishu", "person": "nobody"}),
    ],
)
def test_a_wrong_request_to_a_knob_is_explained(sandbox, knob, words):
    answer = requests.post(f"{sandbox.url}/_sandbox/{knob}", json=words, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]


# The process


def test_the_sandbox_listens_on_loopback_only(sandbox):
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]

    assert f"0100007F:{sandbox.port:04X}" in listening
    assert f"00000000:{sandbox.port:04X}" not in listening


def test_a_crowd_is_always_the_same():
    one, two = Directory(500, 30), Directory(500, 30)

    assert [person.name for person in one.people.values()] == [person.name for person in two.people.values()]
    assert len(one.people) - len(Directory().people) == 500
    assert len(one.list_below("1")) - len(Directory().list_below("1")) == 30


def test_the_sandbox_ends_with_its_parent():
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--stop-with-stdin"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])

    process.communicate(timeout=5)  # closes its standard input

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


@pytest.mark.parametrize(("package", "foreign"), [("sandbox", "portal"), ("portal", "sandbox")])
def test_sandbox_and_portal_share_nothing(package, foreign):
    imports = {}
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imports[path] = [*imports.get(path, []), *(name.partition(".")[0] for name in names)]

    assert imports
    assert [path for path, names in imports.items() if foreign in names] == []
