"""A platform may send its login code under another name."""

import pytest
from support.portal_app import parse_query

TYPE = """
from portal.elements import Meta, Person


class Badge(Meta):
    provider = "badge"
    code_names = ("authCode", "code")

    def authorize_url(self, kind, state):
        return f"https://gate.example/?state={state}"

    def getLoginCode(self, authCode, state=None):
        return Person(provider="badge", tenant="hq", subject=authCode, userId=authCode, name="Bo Badge")
"""


@pytest.fixture
def badge(elements, make_portal):
    """Return a browser of a portal with a code named `authCode`."""
    folder = elements.folder / "Badge"
    folder.mkdir(parents=True)
    (folder / "e.json").write_text('{"type": "auths.loginTypes.Meta"}')
    (folder / "__init__.py").write_text(TYPE)
    elements.add("FrontDoor", "Badge", {})
    return make_portal().test_client()


@pytest.mark.parametrize("name", ["authCode", "code"])
def test_a_code_is_read_under_each_name_of_its_platform(badge, name):
    state = parse_query(badge.start("FrontDoor"))["state"]
    answer = badge.get("/login/FrontDoor/callback", query_string={name: "Bo7", "state": state})
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (303, "no-referrer")
    assert badge.session().json["identity"]["userId"] == "Bo7"


@pytest.mark.parametrize("query", [{}, {"authCode": ""}, {"auth_code": "Bo7"}])
def test_a_callback_without_any_of_the_names_was_cancelled(badge, query):
    state = parse_query(badge.start("FrontDoor"))["state"]
    answer = badge.get("/login/FrontDoor/callback", query_string={**query, "state": state})
    assert answer.status_code == 400
    assert "Sign-in cancelled" in answer.text


def test_a_page_with_a_code_in_its_address_sends_no_referrer(badge):
    assert badge.get("/login?authCode=Bo7").headers["Referrer-Policy"] == "no-referrer"
    assert badge.get("/login?other=Bo7").headers["Referrer-Policy"] == "same-origin"
