"""The examples of the docs work as they are written."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import requests
from support.docs_pages import code_blocks, python_file
from support.portal_app import parse_query

ELEMENTS = "docs/elements.md"


def own_type(elements, name, declared):
    """Write the Type that the page shows under this name."""
    folder = elements.folder / name
    folder.mkdir()
    (folder / "e.json").write_text(json.dumps(declared))
    (folder / "__init__.py").write_text(python_file(ELEMENTS, f"auths/loginTypes/{name}/__init__.py"))


def described(name):
    """Return what the page writes into an element's `e.json`."""
    blocks = "\n".join(code_blocks(ELEMENTS, ""))
    return json.loads(re.search(rf"auths/loginTypes/{name}/e\.json +({{.*}})", blocks)[1])


# A Type that builds on ours


@pytest.fixture
def engineers(elements, make_portal):
    """A browser of a portal with the page's Type, and an element of it."""
    own_type(elements, "Engineers", described("Engineers"))
    assert described("EngineersBeijing")["type"] == "auths.loginTypes.Engineers"
    elements.feishu("EngineersBeijing", type="Engineers")
    return make_portal().test_client()


def test_the_type_on_ours_signs_in_an_engineer_without_the_addition(engineers, sandbox):
    sandbox.person("feishu", "bob", name="Bob Miller (Berlin)")  # a Support Engineer
    assert engineers.sign_in("EngineersBeijing", "bob").status_code == 303
    assert engineers.session().json["identity"]["name"] == "Bob Miller"


def test_the_type_on_ours_refuses_other_people(engineers):
    answer = engineers.sign_in("EngineersBeijing", "alice")  # the Head of Marketing
    assert answer.status_code == 403
    assert engineers.session().status_code == 401


# A Type directly on Meta


class OurServer(BaseHTTPRequestHandler):
    """A server that speaks OAuth 2 and knows one code."""

    def do_GET(self):
        assert self.path == "/userinfo"
        assert self.headers["Authorization"] == "Bearer a-token"
        self.answer(200, sub="u-7", name="Bo Example", email="bo@example.com")

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert self.path == "/token"
        assert len(form["code_verifier"][0]) >= 43  # RFC 7636
        if form["code"] == ["good"]:
            self.answer(200, access_token="a-token", token_type="Bearer", expires_in=300)
        else:
            self.answer(400, error="invalid_grant")

    def answer(self, status, **body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def our_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), OurServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def staff(elements, make_portal, our_server):
    """A browser of a portal with the page's Type on Meta, and an element of it."""
    own_type(elements, "OurServer", described("OurServer"))
    keys = {"server": our_server, "clientId": "portal", "clientSecret": "secret"}
    elements.add("Staff", "OurServer", keys, title="Staff")
    return make_portal().test_client()


def test_the_type_on_meta_signs_in(staff):
    query = parse_query(staff.start("Staff"))
    assert query["client_id"] == "portal"
    assert query["code_challenge_method"] == "S256"
    answer = staff.get("/login/Staff/callback", query_string={"code": "good", "state": query["state"]})
    assert answer.status_code == 303
    assert staff.session().json["identity"] == {"element": "Staff", "userId": "u-7", "name": "Bo Example"}


def test_the_type_on_meta_explains_a_refused_code(staff):
    state = parse_query(staff.start("Staff"))["state"]
    answer = staff.get("/login/Staff/callback", query_string={"code": "bad", "state": state})
    assert answer.status_code == 400
    assert "This sign-in code can" in answer.text


def test_the_type_on_meta_takes_a_state_once(staff):
    state = parse_query(staff.start("Staff"))["state"]
    arrival = {"code": "good", "state": state}
    assert staff.get("/login/Staff/callback", query_string=arrival).status_code == 303
    other = staff.application.test_client()
    assert other.get("/login/Staff/callback", query_string=arrival).status_code == 400
    assert other.session().status_code == 401


# The sandbox


def test_the_knobs_of_the_sandbox_page_work(sandbox):
    [commands] = code_blocks("docs/sandbox.md", "sh")
    calls = re.findall(r"curl -X POST http://127.0.0.1:8100(\S+) .*?-d '(.*?)'", commands, re.DOTALL)
    assert len(calls) == 2
    for path, body in calls:
        answer = requests.post(f"{sandbox.url}{path}", json=json.loads(body), timeout=10)
        assert answer.status_code == 200, answer.text
    assert requests.get(f"{sandbox.url}/open-apis/contact/v3/scopes", timeout=10).status_code == 502
