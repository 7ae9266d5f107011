"""A login code is sent once and shown nowhere."""

import pytest
from support.portal_app import parse_query

EXCHANGES = {"FSInnerExample": "/open-apis/authen/v2/oauth/token", "QywxInnerExample": "/cgi-bin/auth/getuserinfo"}
EACH = pytest.mark.parametrize("element", EXCHANGES)


@EACH
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failed_exchange_is_not_repeated(client, sandbox, element, status):
    address = client.scan(element)
    sandbox.fail(EXCHANGES[element], count=5, status=status, body="down")
    assert client.get(address).status_code == 503
    assert len(sandbox.calls(EXCHANGES[element])) == 1


@EACH
def test_a_dropped_exchange_is_not_repeated(client, sandbox, element):
    address = client.scan(element)
    sandbox.fail(EXCHANGES[element], count=5, drop=True)
    assert client.get(address).status_code == 503
    assert len(sandbox.calls(EXCHANGES[element])) == 1


@EACH
def test_no_page_sends_the_address_as_referrer(client, element):
    address = client.scan(element)
    success, refusal = client.get(address), client.get(address)
    assert (success.status_code, success.location) == (303, "/account")
    assert refusal.status_code == 400
    for answer in (success, refusal):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        for secret in parse_query(address).values():
            assert secret not in answer.text
            assert secret not in str(answer.headers)


def test_a_refusal_page_has_the_script_that_cleans_the_address_bar(client):
    address = client.scan()
    client.get(address)
    page = client.get(address).text
    assert 'data-clean="/login/FSInnerExample"' in page
    assert "/static/js/clean.js" in page


@EACH
@pytest.mark.parametrize("code", ["x" * 5000, "码", ["a", "b"]])
def test_an_unusable_code_is_refused_by_the_portal(client, sandbox, element, code):
    state = parse_query(client.scan(element))["state"]
    answer = client.get(f"/login/{element}/callback", query_string={"code": code, "state": state})
    assert answer.status_code == 400
    assert "This sign-in code can" in answer.text
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_a_callback_without_a_code_is_a_cancelled_login(client, sandbox, element):
    state = parse_query(client.scan(element))["state"]
    answer = client.get(f"/login/{element}/callback", query_string={"state": state})
    assert answer.status_code == 400
    assert "Sign-in cancelled" in answer.text
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_an_error_beside_a_code_is_a_cancelled_login_too(client, sandbox, element):
    address = f"{client.scan(element)}&error=access_denied"
    assert "Sign-in cancelled" in client.get(address).text
    assert sandbox.calls(EXCHANGES[element]) == []


@EACH
def test_a_code_the_platform_does_not_know_is_refused(client, element):
    state = parse_query(client.scan(element))["state"]
    answer = client.get(f"/login/{element}/callback", query_string={"code": "nosuchcode", "state": state})
    assert answer.status_code == 400
    assert "Error 40029" in answer.text


def test_after_a_refused_company_token_the_code_is_sent_once_more(client, sandbox):
    client.sign_in("QywxInnerExample")
    for number in (40014, 42001):
        address = client.scan("QywxInnerExample")
        sandbox.forget_calls()
        sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": number, "errmsg": "x"})
        assert client.get(address).status_code == 303
        assert len(sandbox.calls("/cgi-bin/auth/getuserinfo")) == 2
        assert len(sandbox.calls("/cgi-bin/gettoken")) == 1


def test_a_company_token_refused_twice_ends_the_login(client, sandbox):
    address = client.scan("QywxInnerExample")
    sandbox.fail("/cgi-bin/auth/getuserinfo", count=9, body={"errcode": 42001, "errmsg": "x"})
    answer = client.get(address)
    assert answer.status_code == 502
    assert "Error 42001" in answer.text
    assert len(sandbox.calls("/cgi-bin/auth/getuserinfo")) == 2
