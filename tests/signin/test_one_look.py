"""A login cleans and looks up a person once."""

import sys
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from support.portal_app import answer_platform, both_databases

from portal.database import db
from portal.directory import cleaning

PROVIDERS = {"FSInnerExample": "feishu", "QywxInnerExample": "wecom"}
JSAPI = "requestAccess"
OWN_LOGIN = """
from portal.elements import FSInnerType, Meta, Person

class Own(Meta):
    provider = "own"

    def authorize_url(self, kind, state):
        return f"{self.redirectUri}?code=x&state={state}"

    def getLoginCode(self, authCode, state=None):
        return RESULT
"""
OVERRIDE = """
from portal.elements import FSInnerType

class Own(FSInnerType):
    def getLoginCode(self, authCode, state=None):
        person = super().getLoginCode(authCode, state)
        person["name"] = f"\u200b{person['name']}!"
        return person
"""


@contextmanager
def collect_cleanings():
    """Collect the names of people cleaned inside the block."""
    names, code = [], cleaning.clean_in_place.__code__

    def profile(frame, what, _):
        if what == "call" and frame.f_code is code:
            names.append(frame.f_locals["person"]["name"])

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield names
    finally:
        sys.setprofile(before)


@contextmanager
def collect_lookups(portal):
    """Collect the lookups of a person inside the block.

    They are the statements that search by subject.
    """
    statements = []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT") and "identity.subject =" in statement:
            statements.append(statement)

    with portal.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def begin(client, element, kind):
    token = client.get("/api/csrf").json["csrfToken"]
    path = f"/api/auths/loginTypes/{element}/getLoginConfig"
    return client.post(path, json={"kind": kind}, headers={"X-CSRFToken": token}).json["data"]


def answer_at_platform(client, sandbox, element, kind):
    """Begin a login and answer it as zhangsan.

    Return a function that finishes it.
    """
    started = {} if kind == "redirect" else begin(client, element, kind)
    if kind != "redirect" and started["authorizeUrl"] is None:  # the platform's client makes the code
        fields = {"code": sandbox.code(PROVIDERS[element], "zhangsan", source=JSAPI), "state": started["state"]}
        token = client.get("/api/csrf").json["csrfToken"]
        return lambda: client.post(f"/login/{element}/callback", data={**fields, "csrf_token": token})
    address = answer_platform(started["authorizeUrl"]) if started else client.scan(element)
    return lambda: client.get(address)


@both_databases
@pytest.mark.parametrize("kind", ["redirect", "qr", "in_app"])
@pytest.mark.parametrize("element", PROVIDERS)
def test_a_login_cleans_and_looks_up_a_person_once(portal, sandbox, element, kind):
    for _ in ("new", "stored, and their contact data is fresh"):
        client = portal.test_client()
        finish = answer_at_platform(client, sandbox, element, kind)
        with collect_cleanings() as names, collect_lookups(portal) as statements:
            answer = finish()
        assert answer.status_code == 303, answer.text
        assert names == ["张三"]
        assert len(statements) == 1, "\n".join(statements)


@pytest.mark.parametrize("result", ["Person({})", "dict({})"])
def test_what_an_own_type_on_meta_returns_is_cleaned_once(elements, make_portal, result):
    keys = "provider='own', tenant='t', subject='s', userId='u', name=' Own\\u200b Person '"
    elements.add_type("Own", OWN_LOGIN.replace("RESULT", result.format(keys)))
    elements.add("OfOwn", "Own", {})
    portal = make_portal()
    client = portal.test_client()
    address = client.start("OfOwn")
    with collect_cleanings() as names, collect_lookups(portal) as statements:
        assert client.get(address).status_code == 303
    assert (len(names), len(statements)) == (1, 1)
    assert client.session().json["identity"]["name"] == "Own Person"


def test_an_override_sees_a_clean_person_and_its_own_values_are_cleaned(elements, make_portal, sandbox):
    """Values of the override are cleaned after it."""
    elements.add_type("Own", OVERRIDE, base="FSInnerType")
    elements.feishu("OfOwn", type="Own")
    sandbox.person("feishu", "zhangsan", name=" 张\u200b三 ")
    client = make_portal().test_client()
    address = client.scan("OfOwn")
    with collect_cleanings() as names:
        assert client.get(address).status_code == 303
    assert len(names) == 2
    assert names[1] == "\u200b张三!"
    assert client.session().json["identity"]["name"] == "张三!"
