"""A new secret key signs nobody out while the former one is a fallback."""

import pytest
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases

OLD = "a former secret key that has been in use for a while"
NEW = "another secret key, just as long as it has to be"


@pytest.fixture
def settings(settings):
    settings["PORTAL_SECRET_KEY"] = OLD
    return settings


@pytest.fixture
def move(make_portal):
    """Return a function that takes a browser to a portal with a new key."""

    def move_browser(browser, fallbacks=OLD):
        portal = make_portal(PORTAL_SECRET_KEY=NEW, PORTAL_SECRET_KEY_FALLBACKS=fallbacks)
        moved = portal.test_client()
        moved._cookies = browser._cookies
        return moved

    return move_browser


@both_databases
def test_a_session_goes_on(signed_in, move):
    assert move(signed_in).session().json["account"]["username"] == signed_in.session().json["account"]["username"]


@pytest.mark.parametrize("element", [FEISHU, WECOM])
def test_a_login_under_way_finishes(client, move, element):
    address = client.scan(element)
    assert move(client).get(address).status_code == 303


def test_a_login_with_a_verifier_finishes(client, move):
    """The platform has seen the challenge of the former key."""
    address = client.start(FEISHU)
    assert "code_challenge=" in address
    moved = move(client)
    assert moved.get(answer_platform(address)).status_code == 303
    assert moved.session().status_code == 200


def test_an_open_form_still_posts(signed_in, move):
    token = signed_in.get("/api/csrf").json["csrfToken"]
    assert move(signed_in).post("/logout", data={"csrf_token": token}).status_code == 303


def test_forms_and_states_are_signed_with_the_new_key(client, move):
    """Once nobody uses the former key, it can go."""
    moved = move(client)
    token, address = moved.get("/api/csrf").json["csrfToken"], moved.scan()
    later = move(moved, fallbacks="")
    assert later.get(address).status_code == 303
    assert later.post("/logout", data={"csrf_token": token}).status_code == 400  # the sign-in has made it void
    assert later.post_form("/logout").status_code == 303


def test_without_the_former_key_a_login_under_way_starts_again(client, move):
    address = client.scan()
    assert move(client, fallbacks="").get(address).status_code == 400


def test_without_the_former_key_an_open_form_is_refused(signed_in, move):
    token = signed_in.get("/api/csrf").json["csrfToken"]
    assert move(signed_in, fallbacks="").post("/logout", data={"csrf_token": token}).status_code == 400
