"""Nothing unsafe happens unless a page of ours asked for it."""

import pytest
from support.portal_app import parse_query


@pytest.fixture
def signed_in(client):
    client.sign_in()
    return client


def still_in(client):
    return client.session().status_code == 200


def assert_too_old(answer):
    assert answer.status_code == 400
    assert "This page has expired" in answer.text


@pytest.mark.parametrize("fields", [{}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": "a.b.c"}])
@pytest.mark.parametrize("path", ["/logout", "/language", "/login/once/x", "/login/FSInnerExample/callback"])
def test_a_form_without_its_token_is_refused(signed_in, path, fields):
    assert_too_old(signed_in.post(path, data=fields))
    assert still_in(signed_in)


def test_a_form_with_another_browsers_token_is_refused(signed_in, portal):
    token = portal.test_client().get("/api/csrf").json["csrfToken"]
    assert_too_old(signed_in.post("/logout", data={"csrf_token": token}))
    assert still_in(signed_in)


def test_tokens_of_before_the_sign_in_no_longer_count(client):
    token = client.get("/api/csrf").json["csrfToken"]
    client.sign_in()
    assert_too_old(client.post("/logout", data={"csrf_token": token}))
    assert still_in(client)


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
    assert still_in(signed_in)


def test_our_own_pages_may(signed_in, base):
    token = signed_in.get("/api/csrf").json["csrfToken"]
    headers = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    assert signed_in.post("/logout", data={"csrf_token": token}, headers=headers).status_code == 303


@pytest.mark.parametrize("site", [{"Sec-Fetch-Site": "same-origin"}, {}])
def test_a_page_that_hides_its_address_may_too(signed_in, site):
    """A browser sends `Origin: null` for a form on a `no-referrer` page.

    Over https a modern one says besides that it is the same origin; otherwise the form token decides.
    """
    headers = {"Origin": "null", **site}
    assert_too_old(signed_in.post("/language", data={"csrf_token": "x"}, headers=headers))
    token = signed_in.get("/api/csrf").json["csrfToken"]
    assert signed_in.post("/language", data={"csrf_token": token}, headers=headers).status_code == 303


def test_pages_hide_their_address_only_where_it_held_a_code(signed_in, sandbox):
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
def test_what_changes_something_is_no_get(signed_in, path):
    for method in ("get", "head"):
        assert getattr(signed_in, method)(path).status_code == 405
    assert still_in(signed_in)


def test_a_login_begun_elsewhere_cannot_be_finished_here(portal):
    """Somebody sends a victim the callback of their own login: the victim does not get signed in as them."""
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
    """The in-app page posts the code that the platform's client made."""
    elements.feishu(tokenDialect="oidc")
    client = make_portal().test_client()
    state = parse_query(client.start("FSInnerExample"))["state"]
    answer = client.post_form(
        "/login/FSInnerExample/callback", code=sandbox.code("feishu", "carol", source="requestAccess"), state=state
    )
    assert answer.status_code == 303
    assert client.session().json["identity"]["userId"] == "carol"
