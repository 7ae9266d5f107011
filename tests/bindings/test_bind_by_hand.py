"""An administrator binds by hand, and settles conflicts on sight of both."""

import pytest
from support.admin_client import strip_markup
from support.portal_app import both_databases
from support.rows import (
    add_account,
    add_person,
    add_session,
    reload_row,
)

from portal.database import db
from portal.models import LEFT, Department, Identity, Membership

pytestmark = pytest.mark.usefixtures("alice", "context")


# Binding by hand


@both_databases
class TestBinding:
    def test_an_unbound_person_is_bound(self, alice):
        who, own = add_person("zw", name="张伟"), add_account("zhang.wei")
        answer = alice.post_form("/admin/bindings/bind", identity=who.id, account=own.id)
        assert (answer.status_code, answer.location) == (303, f"/admin/people/{who.id}")
        assert (reload_row(who).account_id, reload_row(who).bound_how) == (own.id, "administrator")
        assert "张伟 can now sign in to zhang.wei." in alice.get(answer.location).text

    def test_a_bound_one_is_not_moved_without_knowing_from_where(self, alice):
        who, other = add_person("zw", account=add_account("first")), add_account("second")
        for seen in ({}, {"seen": ""}, {"seen": other.id}):
            answer = alice.post_form("/admin/bindings/bind", identity=who.id, account=other.id, **seen)
            assert answer.status_code == 409
            assert f'href="/admin/people/{who.id}"' in answer.text
        assert reload_row(who).account.username == "first"

    def test_a_move_ends_the_old_sessions(self, alice):
        first, second = add_account("first"), add_account("second")
        who = add_person("zw", account=first)
        open_ = add_session(who)
        page = alice.get(f"/admin/bindings/bind?identity={who.id}&account={second.id}").text
        assert "1 session ends now." in page and f'name="seen" value="{first.id}"' in page
        alice.post_form("/admin/bindings/bind", identity=who.id, account=second.id, seen=first.id)
        assert (reload_row(who).account_id, reload_row(who).last_account_id, reload_row(open_).ended_why) == (
            second.id,
            first.id,
            "moved",
        )

    @pytest.mark.parametrize(("fields", "status"), [({"status": LEFT}, 403), ({"status": 3}, 403), ({}, 404)])
    def test_who_can_not_be_bound(self, alice, fields, status):
        who = add_person("zw", **fields)
        own = add_account("own") if fields else None
        answer = alice.post_form("/admin/bindings/bind", identity=who.id, account=own.id if own else 999)
        assert answer.status_code == status
        assert reload_row(who).account_id is None

    @pytest.mark.parametrize(
        "fields", [{}, {"identity": "x"}, {"identity": "9" * 30, "account": "1"}, {"account": "1"}]
    )
    def test_nonsense_is_nobody(self, alice, fields):
        assert alice.post_form("/admin/bindings/bind", **fields).status_code == 404

    def test_reasons_and_warnings_stand_between(self, alice):
        who = add_person("zw", employee_number="E1", company_email="a@example.com")
        boss = add_account("boss", role="admin", employee_number="E1", email="A@example.com")
        page = alice.get(f"/admin/bindings/bind?identity={who.id}&account={boss.id}").text
        for text in ("same employee number", "same company e-mail", "the account is an administrator account"):
            assert text in page
        assert "After binding, zw can sign in to boss with a WeCom scan." in page

    def test_a_taken_account_can_not_be_chosen(self, alice):
        own = add_account("own")
        holder, who = add_person("holder", account=own, name="李四"), add_person("zw")
        page = alice.get(f"/admin/bindings/bind?identity={who.id}&account={own.id}").text
        assert "the account is bound to 李四 of this company" in page
        assert 'name="seen"' not in page
        answer = alice.post_form("/admin/bindings/bind", identity=who.id, account=own.id)
        assert answer.status_code == 409 and "李四" not in answer.text
        assert (reload_row(who).account_id, reload_row(holder).account_id) == (None, own.id)


@both_databases
class TestConflict:
    @pytest.fixture
    def three(self, context):
        own = add_account("own", employee_number="E1")
        return own, add_person("old", account=own, name="旧人"), add_person("new", employee_number="E1", name="新人")

    def test_both_stand_side_by_side(self, alice, three):
        _own, old, new = three
        add_session(old)
        page = strip_markup(alice.get(f"/admin/bindings/{new.id}/conflict").text)
        for text in ("Keep 旧人", "Move account to 新人", "旧人 will be unbound. 1 session ends now.", "Not now"):
            assert text in page

    def test_move(self, alice, three):
        own, old, new = three
        open_ = add_session(old)
        alice.post_form(f"/admin/bindings/{new.id}/replace", account=own.id, holder=old.id)
        assert (reload_row(new).account_id, reload_row(old).account_id) == (own.id, None)
        assert reload_row(open_).ended_at is not None

    def test_keep(self, alice, three):
        own, old, new = three
        alice.post_form(f"/admin/bindings/{new.id}/decline", account=own.id)
        assert (reload_row(old).account_id, reload_row(new).declined_account_id) == (own.id, own.id)
        assert alice.get(f"/admin/bindings/{new.id}/conflict").location == f"/admin/people/{new.id}"

    def test_two_that_fit_equally(self, alice):
        add_account("one", email="a@example.com")
        two = add_account("two", email="a@example.com")
        who = add_person("zw", email="a@example.com")
        assert "2 accounts match zw equally well." in alice.get(f"/admin/bindings/{who.id}/conflict").text
        alice.post_form(f"/admin/bindings/{who.id}/decline", account=two.id)
        assert "one" in alice.get(f"/admin/people/{who.id}").text
        assert alice.get(f"/admin/bindings/{who.id}/conflict").status_code == 303


# By the platform's id


class TestLookUp:
    @pytest.mark.parametrize(("element", "user_id"), [("QywxInnerExample", "zhangsan"), ("FSInnerExample", "zhangsan")])
    def test_a_look_shows_who_it_is_and_stores_nothing(self, alice, sandbox, element, user_id):
        page = alice.post_form("/admin/bindings/look-up", element=element, user_id=user_id)
        assert page.status_code == 200
        assert "Save 张三 and continue" in page.text
        assert "13800000001" not in page.text and "zhangsan@" not in page.text
        assert [db.session.query(table).count() for table in (Identity, Department, Membership)] == [0, 0, 0]

    def test_storing_leads_on_to_both_cards(self, alice):
        own = add_account("own")
        fields = {"element": "QywxInnerExample", "user_id": "zhangsan", "account": own.id}
        answer = alice.post_form("/admin/bindings/store", **fields)
        stored = db.session.query(Identity).one()
        assert answer.location == f"/admin/bindings/bind?identity={stored.id}&account={own.id}"
        assert "After binding, 张三 can sign in to own" in alice.get(answer.location).text
        again = alice.post_form("/admin/bindings/look-up", **fields).text
        assert "Continue with 张三" in again

    def test_nobody_of_that_id(self, alice, sandbox):
        answer = alice.post_form("/admin/bindings/look-up", element="QywxInnerExample", user_id="nobody")
        assert answer.status_code == 404
        assert "No such person or account" in answer.text
        assert alice.post_form("/admin/bindings/look-up", element="Nothing", user_id="x").status_code == 404
        sandbox.forget_calls()
        assert alice.post_form("/admin/bindings/look-up", element="QywxInnerExample", user_id=" ").status_code == 404
        assert sandbox.calls() == []
