"""Many suggestions followed at once: listed first; weak ones and administrators' accounts are never among them."""

import re

import pytest
from conftest import both_databases
from office import text_of
from staff import account, asked, department, desk, fresh, person

from portal.models import AuditEvent, Identity, db

pytestmark = both_databases
ACCEPT = "/admin/bindings/accept"


@pytest.fixture
def alice(portal):
    return desk(portal)


@pytest.fixture(autouse=True)
def context(portal, alice):
    with portal.app_context():
        yield


def pair(who, own):
    return f"{who.id}:{own.id}"


def bound():
    db.session.rollback()
    return {who.user_id for who in db.session.query(Identity).filter(Identity.account_id.is_not(None))}


def test_somebody_with_a_private_address_is_never_bound_to_the_chief_with_the_others(alice):
    boss = account("ceo", role="admin", email="ceo@corp.example")
    own = account("zhang.wei", email="zw@corp.example")
    stranger = person("stranger", email="CEO@corp.example")
    colleague = person("zw", email="zw@corp.example", company_email="zw@corp.example")
    requests = {asked(stranger): boss, asked(colleague): own}
    queue = text_of(alice.get("/admin/queue").text)
    assert queue.count("same company e-mail") == 1 and "same e-mail, typed by the person" in queue
    assert "Bind to ceo" not in queue and "Bind to zhang.wei" in queue

    shown = {f"account-{request.id}": each.id for request, each in requests.items()}
    page = alice.post_form("/admin/queue/many", do="bind", request=[each.id for each in requests], **shown)
    words = text_of(page.text)
    assert "Bind 1 person?" in words and "zw → zhang.wei same company e-mail" in words
    assert "To administrators' accounts" in words.replace("&#39;", "'") and "stranger → ceo" in words
    assert re.findall(r'name="pair" value="([^"]+)"', page.text) == [pair(colleague, own)]
    assert bound() == set()

    pairs = [pair(stranger, boss), pair(colleague, own)]
    answer = alice.post_form(ACCEPT, pair=pairs, confirm="yes", back="/admin/queue")
    said = text_of(alice.get(answer.location).text)
    assert answer.location == "/admin/queue" and "1 person is bound." in said and "1 stays" in said
    assert bound() == {"zw"} and fresh(stranger).account_id is None


def weak_ones():
    """Yield people and the accounts that fit them for each weak reason."""
    sales = department("1", "销售部")
    yield person("typed", email="typed@corp.example"), account("typed", email="typed@corp.example")
    left = account("left")
    person("old", name="李四", status=2, departments=[sales], last_account_id=left.id)
    yield person("new", name="李四", departments=[sales]), left
    namesake = account("namesake", name="张伟")
    person("there", account=namesake, departments=[department("9", "销售部", provider="feishu")], provider="feishu")
    yield person("here", name="张伟", departments=[sales]), namesake


def test_weak_reasons_are_listed_apart_and_not_carried_out(alice):
    pairs = [pair(who, own) for who, own in weak_ones()]
    page = alice.post_form(ACCEPT, pair=pairs)
    assert 'name="pair"' not in page.text
    words = text_of(page.text)
    assert "None of them can be bound like this" in words
    for each in ("typed → typed", "李四 → left", "张伟 → namesake"):
        assert each in words.partition("For a weak reason")[2]
    before = bound()
    alice.post_form(ACCEPT, pair=pairs, confirm="yes")
    assert bound() == before
    refused = db.session.query(AuditEvent).filter_by(action="binding.make", result=40900).count()
    assert refused == len(pairs)


def test_an_account_that_has_become_an_administrators_meanwhile_stays(alice):
    own, who = account("own", employee_number="E1"), person("zw", employee_number="E1")
    assert pair(who, own) in alice.post_form(ACCEPT, pair=pair(who, own)).text
    own.role = "admin"
    db.session.commit()
    alice.post_form(ACCEPT, pair=pair(who, own), confirm="yes")
    assert fresh(who).account_id is None


def test_only_what_is_suggested_now_is_bound(alice):
    own, other = account("own", employee_number="E1"), account("other")
    who, refused = person("zw", employee_number="E1"), person("refused", employee_number="E2")
    fits = account("fits", employee_number="E2")
    asked(refused, "refused")
    taken = account("taken", employee_number="E3")
    person("holder", account=taken)
    claims = person("claims", employee_number="E3")
    pairs = [pair(who, other), pair(refused, fits), pair(claims, taken), "77:1", "x", ":", f"{who.id}:999999999999"]
    alice.post_form(ACCEPT, pair=pairs, confirm="yes")
    assert bound() == {"holder"}
    alice.post_form(ACCEPT, pair=pair(who, own), confirm="yes")
    assert fresh(who).account_id == own.id and who.bound_how == "administrator"


def test_a_long_list_stays_small_and_its_number_is_typed(alice):
    pairs = []
    for number in range(300):
        own = account(f"account.number.{number}", employee_number=f"E{number}")
        pairs.append(pair(person(f"p{number}", name=f"王小{number}", employee_number=f"E{number}"), own))
    page = alice.post_form(ACCEPT, pair=pairs)
    assert page.text.count('name="pair"') == 300 and len(page.data) < 100_000
    assert alice.post_form(ACCEPT, pair=pairs[:21], confirm="yes", count="20").status_code == 422
    assert bound() == set()
    assert alice.post_form(ACCEPT, pair=pairs[:21], confirm="yes", count="21").status_code == 303
    assert len(bound()) == 21
    too_many = [f"{number}:1" for number in range(1, 502)]
    assert "At most 500" in alice.get(alice.post_form(ACCEPT, pair=too_many, confirm="yes").location).text
