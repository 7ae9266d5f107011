"""The search for a person or an account offers what can be chosen."""

import re

import pytest
from support.admin_client import strip_markup
from support.portal_app import both_databases
from support.rows import add_account, add_person

from portal.models import FROZEN, LEFT

pytestmark = pytest.mark.usefixtures("alice", "context")


def read_fits(alice, query):
    """Return each candidate's words, and the ids that it offers."""
    page = alice.get(f"/admin/bindings/bind?{query}").text
    fits = re.findall(r'<li class="fit.*?</li>', page, re.DOTALL)
    return [(strip_markup(fit), re.findall(r"identity=(\d+)", fit)) for fit in fits]


@both_databases
def test_people_who_can_not_be_bound_come_last_with_the_reason(alice):
    own = add_account("own")
    add_person("w1", name="王一", account=own)
    add_person("w0", name="王〇", status=LEFT)
    add_person("w2", name="王二", status=FROZEN, provider="feishu")
    free = add_person("w3", name="王三", provider="feishu")
    fits = read_fits(alice, f"account={own.id}&q=王")
    assert [ids for _, ids in fits] == [[str(free.id)], [], [], []]
    barred = " ".join(words for words, _ in fits[1:])
    for reason in ("already bound to each other", "departed", "frozen or disabled"):
        assert reason in barred


def test_a_person_of_a_company_that_the_account_has_can_not_be_chosen(alice):
    own = add_account("own")
    add_person("old", name="李四", account=own)
    add_person("new", name="新人")
    [(words, ids)] = read_fits(alice, f"account={own.id}&q=新人")
    assert "the account is bound to 李四 of this company" in words and ids == []


def test_one_human_of_two_platforms_stands_there_once(alice):
    own = add_account("own")
    fields = {"name": "张伟", "employee_number": "E1"}
    ids = {str(add_person("zw", **fields).id), str(add_person("zw", provider="feishu", **fields).id)}
    add_person("other", name="张伟", employee_number="E2")
    fits = read_fits(alice, f"account={own.id}&q=张伟")
    assert sorted(len(offered) for _, offered in fits) == [1, 2]
    assert ids in [set(offered) for _, offered in fits]


def test_more_results_than_are_shown_are_counted(alice):
    own = add_account("own")
    for number in range(23):
        add_person(f"zhao{number}", name=f"赵{number:02}")
    page = alice.get(f"/admin/bindings/bind?account={own.id}&q=赵").text
    assert "20 of 23. Type more to narrow the search." in page
    assert "3 results" in alice.get(f"/admin/bindings/bind?account={own.id}&q=赵2").text


def test_disabled_accounts_come_last_without_a_link(alice):
    who = add_person("zw")
    add_account("a.closed", active=False), add_account("b.open")
    page = alice.get(f"/admin/bindings/bind?identity={who.id}&q=.").text
    closed, open_ = page.index("a.closed"), page.index("b.open")
    assert open_ < closed and "the account is disabled" in page[closed:]
    assert len(re.findall(r"identity=\d+&amp;account=\d+", page)) == 1
