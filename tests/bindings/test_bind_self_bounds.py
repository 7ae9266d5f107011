"""A scan to connect belongs to one session, and does nothing else."""

from datetime import timedelta

from support.portal_app import FEISHU, WECOM, answer_platform, parse_query
from support.scans import CONFIRM, begin_bind, connect_person, find_holder, find_rows, scan_person

from portal.clocks import now
from portal.models import Identity, LoginAttempt


class TestWhereItBelongs:
    """An attempt to bind is of one session of one account in one browser, and of this purpose."""

    def test_another_browser_of_the_same_account(self, signed_in, portal):
        callback = answer_platform(begin_bind(signed_in))
        other = portal.test_client()
        other.sign_in(FEISHU, "zhangsan")
        assert other.get(callback).status_code == 400
        assert find_rows(portal, Identity, Identity.provider == "wecom") == []

    def test_another_account_in_the_same_browser(self, signed_in, portal, sandbox):
        callback = answer_platform(begin_bind(signed_in))
        signed_in.post_form("/logout")
        signed_in.sign_in(FEISHU, "bob")
        sandbox.forget_calls()
        assert signed_in.get(callback).status_code == 400
        assert sandbox.calls("/cgi-bin/*") == []
        assert signed_in.session().json["identity"]["userId"] == "bob"

    def test_nobody_signed_in_any_more(self, signed_in, portal, sandbox):
        callback = answer_platform(begin_bind(signed_in))
        signed_in.post_form("/logout")
        sandbox.forget_calls()
        assert signed_in.get(callback).status_code == 400
        assert signed_in.session().status_code == 401
        assert sandbox.calls("/cgi-bin/*") == []

    def test_a_later_session_of_the_same_account_does_not_get_the_offer(self, signed_in, portal):
        scan_person(signed_in)
        signed_in.sign_in(FEISHU, "zhangsan")
        assert signed_in.get(CONFIRM).status_code == 400
        assert signed_in.post_form(CONFIRM).status_code == 400
        assert find_holder(portal) is None

    def test_another_account_does_not_get_the_offer(self, signed_in, portal):
        scan_person(signed_in)
        identity = find_rows(portal, Identity, Identity.provider == "wecom")[0].id
        other = portal.test_client()
        other.sign_in(FEISHU, "bob")
        for fields in ({}, {"identity": identity}, {"identity": "x"}, {"identity": -1}):
            assert other.post_form(CONFIRM, **fields).status_code == 400
        assert find_holder(portal) is None

    def test_nothing_but_the_offered_person_can_be_confirmed(self, signed_in, portal, change):
        other = portal.test_client()
        other.sign_in(WECOM, "lisi")
        change(Identity, Identity.user_id == "lisi", account_id=None)
        scan_person(signed_in)
        lisi = find_rows(portal, Identity, Identity.user_id == "lisi")[0].id
        for shown in (lisi, "x", "", -1, 0, 2**70, "²"):
            assert signed_in.post_form(CONFIRM, identity=shown).status_code == 400
        assert find_rows(portal, Identity, Identity.bound_how == "self") == []

    def test_the_offer_lives_ten_minutes(self, signed_in, portal, change):
        scan_person(signed_in)
        [attempt] = find_rows(portal, LoginAttempt, LoginAttempt.purpose == "bind")
        assert timedelta(minutes=9, seconds=50) < attempt.expires_at - now() <= timedelta(minutes=10)
        change(LoginAttempt, LoginAttempt.purpose == "bind", expires_at=now() - timedelta(seconds=1))
        assert signed_in.get(CONFIRM).status_code == 400
        assert signed_in.post_form(CONFIRM).status_code == 400
        assert find_holder(portal) is None

    def test_a_used_offer_is_gone_also_after_an_unbind(self, signed_in, portal, change):
        connect_person(signed_in)
        change(Identity, Identity.provider == "wecom", account_id=None)
        assert signed_in.post_form(CONFIRM).status_code == 400
        assert find_holder(portal) is None

    def test_its_state_signs_nobody_in(self, client, portal):
        client.sign_in(FEISHU, "zhangsan")
        callback = answer_platform(begin_bind(client), "lisi")
        client.post_form("/logout")
        assert client.get(callback).status_code == 400
        assert client.session().status_code == 401

    def test_its_state_does_not_pass_where_scripts_sign_in(self, signed_in, sandbox, portal):
        query = parse_query(answer_platform(begin_bind(signed_in), "lisi"))
        token = signed_in.get("/api/csrf").json["csrfToken"]
        sandbox.forget_calls()
        answer = signed_in.post(
            f"/api/auths/loginTypes/{WECOM}/getLoginCode",
            json={"authCode": query["code"], "state": query["state"]},
            headers={"X-CSRFToken": token},
        )
        assert (answer.status_code, answer.json["errcode"]) == (400, 40300)
        assert sandbox.calls("/cgi-bin/*") == []
        assert signed_in.session().json["identity"]["userId"] == "zhangsan"

    def test_a_logins_state_binds_nobody(self, signed_in, portal):
        assert signed_in.get(signed_in.scan(WECOM, "lisi")).location == "/account"
        assert signed_in.session().json["account"]["username"] == "lisi"
        assert [row.account_id for row in find_rows(portal, Identity)] == [1, 2]

    def test_its_callback_comes_once(self, signed_in, portal):
        callback = answer_platform(begin_bind(signed_in))
        assert signed_in.get(callback).status_code == 303
        again = signed_in.get(callback)
        assert again.status_code == 400
        assert 'href="/account">Continue</a>' in again.text
