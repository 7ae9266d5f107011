"""A scan shows a person, and a second yes connects them."""

from datetime import timedelta

import pytest
from support.admin_client import make_one_time_link
from support.portal_app import FEISHU, WECOM, both_databases
from support.scans import CONFIRM, connect_person, find_holder, find_rows, list_audit, scan_person

from portal.clocks import now
from portal.models import Identity, LoginAttempt, LoginSession


@both_databases
class TestTheWay:
    def test_a_scan_shows_whose_it_is_and_binds_nothing(self, signed_in, portal):
        assert scan_person(signed_in).location == CONFIRM
        page = signed_in.get(CONFIRM)
        assert page.status_code == 200
        assert "张三" in page.text and "WeCom" in page.text and "wwsandbox00000001" not in page.text
        assert find_holder(portal) is None
        assert signed_in.session().json["identity"]["element"] == FEISHU

    def test_the_second_yes_binds_and_from_then_on_a_scan_signs_in(self, signed_in, portal):
        assert connect_person(signed_in).location == "/account"
        assert "can now sign in" in signed_in.get("/account").text
        [bound] = find_rows(portal, Identity, Identity.provider == "wecom")
        assert (bound.account_id, bound.bound_how) == (1, "self")
        assert list_audit(portal)[-2:] == [("binding.offer", 0), ("binding.make", 0)]
        other = portal.test_client()
        assert other.sign_in(WECOM).status_code == 303
        assert other.session().json["account"]["id"] == 1

    def test_a_second_click_on_yes_changes_nothing_and_hurts_nobody(self, signed_in, portal):
        scan_person(signed_in)
        identity = find_rows(portal, Identity, Identity.provider == "wecom")[0].id
        for _ in range(2):
            assert signed_in.post_form(CONFIRM, identity=identity).location == "/account"
        assert [action for action, _ in list_audit(portal)].count("binding.make") == 1

    def test_of_two_scans_the_page_that_was_shown_counts(self, signed_in, portal):
        for person in ("lisi", "zhangsan"):
            scan_person(signed_in, person=person)
        shown = find_rows(portal, Identity, Identity.user_id == "lisi")[0].id
        signed_in.post_form(CONFIRM, identity=shown)
        assert [row.user_id for row in find_rows(portal, Identity, Identity.account_id == 1)] == ["zhangsan", "lisi"]

    def test_it_works_for_somebody_with_a_one_time_link(self, client, portal):
        client.post_form(f"/login/once/{make_one_time_link(portal, 'alice')}")
        assert connect_person(client, FEISHU).status_code == 303
        assert find_holder(portal, "feishu") == "alice"

    def test_no_policy_for_strangers_stands_in_the_way(self, make_portal):
        portal = make_portal(PORTAL_UNKNOWN_PEOPLE="refuse")
        client = portal.test_client()
        client.post_form(f"/login/once/{make_one_time_link(portal, 'alice')}")
        assert connect_person(client).status_code == 303
        assert find_holder(portal) == "alice"


class TestWhoMayBegin:
    def test_nobody_who_is_not_signed_in(self, client):
        assert client.post_form(f"/account/bind/{WECOM}").status_code == 401
        assert client.get(CONFIRM).status_code == 401
        assert client.post_form(CONFIRM).status_code == 401

    def test_it_needs_the_form_token(self, signed_in):
        assert signed_in.post(f"/account/bind/{WECOM}").status_code == 400
        scan_person(signed_in)
        assert signed_in.post(CONFIRM).status_code == 400
        assert signed_in.get(f"/account/bind/{WECOM}").status_code == 405

    @pytest.mark.parametrize(("age", "status"), [(595, 303), (605, 403)])
    def test_it_needs_a_sign_in_not_older_than_ten_minutes(self, signed_in, change, portal, age, status):
        change(LoginSession, signed_in_at=now() - timedelta(seconds=age))
        answer = signed_in.post_form(f"/account/bind/{WECOM}")
        assert answer.status_code == status
        if status == 403:
            assert "Confirm that it is you" in answer.text
            assert f'action="/account/confirm/{FEISHU}"' in answer.text
            assert f'action="/account/confirm/{WECOM}"' not in answer.text
            assert len(find_rows(portal, LoginAttempt)) == 1

    def test_an_old_one_time_link_is_told_to_sign_in_again(self, client, portal, change):
        client.post_form(f"/login/once/{make_one_time_link(portal, 'alice')}")
        change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
        answer = client.post_form(f"/account/bind/{WECOM}")
        assert answer.status_code == 403
        assert "no person is bound to your account to confirm with" in answer.text

    def test_unknown_and_switched_off_elements_are_not_there(self, signed_in):
        assert signed_in.post_form("/account/bind/Nothing").status_code == 404
        assert signed_in.post_form("/account/confirm/Nothing").status_code == 404

    def test_inside_a_client_its_own_way_is_taken(self, signed_in, sandbox):
        token = signed_in.get("/api/csrf").json["csrfToken"]
        agent = {"User-Agent": "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.10 MicroMessenger/7.0.1"}
        answer = signed_in.post(f"/account/bind/{WECOM}", data={"csrf_token": token}, headers=agent)
        assert answer.location.startswith(f"{sandbox.url}/connect/oauth2/authorize?")


def test_pages_name_where_their_forms_may_lead(signed_in, elements, change):
    """Or the browser stops the way to the platform."""

    def targets(answer):
        [policy] = [part for part in answer.headers["Content-Security-Policy"].split("; ") if "form-action" in part]
        return policy.split()[1:]

    assert targets(signed_in.get("/account")) == ["'self'", elements.sandbox.url]
    change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
    assert targets(signed_in.post_form(f"/account/bind/{WECOM}")) == ["'self'", elements.sandbox.url]
    assert targets(signed_in.get(CONFIRM)) == ["'self'"]
