"""Connecting a further person to one's own account: a fresh sign-in, a scan that only shows, and a second yes."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases, parse_query

from portal.clocks import now
from portal.database import db
from portal.models import Account, AuditEvent, BindingRequest, Identity, LoginAttempt, LoginSession

CONFIRM = "/account/bind/confirm"


@pytest.fixture
def signed_in(client):
    """Zhang San, who came by Feishu."""
    client.sign_in(FEISHU, "zhangsan")
    return client


def begin(client, element=WECOM):
    """Press the button; return where it leads."""
    answer = client.post_form(f"/account/bind/{element}")
    assert answer.status_code == 303, answer.text
    return answer.location


def scan(client, element=WECOM, person="zhangsan", action="allow"):
    """Press the button and answer at the platform; return our answer to its callback."""
    return client.get(answer_platform(begin(client, element), person, action))


def connect(client, element=WECOM, person="zhangsan"):
    answer = scan(client, element, person)
    assert (answer.status_code, answer.location) == (303, CONFIRM), answer.text
    return client.post_form(CONFIRM)


def rows(portal, table, *where):
    with portal.app_context():
        return db.session.scalars(select(table).where(*where).order_by(*table.__table__.primary_key)).all()


def holder(portal, provider="wecom"):
    """Return the username of who holds the platform's only person."""
    with portal.app_context():
        [identity] = db.session.scalars(select(Identity).where(Identity.provider == provider))
        return identity.account and identity.account.username


def trail(portal):
    return [(row.action, row.result) for row in rows(portal, AuditEvent)]


@both_databases
class TestTheWay:
    def test_a_scan_shows_whose_it_is_and_binds_nothing(self, signed_in, portal):
        assert scan(signed_in).location == CONFIRM
        page = signed_in.get(CONFIRM)
        assert page.status_code == 200
        assert "张三" in page.text and "WeCom" in page.text and "wwsandbox00000001" in page.text
        assert holder(portal) is None
        assert signed_in.session().json["identity"]["element"] == FEISHU

    def test_the_second_yes_binds_and_from_then_on_a_scan_signs_in(self, signed_in, portal):
        assert connect(signed_in).location == "/account"
        assert "can now sign in" in signed_in.get("/account").text
        [bound] = rows(portal, Identity, Identity.provider == "wecom")
        assert (bound.account_id, bound.bound_how) == (1, "self")
        assert trail(portal)[-2:] == [("binding.offer", 0), ("binding.make", 0)]
        other = portal.test_client()
        assert other.sign_in(WECOM).status_code == 303
        assert other.session().json["account"]["id"] == 1

    def test_a_second_click_on_yes_changes_nothing_and_hurts_nobody(self, signed_in, portal):
        scan(signed_in)
        identity = rows(portal, Identity, Identity.provider == "wecom")[0].id
        for _ in range(2):
            assert signed_in.post_form(CONFIRM, identity=identity).location == "/account"
        assert [action for action, _ in trail(portal)].count("binding.make") == 1

    def test_of_two_scans_the_page_that_was_shown_counts(self, signed_in, portal):
        for person in ("lisi", "zhangsan"):
            scan(signed_in, person=person)
        shown = rows(portal, Identity, Identity.user_id == "lisi")[0].id
        signed_in.post_form(CONFIRM, identity=shown)
        assert [row.user_id for row in rows(portal, Identity, Identity.account_id == 1)] == ["zhangsan", "lisi"]

    def test_it_works_for_somebody_with_a_one_time_link(self, client, portal):
        from portal.signin import administrator_links

        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client.post_form(f"/login/once/{token}")
        assert connect(client, FEISHU).status_code == 303
        assert holder(portal, "feishu") == "alice"

    def test_no_policy_for_strangers_stands_in_the_way(self, make_portal):
        from portal.signin import administrator_links

        portal = make_portal(PORTAL_UNKNOWN_PEOPLE="refuse")
        client = portal.test_client()
        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client.post_form(f"/login/once/{token}")
        assert connect(client).status_code == 303
        assert holder(portal) == "alice"


class TestWhoMayBegin:
    def test_nobody_who_is_not_signed_in(self, client):
        assert client.post_form(f"/account/bind/{WECOM}").status_code == 401
        assert client.get(CONFIRM).status_code == 401
        assert client.post_form(CONFIRM).status_code == 401

    def test_it_needs_the_form_token(self, signed_in):
        assert signed_in.post(f"/account/bind/{WECOM}").status_code == 400
        scan(signed_in)
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
            assert len(rows(portal, LoginAttempt)) == 1

    def test_an_old_one_time_link_is_told_to_sign_in_again(self, client, portal, change):
        from portal.signin import administrator_links

        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client.post_form(f"/login/once/{token}")
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


class TestWhoIsRefused:
    @pytest.fixture
    def lisi(self, portal):
        """Somebody else, with an account by WeCom."""
        client = portal.test_client()
        client.sign_in(WECOM, "lisi")
        return client

    def test_somebody_bound_elsewhere_without_saying_where(self, signed_in, lisi, portal):
        answer = scan(signed_in, person="lisi")
        assert answer.status_code == 409
        assert "bound to another account" in answer.text
        assert "lisi" not in answer.text and "李四" not in answer.text
        assert signed_in.get(CONFIRM).status_code == 400
        assert holder(portal) == "lisi"
        assert lisi.session().status_code == 200
        assert trail(portal)[-1] == ("binding.offer", 40900)

    def test_somebody_bound_elsewhere_between_the_scan_and_the_yes(self, signed_in, lisi, portal, change):
        change(Identity, Identity.user_id == "lisi", account_id=None)
        assert scan(signed_in, person="lisi").status_code == 303
        change(Identity, Identity.user_id == "lisi", account_id=2)
        for answer in (signed_in.get(CONFIRM), signed_in.post_form(CONFIRM)):
            assert answer.status_code == 409
            assert "bound to another account" in answer.text
            assert "lisi" not in answer.text
        assert holder(portal) == "lisi"
        assert trail(portal)[-1] == ("binding.make", 40900)
        line = rows(portal, AuditEvent)[-1]
        assert (line.actor_id, line.account_id, line.identity_id) == (1, 1, 2)

    def test_a_second_person_of_the_same_company(self, signed_in, portal):
        connect(signed_in, person="zhangsan")
        answer = scan(signed_in, person="lisi")
        assert answer.status_code == 409
        assert "already has a person of this company" in answer.text
        assert "Unbind the other one first" in answer.text

    @both_databases
    def test_a_second_person_of_the_same_company_at_the_yes(self, signed_in, portal):
        scan(signed_in, person="lisi")
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
        answer = scan(signed_in)
        assert answer.status_code == 403
        assert "An administrator has refused this person" in answer.text
        assert "Not this &lt;b&gt;one" in answer.text
        assert holder(portal) is None

    def test_somebody_refused_between_the_scan_and_the_yes(self, signed_in, portal):
        scan(signed_in)
        with portal.app_context():
            [identity] = db.session.scalars(select(Identity.id).where(Identity.provider == "wecom"))
            request = {"state": "refused", "reference": "7F3K-2Q", "element": WECOM, "identity_id": identity}
            db.session.add(BindingRequest(**request))
            db.session.commit()
        assert signed_in.post_form(CONFIRM).status_code == 403
        assert holder(portal) is None
        assert trail(portal)[-1] == ("binding.make", 40303)

    def test_somebody_who_waits_in_the_queue_is_free_and_leaves_it(self, make_portal):
        portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
        portal.test_client().sign_in(WECOM)
        from portal.signin import administrator_links

        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client = portal.test_client()
        client.post_form(f"/login/once/{token}")
        connect(client)
        assert rows(portal, BindingRequest, BindingRequest.state == "waiting") == []
        assert holder(portal) == "alice"

    def test_somebody_an_administrator_has_unbound_may_show_both_sides_anew(self, signed_in, lisi, portal, change):
        change(Identity, Identity.user_id == "lisi", account_id=None, last_account_id=2)
        assert connect(signed_in, person="lisi").status_code == 303

    def test_somebody_frozen(self, signed_in, lisi, portal, sandbox, change):
        change(Identity, Identity.user_id == "lisi", account_id=None)
        address = begin(signed_in)
        callback = answer_platform(address, "lisi")
        sandbox.person("wecom", "lisi", freeze=True)
        assert signed_in.get(callback).status_code == 403
        assert signed_in.get(CONFIRM).status_code == 400

    def test_somebody_frozen_between_the_scan_and_the_yes(self, signed_in, portal, change):
        scan(signed_in)
        change(Identity, Identity.provider == "wecom", status=3)
        assert signed_in.get(CONFIRM).status_code == 403
        assert signed_in.post_form(CONFIRM).status_code == 403
        assert holder(portal) is None

    def test_whoever_refuses_at_the_platform_comes_back_to_the_account(self, signed_in, portal):
        answer = scan(signed_in, action="deny")
        assert answer.status_code == 400
        assert 'href="/account">Back to your account</a>' in answer.text
        assert trail(portal)[-1] == ("binding.offer", 40305)
        assert signed_in.session().status_code == 200


class TestWhereItBelongs:
    """An attempt to bind is of one session of one account in one browser, and of this purpose."""

    def test_another_browser_of_the_same_account(self, signed_in, portal):
        callback = answer_platform(begin(signed_in))
        other = portal.test_client()
        other.sign_in(FEISHU, "zhangsan")
        assert other.get(callback).status_code == 400
        assert rows(portal, Identity, Identity.provider == "wecom") == []

    def test_another_account_in_the_same_browser(self, signed_in, portal, sandbox):
        callback = answer_platform(begin(signed_in))
        signed_in.post_form("/logout")
        signed_in.sign_in(FEISHU, "bob")
        sandbox.forget_calls()
        assert signed_in.get(callback).status_code == 400
        assert sandbox.calls("/cgi-bin/*") == []
        assert signed_in.session().json["identity"]["userId"] == "bob"

    def test_nobody_signed_in_any_more(self, signed_in, portal, sandbox):
        callback = answer_platform(begin(signed_in))
        signed_in.post_form("/logout")
        sandbox.forget_calls()
        assert signed_in.get(callback).status_code == 400
        assert signed_in.session().status_code == 401
        assert sandbox.calls("/cgi-bin/*") == []

    def test_a_later_session_of_the_same_account_does_not_get_the_offer(self, signed_in, portal):
        scan(signed_in)
        signed_in.sign_in(FEISHU, "zhangsan")
        assert signed_in.get(CONFIRM).status_code == 400
        assert signed_in.post_form(CONFIRM).status_code == 400
        assert holder(portal) is None

    def test_another_account_does_not_get_the_offer(self, signed_in, portal):
        scan(signed_in)
        identity = rows(portal, Identity, Identity.provider == "wecom")[0].id
        other = portal.test_client()
        other.sign_in(FEISHU, "bob")
        for fields in ({}, {"identity": identity}, {"identity": "x"}, {"identity": -1}):
            assert other.post_form(CONFIRM, **fields).status_code == 400
        assert holder(portal) is None

    def test_nothing_but_the_offered_person_can_be_confirmed(self, signed_in, portal, change):
        other = portal.test_client()
        other.sign_in(WECOM, "lisi")
        change(Identity, Identity.user_id == "lisi", account_id=None)
        scan(signed_in)
        lisi = rows(portal, Identity, Identity.user_id == "lisi")[0].id
        for shown in (lisi, "x", "", -1, 0, 2**70, "²"):
            assert signed_in.post_form(CONFIRM, identity=shown).status_code == 400
        assert rows(portal, Identity, Identity.bound_how == "self") == []

    def test_the_offer_lives_ten_minutes(self, signed_in, portal, change):
        scan(signed_in)
        [attempt] = rows(portal, LoginAttempt, LoginAttempt.purpose == "bind")
        assert timedelta(minutes=9, seconds=50) < attempt.expires_at - now() <= timedelta(minutes=10)
        change(LoginAttempt, LoginAttempt.purpose == "bind", expires_at=now() - timedelta(seconds=1))
        assert signed_in.get(CONFIRM).status_code == 400
        assert signed_in.post_form(CONFIRM).status_code == 400
        assert holder(portal) is None

    def test_a_used_offer_is_gone_also_after_an_unbind(self, signed_in, portal, change):
        connect(signed_in)
        change(Identity, Identity.provider == "wecom", account_id=None)
        assert signed_in.post_form(CONFIRM).status_code == 400
        assert holder(portal) is None

    def test_its_state_signs_nobody_in(self, client, portal):
        client.sign_in(FEISHU, "zhangsan")
        callback = answer_platform(begin(client), "lisi")
        client.post_form("/logout")
        assert client.get(callback).status_code == 400
        assert client.session().status_code == 401

    def test_its_state_does_not_pass_where_scripts_sign_in(self, signed_in, sandbox, portal):
        query = parse_query(answer_platform(begin(signed_in), "lisi"))
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
        assert [row.account_id for row in rows(portal, Identity)] == [1, 2]

    def test_its_callback_comes_once(self, signed_in, portal):
        callback = answer_platform(begin(signed_in))
        assert signed_in.get(callback).status_code == 303
        again = signed_in.get(callback)
        assert again.status_code == 400
        assert 'href="/account">Continue</a>' in again.text


class TestConfirm:
    """Scan again to show that it is you: then the sign-in counts as fresh."""

    @pytest.fixture
    def stale(self, signed_in, change):
        change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
        return signed_in

    def confirm(self, client, person, element=FEISHU, next="/account?here"):
        answer = client.post_form(f"/account/confirm/{element}", next=next)
        assert answer.status_code == 303
        return client.get(answer_platform(answer.location, person))

    @both_databases
    def test_the_same_person_has_a_fresh_session_and_is_led_back(self, stale, portal):
        old = stale.cookie()
        assert self.confirm(stale, "zhangsan").location == "/account?here"
        assert stale.cookie() != old
        assert "Confirmed. You can continue." in stale.get("/account").text
        assert stale.post_form(f"/account/bind/{WECOM}").status_code == 303
        assert [row.ended_why for row in rows(portal, LoginSession)] == ["signed in anew", None]
        assert ("login.confirm", 0) in trail(portal)

    def test_another_person_of_the_same_account_counts_too(self, signed_in, change, portal):
        connect(signed_in)
        change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
        assert self.confirm(signed_in, "zhangsan", WECOM).status_code == 303
        assert signed_in.session().json["account"]["id"] == 1

    @pytest.mark.parametrize("known", [True, False])
    def test_somebody_else_is_refused_and_nothing_changes(self, stale, portal, known):
        if known:
            portal.test_client().sign_in(FEISHU, "bob")
        before = [len(rows(portal, table)) for table in (Account, Identity)]
        answer = self.confirm(stale, "bob")
        assert answer.status_code == 403
        assert "That was another person" in answer.text
        assert 'href="/account">Back to your account</a>' in answer.text
        assert [len(rows(portal, table)) for table in (Account, Identity)] == before
        assert stale.session().json["identity"]["userId"] == "zhangsan"
        assert stale.post_form(f"/account/bind/{WECOM}").status_code == 403
        assert trail(portal)[-1] == ("login.confirm", 40306)
        line = rows(portal, AuditEvent)[-1]
        assert (line.actor_id, line.account_id, line.identity_id) == (1, 1, 2 if known else None)

    def test_nobody_waits_in_the_queue_for_having_scanned_for_somebody_else(self, make_portal):
        portal = make_portal(PORTAL_UNKNOWN_PEOPLE="queue")
        from portal.signin import administrator_links

        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client = portal.test_client()
        client.post_form(f"/login/once/{token}")
        assert self.confirm(client, "bob").status_code == 403
        assert [len(rows(portal, table)) for table in (Identity, BindingRequest)] == [0, 0]

    def test_a_goal_elsewhere_is_ignored(self, stale):
        assert self.confirm(stale, "zhangsan", next="//evil.example").location == "/account"

    def test_it_is_of_one_session(self, stale, portal):
        answer = stale.post_form(f"/account/confirm/{FEISHU}")
        callback = answer_platform(answer.location, "zhangsan")
        stale.post_form("/logout")
        assert stale.get(callback).status_code == 400
        assert stale.session().status_code == 401

    def test_nobody_signed_out_can_begin(self, client):
        assert client.post_form(f"/account/confirm/{FEISHU}").status_code == 401


def test_pages_name_where_their_forms_may_lead(signed_in, elements, change):
    """Or the browser stops the way to the platform."""

    def targets(answer):
        [policy] = [part for part in answer.headers["Content-Security-Policy"].split("; ") if "form-action" in part]
        return policy.split()[1:]

    assert targets(signed_in.get("/account")) == ["'self'", elements.sandbox.url]
    change(LoginSession, signed_in_at=now() - timedelta(minutes=11))
    assert targets(signed_in.post_form(f"/account/bind/{WECOM}")) == ["'self'", elements.sandbox.url]
    assert targets(signed_in.get(CONFIRM)) == ["'self'"]
