"""The members of a group, as the rules say and as access finds them."""

import random
from collections import Counter

import pytest
from support.portal_app import both_databases
from support.rows import add_account, add_department, add_person, reload_row

from portal.applications import access, members
from portal.applications.members import Rules
from portal.database import db
from portal.models import ACTIVE, FROZEN, LEFT, NOT_ACTIVATED, Account, Department, Group, GroupMember, Identity
from portal.models import Membership as Seat

pytestmark = [both_databases, pytest.mark.usefixtures("context")]

DEPARTMENTS, PEOPLE, GROUPS, SEEDS = 25, 40, 12, 6


@pytest.fixture
def tree():
    """Sales with East below it, Shanghai below that, and a person in each."""
    sales = add_department("d1", "Sales")
    east = add_department("d2", "East", parent="d1")
    shanghai = add_department("d3", "Shanghai", parent="d2")
    for department in (sales, east, shanghai):
        add_person(department.name, account=add_account(department.name.lower()), departments=[department])
    return {"sales": sales.id, "east": east.id, "shanghai": shanghai.id}


def list_names(rules, words="", number=1):
    return [member.account.username for member in members.list_members(rules, words, number).rows]


def describe_reasons(rules, username):
    [member] = members.list_members(rules, username, 1).rows
    return [
        (reason.kind, *(place.name for place in (reason.department, reason.seat) if place)) for reason in member.reasons
    ]


def test_a_department_alone_or_with_those_below(tree):
    assert list_names(Rules({tree["sales"]: False})) == ["sales"]
    assert list_names(Rules({tree["sales"]: True})) == ["east", "sales", "shanghai"]
    assert list_names(Rules({tree["east"]: True})) == ["east", "shanghai"]


def test_a_person_in_a_department_below_has_both_named(tree):
    rules = Rules({tree["sales"]: True, tree["shanghai"]: False})
    assert describe_reasons(rules, "shanghai") == [("department", "Shanghai"), ("below", "Sales", "Shanghai")]
    assert describe_reasons(rules, "sales") == [("department", "Sales")]


def test_every_reason_is_given(tree):
    boss = add_account("boss", role="admin")
    add_person("boss", account=boss, departments=[db.session.get(Department, tree["east"])])
    rules = Rules({tree["sales"]: True}, frozenset({"admin"}), frozenset({boss.id}), everybody=True)
    expected = [("account",), ("role",), ("below", "Sales", "East"), ("everybody",)]
    assert describe_reasons(rules, "boss") == expected


@pytest.mark.parametrize(("status", "is_in"), [(ACTIVE, True), (NOT_ACTIVATED, True), (FROZEN, False), (LEFT, False)])
def test_only_people_who_may_sign_in_count(tree, status, is_in):
    east = db.session.get(Department, tree["east"])
    add_person("extra", account=add_account("extra"), departments=[east], status=status)
    assert ("extra" in list_names(Rules({tree["sales"]: True}))) == is_in


def test_disabled_accounts_are_no_members(tree):
    off = add_account("off", active=False, role="admin")
    add_person("off", account=off, departments=[db.session.get(Department, tree["east"])])
    rules = Rules({tree["sales"]: True}, frozenset({"admin"}), frozenset({off.id}))
    assert "off" not in list_names(rules)
    assert "off" not in list_names(Rules({}, everybody=True))


def test_another_company_has_departments_of_its_own(tree):
    other = add_department("d2", "Elsewhere", parent="d1", provider="feishu")
    add_person("far", account=add_account("far"), departments=[other], provider="feishu")
    assert "far" not in list_names(Rules({tree["sales"]: True}))


def test_a_circle_has_an_end(tree):
    reload_row(db.session.get(Department, tree["sales"])).parent_id = "d3"
    db.session.commit()
    assert list_names(Rules({tree["east"]: True})) == ["east", "sales", "shanghai"]


def test_no_rule_is_no_member(tree):
    assert members.count_present_members(Rules({})) == 0


def test_pages_counts_and_search():
    db.session.add_all(Account(username=f"u{number:03}", name=f"name {number}") for number in range(120))
    db.session.commit()
    everybody = Rules({}, everybody=True)
    assert members.count_present_members(everybody) == 120
    assert len(list_names(everybody, number=2)) == 50
    assert list_names(everybody, number=99)[-1] == "u119"
    page = members.list_members(everybody, "name 11", 1)
    assert [member.account.username for member in page.rows] == ["u011", *(f"u{number}" for number in range(110, 120))]
    assert page.total == 11


def test_counts_follow_every_change(tree):
    group = Group(name="dev", title="Dev", members=[make_rule("department", tree["sales"], below=True)])
    db.session.add(group)
    db.session.commit()
    assert members.count_groups([group]) == {group.id: 3}
    add_person("new", account=add_account("new"), departments=[db.session.get(Department, tree["east"])])
    assert members.count_groups([group]) == {group.id: 4}
    assert members.count_groups([group]) == {group.id: 4}
    group.members.append(make_rule("everybody"))
    db.session.commit()
    add_account("guest")
    assert members.count_groups([group]) == {group.id: 5}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_it_agrees_with_access(seed):
    """Both ask the same question, from either end.

    A disabled account has no session, so `access` is never asked about one.
    """
    groups = fill_directory(random.Random(seed))
    expected = Counter()
    for account in db.session.query(Account).filter(Account.active):
        expected.update((name, account.username) for _id, name, _title in access.find_groups(account.id))
    found = Counter()
    for group in groups:
        rules = members.read_rules(group.members)
        page = members.list_members(rules, "", 1)
        assert page.total == members.count_present_members(rules) == len(page.rows)
        assert all(member.reasons for member in page.rows)
        found.update((group.name, member.account.username) for member in page.rows)
    assert found == expected
    assert found


def fill_directory(chance):
    """Store a directory of two companies at random, and groups."""
    departments = []
    for number in range(DEPARTMENTS):
        provider = chance.choice(["wecom", "feishu"])
        parent = chance.choice(["", *(f"d{other}" for other in range(number + 2))])  # of any company, or a circle
        departments.append(add_row(Department, provider=provider, tenant="t", dept_id=f"d{number}", parent_id=parent))
    accounts = [
        add_row(
            Account, username=f"u{number}", role=chance.choice(["user"] * 4 + ["admin"]), active=chance.random() < 0.8
        )
        for number in range(PEOPLE // 2)
    ]
    taken = set()
    for number in range(PEOPLE):
        provider, account = chance.choice(["wecom", "feishu"]), chance.choice([None, *accounts])
        account = None if account is None or (account.id, provider) in taken else account
        taken |= {(account.id, provider)} if account else set()
        status = chance.choice([ACTIVE] * 4 + [LEFT, FROZEN, NOT_ACTIVATED])
        keys = {"provider": provider, "tenant": "t", "subject": f"s{number}", "user_id": f"p{number}"}
        person = add_row(Identity, **keys, status=status, account_id=account.id if account else None)
        own = [department for department in departments if department.provider == provider]
        for department in chance.sample(own, min(len(own), chance.randrange(4))):
            add_row(Seat, department_id=department.id, identity_id=person.id)
    rules = [("everybody", "", False), ("role", "admin", False), ("role", "user", False)]
    rules += [("account", account.id, False) for account in accounts]
    rules += [("department", department.id, below) for department in departments for below in (False, True)]
    groups = []
    for number in range(GROUPS):
        chosen = {rule[:2]: rule for rule in chance.sample(rules[3:], chance.randrange(6))}
        chosen |= {rule[:2]: rule for rule in rules[:3] if chance.random() < 0.1}
        groups.append(Group(name=f"g{number}", title="", members=[make_rule(*rule) for rule in chosen.values()]))
    db.session.add_all(groups)
    db.session.commit()
    return groups


def add_row(model, **values):
    row = model(**values)
    db.session.add(row)
    db.session.flush()
    return row


def make_rule(kind, value="", below=False):
    return GroupMember(kind=kind, value=str(value), below=below)
