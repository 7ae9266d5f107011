"""Who passes the gate, behind each proxy."""

import json
from urllib.parse import unquote, urlsplit

import pytest
from support.gate_visitors import PAGE, SCRIPT
from support.http_visitors import run_at_once

FORM = (*PAGE, ("Content-Type", "application/x-www-form-urlencoded"))


def get_names(answers):
    """Return the last part of each address."""
    return [urlsplit(answer.url).path.rpartition("/")[2] for answer in answers]


def test_a_first_visit_leads_through_the_sign_in_and_back(gate):
    address = f"{gate.wiki}/a%20page?x=1&y=2"
    answers = gate.visit().walk(address, "zhangsan")
    assert [answer.status for answer in answers] == [303, 303, 303, 200, 303, 303, 303, 200]
    assert get_names(answers)[:4] == ["a%20page", "start", "enter", "login"]
    assert answers[-1].url == address
    told = answers[-1]
    assert told.json["path"] == "/a%20page?x=1&y=2"
    assert told.get_told("remote-user") == ["张三"] or told.get_told("remote-user")[0].isascii()
    assert told.get_told("remote-groups") == ["dev"]
    assert len(told.get_told("remote-subject")[0]) == 22


def test_a_second_visit_asks_nothing(gate):
    visitor = gate.visit("zhangsan")
    [answer] = visitor.walk(f"{gate.wiki}/again")
    assert (answer.status, answer.json["path"]) == (200, "/again")


def test_no_cookie_of_the_gate_reaches_the_application(gate):
    """Traefik and Envoy can not take single cookies out, and their snippets say so."""
    visitor = gate.visit("zhangsan")
    visitor.cookies["wiki.localhost"] = {"a": "1", **visitor.cookies["wiki.localhost"], "b": "2"}
    cookies = " ".join(visitor.ask(f"{gate.wiki}/").get_told("cookie"))
    assert "a=1; b=2" in cookies.replace("portal_", "") or gate.title in ("Traefik", "Envoy")
    assert ("portal_" in cookies) == (gate.title in ("Traefik", "Envoy"))
    assert ("also" in gate.site.render(gate.name)[gate.title]) == (gate.title in ("Traefik", "Envoy"))


def test_a_person_of_another_department_is_refused(gate):
    answer = gate.visit().walk(f"{gate.wiki}/", "alice")[-1]
    assert answer.status == 403
    assert "Developers" in answer.text


def test_a_person_who_has_moved_is_refused_at_the_next_request(gate):
    visitor = gate.visit("bob")
    with gate.site.moved_away("bob"):
        page, script = visitor.ask(f"{gate.wiki}/"), visitor.ask(f"{gate.wiki}/", SCRIPT)
        assert (page.status, script.status) == (403, 403)
        assert "Developers" in page.text
        assert script.json["errcode"] == 40300 + 6
    assert visitor.ask(f"{gate.wiki}/").status == 200


def test_a_person_who_has_left_a_second_ago_is_out(gate):
    visitor = gate.visit("bob")
    with gate.site.left("bob"):
        page, script = visitor.ask(f"{gate.wiki}/"), visitor.ask(f"{gate.wiki}/", SCRIPT)
    assert (page.status, script.status) == (303, 401)


def test_signing_out_at_the_portal_closes_the_door(gate):
    visitor = gate.visit("zhangsan")
    visitor.sign_out_of_portal()
    assert visitor.ask(f"{gate.wiki}/", SCRIPT).status == 401


def test_a_script_learns_where_to_sign_in(gate):
    answer = gate.visit().ask(f"{gate.wiki}/api/pages?x=1", SCRIPT)
    assert answer.status == 401
    assert answer.headers.get_content_type() == "application/json"
    assert answer.json["errcode"] == 40100
    assert answer.json["signInUrl"] == f"{gate.wiki}/_portal/{gate.name}/start?to=/"
    assert "WWW-Authenticate" not in answer.headers


def test_a_form_of_a_visitor_who_is_signed_out_gets_a_page(gate):
    answer = gate.visit().ask(f"{gate.wiki}/form", FORM, "POST", b"text=lost")
    assert answer.status == 401
    assert answer.headers.get_content_type() == "text/html"
    assert "What you sent was not lost." in answer.text
    assert f"{gate.wiki}/_portal/{gate.name}/start?to=/" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_form_arrives_with_its_text(gate):
    visitor = gate.visit("zhangsan")
    answer = visitor.ask(f"{gate.wiki}/echo", FORM, "POST", "text=你好".encode())
    assert (answer.status, answer.json["method"], answer.json["body"]) == (200, "POST", "text=你好")


def test_one_sign_in_opens_two_applications(gate):
    visitor = gate.visit("zhangsan")
    answers = visitor.walk(f"{gate.docs}/page")
    assert [answer.status for answer in answers] == [303, 303, 303, 303, 200]
    assert "login" not in get_names(answers)
    held = {host: set(cookies) for host, cookies in visitor.cookies.items()}
    assert f"portal_{gate.title.lower()}-docs" in held["docs.localhost"]
    assert f"portal_{gate.title.lower()}-docs" not in held["wiki.localhost"]


def test_one_process_serves_two_applications(gate):
    """Each request gets to its own one, which tells the person in its own way."""
    visitor = gate.visit("zhangsan")
    visitor.walk(f"{gate.docs}/")
    for origin in (gate.wiki, gate.docs) * 12:
        answer = visitor.ask(f"{origin}/page")
        assert answer.status == 200, answer.text
        assert answer.get_told("host") == [urlsplit(origin).netloc]
        assert answer.get_told("remote-name")[0].isascii() == (origin == gate.docs)
    assert len(gate.proxy.processes) == 1


def test_the_door_of_one_application_is_none_at_another(gate):
    visitor = gate.visit("zhangsan")
    token = visitor.cookies["wiki.localhost"][f"portal_{gate.name}"]
    visitor.cookies["docs.localhost"] = {f"portal_{gate.title.lower()}-docs": token, f"portal_{gate.name}": token}
    assert visitor.ask(f"{gate.docs}/", SCRIPT).status == 401


def test_twenty_tabs_at_once_all_arrive(gate):
    visitor = gate.visit("zhangsan")
    visitor.cookies.pop("wiki.localhost")
    tabs = [f"{gate.wiki}/tab{number}" for number in range(20)]
    first = run_at_once([lambda tab=tab: visitor.ask(tab) for tab in tabs])
    started = [visitor.ask(answer.location) for answer in first]
    answers = run_at_once([lambda step=step: visitor.walk(step.location)[-1] for step in started])
    assert sorted(answer.url for answer in answers) == sorted(tabs)
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize("short", ["wiki", "docs"])
def test_a_chinese_name_arrives(gate, short):
    """At the second application it is percent-encoded."""
    visitor = gate.visit("zhangsan")
    [name] = visitor.walk(f"{gate.get_origin(short)}/")[-1].get_told("remote-name")
    assert (unquote(name), name.isascii()) == ("张三", short == "docs")


def test_a_web_socket_of_a_signed_in_visitor_opens(gate):
    visitor = gate.visit("zhangsan")
    with visitor.open_web_socket(f"{gate.wiki}/socket") as line:
        line.send("你好")
        assert line.recv(timeout=30) == "你好"


def test_a_web_socket_of_anyone_else_does_not(gate):
    assert gate.visit().try_web_socket(f"{gate.wiki}/socket") == 401


def test_the_pages_of_the_portal_are_on_the_applications_host(gate):
    visitor = gate.visit("zhangsan")
    page = visitor.ask(f"{gate.wiki}/_portal/{gate.name}/sign-out")
    assert page.status == 200
    form = (*FORM, ("Origin", gate.wiki), ("Sec-Fetch-Site", "same-origin"))
    done = visitor.ask(f"{gate.wiki}/_portal/{gate.name}/sign-out", form, "POST", b"")
    assert done.status == 200
    assert visitor.ask(f"{gate.wiki}/", SCRIPT).status == 401


def test_a_proxy_makes_no_problem(gate):
    """What the portal notes of a wrong configuration is shown to administrators."""
    gate.visit("zhangsan").ask(f"{gate.wiki}/", (*PAGE, ("Remote-User", "admin"), ("X-Forwarded-Host", "evil.example")))
    assert gate.site.sql("SELECT kind, detail FROM proxy_problem") == [], json.dumps(gate.title)
