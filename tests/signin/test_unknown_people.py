"""The first scan of an unbound person.

An administrator decides, an account is made, or nothing is stored.
"""

import pytest
from support.portal_app import both_databases, find_reference

from portal.clocks import now
from portal.database import db
from portal.models import Account, AuditEvent, BindingRequest, Identity

pytestmark = both_databases


def rows(portal, *tables):
    with portal.app_context():
        return [db.session.query(table).count() for table in tables]


class TestQueue:
    @pytest.fixture
    def portal(self, make_portal):
        return make_portal(PORTAL_UNKNOWN_PEOPLE="queue")

    @pytest.mark.parametrize(
        ("language", "waits", "untrue"),
        [
            ("en", "Your request is waiting for an administrator.", "has been asked"),
            ("zh", "已提交，等待管理员审批", "已通知"),
        ],
    )
    def test_the_page_says_that_they_wait(self, client, language, waits, untrue):
        client.post_form("/language", language=language)
        page = client.wait().text
        assert waits in page and untrue not in page and find_reference(page)

    def test_the_page_names_the_person_and_the_wait(self, client, portal):
        answer = client.wait()
        assert answer.status_code == 200
        assert "Waiting for approval" in answer.text
        assert "张三" in answer.text
        assert 'href="/login/waiting">Refresh status</a>' in answer.text
        assert client.session().status_code == 401
        with portal.app_context():
            request = db.session.query(BindingRequest).one()
            assert (request.state, request.element, request.address) == ("waiting", "FSInnerExample", "127.0.0.1")
            assert find_reference(answer.text)[1] == request.reference

    def test_a_second_scan_adds_no_second_row_and_keeps_the_reference(self, client, portal):
        first, second = client.wait().text, client.wait().text
        assert find_reference(first)[1] == find_reference(second)[1]
        assert rows(portal, Identity, BindingRequest, Account) == [1, 1, 0]

    def test_refused_people_stay_refused_and_read_why(self, client, portal):
        client.sign_in()
        with portal.app_context():
            request = db.session.query(BindingRequest).one()
            request.state, request.reason = "refused", "Please use the account of your own team."
            db.session.commit()
        for _ in range(2):
            answer = client.wait()
            assert "Please use the account of your own team." in answer.text
            assert "Waiting for approval" not in answer.text
        with portal.app_context():
            assert db.session.query(BindingRequest).one().state == "refused"

    def test_a_bound_person_can_sign_in(self, client, portal):
        client.sign_in()
        with portal.app_context():
            identity = db.session.query(Identity).one()
            identity.account = Account(username="zhang.san", name="Zhang San")
            db.session.commit()
        assert client.sign_in().location == "/account"
        assert client.session().json["account"]["username"] == "zhang.san"

    def test_a_disabled_account_stays_closed(self, client, portal):
        client.sign_in()
        with portal.app_context():
            db.session.query(Identity).one().account = Account(username="zhang.san", active=False)
            db.session.commit()
        answer = client.sign_in()
        assert answer.status_code == 403
        assert "Your account is disabled" in answer.text


class TestCreate:
    def test_a_new_account_has_the_persons_name(self, client, portal):
        assert client.sign_in().status_code == 303
        with portal.app_context():
            account, identity = db.session.query(Account).one(), db.session.query(Identity).one()
            assert (account.username, account.name, account.role) == ("zhangsan", "张三", "user")
            assert (identity.account_id, identity.bound_how) == (account.id, "created")

    def test_the_next_scan_finds_the_account_again(self, client, portal):
        client.sign_in()
        portal.test_client().sign_in()
        assert rows(portal, Account, Identity) == [1, 1]

    def test_a_person_unbound_by_an_administrator_waits(self, client, portal):
        client.sign_in()
        with portal.app_context():
            identity = db.session.query(Identity).one()
            identity.last_account_id, identity.account_id = identity.account_id, None
            db.session.commit()
        assert "Waiting for approval" in client.wait().text
        assert rows(portal, Account, BindingRequest) == [1, 1]


class TestRefuse:
    @pytest.fixture
    def portal(self, make_portal):
        return make_portal(PORTAL_UNKNOWN_PEOPLE="refuse")

    def test_only_an_audit_row_with_element_and_number_is_stored(self, client, portal):
        answer = client.sign_in()
        assert answer.status_code == 403
        assert "You have no account here yet" in answer.text
        assert "Waiting for approval" not in answer.text
        assert rows(portal, Identity, BindingRequest, Account) == [0, 0, 0]
        with portal.app_context():
            line = db.session.query(AuditEvent).one()
            assert (line.action, line.element, line.result) == ("login", "FSInnerExample", 40303)
            assert (line.details, line.identity_id, line.account_id) == ({}, None, None)

    def test_an_unbound_person_is_refused_as_well(self, client, portal):
        with portal.app_context():
            account = Account(username="old")
            db.session.add(account)
            db.session.flush()
            db.session.add(
                Identity(
                    provider="wecom",
                    tenant="wwsandbox00000001",
                    subject="zhangsan",
                    user_id="zhangsan",
                    last_account_id=account.id,
                    created_at=now(),
                )
            )
            db.session.commit()
        answer = client.sign_in("QywxInnerExample")
        assert answer.status_code == 403
        assert "Waiting for approval" not in answer.text
        assert rows(portal, BindingRequest) == [0]
