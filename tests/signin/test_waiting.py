"""The browser of a scan waits for an administrator's approval, and signs in with it once."""

from datetime import timedelta

import pytest
import requests
from sqlalchemy import event
from support.http_visitors import Visitor, run_at_once
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases, find_reference, parse_query
from support.scans import list_audit

from portal.clocks import now
from portal.database import db
from portal.models import Account, AuditEvent, BindingRequest, Identity, LoginAttempt, LoginSession

pytestmark = both_databases


@pytest.fixture
def portal(make_portal):
    return make_portal(PORTAL_UNKNOWN_PEOPLE="queue")


@pytest.fixture
def approve(portal):
    """Return a function that binds a person to an account, as an administrator does."""

    def bind(user_id="zhangsan", username="own", **fields):
        with portal.app_context():
            identity = db.session.query(Identity).filter_by(user_id=user_id).one()
            identity.account = Account(username=username, **fields)
            db.session.query(BindingRequest).filter_by(identity_id=identity.id).one().state = "done"
            db.session.commit()

    return bind


def ask(browser, **query):
    return browser.get("/api/waiting", query_string=query).json["state"]


def leave(browser, **fields):
    """Press *Sign in*, and return where it leads."""
    answer = browser.post_form("/login/waiting", **fields)
    assert answer.status_code == 303, answer.text
    return answer.location


def find_username(browser):
    session = browser.session()
    return session.json["account"]["username"] if session.status_code == 200 else None


class TestWaiting:
    def test_the_page_may_be_opened_again_in_either_language(self, client):
        page = client.wait(next="/account?x=1").text
        assert 'name="next" value="/login/waiting"' in page
        answer = client.post_form("/language", language="zh", next="/login/waiting")
        assert "等待管理员审批" in client.get(answer.location).text
        assert find_reference(client.get("/login/waiting").text)[1] == find_reference(page)[1]

    def test_before_the_approval_nothing_opens(self, client, portal):
        client.wait()
        before = list_audit(portal)
        assert ask(client) == "waiting"
        assert leave(client) == "/login/waiting"
        assert find_username(client) is None
        assert list_audit(portal) == before

    def test_an_approval_signs_in_to_the_page_asked_for(self, client, portal, approve):
        client.wait(next="/account?x=1")
        approve()
        assert ask(client) == "approved"
        assert "You can sign in now." in client.get("/login/waiting").text
        assert leave(client) == "/account?x=1"
        assert find_username(client) == "own"
        with portal.app_context():
            opened, person = db.session.query(LoginSession).one(), db.session.query(Identity).one()
            assert (opened.element, opened.how, opened.identity_id) == (FEISHU, "redirect", person.id)
            assert person.signed_in_how == "redirect" and person.signed_in_at
            line = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
            assert (line.action, line.result, line.element) == ("login", 0, FEISHU)
            assert (line.actor_id, line.account_id, line.identity_id) == (1, 1, person.id)

    def test_it_signs_in_once(self, client, approve):
        client.wait()
        approve()
        cookie = client.cookie("portal_waiting")
        leave(client)
        client.post_form("/logout")
        client.set_portal_cookie(cookie, "portal_waiting")
        assert ask(client) == "none"
        assert leave(client) == "/login/waiting"
        assert client.get("/login/waiting").location == "/login"
        assert find_username(client) is None

    def test_a_person_on_an_administrators_account_signs_in_to_that(self, client, approve):
        client.wait()
        approve(role="admin")
        leave(client)
        assert client.session().json["account"]["role"] == "admin"

    def test_the_state_costs_one_statement(self, client, portal):
        client.wait()
        statements = []
        with portal.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        answer = client.get("/api/waiting")
        assert answer.headers["Cache-Control"] == "no-store"
        assert len([text for text in statements if not text.startswith("BEGIN")]) == 1, statements

    def test_a_login_by_json_waits_as_well(self, client, approve):
        token = client.get("/api/csrf").json["csrfToken"]
        path, headers = f"/api/auths/loginTypes/{FEISHU}", {"X-CSRFToken": token}
        config = client.post(f"{path}/getLoginConfig", json={"kind": "redirect"}, headers=headers).json["data"]
        query = parse_query(answer_platform(config["authorizeUrl"]))
        sent = {"authCode": query["code"], "state": query["state"]}
        answer = client.post(f"{path}/getLoginCode", json=sent, headers=headers)
        assert (answer.status_code, answer.json["errcode"]) == (403, 40303)
        assert ask(client) == "waiting"


class TestWhoseItIs:
    def test_another_browser_learns_and_gets_nothing(self, client, portal, approve):
        client.wait()
        other = portal.test_client()
        other.wait(person="lisi")
        approve()
        assert (ask(client), ask(other), ask(portal.test_client())) == ("approved", "waiting", "none")
        assert "张三" not in other.get("/login/waiting").text
        assert leave(other) == "/login/waiting"
        assert find_username(other) is None

    @pytest.mark.parametrize("cookie", ["x" * 43, "", "x", "é" * 43, "x" * 2000])
    def test_a_made_up_cookie_is_none(self, client, portal, approve, cookie):
        client.wait()
        approve()
        other = portal.test_client()
        other.set_portal_cookie(cookie, "portal_waiting")
        assert ask(other) == "none"
        assert leave(other) == "/login/waiting"
        assert other.get("/login/waiting").location == "/login"

    def test_whoever_knew_the_browsers_earlier_cookies_gets_nothing(self, client, portal, approve):
        """Nobody can prepare a browser, and wait for the person who scans with it."""
        client.get("/login")
        client.start(FEISHU)
        other = portal.test_client()
        other.set_portal_cookie(client.cookie("portal_visit"), "portal_visit")
        client.wait()
        approve()
        assert ask(other) == "none"
        assert find_username(other) is None

    def test_a_later_scan_replaces_it(self, client, approve):
        client.wait()
        first = client.cookie("portal_waiting")
        reference = find_reference(client.get("/login/waiting").text)[1]
        client.wait(person="lisi")
        approve()
        assert (ask(client), ask(client, reference=reference)) == ("waiting", "none")
        client.set_portal_cookie(first, "portal_waiting")
        assert ask(client) == "none"

    def test_the_form_of_an_earlier_tab_signs_in_as_nobody_else(self, client, approve):
        reference = find_reference(client.wait().text)[1]
        client.wait(person="lisi")
        approve("lisi")
        assert leave(client, reference=reference) == "/login/waiting"
        assert find_username(client) is None
        assert leave(client) == "/account"

    @pytest.mark.parametrize("end", ["sign in", "sign out"])
    def test_it_ends_with_a_sign_in_or_sign_out(self, client, portal, approve, end):
        client.wait()
        approve()
        cookie = client.cookie("portal_waiting")
        client.sign_in(person="zhangsan") if end == "sign in" else client.post_form("/logout")
        client.set_portal_cookie(cookie, "portal_waiting")
        assert ask(client) == "none"

    @pytest.mark.parametrize(("minutes", "state"), [(29, "approved"), (31, "none"), (-5, "none")])
    def test_it_lasts_half_an_hour(self, client, approve, change, minutes, state):
        client.wait()
        approve()
        change(LoginAttempt, used_at=now() - timedelta(minutes=minutes))
        assert ask(client) == state
        assert (leave(client) == "/account") == (state == "approved")
        assert (find_username(client) == "own") == (state == "approved")

    def test_a_form_without_its_token_is_refused(self, client, approve):
        client.wait()
        approve()
        assert client.post("/login/waiting").status_code == 400
        assert find_username(client) is None


class TestJudgedAnew:
    def expect_refusal(self, client, number, title):
        answer = client.post_form("/login/waiting")
        assert answer.status_code == 403
        assert title in answer.text
        assert find_username(client) is None
        assert list_audit(client.application)[-1] == ("login", number)

    def test_a_disabled_account(self, client, approve):
        client.wait()
        approve(active=False)
        self.expect_refusal(client, 40304, "Your account is disabled")

    @pytest.mark.parametrize("status", [2, 3])
    def test_a_person_who_has_left_or_is_frozen(self, client, approve, change, status):
        client.wait()
        approve()
        change(Identity, status=status)
        self.expect_refusal(client, 40302, "You can't sign in")

    def test_a_person_who_is_unbound_again(self, client, approve, change):
        client.wait()
        approve()
        change(Identity, account_id=None)
        assert ask(client) == "refused"
        self.expect_refusal(client, 40303, "You have no account here yet")

    def test_a_refused_person_reads_why(self, client, change):
        client.wait()
        change(BindingRequest, state="refused", reason="Please use <your> own.")
        assert ask(client) == "refused"
        assert "Please use &lt;your&gt; own." in client.get("/login/waiting").text
        self.expect_refusal(client, 40303, "Please use &lt;your&gt; own.")
        change(BindingRequest, state="waiting", reason="")
        assert ask(client) == "waiting"

    def test_an_account_that_was_moved_counts_as_it_is_now(self, client, approve, change):
        client.wait()
        approve()
        approve(username="second")
        leave(client)
        assert find_username(client) == "second"

    def test_a_refusal_uses_nothing_up(self, client, approve, change):
        client.wait()
        approve(active=False)
        self.expect_refusal(client, 40304, "Your account is disabled")
        change(Account, active=True)
        assert leave(client) == "/account"


def test_a_deleted_person_waits_no_more(client, portal, approve):
    client.wait()
    approve()
    with portal.app_context():
        number = db.session.query(Identity.id).scalar()
    assert portal.test_cli_runner().invoke(args=["person", "delete", str(number)]).exit_code == 0
    assert ask(client) == "none"


def test_one_of_ten_at_once_signs_in(serve, sandbox, sql):
    server = serve(PORTAL_UNKNOWN_PEOPLE="queue")
    visitor = Visitor(server)
    assert visitor.sign_in(WECOM).headers["Location"] == "/login/waiting"
    sql("INSERT INTO account (username, username_key, name, role, active, created_at)"
        " VALUES ('own', 'own', 'Own', 'user', true, '2026-01-01 00:00:00')")  # fmt: skip
    sql("UPDATE identity SET account_id = (SELECT id FROM account)")
    token = visitor.get("/api/csrf").json()["csrfToken"]

    def post(cookies):
        address = f"{server.url}/login/waiting"
        return requests.post(address, {"csrf_token": token}, cookies=cookies, allow_redirects=False, timeout=20)

    cookies = visitor.http.cookies.get_dict()
    answers = run_at_once([lambda: post(cookies)] * 10)
    assert sorted(answer.headers["Location"] for answer in answers) == ["/account"] + ["/login/waiting"] * 9
    assert sql("SELECT count(*) FROM login_session")[0][0] == 1


def test_a_session_is_as_recent_as_its_scan(client, portal, approve):
    client.wait()
    with portal.app_context():
        scanned_at = now() - timedelta(minutes=20)
        db.session.query(LoginAttempt).update({"used_at": scanned_at})
        db.session.commit()
    approve(role="admin")
    leave(client)
    with portal.app_context():
        assert db.session.query(LoginSession).one().signed_in_at == scanned_at
    assert client.post_form("/admin/accounts/create", username="other", role="admin").status_code == 403


def test_attempts_to_sign_in_are_limited(client, approve):
    client.wait()
    approve(active=False)
    answers = [client.post_form("/login/waiting").status_code for _ in range(21)]
    assert answers == [403] * 20 + [429]
