"""The JSON answers for session, form token, health and errors."""

import re

import pytest
from flask_migrate import downgrade


def test_without_a_session_the_answer_says_so(client):
    answer = client.session()
    assert answer.status_code == 401
    body = answer.json
    assert set(body) == {"errcode", "errmsg", "requestId", "data"}
    assert (body["errcode"], body["errmsg"], body["data"]) == (40100, "You are not signed in", None)
    assert len(body["requestId"]) == 7


@pytest.mark.parametrize(
    ("method", "path", "status", "number"),
    [
        ("get", "/api/nothing", 404, 40400),
        ("get", "/api/auths/loginTypes/FSInnerExample/getAccessToken", 404, 40400),
        ("post_form", "/api/auths/loginTypes/FSInnerExample/getUserInfo", 404, 40400),
        ("post_form", "/api/session", 405, 40500),
        ("post", "/api/nothing", 404, 40400),
    ],
)
def test_a_missing_api_path_has_the_envelope(client, method, path, status, number):
    answer = getattr(client, method)(path)
    assert answer.status_code == status
    assert answer.json["errcode"] == number
    assert answer.json["data"] is None


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [("/nothing", 404, "Page not found"), ("/logout", 405, "be opened that way")],
)
def test_a_missing_page_is_a_page(client, path, status, title):
    answer = client.get(path)
    assert answer.status_code == status
    assert title in answer.text
    assert "<html" in answer.text


def test_a_wrong_method_is_answered_with_the_right_ones(client):
    assert client.get("/logout").headers["Allow"] == "OPTIONS, POST"


def test_a_body_too_large_is_refused(client):
    token = client.get("/api/csrf").json["csrfToken"]
    answer = client.post("/language", data={"csrf_token": token, "language": "x" * 70_000})
    assert answer.status_code == 413
    assert "The request is too large" in answer.text


def test_every_answer_carries_the_headers(client):
    for path in ("/login", "/account", "/nothing", "/api/session", "/healthz", "/static/favicon.svg"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert "camera=()" in headers["Permissions-Policy"], path
        assert "Strict-Transport-Security" not in headers, path


def test_only_static_answers_are_cached(client):
    for path in ("/login", "/account", "/api/session", "/", "/nothing"):
        assert client.get(path).headers["Cache-Control"] == "no-store"
    [address] = re.findall(r'href="(/static/css/portal.css[^"]*)"', client.get("/login").text)
    assert "max-age=31536000" in client.get(address).headers["Cache-Control"]
    for plain in ("/static/css/portal.css", "/static/js/api.js?v=older"):
        assert "max-age" not in client.get(plain).headers["Cache-Control"]


def test_a_reference_is_on_the_page_and_in_the_log(client, caplog):
    caplog.set_level("INFO")
    page = client.get("/login/FSInnerExample/callback?state=x&code=y").text
    [line] = [record.getMessage() for record in caplog.records if "40300" in record.getMessage()]
    assert line.split()[0] in page


def test_health_is_answered(client, portal):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ok"}


def test_readiness_needs_a_login_that_can_be_used(make_portal, elements):
    elements.feishu(appId="")
    assert make_portal().test_client().get("/readyz").status_code == 200
    elements.wecom(corpId="")
    client = make_portal().test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (503, "no login can be used: run flask doctor")
    assert client.get("/healthz").status_code == 200


def test_readiness_needs_the_tables_of_this_version(client, portal):
    with portal.app_context():
        downgrade(revision="base")
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "flask db upgrade" in answer.json["status"]
    page = client.get("/login/FSInnerExample")
    assert page.status_code == 503
    assert "A service the portal needs is not responding" in page.text
