"""Who may belong together: the strongest reason first, and no suggestion ever lets anybody in."""

import pytest
from support.portal_app import both_databases
from support.rows import TENANT, add_account, add_department, add_person, add_request, store_row

from portal.bindings import people_counts, people_filters, people_table, suggestions
from portal.bindings.people_filters import PeopleFilters
from portal.database import db
from portal.models import LEFT, BindingRequest

pytestmark = both_databases


pytestmark = pytest.mark.usefixtures("context")


def suggested(who):
    return [(each.account.username, each.reasons) for each in suggestions.suggest_accounts([who])[who.id]]


def shown(who):
    """Return the status a person has on their own, in the table, and by the filter that finds them."""
    row = people_table.find_row(who)
    [in_table] = [each.status for each in people_table.list_people(PeopleFilters()) if each.person.id == who.id]
    filtered = [
        status
        for status in people_filters.STATUSES
        if who in [r.person for r in people_table.list_people(PeopleFilters(status=status))]
    ]
    assert row.status == in_table
    return row.status, filtered


def test_each_reason_by_itself():
    sales = add_department("1", "销售部")
    market = add_department("9", "销售部", provider="feishu")
    add_account("number", employee_number="E1")
    add_account("mail", email="Zhang.Wei@Example.com")
    namesake = add_account("name", name="张伟")
    add_person("there", account=namesake, departments=[market], provider="feishu", name="somebody")
    old = add_account("old")
    cases = (
        ({"employee_number": "E1"}, ("number", ["employee_number"])),
        ({"company_email": "zhang.wei@example.com"}, ("mail", ["email"])),
        ({"email": "zhang.wei@EXAMPLE.com"}, ("mail", ["own_email"])),
        ({"name": "张伟", "departments": [sales]}, ("name", ["name_department"])),
        ({"last_account_id": old.id}, ("old", ["before"])),
    )
    for number, (fields, found) in enumerate(cases):
        who = add_person(f"p{number}", **fields)
        assert suggested(who) == [found]
        assert shown(who) == ("suggested", ["suggested"])


def test_what_is_not_told_is_no_reason():
    add_account("empty", name="", employee_number="", email="")
    sales, market = add_department("1", "销售部"), add_department("2", "市场部")
    account_of_other = add_account("other", name="张伟")
    add_person("other", account=account_of_other, departments=[market], provider="feishu")
    assert suggested(add_person("blank", name="", departments=[sales])) == []
    assert suggested(add_person("same.name.elsewhere", name="张伟", departments=[sales])) == []


def test_somebody_known_by_another_platform_is_suggested_for_the_same_account():
    mail = "zs@example.com"
    add_person("ou_1", add_account("zhangsan"), provider="feishu", employee_number="E1", email=mail, company_email=mail)
    assert suggested(add_person("zhangsan", employee_number="E1", email="ZS@example.com", company_email=mail)) == [
        ("zhangsan", ["employee_number", "email"])
    ]


@pytest.mark.parametrize("known", [{"email": "zs@example.com"}, {"company_email": "zs@example.com"}])
@pytest.mark.parametrize("own", [{"email": "ZS@example.com"}, {"email": "x@y.z", "company_email": "zs@example.com"}])
def test_an_address_that_one_of_two_people_may_have_typed_is_a_weak_reason(known, own):
    add_person("ou_1", add_account("zhangsan"), provider="feishu", **known)
    both_of_the_company = "company_email" in known and "company_email" in own
    assert suggested(add_person("zhangsan", **own)) == [("zhangsan", ["email" if both_of_the_company else "own_email"])]


def test_the_strongest_reason_is_first_and_decides():
    add_account("mail", email="a@example.com")
    add_account("number", employee_number="E1")
    old = add_account("old")
    who = add_person("zhangsan", email="a@example.com", employee_number="E1", last_account_id=old.id)
    assert [username for username, _ in suggested(who)] == ["old", "number", "mail"]
    assert not suggestions.is_conflict(suggestions.suggest_accounts([who])[who.id])
    assert shown(who) == ("suggested", ["suggested"])


def test_two_accounts_that_fit_equally_are_a_conflict():
    add_account("one", email="a@example.com")
    add_account("two", email="A@example.com")
    assert shown(add_person("zhangsan", email="a@example.com")) == ("conflict", ["conflict"])


def test_an_account_somebody_of_the_company_has_is_a_conflict():
    own = add_account("shared", employee_number="E1")
    add_person("first", account=own)
    waiting = add_person("second", employee_number="E1")
    add_request(waiting)
    assert shown(waiting) == ("conflict", ["waiting", "conflict"])
    elsewhere = add_person("third", employee_number="E1", tenant="another")
    assert shown(elsewhere) == ("suggested", ["suggested"])


def test_disabled_accounts_and_declined_ones_are_not_suggested():
    add_account("gone", employee_number="E1", active=False)
    declined = add_account("declined", employee_number="E1")
    assert suggested(add_person("zhangsan", employee_number="E1", declined_account_id=declined.id)) == []


def test_the_other_statuses():
    own, other = add_account("own"), add_account("other")
    assert shown(add_person("bound", account=own)) == ("bound", ["bound"])
    assert shown(add_person("stays", account=other, status=LEFT)) == ("left_bound", ["left_bound"])
    assert shown(add_person("left", status=LEFT)) == ("left", ["left"])
    assert shown(add_person("nobody")) == ("unbound", ["unbound"])
    waiting, refused = add_person("waiting"), add_person("refused")
    add_request(waiting), add_request(refused, "refused")
    assert shown(waiting) == ("waiting", ["waiting"])
    assert shown(refused) == ("refused", ["refused"])


def test_the_counters_say_what_their_filters_find():
    own = add_account("own", employee_number="E1")
    add_account("free", employee_number="E2")
    add_person("bound", account=own)
    add_request(add_person("conflict", employee_number="E1"))
    add_person("suggested", employee_number="E2")
    add_request(add_person("refused", employee_number="E1"), "refused")
    add_request(add_person("waiting"))
    add_person("left", account=add_account("x"), status=LEFT)
    counts = people_counts.count_by_status()
    assert counts.pop("counted_at") is None
    assert counts == {"all": 6, "bound": 1, "suggested": 1, "waiting": 2, "conflict": 1, "left_bound": 1, "open": 4}
    for status in ("bound", "suggested", "waiting", "conflict", "left_bound"):
        assert (
            counts[status]
            == people_filters.count_people(PeopleFilters(status=status))
            == len(people_table.list_people(PeopleFilters(status=status)))
        )


def test_for_an_account_the_unbound_people_who_may_own_it():
    mine = add_account("mine", employee_number="E1", email="a@example.com")
    add_person("elsewhere", account=add_account("other"), employee_number="E1")
    add_person("by.mail", email="A@example.com")
    add_person("by.number", employee_number="E1")
    assert [each.person.user_id for each in suggestions.suggest_people(mine)] == ["by.number", "by.mail"]


def test_where_too_many_are_unbound_two_counters_stay_without_a_number(monkeypatch):
    monkeypatch.setattr(people_counts, "MOST_COUNTED", 1)
    add_person("one"), add_person("two")
    counts = people_counts.count_by_status()
    assert (counts["suggested"], counts["conflict"], counts["all"]) == (None, None, 2)


def test_where_too_many_are_unbound_those_known_longest_are_compared(monkeypatch):
    for number in (1, 2, 3):
        add_account(f"a{number}", employee_number=f"E{number}")
    sales = add_department("1", "销售部")
    first, second = (add_person(f"p{number}", employee_number=f"E{number}") for number in (1, 2))
    third = add_person("p3", employee_number="E3", departments=[sales])
    suggested, there = PeopleFilters(status="suggested"), PeopleFilters(status="suggested", department=sales.id)
    assert people_filters.count_people(suggested) == 3

    monkeypatch.setattr(people_filters, "MOST_COMPARED", 2)

    assert [row.person for row in people_table.list_people(suggested)] == [first, second]
    assert people_filters.count_people(suggested) == 2
    assert [row.person for row in people_table.list_people(there)] == [third]


def test_a_suggestion_signs_nobody_in(portal, settings, make_portal):
    add_account("zhangsan", employee_number="E0001", email="zhangsan@corp.example.com", name="张三")
    client = make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client()
    for element in ("FSInnerExample", "QywxInnerExample"):
        client.wait(element)
        assert client.session().status_code == 401
    assert db.session.query(BindingRequest).count() == 2


def test_a_tree_that_bites_its_tail_ends():
    one, two = add_department("1", "一", parent="2"), add_department("2", "二", parent="1")
    who = add_person("zhangsan", departments=[two])
    assert people_filters.count_people(PeopleFilters(department=one.id)) == 1
    from portal.directory import paths

    [path] = paths.find_paths([who])[who.id]
    assert path.names == ("二",)
    assert paths.list_choices(None, number=2) == []
    assert store_row(who).tenant == TENANT
