"""Who may belong together: the strongest reason first, and no suggestion ever lets anybody in."""

import pytest
from support.portal_app import both_databases
from support.rows import TENANT, account, asked, department, kept, person

from portal.bindings import people_table, suggestions
from portal.bindings.people_table import Filters
from portal.database import db
from portal.models import LEFT, BindingRequest

pytestmark = both_databases


@pytest.fixture(autouse=True)
def context(portal):
    with portal.app_context():
        yield


def suggested(who):
    return [(each.account.username, each.reasons) for each in suggestions.for_people([who])[who.id]]


def shown(who):
    """Return the status a person has on their own, in the table, and by the filter that finds them."""
    row = people_table.row(who)
    [in_table] = [each.status for each in people_table.rows(Filters()) if each.person.id == who.id]
    filtered = [
        status
        for status in people_table.STATUSES
        if who in [r.person for r in people_table.rows(Filters(status=status))]
    ]
    assert row.status == in_table
    return row.status, filtered


def test_each_reason_by_itself():
    sales = department("1", "销售部")
    market = department("9", "销售部", provider="feishu")
    account("number", employee_number="E1")
    account("mail", email="Zhang.Wei@Example.com")
    namesake = account("name", name="张伟")
    person("there", account=namesake, departments=[market], provider="feishu", name="somebody")
    old = account("old")
    cases = (
        ({"employee_number": "E1"}, ("number", ["employee_number"])),
        ({"company_email": "zhang.wei@example.com"}, ("mail", ["email"])),
        ({"email": "zhang.wei@EXAMPLE.com"}, ("mail", ["own_email"])),
        ({"name": "张伟", "departments": [sales]}, ("name", ["name_department"])),
        ({"last_account_id": old.id}, ("old", ["before"])),
    )
    for number, (fields, found) in enumerate(cases):
        who = person(f"p{number}", **fields)
        assert suggested(who) == [found]
        assert shown(who) == ("suggested", ["suggested"])


def test_what_is_not_told_is_no_reason():
    account("empty", name="", employee_number="", email="")
    sales, market = department("1", "销售部"), department("2", "市场部")
    account_of_other = account("other", name="张伟")
    person("other", account=account_of_other, departments=[market], provider="feishu")
    assert suggested(person("blank", name="", departments=[sales])) == []
    assert suggested(person("same.name.elsewhere", name="张伟", departments=[sales])) == []


def test_somebody_known_by_another_platform_is_suggested_for_the_same_account():
    mail = "zs@example.com"
    person("ou_1", account("zhangsan"), provider="feishu", employee_number="E1", email=mail, company_email=mail)
    assert suggested(person("zhangsan", employee_number="E1", email="ZS@example.com", company_email=mail)) == [
        ("zhangsan", ["employee_number", "email"])
    ]


@pytest.mark.parametrize("known", [{"email": "zs@example.com"}, {"company_email": "zs@example.com"}])
@pytest.mark.parametrize("own", [{"email": "ZS@example.com"}, {"email": "x@y.z", "company_email": "zs@example.com"}])
def test_an_address_that_one_of_two_people_may_have_typed_is_a_weak_reason(known, own):
    person("ou_1", account("zhangsan"), provider="feishu", **known)
    both_of_the_company = "company_email" in known and "company_email" in own
    assert suggested(person("zhangsan", **own)) == [("zhangsan", ["email" if both_of_the_company else "own_email"])]


def test_the_strongest_reason_is_first_and_decides():
    account("mail", email="a@example.com")
    account("number", employee_number="E1")
    old = account("old")
    who = person("zhangsan", email="a@example.com", employee_number="E1", last_account_id=old.id)
    assert [username for username, _ in suggested(who)] == ["old", "number", "mail"]
    assert not suggestions.in_conflict(suggestions.for_people([who])[who.id])
    assert shown(who) == ("suggested", ["suggested"])


def test_two_accounts_that_fit_equally_are_a_conflict():
    account("one", email="a@example.com")
    account("two", email="A@example.com")
    assert shown(person("zhangsan", email="a@example.com")) == ("conflict", ["conflict"])


def test_an_account_somebody_of_the_company_has_is_a_conflict():
    own = account("shared", employee_number="E1")
    person("first", account=own)
    waiting = person("second", employee_number="E1")
    asked(waiting)
    assert shown(waiting) == ("conflict", ["waiting", "conflict"])
    elsewhere = person("third", employee_number="E1", tenant="another")
    assert shown(elsewhere) == ("suggested", ["suggested"])


def test_disabled_accounts_and_declined_ones_are_not_suggested():
    account("gone", employee_number="E1", active=False)
    declined = account("declined", employee_number="E1")
    assert suggested(person("zhangsan", employee_number="E1", declined_account_id=declined.id)) == []


def test_the_other_statuses():
    own, other = account("own"), account("other")
    assert shown(person("bound", account=own)) == ("bound", ["bound"])
    assert shown(person("stays", account=other, status=LEFT)) == ("left_bound", ["left_bound"])
    assert shown(person("left", status=LEFT)) == ("left", ["left"])
    assert shown(person("nobody")) == ("unbound", ["unbound"])
    waiting, refused = person("waiting"), person("refused")
    asked(waiting), asked(refused, "refused")
    assert shown(waiting) == ("waiting", ["waiting"])
    assert shown(refused) == ("refused", ["refused"])


def test_the_counters_say_what_their_filters_find():
    own = account("own", employee_number="E1")
    account("free", employee_number="E2")
    person("bound", account=own)
    asked(person("conflict", employee_number="E1"))
    person("suggested", employee_number="E2")
    asked(person("refused", employee_number="E1"), "refused")
    asked(person("waiting"))
    person("left", account=account("x"), status=LEFT)
    counts = people_table.counters()
    assert counts == {"all": 6, "bound": 1, "suggested": 1, "waiting": 2, "conflict": 1, "left_bound": 1, "open": 4}
    for status in ("bound", "suggested", "waiting", "conflict", "left_bound"):
        assert (
            counts[status]
            == people_table.count(Filters(status=status))
            == len(people_table.rows(Filters(status=status)))
        )


def test_for_an_account_the_unbound_people_who_may_own_it():
    mine = account("mine", employee_number="E1", email="a@example.com")
    person("elsewhere", account=account("other"), employee_number="E1")
    person("by.mail", email="A@example.com")
    person("by.number", employee_number="E1")
    assert [each.person.user_id for each in suggestions.for_account(mine)] == ["by.number", "by.mail"]


def test_where_too_many_are_unbound_two_counters_stay_without_a_number(monkeypatch):
    monkeypatch.setattr(people_table, "MOST_COUNTED", 1)
    person("one"), person("two")
    counts = people_table.counters()
    assert (counts["suggested"], counts["conflict"], counts["all"]) == (None, None, 2)


def test_where_too_many_are_unbound_those_known_longest_are_compared(monkeypatch):
    for number in (1, 2, 3):
        account(f"a{number}", employee_number=f"E{number}")
    sales = department("1", "销售部")
    first, second = (person(f"p{number}", employee_number=f"E{number}") for number in (1, 2))
    third = person("p3", employee_number="E3", departments=[sales])
    suggested, there = Filters(status="suggested"), Filters(status="suggested", department=sales.id)
    assert people_table.count(suggested) == 3

    monkeypatch.setattr(people_table, "MOST_COMPARED", 2)

    assert [row.person for row in people_table.rows(suggested)] == [first, second]
    assert people_table.count(suggested) == 2
    assert [row.person for row in people_table.rows(there)] == [third]


def test_a_suggestion_signs_nobody_in(portal, settings, make_portal):
    account("zhangsan", employee_number="E0001", email="zhangsan@corp.example.com", name="张三")
    client = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    for element in ("FSInnerExample", "QywxInnerExample"):
        assert client.sign_in(element).status_code == 403
        assert client.session().status_code == 401
    assert db.session.query(BindingRequest).count() == 2


def test_a_tree_that_bites_its_tail_ends():
    one, two = department("1", "一", parent="2"), department("2", "二", parent="1")
    who = person("zhangsan", departments=[two])
    assert people_table.count(Filters(department=one.id)) == 1
    from portal.directory import paths

    [path] = paths.find_paths([who])[who.id]
    assert path.names == ("二",)
    assert paths.list_choices(None, number=2) == []
    assert kept(who).tenant == TENANT
