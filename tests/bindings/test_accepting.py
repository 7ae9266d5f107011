"""Many suggestions followed at once: listed first; weak ones and administrators' accounts are never among them."""

import re

import pytest
from support.admin_client import strip_markup
from support.portal_app import both_databases
from support.rows import add_account, add_department, add_person, add_request, reload_row
from support.syncs import FEISHU, PROVIDERS, WECOM, run_sync, sign_in_person

from portal.database import db
from portal.models import AuditEvent, Identity

pytestmark = both_databases
ACCEPT = "/admin/bindings/accept"


pytestmark = pytest.mark.usefixtures("alice", "context")


def pair(who, own):
    return f"{who.id}:{own.id}"


def bound():
    db.session.rollback()
    return {who.user_id for who in db.session.query(Identity).filter(Identity.account_id.is_not(None))}


def test_somebody_with_a_private_address_is_never_bound_to_the_chief_with_the_others(alice):
    boss = add_account("ceo", role="admin", email="ceo@corp.example")
    own = add_account("zhang.wei", email="zw@corp.example")
    stranger = add_person("stranger", email="CEO@corp.example")
    colleague = add_person("zw", email="zw@corp.example", company_email="zw@corp.example")
    requests = {add_request(stranger): boss, add_request(colleague): own}
    queue = strip_markup(alice.get("/admin/queue").text)
    assert queue.count("same company e-mail") == 1 and "same e-mail, entered by the person" in queue
    assert "Bind to ceo" not in queue and "Bind to zhang.wei" in queue

    shown = {f"account-{request.id}": each.id for request, each in requests.items()}
    page = alice.post_form("/admin/queue/many", do="bind", request=[each.id for each in requests], **shown)
    words = strip_markup(page.text)
    assert "Bind 1 person?" in words and "zw → zhang.wei same company e-mail" in words
    assert "Administrator accounts" in words.replace("&#39;", "'") and "stranger → ceo" in words
    assert re.findall(r'name="pair" value="([^"]+)"', page.text) == [pair(colleague, own)]
    assert bound() == set()

    pairs = [pair(stranger, boss), pair(colleague, own)]
    answer = alice.post_form(ACCEPT, pair=pairs, confirm="yes", back="/admin/queue")
    said = strip_markup(alice.get(answer.location).text)
    assert answer.location == "/admin/queue" and "1 person is bound." in said and "1 person was not bound" in said
    assert bound() == {"zw"} and reload_row(stranger).account_id is None


def weak_ones():
    """Yield people and the accounts that fit them for each weak reason."""
    sales = add_department("1", "销售部")
    yield add_person("typed", email="typed@corp.example"), add_account("typed", email="typed@corp.example")
    left = add_account("left")
    add_person("old", name="李四", status=2, departments=[sales], last_account_id=left.id)
    yield add_person("new", name="李四", departments=[sales]), left
    namesake = add_account("namesake", name="张伟")
    add_person(
        "there", account=namesake, departments=[add_department("9", "销售部", provider="feishu")], provider="feishu"
    )
    yield add_person("here", name="张伟", departments=[sales]), namesake


def test_weak_reasons_are_listed_apart_and_not_carried_out(alice):
    pairs = [pair(who, own) for who, own in weak_ones()]
    page = alice.post_form(ACCEPT, pair=pairs)
    assert 'name="pair"' not in page.text
    words = strip_markup(page.text)
    assert "None of these people can be bound in bulk" in words
    for each in ("typed → typed", "李四 → left", "张伟 → namesake"):
        assert each in words.partition("Weak reasons")[2]
    before = bound()
    alice.post_form(ACCEPT, pair=pairs, confirm="yes")
    assert bound() == before
    refused = db.session.query(AuditEvent).filter_by(action="binding.make", result=40900).count()
    assert refused == len(pairs)


def test_an_account_that_has_become_an_administrators_meanwhile_stays(alice):
    own, who = add_account("own", employee_number="E1"), add_person("zw", employee_number="E1")
    assert pair(who, own) in alice.post_form(ACCEPT, pair=pair(who, own)).text
    own.role = "admin"
    db.session.commit()
    alice.post_form(ACCEPT, pair=pair(who, own), confirm="yes")
    assert reload_row(who).account_id is None


def test_only_what_is_suggested_now_is_bound(alice):
    own, other = add_account("own", employee_number="E1"), add_account("other")
    who, refused = add_person("zw", employee_number="E1"), add_person("refused", employee_number="E2")
    fits = add_account("fits", employee_number="E2")
    add_request(refused, "refused")
    taken = add_account("taken", employee_number="E3")
    add_person("holder", account=taken)
    claims = add_person("claims", employee_number="E3")
    pairs = [pair(who, other), pair(refused, fits), pair(claims, taken), "77:1", "x", ":", f"{who.id}:999999999999"]
    alice.post_form(ACCEPT, pair=pairs, confirm="yes")
    assert bound() == {"holder"}
    alice.post_form(ACCEPT, pair=pair(who, own), confirm="yes")
    assert reload_row(who).account_id == own.id and who.bound_how == "administrator"


def test_two_people_for_one_place_are_left_to_somebody_who_looks(alice):
    own = add_account("own", employee_number="E1")
    both = [add_person("one", employee_number="E1"), add_person("two", employee_number="E1")]
    feishu = add_person("three", employee_number="E1", provider="feishu")
    pairs = [pair(who, own) for who in (*both, feishu)]
    page = alice.post_form(ACCEPT, pair=pairs)
    assert re.findall(r'name="pair" value="([^"]+)"', page.text) == [pair(feishu, own)]
    alice.post_form(ACCEPT, pair=pairs, confirm="yes")
    assert bound() == {"three"}


@pytest.mark.parametrize("name", [FEISHU, WECOM])
def test_an_id_that_came_back_after_its_holder_had_left_is_looked_at_alone(alice, portal, sandbox, name):
    """WeCom lets a company give a leaver's id to somebody new."""
    sandbox.person(PROVIDERS[name], "newcomer", add=True, departments=["7"])
    sign_in_person(portal, name, "newcomer")
    sandbox.person(PROVIDERS[name], "newcomer", resign=True)
    run_sync(portal, name)
    sandbox.person(PROVIDERS[name], "newcomer", activate=True, name="另一个人")
    portal.test_client().wait(name, "newcomer")
    db.session.rollback()
    who = db.session.query(Identity).filter_by(user_id="newcomer").one()
    asked_for = f"{who.id}:{who.last_account_id}"
    queue = strip_markup(alice.get("/admin/queue").text)
    assert "had this account before and left in between" in queue and "Bind to newcomer" not in queue
    assert 'name="pair"' not in alice.post_form(ACCEPT, pair=asked_for).text
    alice.post_form(ACCEPT, pair=asked_for, confirm="yes")
    assert "newcomer" not in bound()
    alice.post_form("/admin/bindings/bind", identity=who.id, account=who.last_account_id)
    assert "newcomer" in bound() and reload_row(who).bound_how == "administrator"


def test_somebody_an_administrator_has_unbound_is_bound_again_with_others(alice):
    own = add_account("own")
    who = add_person("zw", account=own)
    alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=own.id)
    alice.post_form(ACCEPT, pair=pair(who, own), confirm="yes")
    assert bound() == {"zw"}


def test_a_long_list_stays_small_and_its_number_is_typed(alice):
    pairs = []
    for number in range(300):
        own = add_account(f"account.number.{number}", employee_number=f"E{number}")
        pairs.append(pair(add_person(f"p{number}", name=f"王小{number}", employee_number=f"E{number}"), own))
    page = alice.post_form(ACCEPT, pair=pairs)
    assert page.text.count('name="pair"') == 300 and len(page.data) < 100_000
    assert alice.post_form(ACCEPT, pair=pairs[:21], confirm="yes", count="20").status_code == 422
    assert bound() == set()
    assert alice.post_form(ACCEPT, pair=pairs[:21], confirm="yes", count="21").status_code == 303
    assert len(bound()) == 21
    assert alice.post_form(ACCEPT, pair=pairs, confirm="yes", count="").status_code == 422
    assert alice.post_form(ACCEPT, pair=pairs[:42], confirm="yes").status_code == 303  # a script sends no number
    assert len(bound()) == 42
    too_many = [f"{number}:1" for number in range(1, 502)]
    assert "Select at most 500" in alice.get(alice.post_form(ACCEPT, pair=too_many, confirm="yes").location).text
