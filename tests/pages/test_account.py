"""A user's own account, with its people and sessions."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from support.many_logins import add_logins
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases

from portal.audit import Actor
from portal.clocks import now
from portal.database import db
from portal.models import Account, AuditEvent, Identity, LoginSession
from portal.signin import one_time_links

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


@pytest.fixture
def one(client):
    """Zhang San with one way in, by Feishu."""
    client.sign_in(FEISHU, "zhangsan")
    return client


@pytest.fixture
def two(one):
    """Zhang San with two ways in.

    They are Feishu (1), by which this session was opened, and WeCom (2).
    """
    address = one.post_form(f"/account/bind/{WECOM}").location
    one.get(answer_platform(address, "zhangsan"))
    assert one.post_form("/account/bind/confirm").status_code == 303
    one.get("/account")  # takes the message
    return one


def unbind(client, id):
    return client.post_form(f"/account/bindings/{id}/unbind")


def bound(portal):
    with portal.app_context():
        return list(db.session.scalars(select(Identity.id).where(Identity.account_id == 1).order_by(Identity.id)))


def last_line(portal):
    with portal.app_context():
        row = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        return row.action, row.result, row.actor_id, row.account_id


@both_databases
class TestUnbinding:
    def test_unbinding_asks_first(self, two, portal):
        elsewhere = portal.test_client()
        for _ in range(2):
            elsewhere.sign_in(WECOM)
        portal.test_client().sign_in(WECOM)
        page = two.get("/account/bindings/2/unbind")
        assert page.status_code == 200
        assert "Unbind WeCom?" in page.text and "张三" in page.text
        assert "2 sessions end now." in page.text
        assert "That includes this session" not in page.text
        assert bound(portal) == [1, 2]

    def test_unbinding_ends_the_sessions_of_that_person_alone(self, two, portal):
        elsewhere = portal.test_client()
        elsewhere.sign_in(WECOM)
        assert unbind(two, 2).location == "/account"
        assert "Unbound." in two.get("/account").text
        assert elsewhere.session().status_code == 401
        assert two.session().status_code == 200
        assert bound(portal) == [1]
        assert last_line(portal) == ("binding.end", 0, 1, 1)

    def test_unbinding_the_present_person_signs_out(self, two, portal):
        assert "That includes this session" in two.get("/account/bindings/1/unbind").text
        answer = unbind(two, 1)
        assert answer.location == "/login"
        assert two.session().status_code == 401
        assert "You are signed out" in two.get("/login").text
        assert bound(portal) == [2]

    def test_an_unbound_person_waits_for_an_administrator(self, two, portal):
        unbind(two, 2)
        other = portal.test_client()
        other.wait(WECOM)
        assert other.session().status_code == 401


class TestTheLastWayIn:
    def assert_stays(self, client, portal, id, left):
        page = client.get("/account").text
        assert "Your only sign-in method." in page
        assert f'href="/account/bindings/{id}/unbind"' not in page
        assert "disabled" not in page
        assert "This is your only sign-in method" in client.get(f"/account/bindings/{id}/unbind").text
        answer = unbind(client, id)
        assert answer.status_code == 409
        assert "This is your only sign-in method" in answer.text
        assert 'href="/account">Back to your account</a>' in answer.text
        assert bound(portal) == left
        assert last_line(portal) == ("binding.end", 40900, 1, 1)

    @both_databases
    def test_the_last_way_in_cannot_be_unbound(self, one, portal):
        self.assert_stays(one, portal, 1, [1])

    @pytest.mark.parametrize("status", [2, 3])
    def test_a_frozen_or_gone_person_is_no_other_way(self, two, portal, change, status):
        change(Identity, Identity.id == 2, status=status)
        self.assert_stays(two, portal, 1, [1, 2])

    def test_a_person_not_activated_yet_is_another_way(self, two, portal, change):
        change(Identity, Identity.id == 2, status=4)
        assert unbind(two, 1).status_code == 303

    @pytest.mark.parametrize("change_of", ["off", "company", "gone"])
    def test_a_person_of_no_configured_login_is_no_other_way(self, two, make_portal, elements, change_of):
        if change_of == "off":
            elements.wecom(isActive=False)
        elif change_of == "company":
            elements.wecom(corpId="wwanother0000001")
        else:
            elements.wecom(corpId="")
        portal = make_portal()
        client = portal.test_client()
        client.set_portal_cookie(two.cookie())
        self.assert_stays(client, portal, 1, [1, 2])

    def test_an_open_one_time_link_is_no_other_way(self, one, portal):

        with portal.app_context():
            one_time_links.hand_out_link(1, by=Actor(1))
        self.assert_stays(one, portal, 1, [1])

    def test_a_session_by_a_one_time_link_keeps_the_last_way_too(self, one, portal):
        from portal.signin import administrator_links

        with portal.app_context():
            token = administrator_links.make_administrator("zhangsan", promote=True).token
        other = portal.test_client()
        other.post_form(f"/login/once/{token}")
        self.assert_stays(other, portal, 1, [1])


class TestManyLogins:
    def test_more_than_four_are_offered_in_a_list(self, elements, make_portal):
        add_logins(50)(elements)
        client = make_portal().test_client()
        client.sign_in()
        page = client.get("/account").text
        [number] = re.findall(r"Bind another one… \((\d+)\)", page)
        offers = re.findall(r'<button formaction="/account/bind/(\w+)"', page)
        assert len(offers) == int(number) > 4
        assert client.post_form(f"/account/bind/{offers[-1]}").status_code == 303


class TestPermissions:
    def test_another_accounts_person_is_not_found(self, two, portal):
        other = portal.test_client()
        other.sign_in(FEISHU, "bob")
        for id in (1, 2, 99):
            assert other.get(f"/account/bindings/{id}/unbind").status_code == 404
            assert unbind(other, id).status_code == 404
        for id in (2**31, 2**70):  # no id of ours
            assert unbind(other, id).status_code in (404, 405)
        assert bound(portal) == [1, 2]

    def test_it_needs_a_sign_in_not_older_than_ten_minutes(self, two, portal, change):
        change(LoginSession, signed_in_at=now() - timedelta(minutes=10, seconds=1))
        for answer in (two.get("/account/bindings/2/unbind"), unbind(two, 2)):
            assert answer.status_code == 403
            assert "Confirm that it is you" in answer.text
            assert 'name="next" value="/account/bindings/2/unbind"' in answer.text
        assert bound(portal) == [1, 2]

    def test_it_needs_the_form_token_and_a_session(self, two, client, portal):
        assert two.post("/account/bindings/2/unbind").status_code == 400
        assert unbind(portal.test_client(), 2).status_code == 401
        assert bound(portal) == [1, 2]


@both_databases
class TestSessions:
    @pytest.fixture
    def phone(self, portal, one):
        """The same person, signed in elsewhere (session 2)."""
        phone = portal.test_client()
        phone.environ_base["HTTP_USER_AGENT"] = CHROME
        phone.sign_in(FEISHU, "zhangsan")
        return phone

    def test_the_page_distinguishes_the_sessions(self, one, phone):
        page = one.get("/account").text
        assert "Chrome · Windows" in page
        assert page.count(">this device<") == page.count(">new<") == 1
        assert "127.0.0.1" not in page and "127.0.0.*" in page
        assert 'action="/account/sessions/2/end"' in page
        assert "Sign out everywhere else" in page

    def test_a_session_elsewhere_is_new_for_a_day(self, one, phone, portal, change):
        change(LoginSession, LoginSession.id == 2, signed_in_at=now() - timedelta(days=1, seconds=1))
        assert ">new<" not in one.get("/account").text

    def test_a_session_elsewhere_ends_at_once(self, one, phone, portal):
        assert one.post_form("/account/sessions/2/end").location == "/account"
        assert phone.session().status_code == 401
        assert one.session().status_code == 200
        assert last_line(portal) == ("session.end", 0, 1, 1)
        assert one.post_form("/account/sessions/2/end").status_code == 404

    def test_ending_this_session_signs_out(self, one, phone):
        answer = one.post_form("/account/sessions/1/end")
        assert answer.location == "/login"
        assert one.cookie() is None
        assert one.session().status_code == 401
        assert phone.session().status_code == 200

    def test_all_other_sessions_end_at_once(self, one, phone, portal):
        third, stranger = portal.test_client(), portal.test_client()
        third.sign_in(FEISHU, "zhangsan")
        stranger.sign_in(FEISHU, "bob")
        assert one.post_form("/account/sessions/end-others").location == "/account"
        assert "Signed out on 2 other devices." in one.get("/account").text
        assert [browser.session().status_code for browser in (one, phone, third, stranger)] == [200, 401, 401, 200]
        assert last_line(portal) == ("session.end", 0, 1, 1)

    def test_another_accounts_session_is_not_found(self, one, phone, portal):
        stranger = portal.test_client()
        stranger.sign_in(FEISHU, "bob")
        for id in (1, 2, 99, 2**31, 2**70):
            assert stranger.post_form(f"/account/sessions/{id}/end").status_code == 404
        stranger.post_form("/account/sessions/end-others")
        assert one.session().status_code == phone.session().status_code == 200

    def test_ending_needs_the_form_token_and_a_session(self, one, phone, portal):
        for path in ("/account/sessions/2/end", "/account/sessions/end-others"):
            assert one.post(path).status_code == 400
            assert one.get(path).status_code == 405
            assert portal.test_client().post_form(path).status_code == 401
        assert phone.session().status_code == 200


class TestThePage:
    def test_the_page_offers_logins_not_connected_yet(self, one):
        page = one.get("/account").text
        assert f'action="/account/bind/{WECOM}"' in page
        assert f'action="/account/bind/{FEISHU}"' not in page

    def test_the_page_offers_nothing_if_all_are_connected(self, two):
        page = two.get("/account").text
        assert "/account/bind/" not in page
        assert 'href="/account/bindings/1/unbind"' in page and 'href="/account/bindings/2/unbind"' in page

    def test_an_unbound_account_reads_what_to_do(self, client, portal):
        from portal.signin import administrator_links

        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client.post_form(f"/login/once/{token}")
        page = client.get("/account").text
        assert "No Feishu or WeCom person is bound" in page
        assert "Bind Feishu" in page and "Bind WeCom" in page

    def test_an_undecided_scan_is_remembered(self, one):
        address = one.post_form(f"/account/bind/{WECOM}").location
        one.get(answer_platform(address, "zhangsan"))
        assert "This person is not bound yet." in one.get("/account").text

    def test_hostile_names_are_shown_as_text(self, two, portal, change):
        hostile = "<script>alert(1)</script>{{ 7*7 }}\"'><img src=x>"
        other = portal.test_client()
        other.sign_in(FEISHU, "bob")
        other.get(answer_platform(other.post_form(f"/account/bind/{WECOM}").location, "bob"))
        change(Account, name=hostile)
        change(Identity, name=hostile, user_id=hostile, avatar="javascript:alert(1)")
        change(LoginSession, agent=hostile, address="<b>1.2")
        looks = [(two, "/account"), (two, "/account/bindings/2/unbind"), (other, "/account/bind/confirm")]
        looks.append((other, "/account"))
        for client, path in looks:
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "<script>alert" not in answer.text and "<img" not in answer.text and "<b>1" not in answer.text
            assert "&lt;script&gt;" in answer.text and "{{ 7*7 }}" in answer.text and "javascript:" not in answer.text
        assert "<script>alert" not in other.post_form("/account/bind/confirm").text + other.get("/account").text
