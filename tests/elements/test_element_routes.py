"""The routes of elements, also of broken and inactive ones."""

import pytest
from support.portal_app import parse_query, read_problem

FULL = "auths.loginTypes."


def test_a_broken_element_is_shown_without_a_button_and_the_others_work(elements, make_portal):
    elements.feishu("Broken", appId="")
    client = make_portal().test_client()
    assert ">Broken</span>" in client.get("/login").text
    page = client.get("/login?via=Broken").text
    assert "Broken is not available" in page
    assert 'href="/login/Broken"' not in page
    for path in ("/login/Broken", "/login/Broken/callback?state=x&code=y"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert "Error 47000" in answer.text
    assert client.sign_in().status_code == 303


def test_an_inactive_element_has_no_button_no_routes_and_ends_open_logins(elements, make_portal, portal):
    client = portal.test_client()
    address = client.scan()
    client.sign_in("QywxInnerExample")
    elements.feishu(isActive=False)
    later = make_portal()
    again = later.test_client()
    for name in ("portal_visit", "portal_session"):
        again.set_portal_cookie(client.cookie(name), name)
    assert 'href="/login/FSInnerExample"' not in later.test_client().get("/login").text
    assert again.get("/login/FSInnerExample").status_code == 404
    assert again.get(address).status_code == 404
    assert again.session().status_code == 200
    assert later.getElement(FULL + "FSInnerExample").isActive is False


def test_an_inactive_element_may_lack_its_secret(elements, make_portal):
    elements.feishu(isActive=False, appSecret="${FS_SECRET}")
    client = make_portal().test_client()
    assert "FSInnerExample" not in client.get("/login").text
    assert client.get("/login/FSInnerExample").status_code == 404


@pytest.mark.parametrize("name", ["once", "waiting"])
def test_a_name_of_the_portals_own_is_reserved(elements, make_portal, name):
    elements.feishu(name)
    assert read_problem(make_portal(), name).code == 47001


@pytest.mark.parametrize(
    "path", ["/account", "/login", "/login/FSInnerExample", "/api/session", "/static/x.js", "/healthz", "/logout"]
)
def test_a_redirect_address_that_is_a_page_of_the_portal_breaks_the_element(elements, make_portal, base, path):
    elements.wecom("X", redirectUri=base + path)
    problem = read_problem(make_portal(), "X")
    assert problem.code == 47001
    assert path in problem.reason


@pytest.mark.parametrize("path", ["/cb/<x>", "/cb/<bad:x>", "/cb/<", "/c b", "/cb#x", "/cb\u202e", "/cb\\x", "/\u4e2d"])
def test_a_redirect_path_no_address_can_have_breaks_the_element_alone(elements, make_portal, base, path):
    elements.wecom("X", redirectUri=base + path)
    portal = make_portal()
    assert read_problem(portal, "X").code == 47001
    assert portal.test_client().sign_in().status_code == 303


@pytest.mark.parametrize("path", ["/%E4%B8%AD/cb", "/cb%20x", "/cb?a=1"])
def test_a_redirect_path_with_escapes_is_served(elements, make_portal, base, path):
    elements.wecom(redirectUri=base + path)
    client = make_portal().test_client()
    assert parse_query(client.start("QywxInnerExample"))["redirect_uri"] == base + path
    assert client.sign_in("QywxInnerExample").status_code == 303


def test_elements_may_share_a_redirect_address_the_state_decides(elements, make_portal, base):
    elements.feishu(redirectUri=f"{base}/api/auth/qywx/callback")
    portal = make_portal()
    for element in ("FSInnerExample", "QywxInnerExample"):
        client = portal.test_client()
        address = client.scan(element)
        assert address.startswith("/api/auth/qywx/callback?")
        assert client.get(address).status_code == 303
        assert client.session().json["identity"]["element"] == element


def test_a_shared_address_answers_with_pages(client):
    answer = client.get("/api/auth/qywx/callback?code=x&state=y")
    assert answer.status_code == 400
    assert answer.content_type.startswith("text/html")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Please start again" in answer.text


def test_the_usual_callback_is_served_as_well(client):
    address = client.scan("QywxInnerExample").replace("/api/auth/qywx/callback", "/login/QywxInnerExample/callback")
    assert client.get(address).status_code == 303


def test_a_page_of_the_operators_own_is_not_served(elements, make_portal, base):
    elements.wecom(redirectUri=f"{base}/my/page", ownPage=True)
    client = make_portal().test_client()
    assert parse_query(client.start("QywxInnerExample"))["redirect_uri"] == f"{base}/my/page"
    assert client.get("/my/page").status_code == 404


def test_wecoms_verification_file_is_at_the_root(elements, make_portal):
    elements.wecom(domainVerification={"file": "WW_verify_a1B2c3.txt", "content": "a1B2c3"})
    client = make_portal().test_client()
    answer = client.get("/WW_verify_a1B2c3.txt")
    assert (answer.status_code, answer.text) == (200, "a1B2c3")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert client.get("/WW_verify_other.txt").status_code == 404
    assert client.get("/robots.txt").status_code == 404
