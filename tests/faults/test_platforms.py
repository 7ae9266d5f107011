"""A platform that fails harms only its own logins, and only while it fails.

The portal runs as processes. During each fault another person signs in with the other platform, and a signed-in user
goes on.
"""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.http_visitors import Visitor
from support.odd_platform import OddPlatform, bomb, cut_off, drip, flood, say, stay_silent
from support.portal_app import FEISHU, WECOM
from support.processes import list_children
from support.syncs import APPS, wait_for

EXCHANGES = {FEISHU: "/open-apis/authen/v2/oauth/token", WECOM: "/cgi-bin/auth/getuserinfo"}
READERS = {FEISHU: "/open-apis/authen/v1/user_info", WECOM: "/cgi-bin/gettoken"}  # the other call a login needs
OTHER = {FEISHU: WECOM, WECOM: FEISHU}
each_platform = pytest.mark.parametrize("name", [FEISHU, WECOM])

NONSENSE = {
    "an internal error": say("<h1>500</h1>", status=500),
    "a bad gateway": say("bad gateway", status=502),
    "unavailable": say({"code": 0, "errcode": 0}, status=503),
    "a page": say("<!doctype html><title>Sign in to the wi-fi</title>", Content_Type="text/html"),
    "an empty body": say(""),
    "half of the JSON": say('{"code": 0, "errcode": 0, "access_token": "u-', Content_Type="application/json"),
    "half of the body": cut_off,
    "a list": say([{"code": 0}]),
    "null": say(None),
    "a text": say('"ok"'),
    "a number as text": say({"code": "0", "errcode": "0", "access_token": "u-1", "userid": "zhangsan"}),
    "true": say({"code": True, "errcode": False, "access_token": "u-1", "userid": "zhangsan"}),
    "wrong types": say({"code": 0, "errcode": 0, "access_token": ["u-1"], "userid": {"a": 1}, "expires_in": {}}),
    "no field": say({"code": 0, "errcode": 0}),
    "very deep": say("[" * 200_000),
    "no HTTP": lambda handler: handler.wfile.write(b"\x16\x03\x01\x00\x00 220 mail ready\r\n\r\n"),
}


@pytest.fixture
def platforms(sandbox):
    made = {name: OddPlatform(sandbox.url) for name in (FEISHU, WECOM)}
    yield made
    for platform in made.values():
        platform.close()


@pytest.fixture
def server(platforms, elements, serve):
    """A portal of one process, in which each breaker is one."""
    elements.feishu(openBaseUrl=platforms[FEISHU].url)
    elements.wecom(apiBaseUrl=platforms[WECOM].url)
    return serve(workers=1)


def sign_in(server, name, person="zhangsan"):
    """Sign a person in, and return the visitor and the last answer."""
    visitor = Visitor(server)
    return visitor, visitor.sign_in(name, person)


def expect_refusal(server, name):
    visitor, answer = sign_in(server, name)
    assert (answer.status_code, "Error 50300" in answer.text) == (503, True), answer.text
    assert visitor.get("/api/session").status_code == 401


def expect_others_unharmed(server, name, bystander):
    """The other platform's people sign in, and nobody is signed out."""
    assert sign_in(server, OTHER[name], "lisi")[1].status_code == 303
    assert bystander.get("/api/session").status_code == 200
    assert bystander.get("/readyz").status_code == 200


@each_platform
@pytest.mark.parametrize("calls", [EXCHANGES, READERS], ids=["exchange", "other call"])
def test_answers_without_sense_refuse_one_login_each(server, platforms, sandbox, name, calls):
    bystander, answer = sign_in(server, name)
    assert answer.status_code == 303
    for fault in NONSENSE.values():
        sandbox.app(**APPS[WECOM], revoke_tokens=True)  # so that WeCom's login asks for another
        with platforms[name].failing(calls[name], fault) as failed:
            expect_refusal(server, name)
            assert failed
        assert sign_in(server, name)[1].status_code == 303
    expect_others_unharmed(server, name, bystander)
    assert "Traceback" not in server.output()


@each_platform
@pytest.mark.parametrize("fault", [stay_silent, drip], ids=["silent", "a byte a second"])
def test_a_slow_platform_holds_up_its_own_logins_only(server, platforms, name, fault):
    bystander, answer = sign_in(server, name)
    assert answer.status_code == 303
    with ThreadPoolExecutor(3) as pool, platforms[name].failing(EXCHANGES[name], fault) as failed:
        waiting = [pool.submit(expect_refusal, server, name) for _ in range(3)]
        wait_for(lambda: len(failed) == 3)
        expect_others_unharmed(server, name, bystander)
        assert not any(one.done() for one in waiting)
        for one in waiting:
            one.result(timeout=60)
    assert sign_in(server, name)[1].status_code == 303


@each_platform
def test_a_platform_that_refuses_connections_may_come_back(server, platforms, name):
    bystander, answer = sign_in(server, name)
    assert answer.status_code == 303
    platforms[name].close()
    for _ in range(3):
        expect_refusal(server, name)
        expect_others_unharmed(server, name, bystander)
    platforms[name].open()
    assert sign_in(server, name)[1].status_code == 303


def read_peak(server):
    """Return the most memory that a worker has had, in bytes."""
    peaks = []
    for child in list_children(server.process.pid):
        with open(f"/proc/{child}/status") as file:
            peaks += [int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM")]
    return max(peaks)


@each_platform
def test_a_huge_answer_is_not_kept_in_memory(server, platforms, name):
    bystander, answer = sign_in(server, name)
    assert answer.status_code == 303
    before = read_peak(server)
    for fault in (flood, bomb("gzip"), bomb("gzip", "gzip"), bomb("gzip", "gzip", "gzip")):
        with platforms[name].failing(EXCHANGES[name], fault) as failed:
            expect_refusal(server, name)
            assert failed
        assert sign_in(server, name)[1].status_code == 303
    assert read_peak(server) - before < 32 * 1024 * 1024
    expect_others_unharmed(server, name, bystander)


@each_platform
def test_nothing_arrives_where_a_platform_redirects_to(server, platforms, name):
    """An address inside the company must not be reached by a platform's word."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        address = f"127.0.0.1:{inside.getsockname()[1]}"
        for status in (301, 302, 303, 307, 308):
            for target in (f"http://{address}/latest/meta-data/", f"//{address}/", f"http://localhost@{address}/"):
                redirect = say({"code": 0, "errcode": 0}, status=status, Location=target)
                with platforms[name].failing(EXCHANGES[name], redirect) as failed:
                    expect_refusal(server, name)
                    assert failed
        inside.setblocking(False)
        with pytest.raises(BlockingIOError):
            inside.accept()


@each_platform
def test_the_breaker_opens_and_closes_by_itself(server, platforms, name):
    bystander, answer = sign_in(server, name)
    assert answer.status_code == 303
    with platforms[name].failing(EXCHANGES[name], say("down", status=500)) as failed:
        for _ in range(5):
            expect_refusal(server, name)
        assert len(failed) == 5
        for _ in range(5):
            expect_refusal(server, name)
        assert len(failed) == 5  # it is left alone
        expect_others_unharmed(server, name, bystander)
    assert wait_for(lambda: sign_in(server, name)[1].status_code == 303, seconds=90)


# Refusals that are no failures


def test_an_app_token_refused_early_is_renewed_once(server, sandbox):
    assert sign_in(server, WECOM)[1].status_code == 303
    for number in (40014, 42001):
        sandbox.forget_calls()
        sandbox.app(**APPS[WECOM], revoke_tokens=number)
        assert sign_in(server, WECOM)[1].status_code == 303
        assert len(sandbox.calls(READERS[WECOM])) == 1
        first, second = sandbox.calls(EXCHANGES[WECOM])
        assert first["query"]["code"] == second["query"]["code"]
        assert first["query"]["access_token"] != second["query"]["access_token"]


def test_an_app_token_refused_again_and_again_is_no_loop(server, sandbox):
    sandbox.fail(EXCHANGES[WECOM], count=99, body={"errcode": 42001, "errmsg": "access_token expired"})
    visitor, answer = sign_in(server, WECOM)
    assert (answer.status_code, "Error 42001" in answer.text) == (502, True), answer.text
    assert visitor.get("/api/session").status_code == 401
    assert len(sandbox.calls(EXCHANGES[WECOM])) == 2


LIMITED = {
    FEISHU: {"status": 429, "body": {"code": 99991400, "msg": "request trigger frequency limit"}},
    WECOM: {"body": {"errcode": 45009, "errmsg": "api freq out of limit"}},
}


@each_platform
def test_a_platform_that_limits_us_is_asked_once_a_login(server, sandbox, name):
    """Its refusals never open the breaker."""
    bystander, answer = sign_in(server, name)
    assert answer.status_code == 303
    sandbox.forget_calls()
    sandbox.fail(EXCHANGES[name], count=8, **LIMITED[name])
    for _ in range(8):
        expect_refusal(server, name)
    assert len(sandbox.calls(EXCHANGES[name])) == 8
    expect_others_unharmed(server, name, bystander)
    assert sign_in(server, name)[1].status_code == 303
