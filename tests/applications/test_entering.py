"""The way from the portal into an application, by tickets."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from support.admin_client import make_one_time_link
from support.gate_browser import HOST, PAGE, SCRIPT, add_application, change_rows, get_ticket, start
from support.portal_app import FEISHU, answer_platform, both_databases

from portal.applications import tickets
from portal.clocks import now
from portal.database import db
from portal.models import Account, Application, Door, GroupMember, Identity, LoginSession, Ticket

CHALLENGE = tickets.make_challenge("a nonce of another browser")


# The way in


@both_databases
def test_a_signed_in_user_enters_with_three_redirects(wiki, read_trail):
    answer = wiki.enter("/x%20y?a=b&c=%2F")
    assert (answer.status_code, answer.location) == (303, "/x%20y?a=b&c=%2F")
    assert wiki.check().status_code == 200
    assert read_trail("application.enter") == [(0, {"application": "wiki"})]


def test_a_visitor_signs_in_on_the_way(portal, visitor):
    add_application(portal)
    entering = start(visitor, "/x%20y?q=%E5%BC%A0&r").location
    login = visitor.go(entering)
    assert login.status_code == 303
    assert login.location.startswith("/login?next=/apps/wiki/enter")
    path = entering.partition("/apps/")
    back = visitor.sign_in(next=path[1] + path[2])
    answer = visitor.go(visitor.get(back.location).location)
    assert (answer.status_code, answer.location) == (303, "/x%20y?q=%E5%BC%A0&r")


def test_a_path_too_long_for_the_sign_in_leads_to_the_first_page(portal, visitor):
    add_application(portal)
    login = visitor.go(start(visitor, "/" + "x" * 1990).location)
    assert login.location.endswith("to%3D/")


def test_the_cookies_are_of_this_host_alone(portal, visitor):
    https = "https://wiki.localhost:9000"
    add_application(portal, hosts=[https])
    visitor.sign_in()
    [begun] = start(visitor, host=https).headers.getlist("Set-Cookie")
    assert begun.startswith("__Host-portal_wiki_start=")
    answer = visitor.enter(host=https)
    [given] = answer.headers.getlist("Set-Cookie")
    name, *attributes = [part.strip() for part in given.split(";")]
    assert name.startswith("__Host-portal_wiki=")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]


def test_twenty_tabs_at_once_all_come_in(wiki):
    addresses = [start(wiki, f"/{tab}").location for tab in range(20)]
    handed = [wiki.go(address).location for address in addresses]
    assert [wiki.go(ticket).location for ticket in handed] == [f"/{tab}" for tab in range(20)]


def test_the_host_asked_for_is_the_one_that_is_entered(portal, visitor):
    other = "http://wiki.localhost:9001"
    add_application(portal, hosts=[HOST, other])
    visitor.sign_in()
    address = start(visitor, host=other).location
    assert address.endswith(f"&host={quote(other, safe='')}")
    assert visitor.go(address).location.startswith(f"{other}/_portal/wiki/enter?ticket=")
    for wrong in ("http://evil.example", "http://wiki.localhost:9000.evil.example", f"{HOST}@evil.example", ""):
        answer = visitor.get("/apps/wiki/enter", query_string={"challenge": CHALLENGE, "host": wrong})
        assert answer.status_code == 400, wrong


# Where it may lead


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/%09/evil.example",
        "/%5Cevil.example",
        "/%2F/evil.example",
        "x",
        "",
        "?x",
        "#x",
        "/" + "x" * 2001,
    ],
)
def test_nothing_but_a_path_is_led_to(wiki, to):
    assert wiki.go(get_ticket(wiki, to)).location == "/"
    ticket = wiki.go(start(wiki).location.partition("&to=")[0] + "&to=" + quote(to, safe=""))
    assert wiki.go(ticket.location).location == "/"


@pytest.mark.parametrize("challenge", [None, "", "x" * 42, "x" * 44, "=" * 43, "é" * 43])
def test_a_challenge_that_can_be_none_is_refused(wiki, challenge):
    query = {} if challenge is None else {"challenge": challenge}
    assert wiki.get("/apps/wiki/enter", query_string=query).status_code == 400


def test_pages_answer_under_the_application_s_host_alone(portal, wiki):
    for page in ("start", "enter?ticket=x", "signed-out", "no-access", "sign-out"):
        for host in (portal.config["PORTAL_BASE_URL"], "http://wiki.localhost:9001", "http://wiki.localhost"):
            answer = wiki.get(f"/_portal/wiki/{page}", base_url=host, headers=PAGE)
            assert answer.status_code == 400, (page, host)
            assert "This address belongs to another application" in answer.text
        assert wiki.get(f"/_portal/nothing/{page}", base_url=HOST, headers=PAGE).status_code == 404


def test_an_application_switched_off_is_not_found(portal, wiki):
    handed = get_ticket(wiki)
    change_rows(portal, Application, active=False)
    assert wiki.go(handed, headers=PAGE).status_code == 404
    assert wiki.get(f"/apps/wiki/enter?challenge={CHALLENGE}").status_code == 404


# Access


def test_an_account_in_no_group_may_not_enter(portal, visitor, read_trail):
    add_application(portal, members=[{"kind": "role", "value": "admin"}])
    visitor.sign_in()
    answer = visitor.go(start(visitor).location)
    assert answer.status_code == 403
    assert "You are in none of: Wiki people." in answer.text
    assert read_trail("application.refuse") == [(40306, {"application": "wiki"})]


def test_an_application_may_be_open_to_all(portal, visitor):
    add_application(portal, members=[], open_to_all=True)
    visitor.sign_in()
    visitor.enter()
    answer = visitor.check()
    assert (answer.status_code, answer.headers["Remote-User"]) == (200, "zhangsan")
    assert "Remote-Groups" not in answer.headers


def test_a_username_that_is_another_s_there_may_not_enter(portal, visitor, read_trail):
    add_application(portal, username_from="employee_number")
    with portal.app_context():
        db.session.add(Account(username="other", employee_number="ZhangSan"))
        db.session.commit()
    visitor.sign_in()
    change_rows(portal, Identity, employee_number="")
    answer = visitor.go(start(visitor).location)
    assert answer.status_code == 403
    assert "Your username is another person" in answer.text
    assert read_trail("application.refuse") == [(40306, {"application": "wiki"})]


def test_refusals_of_one_account_are_limited(portal, visitor, read_trail):
    add_application(portal, members=[])
    visitor.sign_in()
    address = start(visitor).location
    assert {visitor.go(address).status_code for _number in range(20)} == {403}
    assert visitor.go(address).status_code == 429
    assert len(read_trail("application.refuse")) == 20


def test_so_many_tickets_of_a_session_are_kept(portal, wiki):
    for _number in range(45):
        get_ticket(wiki)
    with portal.app_context():
        assert db.session.query(Ticket).count() == 40


def test_access_lost_between_ticket_and_door_counts(portal, wiki, read_trail):
    handed = get_ticket(wiki)
    change_rows(portal, GroupMember, kind="role", value="admin")
    assert wiki.go(handed).status_code == 303
    assert wiki.check().status_code == 403
    assert read_trail("application.enter") == []
    assert read_trail("application.refuse") == [(40306, {"application": "wiki"})]


def test_an_application_may_ask_for_a_younger_sign_in(portal, wiki):
    change_rows(portal, Application, fresh_minutes=30)
    assert wiki.go(start(wiki).location).status_code == 303
    change_rows(portal, LoginSession, signed_in_at=now() - timedelta(minutes=31))
    address = start(wiki).location
    page = wiki.go(address)
    assert page.status_code == 403
    assert "Wiki needs a more recent sign-in." in page.text
    assert (
        f"form-action 'self' {HOST}" in page.headers["Content-Security-Policy"].replace("  ", " ")
        or HOST in (page.headers["Content-Security-Policy"])
    )


@pytest.mark.parametrize("minutes", [29, 31])
def test_a_new_scan_leads_on_into_the_application(portal, wiki, minutes):
    change_rows(portal, Application, fresh_minutes=30)
    change_rows(portal, LoginSession, signed_in_at=now() - timedelta(minutes=minutes))
    address = start(wiki, "/deep?x=1").location
    if minutes > 30:
        assert wiki.go(address).status_code == 403
        back = address.removeprefix(portal.config["PORTAL_BASE_URL"])
        begun = wiki.post_form(f"/account/confirm/{FEISHU}", next=back)
        address = portal.config["PORTAL_BASE_URL"] + wiki.get(answer_platform(begun.location)).location
    assert wiki.go(wiki.go(address).location).location == "/deep?x=1"


def test_after_a_one_time_link_a_younger_sign_in_is_a_new_one(portal, visitor):
    add_application(portal, fresh_minutes=30)
    visitor.post_form(f"/login/once/{make_one_time_link(portal, 'alice')}")
    change_rows(portal, LoginSession, signed_in_at=now() - timedelta(minutes=31))
    page = visitor.go(start(visitor, "/deep").location)
    assert "Wiki needs a more recent sign-in. Sign out and sign in again." in page.text
    [back] = re.findall(r'name="next" value="(/apps/wiki/enter[^"]*)"', page.text)
    left = visitor.post_form("/logout", next=unescape(back))
    assert left.location.startswith("/login?next=/apps/wiki/enter")


# Signing out


def test_signing_out_closes_the_door_alone(portal, wiki):
    wiki.enter()
    page = wiki.get("/_portal/wiki/sign-out", base_url=HOST)
    assert (page.status_code, wiki.check().status_code) == (200, 200)
    done = wiki.post("/_portal/wiki/sign-out", base_url=HOST, headers={"Origin": HOST})
    assert (done.status_code, wiki.check().status_code) == (200, 401)
    with portal.app_context():
        [door] = db.session.query(Door)
        assert door.closed_at is not None
    assert [cookie.partition("=")[0] for cookie in done.headers.getlist("Set-Cookie")] == ["portal_wiki"]
    assert wiki.session().status_code == 200


@pytest.mark.parametrize(
    "sent", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_another_site_signs_nobody_out(wiki, sent):
    wiki.enter()
    assert wiki.post("/_portal/wiki/sign-out", base_url=HOST, headers={**PAGE, **sent}).status_code == 400
    assert wiki.check().status_code == 200


# What nginx shows itself


def test_nginx_shows_the_pages_of_refusals(portal, wiki):
    page = wiki.get("/_portal/wiki/signed-out", base_url=HOST, headers=PAGE)
    assert (page.status_code, "What you sent was not lost." in page.text) == (401, True)
    script = wiki.get("/_portal/wiki/signed-out", base_url=HOST, headers=SCRIPT)
    assert (script.status_code, script.json["signInUrl"]) == (401, f"{HOST}/_portal/wiki/start?to=/")
    page = wiki.get("/_portal/wiki/no-access", base_url=HOST, headers=PAGE)
    assert (page.status_code, "not set up correctly" in page.text) == (403, True)
    wiki.enter()
    change_rows(portal, GroupMember, kind="role", value="admin")
    page = wiki.get("/_portal/wiki/no-access", base_url=HOST, headers=PAGE)
    assert (page.status_code, "You are in none of: Wiki people." in page.text) == (403, True)
    assert wiki.get("/_portal/wiki/no-access", base_url=HOST, headers=SCRIPT).json["errcode"] == 40306


def test_pages_at_an_application_s_host_are_not_framed_and_set_nothing(portal, wiki):
    page = wiki.get("/_portal/wiki/sign-out", base_url=HOST)
    policy = page.headers["Content-Security-Policy"]
    base = portal.config["PORTAL_BASE_URL"]
    assert "frame-ancestors 'none'" in policy
    assert f"style-src 'self' {base}" in policy
    assert "Strict-Transport-Security" not in page.headers
    assert "Set-Cookie" not in page.headers
