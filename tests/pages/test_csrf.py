"""Only our own pages can change anything."""

import pytest
from support.portal_app import parse_query


@pytest.fixture
def signed_in(client):
    client.sign_in()
    return client


def is_signed_in(client):
    return client.session().status_code == 200


def assert_too_old(answer):
    assert answer.status_code == 400
    assert "This page has expired" in answer.text


@pytest.mark.parametrize("fields", [{}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": "a.b.c"}])
@pytest.mark.parametrize("path", ["/logout", "/language", "/login/once/x", "/login/FSInnerExample/callback"])
def test_a_form_without_its_token_is_refused(signed_in, path, fields):
    assert_too_old(signed_in.post(path, data=fields))
    assert is_signed_in(signed_in)


def test_a_form_with_another_browsers_token_is_refused(signed_in, portal):
    token = portal.test_client().get("/api/csrf").json["csrfToken"]
    assert_too_old(signed_in.post("/logout", data={"csrf_token": token}))
    assert is_signed_in(signed_in)


def test_a_token_from_before_the_sign_in_no_longer_counts(client):
    token = client.get("/api/csrf").json["csrfToken"]
    client.sign_in()
    assert_too_old(client.post("/logout", data={"csrf_token": token}))
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
    ],
)
def test_a_request_from_another_sites_page_is_refused_even_with_the_token(signed_in, headers):
    token = signed_in.get("/api/csrf").json["csrfToken"]
    assert_too_old(signed_in.post("/logout", data={"csrf_token": token}, headers=headers))
    assert is_signed_in(signed_in)


def test_a_request_of_our_own_page_is_taken(signed_in, base):
    token = signed_in.get("/api/csrf").json["csrfToken"]
    headers = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    assert signed_in.post("/logout", data={"csrf_token": token}, headers=headers).status_code == 303


@pytest.mark.parametrize("site", [{"Sec-Fetch-Site": "same-origin"}, {}])
def test_a_page_without_referrer_is_taken_too(signed_in, site):
    """A form on a `no-referrer` page has the origin `null`.

    Over https a modern one says besides that it is the same origin; otherwise the form token decides.
    """
    headers = {"Origin": "null", **site}
    assert_too_old(signed_in.post("/language", data={"csrf_token": "x"}, headers=headers))
    token = signed_in.get("/api/csrf").json["csrfToken"]
    assert signed_in.post("/language", data={"csrf_token": token}, headers=headers).status_code == 303


def test_only_addresses_with_a_code_are_hidden(signed_in, sandbox):
    policies = {}
    for path in ("/login", "/account", "/nothing", "/admin/queue", "/login/Nobody", "/admin/queue?state=waiting"):
        policies[path] = signed_in.get(path).headers["Referrer-Policy"]
    assert set(policies.values()) == {"same-origin"}, policies
    for path in (
        "/login/FSInnerExample/callback?code=x&state=y",
        "/login/FSInnerExample/callback?error=access_denied&state=y",
        "/login/Nobody/callback?code=x&state=y",
        "/api/auth/qywx/callback?code=x&state=y",
        "/nothing?code=x",
    ):
        assert signed_in.get(path).headers["Referrer-Policy"] == "no-referrer", path


def test_the_token_may_come_in_a_header(signed_in):
    token = signed_in.get("/api/csrf").json["csrfToken"]
    assert signed_in.post("/logout", headers={"X-CSRFToken": token}).status_code == 303


@pytest.mark.parametrize("path", ["/logout", "/language"])
def test_a_get_changes_nothing(signed_in, path):
    for method in ("get", "head"):
        assert getattr(signed_in, method)(path).status_code == 405
    assert is_signed_in(signed_in)


def test_a_login_begun_elsewhere_cannot_be_finished_here(portal):
    """A callback sent to a victim signs no victim in."""
    attacker, victim = portal.test_client(), portal.test_client()
    address = attacker.scan(person="carol")
    victim.get("/login")
    assert victim.get(address).status_code == 400
    assert victim.session().status_code == 401


def test_a_code_posted_from_elsewhere_is_refused(client, sandbox):
    state = parse_query(client.start("FSInnerExample"))["state"]
    fields = {"code": sandbox.code("feishu", "carol"), "state": state}
    answer = client.post("/login/FSInnerExample/callback", data=fields)
    assert_too_old(answer)
    assert '<a class="button" href="/login/FSInnerExample">Start again</a>' in answer.text
    assert client.session().status_code == 401


def test_a_code_posted_by_our_form_signs_in(elements, make_portal, sandbox):
    """The in-app page posts the code of the platform's client."""
    elements.feishu(tokenDialect="oidc")
    client = make_portal().test_client()
    state = parse_query(client.start("FSInnerExample"))["state"]
    answer = client.post_form(
        "/login/FSInnerExample/callback", code=sandbox.code("feishu", "carol", source="requestAccess"), state=state
    )
    assert answer.status_code == 303
    assert client.session().json["identity"]["userId"] == "carol"
