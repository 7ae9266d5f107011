"""Feishu's user tokens are stored if the element says so.

They are encrypted, and refreshed once for all processes.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from support.portal_app import both_databases
from support.user_tokens import REFRESH_PATHS, expire_user_token

from portal.clocks import now
from portal.database import db
from portal.errors import Code
from portal.models import Identity

DIALECTS = pytest.mark.parametrize("dialect", REFRESH_PATHS)


@pytest.fixture
def keeper(elements, make_portal):
    """Return a function that signs zhangsan in and keeps tokens.

    It returns the portal.
    """

    def make(dialect="oidc", **settings):
        scope = {"scope": "offline_access"} if dialect in ("v2", "v3") else {}
        elements.feishu(tokenDialect=dialect, keepUserTokens=True, **scope, **settings)
        portal = make_portal()
        assert portal.test_client().sign_in().status_code == 303
        return portal

    return make


def element_of(portal):
    return portal.getElement("auths.loginTypes.FSInnerExample")


def test_by_default_no_token_is_stored(client, portal):
    client.sign_in()
    with portal.app_context():
        person = db.session.query(Identity).one()
        assert (person.accessToken, person.refreshToken, person.expiresAt) == (None, None, None)
        with pytest.raises(Code) as error:
            element_of(portal).getUserToken("zhangsan")
        assert error.value.code == 60111


@DIALECTS
def test_stored_tokens_are_encrypted_and_have_their_true_end(keeper, dialect):
    portal = keeper(dialect)
    with portal.app_context():
        person = db.session.query(Identity).one()
        assert element_of(portal).getUserToken("zhangsan") == person.accessToken
        raw = db.session.execute(db.text("SELECT access_token, refresh_token FROM identity")).one()
        assert person.accessToken.encode() not in bytes(raw[0])
        assert person.refreshToken.encode() not in bytes(raw[1])
        assert timedelta(minutes=50) < person.expiresAt - now() < timedelta(hours=3)


@DIALECTS
def test_an_ended_token_is_refreshed_and_the_new_pair_replaces_the_old(keeper, sandbox, dialect):
    portal = keeper(dialect)
    with portal.app_context():
        element, old = element_of(portal), expire_user_token()
        before = (old.accessToken, old.refreshToken)
        token = element.getUserToken("zhangsan")
        db.session.expire_all()
        person = db.session.query(Identity).one()
        assert person.accessToken == token
        assert person.accessToken != before[0] and person.refreshToken != before[1]
        assert person.expiresAt > now() + timedelta(minutes=50)
        sandbox.forget_calls()
        assert element.getUserToken("zhangsan") == token
        assert sandbox.calls(REFRESH_PATHS[dialect]) == []


def test_a_failed_refresh_keeps_the_pair_and_may_be_tried_again(keeper, sandbox):
    portal = keeper("oidc")
    with portal.app_context():
        element, old = element_of(portal), expire_user_token()
        before = old.refreshToken
        sandbox.fail(REFRESH_PATHS["oidc"], status=500, body="down")
        with pytest.raises(Code) as error:
            element.getUserToken("zhangsan")
        assert error.value.code == 50300
        db.session.expire_all()
        assert db.session.query(Identity).one().refreshToken == before
        assert element.getUserToken("zhangsan")


@pytest.mark.parametrize(("number", "ours"), [(20037, 42001), (20026, 40014)])
def test_an_ended_refresh_token_needs_a_new_sign_in(keeper, sandbox, number, ours):
    portal = keeper("oidc")
    sandbox.fail(REFRESH_PATHS["oidc"], count=2, body={"code": number, "msg": "x"})
    with portal.app_context(), pytest.raises(Code) as error:
        expire_user_token()
        element_of(portal).getUserToken("zhangsan")
    assert error.value.code == ours


def test_without_offline_access_there_is_nothing_to_refresh(elements, make_portal):
    elements.feishu(keepUserTokens=True)
    portal = make_portal()
    portal.test_client().sign_in()
    with portal.app_context():
        assert expire_user_token().refreshToken is None
        with pytest.raises(Code) as error:
            element_of(portal).getUserToken("zhangsan")
        assert error.value.code == 42001
        assert "offline_access" in error.value.reason


@both_databases
def test_simultaneous_calls_get_one_new_token(keeper, sandbox):
    """A refresh token works once.

    Later requests find the token that the first has stored.
    """
    portal = keeper("v3")
    with portal.app_context():
        expire_user_token()
    sandbox.fail(REFRESH_PATHS["v3"], count=4, hold=4)
    barrier = threading.Barrier(4)

    def ask(_):
        with portal.app_context():
            barrier.wait()
            return element_of(portal).getUserToken("zhangsan")

    with ThreadPoolExecutor(4) as pool:
        tokens = set(pool.map(ask, range(4)))
    assert len(tokens) == 1


def test_tokens_are_on_no_page_and_in_no_answer(keeper, portal):
    portal = keeper("oidc")
    client = portal.test_client()
    client.sign_in()
    with portal.app_context():
        token = db.session.query(Identity).one().accessToken
    for path in ("/account", "/api/session"):
        assert token not in client.get(path).text
