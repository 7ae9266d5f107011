"""What a proxy is told about a request."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from support.gate_browser import HOST, SCRIPT, add_application, change_rows
from support.portal_app import both_databases

from portal.clocks import now
from portal.database import db
from portal.models import Account, Application, Door, Group, GroupMember, Identity, LoginSession

OTHER = "http://docs.localhost:9000"
START = f"{HOST}/_portal/wiki/start?to="


# Passing


@both_databases
def test_a_door_lets_a_request_pass_with_who_it_is(inside):
    answer = inside.check()
    assert answer.status_code == 200
    told = {name: value for name, value in answer.headers if name.startswith("Remote-")}
    assert told.pop("Remote-Name").encode("latin-1").decode() == "张三"
    assert told == {
        "Remote-User": "zhangsan",
        "Remote-Email": "zhangsan@corp.example.com",
        "Remote-Groups": "wiki-people",
    }
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert inside.forward().headers["Remote-User"] == "zhangsan"


def test_only_an_answer_that_people_may_see_has_the_headers_of_pages(portal, inside):
    for answer in (inside.check(), inside.forward(), inside.get("/_portal/wiki/ext-authz/", base_url=HOST)):
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "Content-Security-Policy" not in answer.headers
    for answer in (inside.check(cookie="none=x", kind=SCRIPT), inside.check(host=OTHER)):
        assert answer.status_code in (401, 403)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_envoy_asks_by_the_request_itself(inside):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"):
        answer = inside.open("/_portal/wiki/ext-authz/a//b?c", method=method, base_url=HOST)
        assert (answer.status_code, answer.headers["Remote-User"]) == (200, "zhangsan"), method
    assert inside.get("/_portal/wiki/ext-authz", base_url=HOST).status_code == 200


def test_envoy_asks_about_webdav_too(inside):
    for method in ("PROPFIND", "MKCOL", "LOCK", "REPORT", "BREW"):
        answer = inside.open("/_portal/wiki/ext-authz/a", method=method, base_url=HOST)
        assert (answer.status_code, answer.headers["Remote-User"]) == (200, "zhangsan"), method


def test_names_are_escaped_for_servers_that_read_latin_letters(portal, visitor):
    add_application(portal, header_encoding="percent", headers=["name", "subject"])
    visitor.sign_in()
    visitor.enter()
    told = dict(visitor.check().headers)
    assert told["Remote-Name"] == "%E5%BC%A0%E4%B8%89"
    assert len(told["Remote-Subject"]) == 22
    assert "Remote-User" not in told


def test_an_upgrade_is_asked_about_as_any_request(inside):
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert inside.forward(kind=SCRIPT, **upgrade).status_code == 200


@both_databases
def test_a_check_reads_one_row_and_writes_nothing(portal, inside):
    ran = []
    with portal.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "checkout", lambda connection, *_: connection.set_trace_callback(ran.append))
        inside.check()
        del ran[:]
        assert inside.check().status_code == 200
        assert [statement.split()[0] for statement in ran] == ["SELECT"]
    event.listen(engine, "before_cursor_execute", lambda _1, _2, statement, *_: ran.append(statement))
    del ran[:]
    assert inside.check().status_code == 200
    assert [statement for statement in ran if not statement.startswith("SELECT")] == []


def test_a_check_counts_as_use_of_the_session(portal, inside):
    change_rows(portal, LoginSession, last_seen_at=now() - timedelta(minutes=30))
    assert inside.check().status_code == 200
    with portal.app_context():
        [session] = db.session.query(LoginSession)
        assert now() - session.last_seen_at < timedelta(minutes=10)


# Without a door


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", "TRACE", "BREW"])
@pytest.mark.parametrize("check", ["auth-request", "forward-auth", "ext-authz", "ext-authz/", "ext-authz/x"])
def test_no_method_passes_without_a_door(portal, visitor, check, method):
    add_application(portal)
    parts = {"Host": "wiki.localhost:9000", "Proto": "http", "Uri": "/", "Method": method}
    sent = {f"X-Forwarded-{key}": value for key, value in parts.items()}
    sent |= {"X-Original-URL": f"{HOST}/", "X-Original-Method": method}
    answer = visitor.open(f"/_portal/wiki/{check}", method=method, base_url=HOST, headers=sent)
    assert answer.status_code in (401, 403)


def test_a_fault_lets_no_request_pass(portal, inside):
    change_rows(portal, Application, hosts=5)
    assert inside.check().status_code == inside.forward(kind=SCRIPT).status_code == 503


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_is_led_to_the_sign_in(portal, visitor, method):
    add_application(portal)
    path = "/x%20y/%2F?a=b&c=%26"
    answer = visitor.check(path, method=method)
    assert (answer.status_code, answer.location) == (401, f"{START}/x%2520y/%252F%3Fa%3Db%26c%3D%2526")
    answer = visitor.forward(path, method=method)
    assert (answer.status_code, answer.location) == (303, f"{START}/x%2520y/%252F%3Fa%3Db%26c%3D%2526")


@pytest.mark.parametrize(
    "kind",
    [SCRIPT, {}, {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}, {"Sec-Fetch-Mode": "no-cors"}],
)
def test_a_script_is_told_where_to_sign_in(portal, visitor, kind):
    add_application(portal)
    for answer in (visitor.check(kind=kind), visitor.forward(kind=kind)):
        assert (answer.status_code, answer.location) == (401, None)
        assert "WWW-Authenticate" not in answer.headers
        assert (answer.json["errcode"], answer.json["signInUrl"]) == (40100, f"{START}/")


def test_an_older_browser_that_wants_a_page_is_led_on(portal, visitor):
    add_application(portal)
    assert visitor.forward(kind={"Accept": "text/html,*/*"}).status_code == 303


def test_a_post_is_not_lost(portal, visitor):
    add_application(portal)
    for answer in (visitor.check(method="POST"), visitor.forward(method="POST")):
        assert (answer.status_code, answer.location) == (401, None)
        assert "What you sent was not lost." in answer.text
        assert f'href="{START}/"' in answer.text
        assert 'target="_blank"' in answer.text


@pytest.mark.parametrize(
    "cookie",
    [
        "portal_wiki=" + "a" * 43,
        "portal_wiki=",
        "portal_wiki=%00%ff\u00e9",
        "portal_wiki=" + "a" * 8000,
        "portal_wiki; ;;=;",
        "portal_wiki_start=" + "a" * 43,
    ],
)
def test_a_cookie_that_is_none_counts_like_none(portal, visitor, cookie):
    add_application(portal)
    assert visitor.check(cookie=cookie).status_code == 401
    assert visitor.check(cookie=cookie, kind=SCRIPT).status_code == 401


def test_a_repeated_cookie_counts_like_none(inside):
    token = inside.get_cookie("portal_wiki", domain="wiki.localhost").value
    assert inside.check(cookie=f"portal_wiki={token}").status_code == 200
    assert inside.check(cookie=f"portal_wiki={token}; portal_wiki={token}").status_code == 401
    assert inside.check(cookie=f"portal_wiki=x; portal_wiki={token}").status_code == 401


def test_the_cookie_of_another_application_counts_like_none(portal, inside):
    add_application(portal, "docs")
    token = inside.get_cookie("portal_wiki", domain="wiki.localhost").value
    assert inside.check(host=OTHER, name="docs", cookie=f"portal_docs={token}").status_code == 401


def test_the_door_of_one_host_opens_no_other(portal, visitor):
    other = "http://wiki.localhost:9001"
    add_application(portal, hosts=[HOST, other])
    visitor.sign_in()
    visitor.enter()
    token = visitor.get_cookie("portal_wiki", domain="wiki.localhost").value
    assert visitor.check(cookie=f"portal_wiki={token}").status_code == 200
    assert visitor.check(host=other, cookie=f"portal_wiki={token}").status_code == 401


def test_a_cookie_without_prefix_opens_no_door_at_https(portal, visitor):
    """Another host of the domain could have set it."""
    add_application(portal, hosts=["https://wiki.localhost:9000"])
    visitor.sign_in()
    https = "https://wiki.localhost:9000"
    visitor.enter(host=https)
    token = visitor.get_cookie("__Host-portal_wiki", domain="wiki.localhost").value
    assert visitor.check(host=https, cookie=f"__Host-portal_wiki={token}").status_code == 200
    assert visitor.check(host=https, cookie=f"portal_wiki={token}").status_code == 401


# A door that works no more


@both_databases
@pytest.mark.parametrize(
    ("table", "values", "status"),
    [
        (LoginSession, {"ended_why": "test", "ended_at": LoginSession.signed_in_at}, 401),
        (Account, {"active": False}, 401),
        (Identity, {"status": 2}, 401),
        (Identity, {"account_id": None}, 401),
        (Application, {"active": False}, 403),
        (GroupMember, {"kind": "role", "value": "admin"}, 403),
    ],
)
def test_a_door_ends_at_the_next_request(portal, inside, table, values, status):
    assert inside.check().status_code == 200
    change_rows(portal, table, **values)
    assert inside.check().status_code == status
    assert inside.forward(kind=SCRIPT).status_code == status


def test_signing_out_of_the_portal_ends_all_doors(portal, inside):
    add_application(portal, "docs")
    inside.enter(host=OTHER, name="docs")
    assert inside.check(host=OTHER, name="docs").status_code == 200
    inside.post_form("/logout")
    assert inside.check().status_code == inside.check(host=OTHER, name="docs").status_code == 401


@both_databases
def test_changed_rights_count_from_the_next_request(portal, inside):
    with portal.app_context():
        group = Group(name="chefs", title="Chefs", members=[GroupMember(kind="everybody")])
        application = db.session.query(Application).one()
        application.groups.append(group)
        db.session.commit()
    assert inside.check().headers["Remote-Groups"] == "chefs,wiki-people"
    change_rows(portal, Group, name=Group.name + "-x")
    assert inside.check().headers["Remote-Groups"] == "chefs-x,wiki-people-x"
    with portal.app_context():
        [door] = db.session.query(Door)
        assert door.groups == ["chefs-x", "wiki-people-x"]


def test_the_page_without_access_names_the_groups(portal, inside):
    change_rows(portal, Application, contact="it@example.com")
    change_rows(portal, GroupMember, kind="role", value="admin")
    page = inside.forward()
    assert "You are in none of: Wiki people." in page.text
    assert 'href="mailto:it@example.com"' in page.text
    script = inside.forward(kind=SCRIPT)
    assert (script.status_code, script.json["errcode"]) == (403, 40306)
