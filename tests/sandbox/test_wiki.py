"""The pretend wiki gets the requests that the portal allows, and no others."""

import os
import subprocess
import sys

import pytest
import requests
from support.local_sites import serve_site
from support.portal_app import ROOT
from werkzeug.wrappers import Request, Response

from sandbox.gate import Gate
from sandbox.wiki import create_app

TOLD = {"Remote-User": "zhangsan", "Remote-Name": "张三".encode().decode("latin-1"), "Remote-Groups": "research"}


class Portal:
    """A portal's side of the contract: who has the cookie may enter."""

    def __init__(self):
        self.asked = []

    def __call__(self, environ, start_response):
        request = Request(environ)
        self.asked.append((request.method, environ["REQUEST_URI"], dict(request.headers), request.get_data()))
        return self.answer(request)(environ, start_response)

    def answer(self, request):
        if request.path != "/_portal/wiki/forward-auth":
            return Response("the portal's page", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        if request.cookies.get("portal_wiki") == "open":
            return Response(headers=TOLD)
        return Response("sign in", 303, {"Location": "http://wiki.test/_portal/wiki/start?to=/"})


@pytest.fixture
def portal():
    return Portal()


@pytest.fixture
def wiki(portal):
    """The wiki behind its proxy."""
    with serve_site(portal) as address, serve_site(Gate(create_app(), "wiki", address)) as wiki:
        yield wiki


def ask(method, url, **how):
    return requests.request(method, url, allow_redirects=False, timeout=10, **how)


def test_without_a_sign_in_the_portals_answer_is_the_browsers(wiki):
    answer = ask("GET", f"{wiki}/notes")
    assert (answer.status_code, answer.text) == (303, "sign in")
    assert answer.headers["Location"] == "http://wiki.test/_portal/wiki/start?to=/"
    assert ask("POST", f"{wiki}/notes", data={"text": "unseen"}).status_code == 303
    assert "unseen" not in ask("GET", f"{wiki}/notes", cookies={"portal_wiki": "open"}).text


def test_a_check_says_what_is_asked_for_and_hands_no_made_up_header_on(wiki, portal):
    forged = {"Remote-User": "admin", "X-Forwarded-Host": "evil.test", "X-Forwarded-For": "1.2.3.4"}
    ask("PUT", f"{wiki}/a%2Fb?c=1", headers={**forged, "Sec-Fetch-Mode": "navigate"}, data="body")
    [(method, address, headers, body)] = portal.asked
    assert (method, address, body) == ("GET", "/_portal/wiki/forward-auth", b"")
    host = wiki.removeprefix("http://")
    asked = {"Method": "PUT", "Proto": "http", "Host": host, "Uri": "/a%2Fb?c=1"}
    assert {name: headers.get(f"X-Forwarded-{name}") for name in asked} == asked
    assert headers["Sec-Fetch-Mode"] == "navigate"
    assert not {"Remote-User", "X-Forwarded-For"} & headers.keys()


def test_the_wiki_shows_what_the_portal_tells_and_nothing_made_up(wiki):
    forged = {"Remote-User": "admin", "Remote_User": "admin", "Remote-Email": "made@up.test", "Remote-Subject": "x9"}
    page = ask("GET", f"{wiki}/", cookies={"portal_wiki": "open"}, headers=forged).text
    assert "zhangsan" in page and "张三" in page and "research" in page
    assert not [value for value in forged.values() if f"<bdi>{value}</bdi>" in page]


def test_a_note_carries_the_name_that_the_portal_tells(wiki):
    answer = ask("POST", f"{wiki}/notes", data={"text": "<b>你好"}, cookies={"portal_wiki": "open"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/notes")
    page = ask("GET", f"{wiki}/notes", cookies={"portal_wiki": "open"}).text
    assert "张三" in page and "&lt;b&gt;你好" in page


def test_the_portals_pages_are_passed_on_with_host_body_and_cookies(wiki, portal):
    answer = ask("POST", f"{wiki}/_portal/wiki/sign-out?x=%20", data={"a": "b"}, cookies={"portal_wiki": "open"})
    assert answer.text == "the portal's page"
    assert answer.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    [(method, address, headers, body)] = portal.asked
    assert (method, address, body) == ("POST", "/_portal/wiki/sign-out?x=%20", b"a=b")
    assert headers["Host"] == headers["X-Forwarded-Host"] == wiki.removeprefix("http://")
    assert headers["Cookie"] == "portal_wiki=open"


@pytest.mark.parametrize("path", ["/", "/notes", "/pages/first-day", "/_portal/wiki/sign-out"])
def test_without_the_portal_nothing_passes(path):
    with serve_site(Portal()) as gone:
        pass
    with serve_site(Gate(create_app(), "wiki", gone)) as wiki:
        answer = ask("GET", wiki + path, cookies={"portal_wiki": "open"})
    assert answer.status_code == 503
    assert "The portal does not answer" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/../", "/start", "/%5fportal/wiki/start", "/static/sandbox.css"],
)
def test_every_other_path_is_asked_about(wiki, portal, path):
    with requests.Session() as http:
        request = requests.Request("GET", wiki).prepare()
        request.url = wiki + path  # as it is, with its dots
        assert http.send(request, allow_redirects=False, timeout=10).status_code == 303
    assert [address for _, address, _, _ in portal.asked] == ["/_portal/wiki/forward-auth"]


@pytest.mark.parametrize("path", ["wiki/forward-auth", "wiki/forward-auth?x", "wiki/start/", "other/start", ""])
def test_nothing_else_of_the_portal_is_reached(wiki, portal, path):
    answer = ask("GET", f"{wiki}/_portal/{path}", cookies={"portal_wiki": "open"})
    assert (answer.status_code, portal.asked) == (404, [])


def test_every_page_is_there_and_has_a_strict_policy(wiki):
    for path in ("/", "/notes", "/pages/first-day", "/pages/meeting-rooms"):
        answer = ask("GET", wiki + path, cookies={"portal_wiki": "open"})
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ask("GET", f"{wiki}/pages/none", cookies={"portal_wiki": "open"}).status_code == 404
    assert ask("GET", f"{wiki}/favicon.ico", cookies={"portal_wiki": "open"}).status_code == 200


def test_in_production_it_does_not_start():
    environ = {**os.environ, "PORTAL_ENV": "production"}
    command = [sys.executable, "-m", "sandbox.wiki", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "PORTAL_ENV is production" in done.stderr
