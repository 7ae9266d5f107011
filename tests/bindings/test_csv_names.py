"""A line of an import whose name or username contradicts what it means is a conflict, and says so."""

import pytest
from sqlalchemy import select
from support.admin_client import open_database, sign_in_administrator, store_account, strip_markup
from support.csv_uploads import read_csv, read_outcomes, read_results, start_dry_run, store_person
from support.portal_app import both_databases

from portal.models import Account

HEAD = "username,employee number,name,role\n"


@pytest.fixture
def alice(portal):
    store_person(portal, "zhangsan", employee_number="E7", name="张三")
    store_person(portal, "wang", employee_number="E8", name="Wang Xiao-Ming")
    store_person(portal, "noname", employee_number="E9", name="")
    return sign_in_administrator(portal)


@both_databases
def test_a_name_that_is_somebody_elses_is_a_conflict_that_shows_both(alice, portal):
    store_account(portal, "bob")
    address = start_dry_run(alice, "bob,E7,李四\nnew.one,E7,李四\nnew.one,E8,张三\n", HEAD)
    assert set(read_outcomes(portal, address).values()) == {("conflict", "name_differs")}
    page = strip_markup(alice.get(address).text)
    assert "张三 WeCom Employee number E7 Name 李四 conflict The line means 张三 but holds another name." in page
    alice.post_form(f"{address}/apply", accounts="1", changes="1")
    assert set(read_results(portal, address).values()) == {("left", "name_differs")}
    told = read_csv(alice.get(f"{address}/failed.csv"))
    assert told[1][6] == "李四" and told[1][-1] == "The line means 张三 but holds another name."
    with open_database(portal) as session:
        assert session.scalars(select(Account.username).order_by(Account.id)).all() == ["alice", "bob"]


@pytest.mark.parametrize(
    "line",
    [
        "bob,E7,张三",
        "bob,E7,张\u3000三\u200b",
        "bob,E7,Robert",  # what the account is called
        "bob,E8,wang XIAO-MING",
        "bob,E8,ＷａｎｇＸｉａｏ－Ｍｉｎｇ",
        "bob,E7,",
        "bob,E9,王五",  # the platform tells no name
        "new.one,E7,张三,admin",
    ],
)
def test_a_name_that_is_the_persons_or_the_accounts_is_none(alice, portal, line):
    store_account(portal, "bob", name="Robert")
    [(outcome, reason)] = read_outcomes(portal, start_dry_run(alice, line, HEAD)).values()
    assert (outcome, reason) == ("account" if line.startswith("new") else "new", "")


def test_a_new_account_that_means_no_person_may_have_any_name(alice, portal):
    assert read_outcomes(portal, start_dry_run(alice, "new.one,,李四\n", HEAD)) == {2: ("account", "")}


@both_databases
def test_a_username_in_another_case_is_a_conflict_that_shows_the_account(alice, portal):
    store_account(portal, "bob")
    address = start_dry_run(alice, "Bob,E7\nＢＯＢ\nALICE,,,admin\nbob,E8\n", HEAD)
    clash = ("conflict", "case")
    assert read_outcomes(portal, address) == {2: clash, 3: clash, 4: clash, 5: ("new", "")}
    assert "The account bob exists. Upper and lower case" in strip_markup(alice.get(address).text)
    alice.post_form(f"{address}/apply", accounts="1")
    with open_database(portal) as session:
        assert session.scalars(select(Account.username).order_by(Account.id)).all() == ["alice", "bob"]


@both_databases
@pytest.mark.parametrize("at_once", [1, 500])
def test_two_lines_that_write_a_username_in_two_cases_are_a_conflict(alice, portal, monkeypatch, at_once):
    monkeypatch.setattr("portal.bindings.csv_import.CHECKED_AT_ONCE", at_once)
    address = start_dry_run(alice, "Dave\ndave\ndave,E7\nDave,E8\n", HEAD)
    while "Continue" in alice.get(address).text:
        alice.post_form(f"{address}/step")
    clash = ("conflict", "case_of_line")
    assert read_outcomes(portal, address) == {2: ("account", ""), 3: clash, 4: clash, 5: ("account", "")}
    assert "Line 2 writes this username in another case." in strip_markup(alice.get(address).text)
    alice.post_form(f"{address}/apply", accounts="1")
    while "Continue" in alice.get(address).text:
        alice.post_form(f"{address}/step")
    with open_database(portal) as session:
        assert session.scalars(select(Account.username).order_by(Account.id)).all() == ["alice", "Dave"]


def test_an_account_made_meanwhile_in_another_case_is_left_alone(alice, portal):
    address = start_dry_run(alice, "dave,E7\n", HEAD)
    store_account(portal, "Dave")
    alice.post_form(f"{address}/apply", accounts="1")
    assert read_results(portal, address) == {2: ("failed", "changed")}
