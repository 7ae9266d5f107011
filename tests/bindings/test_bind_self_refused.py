"""People that are taken, refused or frozen can not be connected."""

import pytest
from sqlalchemy import select, update
from support.admin_client import make_one_time_link
from support.portal_app import WECOM, answer_platform, both_databases
from support.scans import CONFIRM, begin_bind, connect_person, find_holder, find_rows, list_audit, scan_person

from portal.database import db
from portal.models import AuditEvent, BindingRequest, Identity


class TestWhoIsRefused:
    @pytest.fixture
    def lisi(self, portal):
        """Somebody else, with an account by WeCom."""
        client = portal.test_client()
        client.sign_in(WECOM, "lisi")
        return client

    def test_somebody_bound_elsewhere_without_saying_where(self, signed_in, lisi, portal):
        answer = scan_person(signed_in, person="lisi")
        assert answer.status_code == 409
        assert "bound to another account" in answer.text
        assert "lisi" not in answer.text and "李四" not in answer.text
        assert signed_in.get(CONFIRM).status_code == 400
        assert find_holder(portal) == "lisi"
        assert lisi.session().status_code == 200
        assert list_audit(portal)[-1] == ("binding.offer", 40900)

    def test_somebody_bound_elsewhere_between_the_scan_and_the_yes(self, signed_in, lisi, portal, change):
        change(Identity, Identity.user_id == "lisi", account_id=None)
        assert scan_person(signed_in, person="lisi").status_code == 303
        change(Identity, Identity.user_id == "lisi", account_id=2)
        for answer in (signed_in.get(CONFIRM), signed_in.post_form(CONFIRM)):
            assert answer.status_code == 409
            assert "bound to another account" in answer.text
            assert "lisi" not in answer.text
        assert find_holder(portal) == "lisi"
        assert list_audit(portal)[-1] == ("binding.make", 40900)
        line = find_rows(portal, AuditEvent)[-1]
        assert (line.actor_id, line.account_id, line.identity_id) == (1, 1, 2)

    def test_a_second_person_of_the_same_company(self, signed_in, portal):
        connect_person(signed_in, person="zhangsan")
        answer = scan_person(signed_in, person="lisi")
        assert answer.status_code == 409
        assert "already has a person of this company" in answer.text
        assert "Unbind the other one first" in answer.text

    @both_databases
    def test_a_second_person_of_the_same_company_at_the_yes(self, signed_in, portal):
        scan_person(signed_in, person="lisi")
        with portal.app_context():
            db.session.add(Identity(provider="wecom", tenant="wwsandbox00000001", subject="x", user_id="x"))
            db.session.flush()
            db.session.execute(update(Identity).where(Identity.user_id == "x").values(account_id=1))
            db.session.commit()
        answer = signed_in.post_form(CONFIRM)
        assert answer.status_code == 409
        assert "already has a person of this company" in answer.text

    def test_somebody_an_administrator_has_refused(self, signed_in, portal):
        with portal.app_context():
            refused = Identity(provider="wecom", tenant="wwsandbox00000001", subject="zhangsan", user_id="zhangsan")
            db.session.add(refused)
            db.session.flush()
            request = {"state": "refused", "reference": "7F3K-2Q", "element": WECOM, "identity_id": refused.id}
            request["reason"] = "Not this <b>one"
            db.session.add(BindingRequest(**request))
            db.session.commit()
        answer = scan_person(signed_in)
        assert answer.status_code == 403
        assert "An administrator has refused this person" in answer.text
        assert "Not this &lt;b&gt;one" in answer.text
        assert find_holder(portal) is None

    def test_somebody_refused_between_the_scan_and_the_yes(self, signed_in, portal):
        scan_person(signed_in)
        with portal.app_context():
            [identity] = db.session.scalars(select(Identity.id).where(Identity.provider == "wecom"))
            request = {"state": "refused", "reference": "7F3K-2Q", "element": WECOM, "identity_id": identity}
            db.session.add(BindingRequest(**request))
            db.session.commit()
        assert signed_in.post_form(CONFIRM).status_code == 403
        assert find_holder(portal) is None
        assert list_audit(portal)[-1] == ("binding.make", 40303)

    def test_somebody_who_waits_in_the_queue_is_free_and_leaves_it(self, make_portal):
        portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
        portal.test_client().sign_in(WECOM)
        client = portal.test_client()
        client.post_form(f"/login/once/{make_one_time_link(portal, 'alice')}")
        connect_person(client)
        assert find_rows(portal, BindingRequest, BindingRequest.state == "waiting") == []
        assert find_holder(portal) == "alice"

    def test_somebody_an_administrator_has_unbound_may_show_both_sides_anew(self, signed_in, lisi, portal, change):
        change(Identity, Identity.user_id == "lisi", account_id=None, last_account_id=2)
        assert connect_person(signed_in, person="lisi").status_code == 303

    def test_somebody_frozen(self, signed_in, lisi, portal, sandbox, change):
        change(Identity, Identity.user_id == "lisi", account_id=None)
        address = begin_bind(signed_in)
        callback = answer_platform(address, "lisi")
        sandbox.person("wecom", "lisi", freeze=True)
        assert signed_in.get(callback).status_code == 403
        assert signed_in.get(CONFIRM).status_code == 400

    def test_somebody_frozen_between_the_scan_and_the_yes(self, signed_in, portal, change):
        scan_person(signed_in)
        change(Identity, Identity.provider == "wecom", status=3)
        assert signed_in.get(CONFIRM).status_code == 403
        assert signed_in.post_form(CONFIRM).status_code == 403
        assert find_holder(portal) is None

    def test_whoever_refuses_at_the_platform_comes_back_to_the_account(self, signed_in, portal):
        answer = scan_person(signed_in, action="deny")
        assert answer.status_code == 400
        assert 'href="/account">Back to your account</a>' in answer.text
        assert list_audit(portal)[-1] == ("binding.offer", 40305)
        assert signed_in.session().status_code == 200
