"""The pages of people are quick, masked and escaped, and say what to do first."""

import pytest
from sqlalchemy import event
from support.portal_app import both_databases
from support.rows import (
    HOSTILE,
    add_account,
    add_department,
    add_person,
    add_request,
    open_admin_browser,
)

from portal.clocks import now
from portal.database import db
from portal.models import Account, AuditEvent, SyncRun

MOST_QUERIES = 14


pytestmark = pytest.mark.usefixtures("alice", "context")


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


@pytest.mark.parametrize("path", ["/admin/people/99", "/admin/bindings/99/unbind", "/admin/bindings/99/conflict"])
def test_nobody_is_a_404(alice, path):
    assert alice.get(path).status_code == 404
    assert alice.get(path.replace("99", "9" * 20)).status_code == 404
