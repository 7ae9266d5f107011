"""The pretend QR code by HTTP, with frame and phone."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

FRAME = "/suite/passport/sso/qr"
CALLBACK = "http://127.0.0.1:9/callback"


def make_goto(sandbox, path="/suite/passport/oauth/authorize", **query):
    own = {"client_id": sandbox.FEISHU["app_id"], "redirect_uri": CALLBACK, "response_type": "code", "state": "s1"}
    return f"{sandbox.url}{path}?{urlencode({**own, **query})}"


def open_frame(sandbox, address=None):
    query = {"goto": address or make_goto(sandbox), "sdk_version": "1.0.3"}
    return requests.get(sandbox.url + FRAME, params=query, timeout=10)


def read_status(sandbox, ticket):
    return requests.get(f"{sandbox.url}/_sandbox/qr/{ticket}/status", timeout=10).json()


def tap(sandbox, ticket, **fields):
    answer = requests.post(f"{sandbox.url}/phone/{ticket}", data=fields, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/phone/{ticket}")


def test_a_phone_scans_confirms_and_the_code_belongs_to_its_owner(sandbox):
    open_frame(sandbox)
    [ticket] = sandbox.qr_tickets()
    states = [read_status(sandbox, ticket["ticket"])["state"]]
    tap(sandbox, ticket["ticket"], action="scan", person="alice")
    states.append(read_status(sandbox, ticket["ticket"])["state"])
    tap(sandbox, ticket["ticket"], action="confirm")
    last = read_status(sandbox, ticket["ticket"])

    back = requests.get(f"{make_goto(sandbox)}&tmp_code={last['tmp_code']}", allow_redirects=False, timeout=10)

    query = {name: values[0] for name, values in parse_qs(urlsplit(back.headers["Location"]).query).items()}
    assert [*states, last["state"]] == ["waiting", "scanned", "confirmed"]
    assert last["name"] == "Alice Johnson"
    assert (query["state"], sandbox.redeem_code("feishu", query["code"])) == ("s1", "alice")
    assert sandbox.qr_tickets() == []


@pytest.mark.parametrize(
    ("taps", "reached"),
    [
        ([{"action": "scan", "person": "alice"}], "scanned"),
        ([{"action": "scan", "person": "alice"}, {"action": "refuse"}], "refused"),
        ([{"action": "refuse", "person": "alice"}], "refused"),
        ([{"action": "confirm", "person": "alice"}], "confirmed"),
        ([{"action": "confirm", "person": "alice"}, {"action": "refuse"}], "confirmed"),
        ([{"action": "refuse", "person": "alice"}, {"action": "confirm"}], "refused"),
        ([{"action": "scan", "person": "alice"}, {"action": "scan", "person": "bob"}], "scanned"),
        ([{"action": "confirm"}], "waiting"),
        ([{"action": "scan", "person": "nobody"}], "waiting"),
        ([{"action": "expire"}, {"action": "confirm", "person": "alice"}], "expired"),
        ([{}], "waiting"),
    ],
)
def test_a_phone_acts_in_the_right_order_only(sandbox, taps, reached):
    open_frame(sandbox)
    ticket = sandbox.qr_tickets()[0]["ticket"]

    for fields in taps:
        tap(sandbox, ticket, **fields)

    assert read_status(sandbox, ticket)["state"] == reached
    assert bool(read_status(sandbox, ticket)["tmp_code"]) == (reached == "confirmed")


def test_a_code_expires_after_two_minutes_scanned_or_not(sandbox):
    open_frame(sandbox)
    open_frame(sandbox)
    newer, older = [ticket["ticket"] for ticket in sandbox.qr_tickets()]
    sandbox.qr("scan", "alice")
    sandbox.clock(119)
    before = [read_status(sandbox, ticket)["state"] for ticket in (newer, older)]
    sandbox.clock(1)

    after = [read_status(sandbox, ticket)["state"] for ticket in (newer, older)]

    assert (before, after) == (["scanned", "waiting"], ["expired", "expired"])
    with pytest.raises(ValueError, match="cannot confirm a QR code that is expired"):
        sandbox.qr("confirm")


def test_the_knob_takes_the_newest_code_or_the_one_named(sandbox):
    open_frame(sandbox)
    older = sandbox.qr_tickets()[0]["ticket"]
    open_frame(sandbox)

    assert sandbox.qr("scan", "alice") == "scanned"
    assert sandbox.qr("refuse", "bob", ticket=older) == "refused"
    assert [(ticket["state"], ticket["person"]) for ticket in sandbox.qr_tickets()] == [("scanned", "alice")]
    assert sandbox.qr("expire") == "expired"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"action": "scan", "person": "nobody"}, "no such person: nobody"),
        ({"action": "jump"}, "cannot jump"),
        ({"action": "confirm", "ticket": "none"}, "no such QR code"),
    ],
)
def test_the_knob_says_what_is_wrong(sandbox, words, why):
    open_frame(sandbox)

    with pytest.raises(ValueError, match=why):
        sandbox.qr(**words)


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"client_id": "cli_0000000000000000"}, 4401),
        ({"path": "/open-apis/authen/v1/authorize"}, 4401),  # a scan means nothing to the newer page
        ({"redirect_uri": "https://evil.example/"}, 20029),
    ],
)
def test_the_frame_shows_what_is_wrong_with_the_address(sandbox, wrong, number):
    answer = open_frame(sandbox, make_goto(sandbox, **wrong))

    assert f"<code>{number}</code>" in answer.text
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert sandbox.qr_tickets() == []


def test_the_frame_needs_no_cookie_and_loads_nothing_foreign(sandbox):
    answer = open_frame(sandbox)

    assert "Set-Cookie" not in answer.headers
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("frame-ancestors") == "*"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert re.findall(r"<script[^>]*>[^<]", answer.text) == []


def test_the_picture_is_drawn_from_the_address(sandbox):
    def picture(ticket):
        return requests.get(f"{sandbox.url}/_sandbox/qr/{ticket}/picture.svg", timeout=10)

    assert picture("a").headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert picture("a").text == picture("a").text
    assert picture("a").text != picture("b").text
    assert 'width="250" height="250"' in picture("a").text


def test_an_unknown_code_is_expired(sandbox):
    answer = requests.get(f"{sandbox.url}/phone/gone", allow_redirects=False, timeout=10)

    assert read_status(sandbox, "gone") == {"state": "expired"}
    assert (answer.status_code, answer.headers["Location"]) == (303, "/phone")


def test_polling_is_not_recorded_as_a_call(sandbox):
    open_frame(sandbox)
    read_status(sandbox, "last")

    assert [call["path"] for call in sandbox.calls()] == [FRAME]
    assert sandbox.connections() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/obj/static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.1.js",
        "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.2.js",
        "/obj/feishu-static/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
        "/obj/lark-static-us/lark/passport/qrcode/LarkSSOSDKWebQRCode-1.0.3.js",
    ],
)
def test_the_sdk_is_at_the_paths_of_feishu_and_lark(sandbox, path):
    answer = requests.get(sandbox.url + path, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert f'version = "{path[-8:-3]}"' in answer.text
