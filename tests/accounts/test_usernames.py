"""A username belongs to one account, whatever its case."""

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from support.admin_client import open_database, sign_in_administrator, store_account, strip_markup
from support.portal_app import both_databases

from portal.accounts import accounts, usernames
from portal.database import db
from portal.models import Account, Identity

ALIKE = [("admin", "Admin"), ("ädmin", "ÄDMIN"), ("straße", "STRASSE"), ("admin", "ａｄｍｉｎ"), ("李Na", "李nA")]
EXCHANGE = "/open-apis/authen/v1/user_info"


def list_usernames(portal):
    with open_database(portal) as session:
        return session.scalars(select(Account.username).order_by(Account.id)).all()


@both_databases
@pytest.mark.parametrize(("held", "wanted"), ALIKE)
def test_no_two_accounts_differ_only_by_case(portal, held, wanted):
    alice = sign_in_administrator(portal)
    store_account(portal, held)
    answer = alice.post_form("/admin/accounts/create", username=wanted)
    assert answer.status_code == 409
    assert f"Account {held} has this username" in strip_markup(answer.text)
    assert list_usernames(portal) == ["alice", held]


@both_databases
def test_a_rename_may_change_the_case_of_its_own_name_only(portal):
    alice = sign_in_administrator(portal)
    bob = store_account(portal, "bob")
    answer = alice.post_form(f"/admin/accounts/{bob}/edit", username="ALICE")
    assert answer.status_code == 409 and "Account alice has this username" in strip_markup(answer.text)
    assert alice.post_form(f"/admin/accounts/{bob}/edit", username="BOB").status_code == 303
    assert alice.post_form("/admin/accounts/create", username="bob").status_code == 409
    assert alice.post_form(f"/admin/accounts/{bob}/edit", username="robert").status_code == 303
    assert alice.post_form("/admin/accounts/create", username="bob").status_code == 303


@both_databases
def test_the_database_refuses_names_that_differ_by_case(portal):
    with open_database(portal) as session:
        session.execute(insert(Account), [{"username": "Carol"}, {"username": "dave"}])
        session.commit()
        assert [usernames.find_by_username(name).username for name in ("carol", "DAVE")] == ["Carol", "dave"]
        with pytest.raises(IntegrityError):
            session.execute(insert(Account), [{"username": "CAROL"}])
        session.rollback()


@both_databases
def test_an_account_made_at_a_first_sign_in_gets_a_number(make_portal, sandbox):
    portal = make_portal(PORTAL_UNKNOWN_PEOPLE="create")
    store_account(portal, "ZhangSan"), store_account(portal, "ZHANGSAN-2")
    assert portal.test_client().sign_in("QywxInnerExample").status_code == 303
    assert list_usernames(portal) == ["ZhangSan", "ZHANGSAN-2", "zhangsan-3"]


def test_the_number_fits_after_the_longest_id(portal):
    store_account(portal, "x" * 255)
    with open_database(portal) as session:
        person = Identity(provider="feishu", tenant="t", subject="on_1", user_id="X" * 255)
        made = accounts.add_account_for(person)
        assert made.username == "X" * 240 + "-2"
        session.rollback()


def test_an_id_that_expands_gets_a_number_as_well(portal):
    long = "\ufdfa" * 100  # eighteen letters each
    store_account(portal, long)
    with open_database(portal) as session:
        person = Identity(provider="feishu", tenant="t", subject="on_1", user_id=long)
        assert accounts.add_account_for(person).username == f"{long}-2"
        session.rollback()


def test_the_command_finds_an_account_in_another_case(portal):
    store_account(portal, "ädmin")
    result = portal.test_cli_runner().invoke(args=["create-admin", "ÄDMIN"])
    assert result.exit_code == 0 and "The account ädmin was made an administrator" in result.output
    assert list_usernames(portal) == ["ädmin"]


@both_databases
def test_clashes_of_an_earlier_version_stay_and_are_named(portal):
    with open_database(portal) as session:
        downgrade(revision="0008")
        columns = "(username, name, role, active, created_at)"
        for name in ("Admin", "admin", "ADMIN", "bob"):
            values = f"('{name}', '{name}', 'user', '1', '2026-01-01 00:00:00')"
            session.execute(text(f"INSERT INTO account {columns} VALUES {values}"))
        session.commit()
        db.engine.dispose()
        upgrade()
    assert list_usernames(portal) == ["Admin", "admin", "ADMIN", "bob"]
    with open_database(portal):
        assert [usernames.find_by_username(name).username for name in ("Admin", "admin", "aDMIN", "BOB")] == [
            *("Admin", "admin", "Admin", "bob")
        ]
    assert "only in case: admin, ADMIN." in portal.test_cli_runner().invoke(args=["doctor", "FSInnerExample"]).output
    alice = sign_in_administrator(portal)
    assert "only in case: admin, ADMIN." in strip_markup(alice.get("/admin/elements").text)
    assert alice.post_form("/admin/accounts/2/edit", username="admin", name="Second").status_code == 303
    assert alice.post_form("/admin/accounts/2/edit", username="second").status_code == 303
    assert alice.post_form("/admin/accounts/create", username="Second").status_code == 409
    assert "only in case: ADMIN." in strip_markup(alice.get("/admin/elements").text)
