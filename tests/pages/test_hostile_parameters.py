"""No address or form causes a fault or broken export."""

import pytest
from flask import Request
from support.admin_client import sign_in_administrator, store_account
from support.portal_app import both_databases
from werkzeug.datastructures import ImmutableMultiDict

HOSTILE = ["a\0b", "-1", "3000000000", "9223372036854775808-9223372036854775808"]
MORE = [
    "\0",
    "\x1b\x7f",
    "0",
    "9223372036854775807",
    "1" * 2000,
    "٣",
    "%\\_'\";--",
    "𱍓\u202e",
    "x" * 3000,
]
VALUES = pytest.mark.parametrize("values", [HOSTILE, pytest.param(MORE, marks=pytest.mark.soak)], ids=["few", "more"])
ORDINARY = {  # what leads further into a page than its own absence
    "element": "FSInnerExample",
    "do": "refuse",
    "request": "1",
    "person": "1-1",
    "sure": "1",
    "reason": "x",
    "kind": "identity",
    "field": "mobile",
    "id": "1",
    "identity": "1",
    "account": "1",
    "pair": "1:1",
    "confirm": "yes",
    "user_id": "zhangsan",
    "username": "u",
    "name": "n",
    "role": "user",
    "email": "a@example.com",
}
IDS = {
    "id": 1,
    "name": "FSInnerExample",
    "token": "x",
    "file": "x",
    "filename": "favicon.svg",
    "what": "disable",
    "path": "x",
}
PAGE = "/admin/{}?page=9223372036854775807"


class Asked(ImmutableMultiDict):
    """Parameters that note which of them a page has read."""

    names: set

    def __getitem__(self, key):
        self.names.add(key)
        return super().__getitem__(key)

    def get(self, key, *args, **kwargs):
        self.names.add(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key, *args, **kwargs):
        self.names.add(key)
        return super().getlist(key, *args, **kwargs)

    def __contains__(self, key):
        self.names.add(key)
        return super().__contains__(key)


@pytest.fixture
def read_parameters(portal):
    """The names of the parameters that requests have read."""
    names = set()

    class Parameters(Asked):
        pass

    class Noting(Request):
        parameter_storage_class = Parameters

    Parameters.names = names
    portal.request_class = Noting
    return names


@pytest.fixture
def alice(portal, client):
    """An administrator of two accounts and a signed-in person."""
    client.sign_in()
    store_account(portal, "other")
    return sign_in_administrator(portal)


def routes(portal, method):
    urls = portal.url_map.bind("")
    for rule in portal.url_map.iter_rules():
        if method in rule.methods and rule.endpoint not in ("static", "login.logout"):
            yield urls.build(rule.endpoint, {name: IDS[name] for name in rule.arguments})


@VALUES
@both_databases
def test_no_address_makes_a_page_fail(portal, alice, read_parameters, values):
    failed = {}
    for path in routes(portal, "GET"):
        read_parameters.clear()
        alice.get(path)
        names = sorted(read_parameters)
        asked = [{name: value} for name in names for value in values]
        asked += [dict.fromkeys(names, value) for value in values]
        for query in asked:
            status = alice.get(path, query_string=query).status_code
            if status >= 500:
                failed[path, str(query)[:100]] = status
    assert failed == {}


@VALUES
@both_databases
def test_no_content_makes_a_form_fail(portal, alice, read_parameters, values):
    token = alice.get("/api/csrf").json["csrfToken"]
    failed = {}

    def post(path, fields):
        answer = alice.post(path, data=fields, headers={"X-CSRFToken": token})
        if answer.status_code >= 500:
            failed[path, str(fields)[:200]] = answer.status_code

    for path in routes(portal, "POST"):
        if path.startswith("/api/"):
            continue
        read_parameters.clear()
        post(path, ORDINARY)
        names = sorted(read_parameters - {"csrf_token"})
        for name in names:
            for value in values:
                post(path, {**ORDINARY, name: value})
    assert failed == {}


@both_databases
def test_no_json_makes_a_call_fail(portal, client):
    token = client.get("/api/csrf").json["csrfToken"]
    for method, keys in (("getLoginConfig", ("next", "kind")), ("getLoginCode", ("state", "authCode"))):
        path = f"/api/auths/loginTypes/FSInnerExample/{method}"
        for value in (*HOSTILE, *MORE, "\ud800", "/\ud800", "/?\0", 1e300, 10**30, [], {}, None, True):
            for key in keys:
                answer = client.post(path, json={key: value}, headers={"X-CSRFToken": token})
                assert answer.status_code < 500, (method, key, value)


@both_databases
def test_headers_are_stored_without_characters_databases_refuse(portal, client):
    assert client.get(client.scan(), headers={"User-Agent": "Chrome/1\0\udc80 Windows"}).status_code == 303
    assert "Chrome · Windows" in client.get("/account").text


def test_a_page_beyond_the_last_is_the_last_one(alice):
    for name in ("bindings", "accounts"):
        shown = alice.get(PAGE.format(name)).text
        assert "<tbody>" in shown and "zhangsan" in shown, name
    assert "张三" in alice.get("/admin/directory?q=张&page=9223372036854775807").text


@both_databases
def test_an_unknown_number_is_not_found(alice):
    assert alice.get("/admin/directory?dept=3000000000").status_code == 404
    assert alice.get("/admin/directory?dept=99999999999999999999").status_code == 404
    assert "zhangsan" not in alice.get("/admin/bindings?department=3000000000").text
    assert "No results" in alice.get("/admin/audit?account=3000000000").text


@both_databases
def test_an_export_with_an_impossible_text_is_whole(alice):
    for path in ("/admin/bindings/export?q=%00", "/admin/bindings/export?provider=%00", "/admin/audit/export?text=%00"):
        answer = alice.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv"), path
        assert answer.text.count("\n") >= 1
