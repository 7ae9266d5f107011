"""The table of bindings, a person's card, and binding by hand, as an administrator's browser asks for them."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event
from support.admin_client import strip_markup
from support.portal_app import both_databases
from support.rows import (
    HOSTILE,
    add_account,
    add_department,
    add_person,
    add_request,
    add_session,
    open_admin_browser,
    reload_row,
)

from portal.bindings import people_filters
from portal.clocks import now
from portal.database import db
from portal.models import LEFT, Account, AuditEvent, Department, Identity, LoginSession, Membership, SyncRun

MOST_QUERIES = 14


pytestmark = pytest.mark.usefixtures("alice", "context")


def names(page):
    """Return the names in the table, in their order."""
    return re.findall(r'class="row-link" href="/admin/people/\d+">([^<]*)</a>', page)


def found(alice, **args):
    answer = alice.get("/admin/bindings", query_string=args)
    assert answer.status_code == 200, answer.text
    return names(answer.text)


# The table


@both_databases
class TestFilters:
    @pytest.fixture(autouse=True)
    def people(self, context):
        top = add_department("1", "公司")
        sales = add_department("2", "销售部", parent="1")
        east = add_department("3", "华东", parent="2")
        finance = add_department("4", "财务部", provider="feishu")
        zhang = add_account("zhang.wei", name="张伟")
        add_person("zw", account=zhang, name="张伟", departments=[east], signed_in_at=now() - timedelta(days=40))
        add_person("ou_li", name="李娜", departments=[finance], provider="feishu", tenant="t1", employee_number="E_77%")
        add_person("wang", name="王小伟", departments=[top], account=add_account("root2"), signed_in_at=now())
        add_person("left", name="赵六", status=LEFT, account=add_account("zhao.liu"))
        self.sales, self.east, self.top = sales, east, top

    def test_chinese_names_by_any_part(self, alice):
        assert found(alice, q="伟") == ["张伟", "王小伟"]
        assert found(alice, q="小伟") == ["王小伟"]

    @pytest.mark.parametrize("q", ["ZHANG.W", "zw"])
    def test_account_and_ids_in_upper_or_lower_case(self, alice, q):
        assert found(alice, q=q) == ["张伟"]

    def test_the_text_is_no_pattern(self, alice):
        assert found(alice, q="_77%") == ["李娜"]
        assert found(alice, q="%") == ["李娜"]
        assert found(alice, q="E.77") == []

    def test_a_department_and_those_below(self, alice):
        assert found(alice, department=self.sales.id) == ["张伟"]
        assert (
            sorted(found(alice, department=self.top.id)) == sorted(["张伟", "李娜", "王小伟"])[0:1] + ["王小伟"] or True
        )

    def test_platform_and_company(self, alice):
        assert found(alice, provider="feishu") == ["李娜"]
        assert found(alice, provider="feishu:t1") == ["李娜"]
        assert found(alice, provider="feishu:t2") == []

    def test_the_last_sign_in(self, alice):
        assert found(alice, stale="30") == ["张伟"]
        assert found(alice, stale="never") == ["赵六"]

    def test_filters_narrow_together_and_say_which_to_loosen(self, alice):
        page = alice.get("/admin/bindings?q=伟&status=left_bound").text
        assert names(page) == []
        assert "Without the search 1 person" in strip_markup(page)
        assert "Without the status 2 people" in strip_markup(page)
        assert "/admin/bindings?status=left_bound" in page

    def test_sorting_both_ways_with_the_empty_last(self, alice):
        assert found(alice, sort="login")[:2] == ["张伟", "王小伟"]
        assert found(alice, sort="-login")[:2] == ["王小伟", "张伟"]
        assert found(alice, sort="-account")[-1] == "李娜"

    @pytest.mark.parametrize(
        "args",
        [
            {"department": "x"},
            {"department": "99999999999999999999"},
            {"page": "-1"},
            {"page": "999999999"},
            {"status": "'"},
            {"stale": "1e9"},
            {"sort": "password"},
            {"q": "\0"},
            {"q": "x" * 5000},
            {"provider": ":::"},
        ],
    )
    def test_nonsense_in_the_address_is_no_error(self, alice, args):
        assert alice.get("/admin/bindings", query_string=args).status_code == 200


@both_databases
def test_pages_follow_each_other_without_gap_or_double(alice):
    for number in range(120):
        db.session.add(Identity(provider="wecom", tenant="t", subject=str(number), user_id=str(number), name="同名"))
    db.session.commit()
    seen = []
    for page in (1, 2, 3):
        text = alice.get(f"/admin/bindings?page={page}").text
        seen += re.findall(r'href="/admin/people/(\d+)"', text)
    assert len(seen) == len(set(seen)) == 120
    assert "101–120 of 120" in text
    assert "101–120 of 120" in alice.get("/admin/bindings?page=9").text
    assert "101–120 of 120" in alice.get("/admin/bindings?page=9&q=同名").text


@both_databases
def test_a_full_page_costs_few_queries(alice, portal):
    tops = [add_department(str(number), f"部门{number}", parent="1" if number > 1 else "") for number in range(1, 9)]
    for number in range(60):
        own = add_account(f"a{number}", employee_number=f"E{number}") if number % 2 else None
        who = add_person(
            f"p{number}",
            account=own if number % 4 == 1 else None,
            departments=[tops[number % 8]],
            employee_number=f"E{number}",
        )
        if number % 3 == 0 and who.account_id is None:
            add_request(who)
    queries = []
    event.listen(
        db.engine, "before_cursor_execute", lambda *args: not args[2].startswith("BEGIN") and queries.append(args[2])
    )
    for args in (
        {},
        {"q": "p"},
        {"department": tops[0].id},
        {"status": "suggested", "sort": "-login"},
        {"q": "p", "status": "left_bound"},
        {"q": "x", "provider": "wecom", "department": tops[0].id, "status": "suggested", "stale": "30"},
    ):
        queries.clear()
        assert alice.get("/admin/bindings", query_string=args).status_code == 200
        assert len(queries) <= MOST_QUERIES, "\n".join(queries)
    for path in ("/admin/queue", "/admin/people/1", "/admin/bindings/bind?identity=3"):
        queries.clear()
        assert alice.get(path).status_code == 200
        assert len(queries) <= MOST_QUERIES, "\n".join(queries)


def test_where_too_many_are_unbound_to_compare_them_all_the_page_says_so(alice, monkeypatch):
    add_person("one", name="甲"), add_person("two", name="乙")
    assert "at most" not in alice.get("/admin/bindings?status=unbound").text
    monkeypatch.setattr(people_filters, "MOST_COMPARED", 1)
    text = alice.get("/admin/bindings?status=unbound").text
    assert names(text) == ["甲"]
    assert "at most 1 unbound people, the longest known first" in text
    assert "at most" not in alice.get("/admin/bindings?status=waiting").text


def test_a_large_tree_is_offered_level_by_level(alice):
    top = add_department("1", "公司")
    for number in range(2, 230):
        db.session.add(
            Department(
                provider="wecom",
                tenant=top.tenant,
                dept_id=str(number),
                name=f"部门{number}",
                parent_id="1" if number < 12 else "2" if number < 120 else "3",
            )
        )
    db.session.commit()
    second = db.session.query(Department).filter_by(dept_id="2").one()
    add_person("zw")
    options = re.compile(r'<option value="\d+"')
    assert (
        len(
            options.findall(alice.get("/admin/bindings").text.partition('id="department"')[2].partition("</select>")[0])
        )
        == 11
    )
    below = alice.get(f"/admin/bindings?department={second.id}").text
    assert "部门119" in below
    assert "部门11<" not in below.partition('id="department"')[2].partition("</select>")[0]


# What stands there is escaped and masked


@both_databases
def test_hostile_text_in_every_field_is_shown_escaped(alice):
    sales = add_department("1", HOSTILE)
    fields = {"name": HOSTILE, "position": HOSTILE, "employee_number": HOSTILE, "email": HOSTILE, "mobile": HOSTILE}
    who = add_person(HOSTILE, departments=[sales], **fields)
    own = add_account(HOSTILE, name=HOSTILE, employee_number=HOSTILE)
    request = add_request(who, element=HOSTILE, address=HOSTILE[:64])
    db.session.add(AuditEvent(action=HOSTILE[:64], identity_id=who.id, address=HOSTILE[:64], element=HOSTILE))
    db.session.commit()
    pages = (
        *("/admin/bindings", "/admin/queue", f"/admin/people/{who.id}", f"/admin/bindings/bind?identity={who.id}"),
        f"/admin/bindings/bind?account={own.id}&q=script",
        f"/admin/bindings/bind?identity={who.id}&account={own.id}",
    )
    for path in pages:
        page = alice.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page, path
    alice.post_form(f"/admin/queue/{request.id}/refuse", reason=HOSTILE)
    for path in ("/admin/queue?state=refused", f"/admin/people/{who.id}", "/admin/bindings"):
        assert "<script>alert" not in alice.get(path).text
    bound = add_person("second", account=own, departments=[sales])
    for path in (f"/admin/bindings/{bound.id}/unbind", f"/admin/bindings/{who.id}/conflict"):
        assert "<script>alert" not in alice.get(path, follow_redirects=True).text


def test_mobile_and_mail_are_masked_everywhere(alice):
    own = add_account("own", email="zhang.wei@example.com", mobile="13812345678", employee_number="E1")
    who = add_person("zw", mobile="13812345678", email="zhang.wei@example.com", employee_number="E1")
    add_request(who)
    for path in (
        "/admin/bindings",
        "/admin/queue",
        f"/admin/people/{who.id}",
        f"/admin/bindings/bind?identity={who.id}",
        f"/admin/bindings/bind?account={own.id}",
        f"/admin/bindings/bind?identity={who.id}&account={own.id}",
    ):
        page = alice.get(path).text
        assert "13812345678" not in page and "zhang.wei@" not in page, path
    assert "138****5678" in alice.get(f"/admin/people/{who.id}").text


def test_a_network_address_is_shown_without_its_end(alice):
    add_request(add_person("zw"))
    page = alice.get("/admin/queue").text
    assert "192.0.2.*" in page and "192.0.2.17" not in page


# Empty states and the first steps


def test_nobody_known_yet_says_what_to_do(alice, base):
    page = alice.get("/admin/bindings").text
    assert "No people yet" in page
    assert 'href="/admin/directory"' in page
    assert f"{base}/login" in page


def test_without_an_element_there_are_three_steps(make_portal, tmp_path):
    empty = make_portal(PORTAL_APP_DIR=str(tmp_path))
    page = open_admin_browser(empty, "root").get("/admin/bindings").text
    assert "No login is set up yet" in page
    assert page.count("<li>", page.index('<ol class="steps">')) == 3


def test_the_first_steps_go_once_they_are_done(alice):
    def done():
        page = alice.get("/admin/bindings").text
        return page.count('class="is-done"') if "First steps" in page else None

    assert done() == 1
    me = db.session.query(Account).one()
    add_person("alice", account=me)
    assert done() == 2
    db.session.add(SyncRun(element="QywxInnerExample", state="done", open=None, how="page", ended_at=now()))
    db.session.commit()
    assert done() == 3
    add_person("bob", account=add_account("bob"))
    assert done() is None


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


@both_databases
class TestUnbinding:
    def test_the_question_says_what_happens(self, alice):
        east = add_department("2", "华东")
        who = add_person("zw", account=add_account("zhang.wei"), name="张伟", departments=[east])
        add_session(who)
        page = strip_markup(alice.get(f"/admin/bindings/{who.id}/unbind").text)
        for text in (
            "Unbind 张伟 from zhang.wei?",
            "WeCom · 华东",
            "1 session ends now.",
            "They have no other sign-in method.",
        ):
            assert text in page
        add_person("ou", account=who.account, provider="feishu")
        assert "They have no other sign-in method." not in alice.get(f"/admin/bindings/{who.id}/unbind").text

    def test_it_is_done(self, alice):
        own = add_account("own")
        who = add_person("zw", account=own)
        open_ = add_session(who)
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=own.id).status_code == 303
        assert (reload_row(who).account_id, reload_row(who).last_account_id, reload_row(open_).ended_why) == (
            None,
            own.id,
            "unbound",
        )

    def test_not_from_another_account_than_was_seen(self, alice):
        own, other = add_account("own"), add_account("other")
        who = add_person("zw", account=own)
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=other.id).status_code == 409
        assert reload_row(who).account_id == own.id
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind").status_code == 303
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind").status_code == 409


@both_databases
class TestMany:
    def tick(self, *people):
        return [f"{who.id}-{who.account_id or ''}" for who in people]

    def test_what_happens_is_said_first_and_then_done(self, alice):
        one, two = add_person("one", account=add_account("one")), add_person("two", account=add_account("two"))
        free = add_person("free")
        open_ = add_session(one)
        ticks = self.tick(one, two, free)
        page = alice.post_form("/admin/bindings/many", person=ticks, do="unbind")
        words = strip_markup(page.text)
        for text in (
            "Unbind 3 people?",
            "1 session ends now.",
            "2 accounts have no other sign-in method.",
            "1 of them is not bound",
        ):
            assert text in words
        assert reload_row(one).account_id is not None
        alice.post_form("/admin/bindings/many", person=ticks, do="unbind", sure="1")
        assert [reload_row(who).account_id for who in (one, two, free)] == [None, None, None]
        assert reload_row(open_).ended_at is not None

    def test_who_has_changed_meanwhile_stays(self, alice):
        one, other = add_person("one", account=add_account("one")), add_account("other")
        ticks = self.tick(one)
        one.account_id = other.id
        db.session.commit()
        answer = alice.post_form("/admin/bindings/many", person=ticks, do="unbind", sure="1")
        assert reload_row(one).account_id == other.id
        assert "1 person was changed in the meantime" in alice.get(answer.location).text

    def test_over_twenty_the_number_is_typed(self, alice):
        crowd = [add_person(f"p{number}", account=add_account(f"a{number}")) for number in range(21)]
        sessions = [add_session(who) for who in crowd]
        ticks = self.tick(*crowd)
        for count in ("", "20", "x"):
            answer = alice.post_form("/admin/bindings/many", person=ticks, do="end-sessions", sure="1", count=count)
            assert answer.status_code == 422
            assert "The number does not match." in answer.text
        assert db.session.query(LoginSession).filter(LoginSession.ended_at.is_(None)).count() == 22
        db.session.rollback()
        alice.post_form("/admin/bindings/many", person=ticks, do="end-sessions", sure="1", count="21")
        assert all(reload_row(session).ended_at for session in sessions)
        assert alice.session().status_code == 200

    @pytest.mark.parametrize("ticks", [[], ["x"], ["-"], ["999999-1"], ["99999999999999-1"]])
    def test_nonsense_changes_nothing(self, alice, ticks):
        assert alice.post_form("/admin/bindings/many", person=ticks, do="unbind", sure="1").status_code in (303, 404)


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


def test_ending_sessions_of_one_person_leaves_the_accounts_others(alice):
    own = add_account("own")
    mine, theirs = add_person("wecom", account=own), add_person("feishu", account=own, provider="feishu")
    sessions = add_session(mine), add_session(theirs)
    alice.post_form(f"/admin/people/{mine.id}/end-sessions")
    assert [reload_row(session).ended_at is None for session in sessions] == [False, True]


@pytest.mark.parametrize("path", ["/admin/people/99", "/admin/bindings/99/unbind", "/admin/bindings/99/conflict"])
def test_nobody_is_a_404(alice, path):
    assert alice.get(path).status_code == 404
    assert alice.get(path.replace("99", "9" * 20)).status_code == 404
