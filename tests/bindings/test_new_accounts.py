"""An account is created from a person, who is bound to it at once."""

import re

import pytest
from sqlalchemy import select
from support.portal_app import both_databases
from support.rows import add_account, add_person, add_session, reload_row

from portal.database import db
from portal.models import LEFT, Account, AuditEvent, Identity

pytestmark = pytest.mark.usefixtures("alice", "context")


def read_account(username):
    db.session.rollback()
    return db.session.scalar(select(Account).where(Account.username == username))


def read_value(page, field):
    return re.search(rf'id="{field}" [^>]*value="([^"]*)"', page)[1]


def test_the_form_holds_what_is_known_of_the_person(alice):
    who = add_person("zhangwei", name="张伟", employee_number="E1", company_email="zw@example.com")
    add_account("ZhangWei")
    page = alice.get(f"/admin/bindings/bind?identity={who.id}").text
    assert f'href="/admin/accounts/create?identity={who.id}"' in page
    form = alice.get(f"/admin/accounts/create?identity={who.id}").text
    assert [read_value(form, field) for field in ("username", "name", "employee_number", "email")] == [
        "zhangwei-2",
        "张伟",
        "E1",
        "",
    ]
    assert "z***@example.com" in form and "zw@example.com" not in form


@both_databases
def test_the_person_is_bound_once_the_account_is_saved(alice):
    who = add_person("zw", name="张伟", company_email="zw@example.com", email="own@example.com")
    answer = alice.post_form(
        "/admin/accounts/create", identity=who.id, bound_to="", username="zhang.wei", name="张伟", email=""
    )
    assert (answer.status_code, answer.location) == (303, f"/admin/people/{who.id}")
    account = read_account("zhang.wei")
    assert (account.email, reload_row(who).account_id, reload_row(who).bound_how) == (
        "zw@example.com",
        account.id,
        "created",
    )
    rows = select(AuditEvent.action, AuditEvent.account_id).where(AuditEvent.identity_id == who.id)
    assert sorted(db.session.execute(rows).all()) == [("account.create", account.id), ("binding.make", account.id)]


def test_an_address_that_is_left_out_is_not_taken(alice):
    who = add_person("zw", company_email="zw@example.com")
    alice.post_form("/admin/accounts/create", identity=who.id, username="zw", email="", remove_email="1")
    assert read_account("zw").email is None


def test_an_address_that_people_choose_themselves_is_not_taken(alice):
    """Applications are told an account's address as verified."""
    who = add_person("zw", email="boss@example.com")
    alice.post_form("/admin/accounts/create", identity=who.id, username="zw", email="")
    assert read_account("zw").email is None


@both_databases
def test_a_taken_username_binds_nobody(alice):
    who = add_person("zw")
    add_account("zw")
    answer = alice.post_form("/admin/accounts/create", identity=who.id, username="zw")
    assert answer.status_code == 409 and "Another account has this username." in answer.text
    assert f'name="identity" value="{who.id}"' in answer.text
    assert reload_row(who).account_id is None


def test_a_person_bound_meanwhile_gets_no_account(alice):
    who = add_person("zw")
    add_account("first")
    db.session.get(Identity, who.id).account_id = db.session.scalar(
        select(Account.id).where(Account.username == "first")
    )
    db.session.commit()
    answer = alice.post_form("/admin/accounts/create", identity=who.id, bound_to="", username="second")
    assert answer.status_code == 409
    assert read_account("second") is None


def test_a_person_who_moves_to_the_new_account_is_signed_out(alice):
    first = add_account("first")
    who = add_person("zw", account=first)
    open_ = add_session(who)
    form = alice.get(f"/admin/accounts/create?identity={who.id}").text
    assert f'name="bound_to" value="{first.id}"' in form and "They can no longer sign in to first." in form
    alice.post_form("/admin/accounts/create", identity=who.id, bound_to=first.id, username="second")
    assert reload_row(who).account.username == "second"
    assert (reload_row(who).last_account_id, reload_row(open_).ended_why) == (first.id, "moved")


def test_people_who_have_left_get_none(alice):
    who = add_person("zw", status=LEFT)
    assert "/admin/accounts/create" not in alice.get(f"/admin/bindings/bind?identity={who.id}").text
    assert read_value(alice.get(f"/admin/accounts/create?identity={who.id}").text, "username") == ""


def test_a_person_who_leaves_meanwhile_gets_no_account(alice):
    who = add_person("zw", status=LEFT)
    answer = alice.post_form("/admin/accounts/create", identity=who.id, bound_to="", username="zw")
    assert answer.status_code == 403
    assert read_account("zw") is None
