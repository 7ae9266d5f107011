"""Applications are created, changed and switched by administrators."""

import re

import pytest
from support.portal_app import ROOT, both_databases

from portal.applications import catalogue, groups
from portal.applications.application_fields import RESERVED_NAMES
from portal.applications.catalogue import ApplicationChanged
from portal.audit import Actor
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code

WIKI = {"name": "wiki", "title": "Wiki", "hosts": ["https://wiki.example.com"]}
NAME_ADVICE = "Use 2 to 40 letters a-z, digits and hyphens, a letter first."
HOST_ADVICE = "Enter an origin such as https://wiki.example.com."
ADDRESS_ADVICE = "Enter a full http or https address without a fragment."


@pytest.fixture
def by():
    return Actor()


def create(by, **values):
    return catalogue.create_application({**WIKI, **values}, by=by)


def read_problems(values, stored=None):
    """Return the texts for fields that can't be used."""
    with pytest.raises(catalogue.InvalidFields) as error:
        catalogue.clean_application(values, stored)
    return {field: str(text) for field, text in error.value.problems.items()}


@both_databases
def test_a_new_application_is_closed_and_has_the_usual_values(store, by, read_trail):
    created = create(by)
    stored = catalogue.find_application("wiki")
    assert stored is created
    assert (stored.active, stored.open_to_all, stored.groups, stored.version) == (True, False, [], 1)
    assert stored.headers == ["user", "name", "email", "groups"]
    assert stored.scopes == ["openid", "profile", "email", "groups"]
    assert (stored.pkce, stored.token_minutes, stored.claims_in_id_token) == ("required", 15, True)
    assert read_trail("application.create") == [(0, {"application": "wiki"})]


@pytest.mark.parametrize("name", ["", "w", "Wiki", "1wiki", "wi_ki", "wi ki", "-wiki", "w" * 41, "wíki", "wiki\n.", 7])
def test_a_name_that_addresses_cannot_have_is_refused(store, name):
    assert read_problems({"name": name}) == {"name": NAME_ADVICE}


@pytest.mark.parametrize("name", ["create", "session", "visit", "waiting", "attempt"])
def test_a_name_of_the_portals_own_is_reserved(store, name):
    assert read_problems({"name": name}) == {"name": "This name is reserved."}


def test_cookies_of_applications_never_have_a_name_of_the_portals(portal):
    """All cookies that the portal's own pages set are `portal_<word>`, and the words are reserved."""
    source = "".join(path.read_text() for path in [*ROOT.glob("portal/pages/browser.py"), ROOT / "app.py"])
    words = set(re.findall(r'name_cookie\(.*"portal_([a-z]+)', source))
    assert {"session", "visit", "waiting", "attempt"} <= words <= set(RESERVED_NAMES)


@both_databases
def test_a_name_is_taken_once(store, by):
    create(by)
    with pytest.raises(catalogue.InvalidFields) as error:
        create(by, hosts=[])
    assert {field: str(text) for field, text in error.value.problems.items()} == {"name": "This name is taken."}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://wiki.example.com", "https://wiki.example.com"),
        (" HTTPS://Wiki.Example.COM:443/ ", "https://wiki.example.com"),
        ("https://wiki.example.com:8443", "https://wiki.example.com:8443"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://wiki.localhost:9000", "http://wiki.localhost:9000"),
        ("https://知识.example.com", "https://xn--k7y073b.example.com"),
    ],
)
def test_hosts_are_stored_in_one_form(store, typed, stored):
    assert catalogue.clean_application({"hosts": [typed, "", typed]}) == {"hosts": [stored]}


@pytest.mark.parametrize(
    "host",
    [
        "wiki.example.com",
        "http://wiki.example.com",
        "https://wiki.example.com/pages",
        "https://wiki.example.com?x",
        "https://alice@wiki.example.com",
        "https://*.example.com",
        "https://wiki.example.com.",
        "https://wiki.example.com:0",
        "https://wiki.example.com\\.evil.com",
        "ftp://wiki.example.com",
        "https://" + "w" * 300,
    ],
)
def test_a_host_that_is_no_safe_origin_is_refused(store, host):
    assert read_problems({"hosts": ["https://a.example.com", host]}) == {"hosts": HOST_ADVICE}


def test_the_portals_own_host_is_refused(store, portal):
    assert read_problems({"hosts": [portal.config["PORTAL_BASE_URL"]]}) == {"hosts": "This is the portal's own host."}


def test_behind_https_no_application_shares_the_portals_cookies(make_portal):
    """Cookies know no ports, and loopback over http is for trying the portal out."""
    with make_portal(PORTAL_BASE_URL="https://login.example.com").app_context():
        for host in ("https://login.example.com", "https://login.example.com:8443"):
            assert read_problems({"hosts": [host]}) == {"hosts": "This is the portal's own host."}
        assert read_problems({"hosts": ["http://127.0.0.1:9000"]}) == {"hosts": HOST_ADVICE}


@both_databases
def test_a_host_belongs_to_one_application(store, by):
    create(by)
    create(by, name="other", hosts=["https://other.example.com"])
    for attempt in (
        lambda: create(by, name="third", hosts=["https://WIKI.example.com:443"]),
        lambda: catalogue.edit_application("other", {"hosts": ["https://wiki.example.com"]}, 1, by=by),
    ):
        with pytest.raises(catalogue.InvalidFields) as error:
            attempt()
        assert str(error.value.problems["hosts"]) == "This host belongs to another application: wiki."
    assert catalogue.edit_application("wiki", {"hosts": ["https://wiki.example.com"]}, 1, by=by) == []


@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_uris", "backchannel_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "wiki.example.com/back",
        "https://wiki.example.com/back#here",
        "https://wiki.example.com/#",
        "javascript:alert(1)//x",
        "https://",
        "https:///back",
        "https://alice@wiki.example.com/",
        "https://wiki.example.com/a b",
        "https://wiki.example.com/" + "w" * 2000,
    ],
)
def test_an_address_of_a_client_must_be_full(store, field, address):
    value = address if field == "backchannel_uri" else [address]
    assert read_problems({field: value}) == {field: ADDRESS_ADVICE}


def test_an_address_of_a_client_stays_letter_by_letter(store):
    addresses = ["https://Wiki.example.com:443/Back?a=%2f", "http://127.0.0.1/", "http://127.0.0.1"]
    assert catalogue.clean_application({"redirect_uris": addresses}) == {"redirect_uris": addresses}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//wiki.example.com", "/wiki", "data:text/html,x"])
def test_a_tile_opens_nothing_but_the_web(store, address):
    assert read_problems({"launch_url": address}) == {"launch_url": "Enter a full http or https address."}
    assert catalogue.clean_application({"launch_url": "https://wiki.example.com/#/home"})["launch_url"].endswith(
        "#/home"
    )


def test_a_public_client_needs_pkce(store, by):
    assert read_problems({"public": True, "pkce": "optional"}) == {"pkce": "A public client needs PKCE."}
    application = create(by, pkce="optional")
    assert read_problems({"public": "1"}, application) == {"pkce": "A public client needs PKCE."}
    assert catalogue.clean_application({"public": "1", "pkce": "required"}, application)["public"] is True


def test_offline_days_need_refresh_tokens(store, by):
    problem = {"offline_days": "Offline access needs refresh tokens."}
    assert read_problems({"offline_days": "30"}) == problem
    application = create(by, refresh=True, offline_days=30)
    assert read_problems({"refresh": False}, application) == problem


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "),
        ("title", "w" * 101),
        ("title", "Wi\u202eki"),
        ("active", "maybe"),
        ("active", 1),
        ("username_from", "mobile"),
        ("email_domain", "@example.com"),
        ("fresh_minutes", "0"),
        ("fresh_minutes", True),
        ("session_hint", "1.5"),
        ("headers", ["user", "cookie"]),
        ("headers", "user"),
        ("header_encoding", "latin-1"),
        ("scopes", ["admin"]),
        ("token_minutes", -1),
        ("contact", "http://help.example.com"),
        ("contact", 7),
        ("pkce", "off"),
        ("hosts", [7]),
    ],
)
def test_a_value_that_means_nothing_is_refused(store, field, value):
    assert set(read_problems({field: value})) == {field}


def test_texts_of_a_form_become_values(store):
    typed = {
        "open_to_all": "1",
        "fresh_minutes": "",
        "token_minutes": "20",
        "contact": " ",
        "headers": ["email", "user"],
    }
    values = {"open_to_all": True, "fresh_minutes": None, "token_minutes": 20, "contact": None}
    assert catalogue.clean_application(typed) == {**values, "headers": ["user", "email"]}


@both_databases
def test_groups_of_an_application_must_be_there(store, by):
    groups.create_group({"name": "dev"}, by=by)
    assert read_problems({"groups": ["dev", "ops"]}) == {"groups": "There is no group named ops."}
    assert [group.name for group in create(by, groups=["dev"]).groups] == ["dev"]


@both_databases
def test_an_edit_says_what_it_changed(store, by, read_trail):
    groups.create_group({"name": "dev"}, by=by)
    create(by)
    values = {"name": "other", "title": "Wiki", "groups": ["dev"], "refresh": True}
    assert catalogue.edit_application("wiki", values, 1, by=by) == ["groups", "refresh"]
    assert catalogue.edit_application("wiki", values, 2, by=by) == []
    assert catalogue.find_application("wiki").version == 2
    assert read_trail("application.edit") == [(0, {"application": "wiki", "fields": ["groups", "refresh"]})]


@both_databases
def test_an_edit_of_what_has_changed_meanwhile_is_refused(store, by, read_trail):
    create(by)
    catalogue.edit_application("wiki", {"title": "First"}, 1, by=by)
    with pytest.raises(ApplicationChanged) as error:
        catalogue.edit_application("wiki", {"title": "Second"}, 1, by=by)
    assert error.value.status == 409
    assert catalogue.find_application("wiki").title == "First"
    assert [result for result, _details in read_trail("application.edit")] == [0, CONFLICT]


def test_switching_twice_is_one_act(store, by, read_trail):
    create(by)
    assert [catalogue.switch_application("wiki", False, by=by) for _ in range(2)] == [True, False]
    assert not catalogue.find_application("wiki").active
    assert read_trail("application.switch") == [(0, {"application": "wiki", "state": "off"})]


@pytest.mark.parametrize(
    "act",
    [
        lambda by: catalogue.find_application("wiki"),
        lambda by: catalogue.edit_application("wiki", {}, 1, by=by),
        lambda by: catalogue.switch_application("wiki", True, by=by),
    ],
)
def test_an_application_that_is_not_there_is_no_page(store, by, act):
    with pytest.raises(Code) as error:
        act(by)
    assert error.value.code == NO_SUCH_PAGE


def test_applications_are_listed_by_title(store, by):
    for name, title in (("zoo", "apes"), ("alpha", "Wiki"), ("beta", "Board")):
        create(by, name=name, title=title, hosts=[])
    assert [application.name for application in catalogue.list_applications()] == ["zoo", "beta", "alpha"]
