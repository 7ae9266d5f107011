"""An own Type works, and a broken one is isolated."""

import pytest
from support.portal_app import parse_query, read_problem

from portal.database import db
from portal.elements import FSInnerType, Meta, QywxInnerType
from portal.models import FSInnerAuthModel, Identity, QywxInnerAuthModel

FULL = "auths.loginTypes."


def test_the_official_types_have_common_bases(portal):
    feishu = portal.getElement(FULL + "FSInnerExample")
    assert isinstance(feishu, FSInnerType)
    assert issubclass(FSInnerType, Meta)
    assert portal.getElement(FULL + "FSInnerType") is FSInnerType
    assert portal.getElement(FULL + "QywxInnerType") is QywxInnerType
    assert portal.getElement(FULL + "Meta") is Meta
    assert feishu.FSInnerAuthModel is FSInnerAuthModel
    assert portal.getElement(FULL + "QywxInnerExample").QywxInnerAuthModel is QywxInnerAuthModel


def test_an_own_type_changes_what_the_official_one_returns(elements, make_portal):
    elements.add_type(
        "Shouting",
        """
from portal.elements import FSInnerType

class Shouting(FSInnerType):
    def getLoginConfig(self, **kwargs):
        return {**super().getLoginConfig(**kwargs), "hello": "world"}

    def getLoginCode(self, authCode, state=None):
        person = super().getLoginCode(authCode, state)
        return {**person, "name": person["name"] + "!", "position": "boss"}
""",
        base="FSInnerType",
    )
    elements.feishu("Loud", type="Shouting")
    portal = make_portal()
    client = portal.test_client()
    assert client.sign_in("Loud").status_code == 303
    assert client.session().json["identity"]["name"] == "张三!"
    assert portal.getElement(FULL + "Loud").getLoginConfig()["hello"] == "world"
    with portal.app_context():
        assert db.session.query(Identity).one().position == "boss"


def test_an_own_type_cannot_lose_the_states_check(elements, make_portal, sandbox):
    elements.add_type(
        "Careless",
        """
from portal.elements import FSInnerType

class Careless(FSInnerType):
    def getLoginCode(self, authCode, state=None):
        return super().getLoginCode(authCode)
""",
        base="FSInnerType",
    )
    elements.feishu("Loose", type="Careless")
    portal = make_portal()
    client = portal.test_client()
    assert portal.test_client().get(client.scan("Loose")).status_code == 400
    query = parse_query(client.scan("FSInnerExample"))
    assert client.get("/login/Loose/callback", query_string=query).status_code == 400
    assert client.session().status_code == 401


def test_a_folder_named_like_an_official_type_replaces_it_everywhere(elements, make_portal):
    elements.add_type(
        "FSInnerType",
        """
from portal.elements import FSInnerType as Official

class FSInnerType(Official):
    def getLoginCode(self, authCode, state=None):
        return {**super().getLoginCode(authCode, state), "name": "overridden"}
""",
        base="FSInnerType",
    )
    portal = make_portal()
    client = portal.test_client()
    client.sign_in()
    assert client.session().json["identity"]["name"] == "overridden"
    replaced = portal.getElement(FULL + "FSInnerType")
    assert replaced is not FSInnerType
    assert issubclass(replaced, FSInnerType)


def test_a_type_can_be_built_on_meta_alone(elements, make_portal, base):
    elements.add_type(
        "Badge",
        """
from portal.elements import Meta, Person
from .door import opened_by

class Badge(Meta):
    provider = "badge"

    def configure(self):
        self.gate = self.text("gate")

    def authorize_url(self, kind, state):
        return f"{self.gate}/?state={state}"

    def getLoginCode(self, authCode, state=None):
        return Person(provider="badge", tenant="hq", subject=opened_by(authCode), userId=authCode, name="Bo Badge")
""",
    )
    (elements.folder / "Badge" / "door.py").write_text("def opened_by(code):\n    return code.casefold()\n")
    elements.add("FrontDoor", "Badge", {"gate": "https://gate.example"}, title="Front door")
    portal = make_portal()
    client = portal.test_client()
    assert "Sign in with Front door" in client.get("/login?via=FrontDoor").text
    address = client.start("FrontDoor")
    assert address.startswith("https://gate.example/?state=")
    state = parse_query(address)["state"]
    assert client.get(f"/login/FrontDoor/callback?code=Bo7&state={state}").status_code == 303
    assert client.session().json["identity"] == {"element": "FrontDoor", "userId": "Bo7", "name": "Bo Badge"}
    with portal.app_context():
        row = db.session.query(Identity).one()
        assert (row.provider, row.tenant, row.subject, type(row)) == ("badge", "hq", "bo7", Identity)


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("1/0", "can't be imported: ZeroDivisionError"),
        ("syntax error", "can't be imported: SyntaxError"),
        ("x = 1", "must export a class Bad"),
        ("Bad = 5", "must export a class Bad"),
        ("class Bad: pass", "must export a class Bad"),
    ],
)
def test_a_broken_type_breaks_its_instances_alone(elements, make_portal, code, where):
    elements.add_type("Bad", code)
    elements.feishu("OfBad", type="Bad")
    portal = make_portal()
    for name in ("Bad", "OfBad"):
        problem = read_problem(portal, name)
        assert problem.code == 47001
        assert "auths/loginTypes/Bad/__init__.py" in problem.reason
        assert where in problem.reason
    assert portal.test_client().sign_in().status_code == 303


def test_a_type_that_fails_at_its_start_breaks_its_instances_alone(elements, make_portal):
    elements.add_type(
        "Bad",
        "from portal.elements import Meta\nclass Bad(Meta):\n    def configure(self):\n        raise KeyError('x')",
    )
    elements.feishu("OfBad", type="Bad")
    portal = make_portal()
    assert read_problem(portal, "OfBad").reason == "element OfBad fails at its start: KeyError"
    assert portal.test_client().sign_in().status_code == 303


@pytest.mark.parametrize(
    "method",
    [
        "def page_sources(self, page): raise RuntimeError",
        "def page_sources(self, page): return None",
        "def page_sources(self, page): return {'script-src': [5]}",
        "def root_files(self): return {'a.txt': 5}",
        "def is_client(self, agent): raise RuntimeError",
        "def qr(self): raise RuntimeError",
        "def panel(self): raise RuntimeError",
        "def configure(self): super().configure(); self.redirectUri = 5",
        "def configure(self): super().configure(); self.title = None",
    ],
)
def test_a_type_whose_pages_fail_breaks_its_instances_alone(elements, make_portal, method):
    elements.add_type("Bad", f"from portal.elements import FSInnerType\nclass Bad(FSInnerType):\n    {method}\n")
    elements.feishu("OfBad", type="Bad")
    portal = make_portal()
    assert read_problem(portal, "OfBad").code == 47001
    client = portal.test_client()
    assert client.get("/login").status_code == 200
    assert client.get("/robots.txt").status_code == 404
    assert client.sign_in().status_code == 303


@pytest.mark.parametrize("result", ["None", "[]", "{}", "5", "{'name': 5}", "{'provider': 'x', 'userId': 'y'}"])
@pytest.mark.parametrize("policy", ["create", "queue", "refuse"])
def test_a_login_without_a_person_is_a_fault_and_opens_no_session(elements, make_portal, result, policy):
    code = "from portal.elements import FSInnerType\nclass Odd(FSInnerType):\n    def getLoginCode(self, *a):\n"
    elements.add_type("Odd", f"{code}        return {result}\n")
    elements.feishu("OfOdd", type="Odd")
    client = make_portal(PORTAL_UNKNOWN_PEOPLE=policy).test_client()
    assert client.sign_in("OfOdd").status_code in (500, 503)
    assert client.session().status_code == 401


@pytest.mark.parametrize("name", ["5", "'\\ud800x'", "None"])
def test_a_person_with_an_odd_name_waits_like_any_other(elements, make_portal, name):
    code = "from portal.elements import FSInnerType\nclass Odd(FSInnerType):\n    def getLoginCode(self, *a):\n"
    elements.add_type("Odd", f"{code}        return {{**super().getLoginCode(*a), 'name': {name}}}\n")
    elements.feishu("OfOdd", type="Odd")
    answer = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client().wait("OfOdd")
    assert "Waiting for approval" in answer.text


def test_a_fault_in_an_own_login_is_a_page_without_traceback(elements, make_portal):
    elements.add_type(
        "Faulty",
        """
from portal.elements import FSInnerType

class Faulty(FSInnerType):
    def getLoginCode(self, authCode, state=None):
        raise RuntimeError("the secret is " + authCode)
""",
        base="FSInnerType",
    )
    elements.feishu("OfFaulty", type="Faulty")
    client = make_portal().test_client()
    answer = client.sign_in("OfFaulty")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
