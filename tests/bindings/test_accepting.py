"""Many suggestions accepted at once: listed first, weak ones and administrators' accounts apart and unticked."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import update
from support.admin_client import read_form, strip_markup
from support.portal_app import both_databases
from support.rows import add_account, add_department, add_person, add_request, open_admin_browser, reload_row
from support.sql import count_statements
from support.syncs import FEISHU, PROVIDERS, WECOM, run_sync, sign_in_person

from portal.bindings import bulk_accept
from portal.clocks import now
from portal.database import db
from portal.models import AuditEvent, Identity, LoginSession

pytestmark = [both_databases, pytest.mark.usefixtures("alice", "context")]
ACCEPT = "/admin/bindings/accept"
FORM = f'action="{ACCEPT}"'


def pair(who, own):
    return f"{who.id}:{own.id}"


def bound():
    db.session.rollback()
    return {who.user_id for who in db.session.query(Identity).filter(Identity.account_id.is_not(None))}


def listed(page):
    """Return the pairs of the list, each with whether it is ticked."""
    boxes = re.findall(r'name="pair" value="([^"]+)"( checked)?', page.text)
    return {value: bool(ticked) for value, ticked in boxes}


def confirm(alice, page, **fields):
    """Press the button of the list."""
    return alice.post_form(ACCEPT, **{**read_form(page.text, FORM), **fields})


def add_crowd(number, start=0):
    """Store people with an account of the same employee number.

    Return their pairs.
    """
    pairs = []
    for each in range(start, start + number):
        own = add_account(f"account.number.{each}", employee_number=f"E{each}")
        pairs.append(pair(add_person(f"p{each}", name=f"王小{each}", employee_number=f"E{each}"), own))
    return pairs


def add_boss_and_stranger():
    """Store an administrator's account, and a person with its private address."""
    return add_account("ceo", role="admin", email="ceo@corp.example"), add_person("stranger", email="CEO@corp.example")


def test_strong_ones_are_ticked_and_an_administrators_account_is_not(alice):
    boss, stranger = add_boss_and_stranger()
    own = add_account("zhang.wei", email="zw@corp.example")
    colleague = add_person("zw", email="zw@corp.example", company_email="zw@corp.example")
    requests = [add_request(stranger), add_request(colleague)]
    queue = strip_markup(alice.get("/admin/queue").text)
    assert queue.count("same company e-mail") == 1 and "same e-mail, entered by the person" in queue
    assert "Bind stranger" not in queue and "Bind zw" in queue

    page = alice.post_form("/admin/queue/many", do="bind", request=[each.id for each in requests])
    words = strip_markup(page.text)
    assert "Bind 1 person?" in words and "zw → zhang.wei same company e-mail" in words
    assert "has the rights of an administrator" in words and "stranger → ceo" in words
    assert listed(page) == {pair(colleague, own): True, pair(stranger, boss): False}
    assert bound() == set()

    answer = confirm(alice, page)
    assert answer.location == "/admin/queue" and "1 person is bound." in strip_markup(alice.get(answer.location).text)
    assert bound() == {"zw"} and reload_row(stranger).account_id is None


def test_one_that_is_ticked_apart_is_bound_too(alice):
    boss, stranger = add_boss_and_stranger()
    [(typed, own), *_others] = weak_ones()
    page = alice.post_form(ACCEPT, pair=[pair(stranger, boss), pair(typed, own)])
    assert listed(page) == {pair(stranger, boss): False, pair(typed, own): False}
    confirm(alice, page, pair=[pair(stranger, boss), pair(typed, own)])
    assert {"stranger", "typed"} <= bound()


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


def test_weak_reasons_are_listed_apart(alice):
    pairs = [pair(who, own) for who, own in weak_ones()]
    page = alice.post_form(ACCEPT, pair=pairs)
    assert listed(page) == dict.fromkeys(pairs, False)
    words = strip_markup(page.text)
    assert "Decide on each of these people" in words
    for each in ("typed → typed", "李四 → left", "张伟 → namesake"):
        assert each in words.partition("Weak reasons")[2]
    before = bound()
    answer = confirm(alice, page)
    assert answer.status_code == 422 and "Select at least one person." in answer.text
    assert listed(answer) == dict.fromkeys(pairs, False)
    assert bound() == before


def become_administrator(own, who):
    own.role = "admin"


def become_weak(own, who):
    who.employee_number, who.email, own.email = "", "zw@corp.example", "zw@corp.example"


@pytest.mark.parametrize("change", [become_administrator, become_weak])
def test_a_pair_that_has_become_another_since_it_was_listed_stays(alice, change):
    own, who = add_account("own", employee_number="E1"), add_person("zw", name="张伟", employee_number="E1")
    page = alice.post_form(ACCEPT, pair=pair(who, own))
    assert listed(page) == {pair(who, own): True}
    change(own, who)
    db.session.commit()
    again = alice.get(confirm(alice, page).location)
    words = strip_markup(again.text)
    assert "1 person was not bound, because something has changed in the meantime: " in words and "张伟 → own" in words
    assert listed(again) == {pair(who, own): False} and reload_row(who).account_id is None
    refused = db.session.query(AuditEvent).filter_by(action="binding.make", result=40900)
    assert [(event.identity_id, event.account_id) for event in refused] == [(who.id, own.id)]
    confirm(alice, again, pair=pair(who, own))
    assert bound() == {"zw"}


def test_only_what_is_suggested_now_is_bound_and_the_others_are_named(alice):
    own, other = add_account("own", employee_number="E1"), add_account("other")
    who, refused = add_person("zw", employee_number="E1"), add_person("refused", name="李娜", employee_number="E2")
    fits = add_account("fits", employee_number="E2")
    add_request(refused, "refused")
    taken = add_account("taken", employee_number="E3")
    add_person("holder", account=taken)
    claims = add_person("claims", name="赵敏", employee_number="E3")
    pairs = [pair(who, other), pair(refused, fits), pair(claims, taken), "77:1", "x", ":", f"{who.id + 90}:99999999999"]
    answer = alice.post_form(ACCEPT, pair=pairs, confirm="yes")
    assert bound() == {"holder"}
    page = alice.get(answer.location)
    words = strip_markup(page.text)
    assert "zw → own" in words and "李娜 refused" in words and "赵敏 conflict" in words
    assert listed(page) == {pair(who, own): True}
    confirm(alice, page)
    assert reload_row(who).account_id == own.id and who.bound_how == "administrator"


def test_what_another_administrator_did_meanwhile_is_named(alice, portal):
    pairs = add_crowd(3)
    page = alice.post_form(ACCEPT, pair=pairs)
    other = open_admin_browser(portal, "wang.fang")
    identity, account = pairs[1].split(":")
    other.post_form("/admin/bindings/bind", identity=identity, account=account)
    answer = alice.get(confirm(alice, page).location)
    words = strip_markup(answer.text)
    assert "2 people are bound." in words and "1 person was not bound" in words
    assert "王小1 bound · account.number.1" in words and bound() == {"p0", "p1", "p2"}


def test_two_people_for_one_place_are_left_to_one_who_looks(alice):
    own = add_account("own", employee_number="E1")
    both = [add_person("one", employee_number="E1"), add_person("two", employee_number="E1")]
    feishu = add_person("three", employee_number="E1", provider="feishu")
    pairs = [pair(who, own) for who in (*both, feishu)]
    page = alice.post_form(ACCEPT, pair=pairs)
    assert listed(page) == {pair(feishu, own): True}
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
    assert "had this account before and left in between" in queue and "Bind 另一个人" not in queue
    page = alice.post_form(ACCEPT, pair=asked_for)
    assert listed(page) == {asked_for: False}
    confirm(alice, page)
    assert "newcomer" not in bound()
    alice.post_form("/admin/bindings/bind", identity=who.id, account=who.last_account_id)
    assert "newcomer" in bound() and reload_row(who).bound_how == "administrator"


def test_somebody_an_administrator_has_unbound_is_bound_again_with_others(alice):
    own = add_account("own")
    who = add_person("zw", account=own)
    alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=own.id)
    alice.post_form(ACCEPT, pair=pair(who, own), confirm="yes")
    assert bound() == {"zw"}


def test_a_list_of_300_stays_small_and_costs_few_statements(alice):
    pairs = add_crowd(300)
    with count_statements(db.engine) as statements:
        page = alice.post_form(ACCEPT, pair=pairs)
    assert listed(page) == dict.fromkeys(pairs, True) and len(page.data) < 100_000
    assert len(statements) < 15
    assert confirm(alice, page, count="300").status_code == 303
    assert len(bound()) == 300


def test_a_list_of_300_weak_ones_stays_small(alice):
    pairs = []
    for each in range(300):
        own = add_account(f"account.number.{each}", email=f"p{each}@corp.example")
        pairs.append(pair(add_person(f"p{each}", name=f"王小{each}", email=f"p{each}@corp.example"), own))
    page = alice.post_form(ACCEPT, pair=pairs)
    assert listed(page) == dict.fromkeys(pairs, False) and len(page.data) < 100_000


@pytest.mark.parametrize("count", ["20", "22", "x", "", None])
def test_over_twenty_without_the_number_nothing_is_bound_and_nothing_lost(alice, count):
    pairs, [(typed, own), *_others] = add_crowd(22), weak_ones()
    before, ticked = bound(), [*pairs[:20], pair(typed, own)]
    page = alice.post_form(ACCEPT, pair=[*pairs, pair(typed, own)], back="/admin/bindings?q=p")
    wrong = confirm(alice, page, pair=ticked, **({} if count is None else {"count": count}))
    assert wrong.status_code == 422 and "The number does not match." in wrong.text
    assert "Type the number of people to confirm: 21" in wrong.text
    assert bound() == before
    assert listed(wrong) == {**dict.fromkeys(ticked, True), **dict.fromkeys(pairs[20:], False)}
    answer = confirm(alice, wrong, count="21")
    assert answer.location == "/admin/bindings?q=p" and len(bound() - before) == 21


def test_up_to_twenty_no_number_is_sent(alice):
    assert alice.post_form(ACCEPT, pair=add_crowd(20), confirm="yes").status_code == 303
    assert len(bound()) == 20


def test_more_than_500_are_too_many(alice):
    too_many = [f"{number}:1" for number in range(1, 502)]
    answer = alice.post_form(ACCEPT, pair=too_many, confirm="yes", count="501", back="/admin/bindings?status=suggested")
    assert answer.location == "/admin/bindings?status=suggested"
    assert "Select at most 500 people at once." in alice.get(answer.location).text


class TestAllThatMatch:
    @pytest.fixture
    def company(self):
        """Store people of two departments.

        One waits, one is bound, and one has no suggestion.
        """
        sales = add_department("1", "销售部")
        pairs = {}
        for number, seats in ((1, [sales]), (2, []), (3, [sales])):
            own = add_account(f"a{number}", employee_number=f"E{number}")
            pairs[number] = pair(add_person(f"p{number}", employee_number=f"E{number}", departments=seats), own)
        boss, stranger = add_boss_and_stranger()
        pairs["stranger"] = pair(stranger, boss)
        add_person("nobody", departments=[sales])
        add_person("has", account=add_account("has"), departments=[sales])
        return sales, pairs

    @pytest.mark.parametrize("method", ["get", "post_form"])
    def test_the_filters_of_the_address_choose_them(self, alice, company, method):
        sales, pairs = company
        everybody = getattr(alice, method)(f"{ACCEPT}?all=yes")
        assert listed(everybody) == {pairs[1]: True, pairs[2]: True, pairs[3]: True, pairs["stranger"]: False}
        page = getattr(alice, method)(f"{ACCEPT}?all=yes&status=suggested&department={sales.id}")
        assert listed(page) == {pairs[1]: True, pairs[3]: True}
        confirm(alice, page)
        assert bound() == {"has", "p1", "p3"}

    def test_a_confirmation_is_never_for_all_that_match(self, alice, company):
        assert alice.post_form(f"{ACCEPT}?all=yes", confirm="yes").status_code == 200
        assert bound() == {"has"}

    def test_people_ticked_in_the_table_are_listed_with_what_is_suggested_now(self, alice, company):
        _sales, pairs = company
        person = [f"{pairs[key].partition(':')[0]}-" for key in (1, "stranger")]
        page = alice.post_form(ACCEPT, person=person)
        assert listed(page) == {pairs[1]: True, pairs["stranger"]: False}
        alice.post_form(ACCEPT, person=person, confirm="yes")
        assert bound() == {"has"}

    def test_more_than_500_come_in_parts(self, alice, monkeypatch):
        monkeypatch.setattr(bulk_accept, "MOST_PAIRS", 2)
        pairs = add_crowd(3)
        page = alice.get(f"{ACCEPT}?all=yes")
        assert listed(page) == dict.fromkeys(pairs[:2], True)
        assert "The first 2 suggestions are listed." in page.text

    def test_where_nothing_matches_it_says_so(self, alice):
        add_person("nobody")
        answer = alice.get(f"{ACCEPT}?all=yes&back=/admin/bindings")
        assert "There is no clear suggestion to accept." in alice.get(answer.location).text


def test_the_list_comes_back_after_the_scan_that_confirms(alice):
    """Weak ones are to be ticked again: an address must not tick them."""
    [(typed, own), *_others] = weak_ones()
    pairs = [*add_crowd(3), pair(typed, own)]
    page = alice.post_form(ACCEPT, pair=pairs, back="/admin/bindings?status=suggested")
    db.session.rollback()
    db.session.execute(update(LoginSession).values(signed_in_at=now() - timedelta(minutes=11)))
    db.session.commit()
    before = bound()
    answer = confirm(alice, page, pair=pairs)
    assert answer.status_code == 403 and "Confirm that it is you" in answer.text and bound() == before
    [address] = {unescape(link) for link in re.findall(r'href="([^"]*/accept[^"]*)"', answer.text)}
    again = alice.get(address)
    assert listed(again) == {**dict.fromkeys(pairs[:3], True), pairs[3]: False}
    assert 'name="back" value="/admin/bindings?status=suggested"' in again.text


@pytest.mark.parametrize("people", ["", "x", "-", "0", "-5", "ffffffffff", "1-0-" * 900, "%00"])
def test_an_address_that_makes_no_sense_lists_no_person(alice, people):
    assert alice.get(f"{ACCEPT}?people={people}").status_code in (200, 303)
