"""A scan that confirms the user makes the sign-in fresh."""

from datetime import timedelta

import pytest
from support.admin_client import make_one_time_link
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases
from support.scans import connect_person, find_rows, list_audit

from portal.clocks import now
from portal.models import Account, AuditEvent, BindingRequest, Identity, LoginSession


class TestConfirm:
    """A second scan makes the sign-in count as fresh."""

    @pytest.fixture
    def stale_browser(self, signed_in, change):
        change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
        return signed_in

    def confirm(self, client, person, element=FEISHU, next="/account?here"):
        answer = client.post_form(f"/account/confirm/{element}", next=next)
        assert answer.status_code == 303
        return client.get(answer_platform(answer.location, person))

    @both_databases
    def test_the_same_person_has_a_fresh_session_and_is_led_back(self, stale_browser, portal):
        old = stale_browser.cookie()
        assert self.confirm(stale_browser, "zhangsan").location == "/account?here"
        assert stale_browser.cookie() != old
        assert "Confirmed. You can continue." in stale_browser.get("/account").text
        assert stale_browser.post_form(f"/account/bind/{WECOM}").status_code == 303
        assert [row.ended_why for row in find_rows(portal, LoginSession)] == ["signed in anew", None]
        assert ("login.confirm", 0) in list_audit(portal)

    def test_another_person_of_the_same_account_counts_too(self, signed_in, change, portal):
        connect_person(signed_in)
        change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
        assert self.confirm(signed_in, "zhangsan", WECOM).status_code == 303
        assert signed_in.session().json["account"]["id"] == 1

    @pytest.mark.parametrize("known", [True, False])
    def test_somebody_else_is_refused_and_nothing_changes(self, stale_browser, portal, known):
        if known:
            portal.test_client().sign_in(FEISHU, "bob")
        before = [len(find_rows(portal, table)) for table in (Account, Identity)]
        answer = self.confirm(stale_browser, "bob")
        assert answer.status_code == 403
        assert "That was another person" in answer.text
        assert 'href="/account">Back to your account</a>' in answer.text
        assert [len(find_rows(portal, table)) for table in (Account, Identity)] == before
        assert stale_browser.session().json["identity"]["userId"] == "zhangsan"
        assert stale_browser.post_form(f"/account/bind/{WECOM}").status_code == 403
        assert list_audit(portal)[-1] == ("login.confirm", 40306)
        line = find_rows(portal, AuditEvent)[-1]
        assert (line.actor_id, line.account_id, line.identity_id) == (1, 1, 2 if known else None)

    def test_nobody_waits_in_the_queue_for_having_scanned_for_somebody_else(self, make_portal):
        portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
        client = portal.test_client()
        client.post_form(f"/login/once/{make_one_time_link(portal, 'alice')}")
        assert self.confirm(client, "bob").status_code == 403
        assert [len(find_rows(portal, table)) for table in (Identity, BindingRequest)] == [0, 0]

    def test_a_goal_elsewhere_is_ignored(self, stale_browser):
        assert self.confirm(stale_browser, "zhangsan", next="//evil.example").location == "/account"

    def test_it_is_of_one_session(self, stale_browser, portal):
        answer = stale_browser.post_form(f"/account/confirm/{FEISHU}")
        callback = answer_platform(answer.location, "zhangsan")
        stale_browser.post_form("/logout")
        assert stale_browser.get(callback).status_code == 400
        assert stale_browser.session().status_code == 401

    def test_nobody_signed_out_can_begin(self, client):
        assert client.post_form(f"/account/confirm/{FEISHU}").status_code == 401
