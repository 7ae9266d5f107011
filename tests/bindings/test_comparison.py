"""The pages that compare show what speaks against a binding, too."""

import re

import pytest
from support.admin_client import strip_markup
from support.rows import add_account, add_department, add_person

pytestmark = pytest.mark.usefixtures("alice", "context")


def read_rows(page):
    """Return the words of a comparison's cells, by their row."""
    body = page.partition('class="comparison')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = {}
    for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL):
        head = strip_markup(re.search(r'<th scope="row">(.*?)</th>', row, re.DOTALL)[1])
        rows[head] = [strip_markup(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
    return rows


def test_a_person_who_had_the_account_before_still_differs_from_it(alice):
    own = add_account("p000004", name="李伟", employee_number="P000004", email="liwei@example.com")
    department = add_department("d1", "销售部")
    who = add_person(
        "fengyang",
        name="冯洋",
        employee_number="P001305",
        email="feng@example.com",
        departments=[department],
        last_account_id=own.id,
    )
    page = alice.get(f"/admin/bindings/bind?identity={who.id}&account={own.id}").text
    assert read_rows(page) == {
        "Name": ["冯洋 ≠ differs", "李伟"],
        "Employee number": ["P001305 ≠ differs", "P000004"],
        "E-mail": ["f***@example.com ≠ differs", "l***@example.com"],
        "Department": ["销售部 – not known", "—"],
        "State": ["active ✓ same", "active"],
        "Bound now": ["none yet", "none yet"],
    }
    words = strip_markup(page)
    assert "differs: Name, Employee number, and E-mail" in words
    assert '<span class="state state-wait">had this account before</span>' in page
    assert "After binding, 冯洋 can sign in to p000004 with a WeCom scan." in words
    assert "feng@example.com" not in page and "liwei@example.com" not in page


def test_had_this_account_before_is_good_where_nothing_differs(alice):
    own = add_account("zw", name="张伟")
    who = add_person("zw", name="张伟", last_account_id=own.id)
    page = alice.get(f"/admin/bindings/bind?identity={who.id}&account={own.id}").text
    assert '<span class="state state-good">had this account before</span>' in page


def test_a_bound_person_is_not_compared_with_themselves(alice):
    own = add_account("zw", name="李四")
    who = add_person("zw", name="张伟", account=own)
    page = alice.get(f"/admin/bindings/bind?identity={who.id}&account={own.id}").text
    assert read_rows(page)["Name"] == ["张伟 ≠ differs", "李四"]


def test_both_people_of_a_conflict_are_compared_with_the_account(alice):
    own = add_account("p000004", name="周八", employee_number="E88", role="admin")
    add_person("old", account=own, name="周八", employee_number="E1")
    new = add_person("new", name="周大八", employee_number="E88")
    page = alice.get(f"/admin/bindings/{new.id}/conflict").text
    rows = read_rows(page)
    assert rows["Name"] == ["周八 ✓ same", "周大八 ≠ differs", "周八"]
    assert rows["Employee number"] == ["E1 ≠ differs", "E88 ✓ same", "E88"]
    assert rows["Last sign-in"] == ["never", "never", "never"]
    heads = [strip_markup(head) for head in re.findall(r'<th scope="col".*?</th>', page, re.DOTALL)]
    assert heads[2] == "Account 周 p000004 Administrator · active"


def test_accounts_that_fit_equally_are_both_compared_with_the_person(alice):
    add_account("one", name="孙七", email="twin@example.com")
    add_account("two", name="孙齐", email="twin@example.com", employee_number="E9")
    who = add_person("sunqi", name="孙七", email="twin@example.com", employee_number="E7")
    rows = read_rows(alice.get(f"/admin/bindings/{who.id}/conflict").text)
    assert rows["Name"] == ["孙七", "孙七 ✓ same", "孙齐 ≠ differs"]
    assert rows["Employee number"] == ["E7", "— – not known", "E9 ≠ differs"]
    assert rows["E-mail"] == ["t***@example.com"] + ["t***@example.com ✓ same"] * 2
