"""The queue as an administrator's browser asks for it: one or many are bound, get an account, or are refused."""

import re

import pytest
from support.admin_client import read_form, strip_markup
from support.large_company import fill_company
from support.portal_app import both_databases
from support.rows import (
    TENANT,
    add_account,
    add_department,
    add_person,
    add_request,
    isolate_context,
    open_admin_browser,
    reload_row,
    store_row,
)
from support.sql import count_statements

from portal.bindings import queue_table
from portal.database import db
from portal.models import LEFT, Account, AppCompany, AuditEvent, BindingRequest, Identity

pytestmark = pytest.mark.usefixtures("alice", "context")


@both_databases
class TestOne:
    def test_who_where_when_and_what_fits_stands_there(self, alice):
        east = add_department("3", "华东")
        add_account("zhang.wei", employee_number="E1")
        add_request(add_person("zw", name="张伟", departments=[east], employee_number="E1"), reference="7F3K-2Q")
        add_request(add_person("nobody", name="李娜"))
        page = strip_markup(alice.get("/admin/queue").text)
        for text in ("张伟", "华东", "7F3K-2Q", "192.0.2.*", "zhang.wei same employee number", "Bind 张伟"):
            assert text in page
        assert "No matching account." in page
        assert "Queue 2 waiting" in strip_markup(alice.get("/admin/bindings").text)

    def test_bound_they_are_in(self, make_portal):
        client = isolate_context(make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client())
        client.wait("QywxInnerExample")
        alice = open_admin_browser(client.application, "bob")
        own, request = add_account("own"), db.session.query(BindingRequest).one()
        assert alice.post_form(f"/admin/queue/{request.id}/bind", account=own.id).location == "/admin/queue"
        assert client.sign_in("QywxInnerExample").status_code == 303
        assert client.session().json["account"]["username"] == "own"
        assert reload_row(db.session.query(Identity).one()).bound_how == "queue"

    def test_an_account_of_their_own(self, alice):
        who = add_person("zw", name="张伟")
        request = add_request(who)
        assert alice.post_form(f"/admin/queue/{request.id}/create").status_code == 303
        assert (reload_row(who).account.username, who.account.name, who.account.role) == ("zw", "张伟", "user")
        assert who.bound_how == "created"

    def test_refused_they_read_why_until_it_is_taken_back(self, make_portal):
        client = isolate_context(make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client())
        client.sign_in()
        alice = open_admin_browser(client.application, "bob")
        request = db.session.query(BindingRequest).one()
        alice.post_form(f"/admin/queue/{request.id}/refuse", reason="Use <b>your</b> team's account.")
        assert "Use &lt;b&gt;your&lt;/b&gt; team&#39;s account." in client.wait().text
        assert "张三" in alice.get("/admin/queue?state=refused").text
        alice.post_form(f"/admin/queue/{request.id}/reopen")
        assert "Waiting for approval" in client.wait().text

    def test_without_a_reason_nobody_is_refused(self, alice):
        request = add_request(add_person("zw"))
        answer = alice.post_form(f"/admin/queue/{request.id}/refuse", reason="  ")
        assert "Give a reason." in alice.get(answer.location).text
        assert reload_row(request).state == "waiting"

    def test_decided_already_names_who_was_first(self, alice, portal):
        other = open_admin_browser(portal, "wang.fang")
        own, request = add_account("own"), add_request(add_person("zw"))
        other.post_form(f"/admin/queue/{request.id}/create")
        for what, fields in (("bind", {"account": own.id}), ("create", {}), ("refuse", {"reason": "no"})):
            answer = alice.post_form(f"/admin/queue/{request.id}/{what}", **fields)
            assert answer.status_code == 409
            assert "Changed in the meantime by wang.fang" in answer.text
            assert 'href="/admin/queue"' in answer.text
        refused = db.session.query(AuditEvent.action).filter_by(result=40900).all()
        assert [action for (action,) in refused] == ["binding.make", "binding.make", "queue.refuse"]

    @pytest.mark.parametrize("what", ["bind", "create", "refuse", "reopen"])
    def test_no_such_request(self, alice, what):
        assert alice.post_form(f"/admin/queue/77/{what}", account="1", reason="no").status_code == 404

    def test_an_account_that_is_taken_unknown_or_disabled(self, alice):
        request = add_request(add_person("zw"))
        taken, gone = add_account("taken"), add_account("gone", active=False)
        add_person("holder", account=taken)
        for id, status in ((taken.id, 409), (gone.id, 403), (999, 404), ("x", 404)):
            assert alice.post_form(f"/admin/queue/{request.id}/bind", account=id).status_code == status
        assert reload_row(request).state == "waiting"

    def test_who_has_left_meanwhile_can_only_be_refused(self, alice):
        request = add_request(add_person("zw", status=LEFT))
        page = alice.get("/admin/queue").text
        assert "departed" in page and "/create" not in page
        assert alice.post_form(f"/admin/queue/{request.id}/create").status_code == 403
        assert alice.post_form(f"/admin/queue/{request.id}/refuse", reason="left").status_code == 303

    def test_somebody_unbound_comes_back_to_the_end_of_the_queue(self, make_portal):
        client = isolate_context(make_portal(PORTAL_UNKNOWN_PEOPLE="queue").test_client())
        client.sign_in()
        alice = open_admin_browser(client.application, "bob")
        request = db.session.query(BindingRequest).one()
        before = request.reference
        alice.post_form(f"/admin/queue/{request.id}/create")
        who = db.session.query(Identity).one()
        alice.post_form(f"/admin/bindings/{who.id}/unbind")
        client.wait()
        assert reload_row(request).state == "waiting" and request.reference != before
        assert "had this account before" in alice.get("/admin/queue").text


@both_databases
class TestMany:
    def crowd(self, number, fitting=True):
        made = []
        for each in range(number):
            fits = {"employee_number": f"E{each}"}
            own = add_account(f"a{each}", **fits) if fitting else None
            made.append((add_request(add_person(f"p{each}", **fits)), own))
        return made

    def decide(self, alice, crowd, do, **fields):
        shown = {f"account-{request.id}": own.id for request, own in crowd if own}
        return alice.post_form("/admin/queue/many", request=[each.id for each, _ in crowd], do=do, **shown, **fields)

    def confirm(self, alice, page, **fields):
        """Press the button of the page that lists the people."""
        action = re.search(r'method="post" action="(/admin/(?:queue/many|bindings/accept))"', page.text)[1]
        return alice.post_form(action, **{**read_form(page.text, f'action="{action}"'), **fields})

    def bound(self):
        db.session.rollback()
        return db.session.query(Identity).filter(Identity.account_id.is_not(None)).count()

    def test_each_to_the_suggestion_that_was_shown(self, alice):
        crowd = [*self.crowd(3), (add_request(add_person("stranger")), None)]
        page = self.decide(alice, crowd, "bind")
        words = strip_markup(page.text)
        assert "Bind 3 people?" in words and "p0 → a0 same employee number" in words
        assert "3 of 4 have" in words and "No clear suggestion 1 These people stay as they are. stranger" in words
        assert self.bound() == 0
        answer = self.confirm(alice, page)
        assert "3 people are bound." in alice.get(answer.location).text
        assert [reload_row(request).state for request, _ in crowd] == ["done", "done", "done", "waiting"]
        assert [reload_row(own).identities[0].user_id for _, own in crowd[:3]] == ["p0", "p1", "p2"]
        assert reload_row(db.session.query(Identity).filter_by(user_id="p0").one()).bound_how == "queue"

    @pytest.mark.parametrize(
        ("do", "fields", "heading"),
        [
            ("bind", {}, "Bind 1 person?"),
            ("create", {}, "Create 1 account?"),
            ("refuse", {"reason": "No."}, "Refuse 1 person?"),
        ],
    )
    def test_a_single_one_is_shown_first_too(self, alice, do, fields, heading):
        crowd = self.crowd(1)
        page = self.decide(alice, crowd, do, **fields)
        assert page.status_code == 200 and heading in strip_markup(page.text) and "p0" in strip_markup(page.text)
        assert reload_row(crowd[0][0]).state == "waiting"
        self.confirm(alice, page)
        assert reload_row(crowd[0][0]).state == ("refused" if do == "refuse" else "done")

    def test_an_account_each(self, alice):
        self.decide(alice, self.crowd(2, fitting=False), "create", sure="1")
        assert self.bound() == 2 and db.session.query(Account).count() == 3

    def test_refusing_needs_a_reason(self, alice):
        crowd = self.crowd(2, fitting=False)
        self.decide(alice, crowd, "refuse", reason="", sure="1")
        assert reload_row(crowd[0][0]).state == "waiting"
        self.decide(alice, crowd, "refuse", reason="Not here.", sure="1")
        assert [(reload_row(each).state, each.reason) for each, _ in crowd] == [("refused", "Not here.")] * 2

    @pytest.mark.parametrize(
        ("do", "fields"), [("bind", {}), ("create", {}), ("refuse", {"reason": "Not <i>here</i>."})]
    )
    def test_over_twenty_the_number_is_typed(self, alice, do, fields):
        crowd = self.crowd(21)
        first = self.decide(alice, crowd, do, **fields)
        assert first.status_code == 200 and "Type the number of people to confirm: 21" in first.text
        assert "<i>here" not in first.text
        for count in ("", "20", "x"):
            wrong = self.confirm(alice, first, count=count)
            assert wrong.status_code == 422 and 'aria-invalid="true"' in wrong.text
        assert {reload_row(request).state for request, _ in crowd} == {"waiting"}
        assert self.confirm(alice, wrong, count="21").status_code == 303
        assert {reload_row(request).state for request, _ in crowd} == {"refused" if do == "refuse" else "done"}

    def test_nobody_ticked(self, alice):
        answer = alice.post_form("/admin/queue/many", do="bind")
        assert "Select at least one person." in alice.get(answer.location).text


def test_the_empty_queue_says_who_would_come_here(make_portal):
    for policy, text in (
        ("queue", "People who scan without being bound"),
        ("create", "get an account at their first scan"),
        ("refuse", "are refused at once"),
    ):
        alice = open_admin_browser(make_portal(PORTAL_UNKNOWN_PEOPLE=policy), policy)
        page = alice.get("/admin/queue").text
        assert "No requests waiting" in page and text in page


def test_a_long_queue_has_pages(alice):
    for number in range(60):
        add_request(add_person(f"p{number:02}"))
    first, second = alice.get("/admin/queue").text, alice.get("/admin/queue?page=2").text
    assert ">p00<" in first and ">p39<" in first and ">p40<" not in first
    assert ">p40<" in second and ">p59<" in second
    assert "41–60 of 60" in second


@pytest.fixture
def company(context):
    """Store requests of every kind.

    Our company is the one that an app of WeCom reads.
    """
    add_account("fits", employee_number="E1"), add_account("taken", employee_number="E2")
    add_person("holder", account=db.session.query(Account).filter_by(username="taken").one())
    store_row(AppCompany(provider="wecom", app="1000002", tenant=TENANT))
    add_request(add_person("clear", name="张伟", employee_number="E1"), reference="7F3K-2Q")
    add_request(add_person("claims", name="赵敏", employee_number="E2"), reference="8F3K-2Q")
    add_request(add_person("stranger", name="Olivia", tenant="wwother"), reference="9F3K-2Q")
    add_request(add_person("feishu", name="李娜", provider="feishu", tenant="unknown"), reference="AF3K-2Q")
    add_request(add_person("refused", name="王芳"), "refused", reason="Not here.", reference="BF3K-2Q")


def shown(alice, query):
    """Return the names of the requests that a page of the queue shows."""
    return re.findall(r"<h2><a [^>]*>([^<]*)</a></h2>", alice.get(f"/admin/queue?{query}").text)


@both_databases
@pytest.mark.usefixtures("company")
class TestFilters:
    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["张伟", "赵敏", "Olivia", "李娜"]),
            ("kind=clear", ["张伟"]),
            ("kind=conflict", ["赵敏"]),
            ("kind=none", ["Olivia", "李娜"]),
            ("kind=other", ["Olivia"]),
            ("kind=nonsense", ["张伟", "赵敏", "Olivia", "李娜"]),
            ("state=refused", ["王芳"]),
            ("q=7f3k-2q", ["张伟"]),
            ("q=8F3K2Q", ["赵敏"]),
            ("q=livi", ["Olivia"]),
            ("q=FIT", ["张伟"]),
            ("q=stranger&kind=none", ["Olivia"]),
            ("q=stranger&kind=clear", []),
            ("q=%25", []),
            ("q=7F3K-2Q&state=refused", []),
            ("q=王&state=refused", ["王芳"]),
        ],
    )
    def test_chips_and_search_narrow_the_list(self, alice, query, names):
        assert shown(alice, query) == names

    def test_the_chips_have_numbers(self, alice):
        words = strip_markup(alice.get("/admin/queue").text)
        assert "Waiting 4 Clear suggestion 1 Conflict 1 No suggestion 2 Other company 1 Refused" in words

    def test_another_company_has_a_badge_where_ours_is_known(self, alice):
        page = strip_markup(alice.get("/admin/queue").text)
        assert page.count("Other company") == 2 and "Olivia Other company WeCom · stranger" in page

    def test_a_decision_leads_back_to_the_filtered_list(self, alice):
        request = db.session.query(BindingRequest).filter_by(reference="9F3K-2Q").one()
        back = "/admin/queue?kind=other"
        assert alice.post_form(f"/admin/queue/{request.id}/refuse", reason="No.", back=back).location == back
        assert "Not here." in alice.get("/admin/queue").text and "No." in alice.get("/admin/queue").text

    def test_a_link_ticks_all_rows_of_the_page(self, alice):
        assert alice.get("/admin/queue?tick=all").text.count(" checked>") == 4
        assert " checked>" not in alice.get("/admin/queue").text


def test_many_waiting_are_compared_only_when_asked_for(alice, monkeypatch):
    monkeypatch.setattr(queue_table, "MOST_COUNTED", 1)
    add_account("fits", employee_number="E1")
    add_request(add_person("clear", employee_number="E1")), add_request(add_person("other"))
    assert "Waiting 2 Clear suggestion Conflict No suggestion Refused" in strip_markup(alice.get("/admin/queue").text)
    assert shown(alice, "kind=clear") == ["clear"]


def test_what_another_administrator_was_faster_with_is_named(alice):
    crowd = TestMany().crowd(3, fitting=False)
    page = TestMany().decide(alice, crowd, "create")
    alice.post_form(f"/admin/queue/{crowd[1][0].id}/refuse", reason="Not here.")
    answer = alice.get(TestMany().confirm(alice, page).location)
    words = strip_markup(answer.text)
    assert "2 accounts created." in words
    assert "Not changed, because another administrator was faster: p1 " in words


def test_people_that_can_not_get_an_account_are_named_as_the_others(alice):
    crowd = TestMany().crowd(2, fitting=False)
    gone = add_request(add_person("gone", name="李离", status=LEFT))
    page = TestMany().decide(alice, [*crowd, (gone, None)], "create")
    words = strip_markup(page.text)
    assert "Create 2 accounts?" in words and "2 of 3. The others stay as they are: 李离 departed" in words
    TestMany().confirm(alice, page)
    assert reload_row(gone).state == "waiting" and TestMany().bound() == 2


@both_databases
def test_a_page_of_a_long_queue_is_below_100_kilobytes(alice):
    fill_company(db.session, people=400, strong=0, weak=0, conflicts=5, waiting=200, departed=0)
    with count_statements(db.engine) as statements:
        page = alice.get("/admin/queue")
    assert page.text.count('name="request"') == 40 and len(page.data) < 100_000
    assert len(statements) < 20
