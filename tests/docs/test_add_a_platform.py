"""The worked example of docs/add-a-platform.md signs people in, from the page's own text."""

import json
import re

import pytest
from support.admin_client import sign_in_administrator
from support.docs_pages import code_blocks, python_file, table
from support.http_visitors import Visitor
from support.plain_platform import COMPANY, PERSON, SECRET, running_plain_platform

from portal.database import db
from portal.elements import PlainApp, PlainType
from portal.errors import Code
from portal.models import Identity
from portal.providers import http

PAGE = "docs/add-a-platform.md"
TOKEN_PAGE, PERSON_PAGE = "/v1.0/oauth2/userAccessToken", "/v1.0/contact/users/me"
FULL_NAME = "auths.loginTypes.Ding"


@pytest.fixture
def platform():
    http._transports.clear()  # failures of one test are not the next one's
    with running_plain_platform() as running:
        yield running


@pytest.fixture
def ding(elements, settings, platform):
    """Write the page's files; return a function that changes keys of the element."""
    declared = dict(re.findall(r"auths/loginTypes/(\w+)/e\.json +({.*})", "\n".join(code_blocks(PAGE, ""))))
    [keys] = code_blocks(PAGE, "json")
    for name, text in declared.items():
        (elements.folder / name).mkdir()
        (elements.folder / name / "e.json").write_text(text, encoding="utf-8")
    code = python_file(PAGE, "auths/loginTypes/DingTalk/__init__.py")
    (elements.folder / "DingTalk" / "__init__.py").write_text(code, encoding="utf-8")
    settings["DINGTALK_SECRET"] = SECRET

    def write(**changes):
        hosts = {"loginBaseUrl": platform.url, "apiBaseUrl": platform.url}
        file = elements.folder / "Ding" / "Ding.json"
        file.write_text(json.dumps({**json.loads(keys), **hosts, **changes}), encoding="utf-8")

    write()
    return write


@pytest.fixture
def client(ding, make_portal):
    return make_portal().test_client()


def sign_in(client, platform, action="allow"):
    return client.get(platform.authorize(client.start("Ding"), action))


def stored(client):
    with client.application.app_context():
        return db.session.query(Identity).all()


def assert_refused(answer, client, status, text):
    assert answer.status_code == status, answer.text
    assert text in answer.text
    assert client.session().status_code == 401


def test_the_file_is_short_and_holds_data_alone():
    code = python_file(PAGE, "auths/loginTypes/DingTalk/__init__.py")
    assert len(code.splitlines()) <= 60
    assert "def " not in code


def test_a_person_signs_in_over_http_and_is_stored_and_bound(ding, serve, platform):
    server = serve()
    visitor = Visitor(server)
    assert "钉钉" in visitor.get("/login").text
    started = visitor.get("/login/Ding")
    assert started.status_code == 302
    callback = platform.authorize(started.headers["Location"])
    assert platform.asked["prompt"] == "consent"
    assert platform.asked["scope"] == "openid corpid"
    assert "authCode=" in callback
    answer = visitor.get(callback)
    assert answer.status_code == 303, answer.text
    session = visitor.get("/api/session").json()
    assert session["identity"] == {"element": "Ding", "userId": PERSON["unionId"], "name": "张三"}
    assert session["account"]["name"] == "张三"
    assert platform.calls == [TOKEN_PAGE, PERSON_PAGE]


def test_the_person_has_company_contact_data_and_picture(client, platform):
    assert sign_in(client, platform).status_code == 303
    [person] = stored(client)
    assert (person.provider, person.tenant, person.subject) == ("dingtalk", COMPANY, PERSON["unionId"])
    assert (person.mobile, person.email, person.avatar) == (PERSON["mobile"], PERSON["email"], PERSON["avatarUrl"])
    assert person.open_ids == {"Ding": PERSON["openId"]}
    assert person.account_id is not None
    assert type(person) is Identity


def test_the_picture_is_told_to_scripts(client, platform):
    token = {"X-CSRFToken": client.get("/api/csrf").json["csrfToken"]}
    calls = "/api/auths/loginTypes/Ding"
    config = client.post(f"{calls}/getLoginConfig", json={}, headers=token).json["data"]
    assert set(config) == {"clientId", "redirectUri", "state", "authorizeUrl"}
    callback = platform.authorize(config["authorizeUrl"])
    code = re.search("authCode=([^&]+)", callback)[1]
    body = {"authCode": code, "state": config["state"]}
    data = client.post(f"{calls}/getLoginCode", json=body, headers=token).json["data"]
    assert (data["avatar"], data["department"], data["gender"]) == (PERSON["avatarUrl"], [], 0)


def test_a_picture_elsewhere_is_not_taken(client, platform):
    platform.person["avatarUrl"] = "https://pictures.example/dingtalk.com"
    assert sign_in(client, platform).status_code == 303
    assert stored(client)[0].avatar == ""


def test_an_administrator_finds_the_person_under_the_label(client, platform):
    sign_in(client, platform)
    admin = sign_in_administrator(client.application)
    page = admin.get(f"/admin/people/{stored(client)[0].id}").text
    assert "张三" in page
    assert "钉钉" in page


@pytest.mark.parametrize("action", ["refuse", "leave"])
def test_a_cancelled_login_says_so(client, platform, action):
    answer = sign_in(client, platform, action)
    assert_refused(answer, client, 400, "Sign-in cancelled")
    assert platform.calls == []


def test_a_refused_code_is_explained_and_not_sent_again(client, platform):
    callback = platform.authorize(client.start("Ding"))
    platform.codes.clear()
    assert_refused(client.get(callback), client, 400, "Error 40029")
    assert platform.calls == [TOKEN_PAGE]


def test_a_refused_secret_is_explained(ding, make_portal, platform):
    client = make_portal(DINGTALK_SECRET="wrong").test_client()
    assert_refused(sign_in(client, platform), client, 500, "Error 40013")


def test_a_refused_token_is_explained(client, platform):
    platform.answers[PERSON_PAGE] = (400, {"code": "InvalidAuthentication", "message": "x"})
    assert_refused(sign_in(client, platform), client, 502, "Error 40014")


@pytest.mark.parametrize("company", ["dingcorp00000002", "", None])
def test_people_of_other_companies_are_refused(client, platform, company):
    platform.company = company
    assert_refused(sign_in(client, platform), client, 403, "Error 40301")
    assert stored(client) == []


def test_without_a_list_of_companies_the_element_is_broken(ding, make_portal):
    ding(tenants=None)
    with pytest.raises(Code, match="Ding.json: tenants is missing"):
        make_portal().getElement(FULL_NAME)


@pytest.mark.parametrize(
    ("path", "answer", "number"),
    [
        (TOKEN_PAGE, (500, {"code": "ServiceUnavailable", "message": "x"}), 50300),
        (TOKEN_PAGE, (400, {"code": "<b>some word</b>", "message": "x"}), 50000),
        (TOKEN_PAGE, (429, {"code": "Throttling", "message": "x"}), 50300),
        (TOKEN_PAGE, (200, {"expireIn": 7200}), 50300),
        (TOKEN_PAGE, (200, {"accessToken": ["x"]}), 50300),
        (TOKEN_PAGE, (200, {"accessToken": "x\r\ny"}), 50300),
        (TOKEN_PAGE, (302, {}), 50300),
        (PERSON_PAGE, (200, b"<html>"), 50300),
        (PERSON_PAGE, (200, {"nick": "张三"}), 50300),
        (PERSON_PAGE, (200, {"unionId": "a\u200bb", "nick": "张三"}), 50300),
        (PERSON_PAGE, (403, {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied", "message": "x"}), 60020),
    ],
)
def test_an_answer_that_is_no_success_is_refused(client, platform, path, answer, number):
    platform.answers[path] = answer
    refusal = sign_in(client, platform)
    assert f"Error {number}" in refusal.text
    assert "some word" not in refusal.text
    assert client.session().status_code == 401


def test_an_answer_that_is_too_large_is_refused(client, platform):
    platform.answers[PERSON_PAGE] = (200, {**PERSON, "more": "x" * 300_000})
    assert_refused(sign_in(client, platform), client, 503, "Error 50300")


def test_a_platform_that_does_not_answer_is_given_up(client, platform):
    platform.silent.add(PERSON_PAGE)
    assert_refused(sign_in(client, platform), client, 503, "Error 50300")


def test_odd_values_of_a_person_are_cleaned_or_left_out(client, platform):
    platform.person |= {"nick": " 张\u200b三 ", "mobile": 13800000000, "email": ["x"], "avatarUrl": 5}
    assert sign_in(client, platform).status_code == 303
    [person] = stored(client)
    assert (person.name, person.mobile, person.email, person.avatar) == ("张三", "13800000000", "", "")


def test_its_people_can_not_be_synced_and_the_page_says_so(client):
    with client.application.app_context():
        element = client.application.getElement(FULL_NAME)
        assert not element.has_directory
    answer = client.application.test_cli_runner().invoke(args=["sync", "Ding"])
    assert answer.exit_code == 1
    assert "without a directory to sync: Ding" in answer.output
    assert "can't be synced" in dict(table(PAGE, "subject"))["people and departments"]


def test_the_doctor_says_that_it_does_not_know_the_platform(client):
    answer = client.application.test_cli_runner().invoke(args=["doctor", "Ding"])
    assert answer.exit_code == 0, answer.output
    assert "DingTalk" in answer.output or "钉钉" in answer.output


def test_a_csv_file_and_a_list_of_sessions_know_its_names(client):
    elements = client.application.elements
    assert elements.csv_names()["钉钉"] == "dingtalk"
    assert elements.client_programs()["DingTalk"] == "DingTalk"


def test_the_page_names_the_keys_of_its_element(client):
    keys = {key for row in table(PAGE, "key") for key in re.findall(r"`(\w+)`", row[0])}
    assert keys == {"clientId", "clientSecret", "tenants", "loginBaseUrl", "apiBaseUrl"}


def test_every_attribute_the_page_names_exists():
    names = {name for row in table(PAGE, "subject") for name in re.findall(r"`(\w+)`", " ".join(row))}
    code = python_file(PAGE, "auths/loginTypes/DingTalk/__init__.py")
    names |= set(re.findall(r"^    (\w+) = ", code, re.MULTILINE))
    known = {*dir(PlainApp), *dir(PlainType), *PERSON, "authCode", "error", "subject", "userId", "Meta"}
    assert names <= known, names - known
