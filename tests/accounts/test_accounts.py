"""Accounts are made, changed and listed."""

import re

import pytest
from sqlalchemy import event, select
from support.admin_client import (
    open_database,
    store_account,
    strip_markup,
)
from support.large_company import fill_company
from support.portal_app import both_databases

from portal.database import db
from portal.models import Account, AuditEvent

# Making and changing


def test_an_account_is_made_with_everything_typed(alice, portal, read_account, read_trail):
    fields = {"name": "李娜", "email": "li.na@example.com", "mobile": "138 1234-5678", "employee_number": "E7"}
    answer = alice.post_form("/admin/accounts/create", username=" li.na ", role="admin", **fields)
    assert answer.status_code == 303
    id = int(answer.location.rpartition("/")[2])
    account = read_account(id)
    assert (account.username, account.name, account.role, account.active) == ("li.na", "李娜", "admin", True)
    assert (account.email, account.mobile, account.employee_number) == ("li.na@example.com", "13812345678", "E7")
    assert read_trail("account.create") == [(0, 1, id)]


def test_username_alone_is_enough(alice, read_account):
    answer = alice.post_form("/admin/accounts/create", username="bob")
    account = read_account(int(answer.location.rpartition("/")[2]))
    assert (account.name, account.role, account.email, account.mobile, account.employee_number) == (
        "bob",
        "user",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("username", "", "Please enter a username."),
        ("username", "x" * 65, "too long: 64"),
        ("username", "a\u202eb", "characters that can"),
        ("name", "n" * 101, "too long: 100"),
        ("role", "root", "Please choose a role."),
        ("email", "nobody", "not an e-mail address"),
        ("email", "a b@example.com", "not an e-mail address"),
        ("mobile", "call me", "not a telephone number"),
        ("employee_number", "1" * 65, "too long: 64"),
    ],
)
def test_a_wrong_value_is_explained_at_its_field_and_the_rest_stays(alice, portal, field, value, message):
    typed = {"username": "bob", "name": "Bob the Builder", "role": "user", field: value}
    answer = alice.post_form("/admin/accounts/create", **typed)
    assert answer.status_code == 422
    marked = re.search(rf'id="{field}" [^>]*aria-invalid="true" aria-describedby="([^"]+)"', answer.text)
    assert message in strip_markup(answer.text.partition(f'id="{marked[1]}"')[2][:300])
    assert 'value="Bob the Builder"' in answer.text or field == "name"
    with open_database(portal) as session:
        assert session.scalars(select(Account.username)).all() == ["alice"]


@both_databases
def test_a_username_belongs_to_one_account(alice, portal, read_trail):
    bob = store_account(portal, "bob")
    answer = alice.post_form("/admin/accounts/create", username="bob", name="Another Bob")
    assert answer.status_code == 409
    assert "Another account has this username." in answer.text
    assert 'value="Another Bob"' in answer.text
    carol = store_account(portal, "carol")
    assert alice.post_form(f"/admin/accounts/{carol}/edit", username="bob").status_code == 409
    assert read_trail("account.create") == [(40900, 1, None)]
    assert read_trail("account.edit") == [(40900, 1, carol)]
    assert bob != carol


def test_an_edit_changes_typed_values_and_keeps_hidden_ones(alice, portal, read_account):
    bob = store_account(portal, "bob", email="bob@example.com", mobile="13812345678", employee_number="E1")
    form = alice.get(f"/admin/accounts/{bob}/edit").text
    assert "bob@example.com" not in form and "13812345678" not in form
    answer = alice.post_form(
        f"/admin/accounts/{bob}/edit", username="bob", name="Robert", employee_number="", email="", mobile="",
        remove_mobile="1", seen=re.search(r'name="seen" value="(\w+)"', form)[1],
    )  # fmt: skip
    assert answer.status_code == 303
    account = read_account(bob)
    assert (account.name, account.email, account.mobile, account.employee_number) == (
        "Robert",
        "bob@example.com",
        None,
        None,
    )
    with open_database(portal) as session:
        details = session.scalar(select(AuditEvent.details).where(AuditEvent.action == "account.edit"))
    assert details == {"fields": ["name", "employee_number", "mobile"]}


def test_an_edit_of_an_account_changed_meanwhile_is_refused(alice, portal, read_account):
    bob = store_account(portal, "bob")
    version = re.search(r'name="seen" value="(\w+)"', alice.get(f"/admin/accounts/{bob}/edit").text)[1]
    assert alice.post_form(f"/admin/accounts/{bob}/edit", username="bob", name="First").status_code == 303
    answer = alice.post_form(f"/admin/accounts/{bob}/edit", username="bob", name="Second", seen=version)
    assert answer.status_code == 409
    assert "This account was changed in the meantime" in answer.text
    assert 'value="First"' in answer.text
    assert read_account(bob).name == "First"


# Reading


def test_contact_data_is_masked_until_an_administrator_reveals_it(alice, portal):
    bob = store_account(portal, "bob", email="bob@example.com", mobile="13812345678")
    for path in (
        "/admin/accounts",
        f"/admin/accounts/{bob}",
        f"/admin/accounts/{bob}/edit",
    ):
        page = alice.get(path).text
        assert "bob@example.com" not in page and "13812345678" not in page
    assert "138****5678" in alice.get(f"/admin/accounts/{bob}").text
    assert "b***@example.com" in alice.get(f"/admin/accounts/{bob}").text
    shown = alice.post_form("/admin/reveal", kind="account", id=str(bob), field="mobile", next=f"/admin/accounts/{bob}")
    assert "13812345678" in shown.text and f'href="/admin/accounts/{bob}"' in shown.text
    with open_database(portal) as session:
        row = session.scalars(select(AuditEvent).where(AuditEvent.action == "contact.reveal")).one()
    assert (row.actor_id, row.account_id, row.details) == (1, bob, {"field": "mobile"})


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "account", "id": "99", "field": "mobile"},
        {"kind": "session", "id": "1", "field": "mobile"},
        {"kind": "account", "id": "1", "field": "username"},
        {"kind": "account", "id": "x" * 99, "field": "email"},
        {},
    ],
)
def test_only_contact_data_can_be_revealed(alice, asked):
    assert alice.post_form("/admin/reveal", **asked).status_code == 404


def test_the_list_is_filtered_sorted_and_paged(alice, portal):
    for number in range(60):
        store_account(portal, f"user{number:02}", name=f"员工{number:02}")
    store_account(portal, "zoe", role="admin", employee_number="E_100%")
    store_account(portal, "gone", active=False, employee_number="EX1000")

    def search(query):
        return re.findall(r'class="row-link[^"]*"[^>]*>([^<]+)<', alice.get(f"/admin/accounts{query}").text)

    assert len(search("")) == 50
    assert search("?page=2")[-1] == "zoe" and search("?page=99") == search("?page=2")
    assert search("?q=工07") == ["user07"] and search("?q=USER07") == ["user07"]
    assert search("?q=_100%25") == ["zoe"]
    assert search("?role=admin") == ["alice", "zoe"]
    assert search("?state=disabled") == ["gone"]
    assert "gone" not in search("?sort=-username") and search("?sort=-username")[0] == "zoe"
    assert search("?q=nobody") == [] and "No results" in alice.get("/admin/accounts?q=nobody").text
    assert len(search("?role=x&state=y&sort=z&page=-1")) == 50


def test_a_page_of_the_list_needs_few_statements(alice, portal):
    for number in range(60):
        store_account(portal, f"user{number:02}")
    statements = []
    with portal.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert alice.get("/admin/accounts").status_code == 200
    assert len([statement for statement in statements if statement.startswith("SELECT")]) < 10


@pytest.mark.usefixtures("context")
def test_the_list_of_a_large_company_stays_small(alice):
    fill_company(db.session)
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    for address in ("/admin/accounts", "/admin/accounts?sort=-created&page=7", "/admin/accounts?q=p1"):
        statements.clear()
        assert len(alice.get(address).data) < 100_000
        assert 0 < len(statements) < 15


def test_only_administrators_are_marked(alice, portal):
    store_account(portal, "bob")
    table = strip_markup(alice.get("/admin/accounts").text.partition("<tbody>")[2])
    assert table.count("Administrator") == 1 and "User" not in table


def test_unknown_accounts_are_not_found(alice):
    for path in ("/admin/accounts/99", "/admin/accounts/99/disable", "/admin/accounts/99999999999999999999"):
        assert alice.get(path).status_code == 404
    for path in ("disable", "enable", "role", "end-sessions", "link", "link/revoke", "edit"):
        assert alice.post_form(f"/admin/accounts/99/{path}", role="user").status_code == 404, path


HOSTILE = "<script>alert(1)</script>{{7*7}}'\"`"


def test_hostile_names_are_text(alice, portal):
    bob = store_account(
        portal, HOSTILE[:60], name=HOSTILE, email="<b>@x.y", mobile="<i>12345678901", employee_number=HOSTILE
    )
    pages = [
        "/admin/accounts",
        f"/admin/accounts/{bob}",
        f"/admin/accounts/{bob}/edit",
        f"/admin/accounts/{bob}/disable",
    ]
    for path in pages:
        page = alice.get(path).text
        assert "<script>alert" not in page and "{{7" in page, path
        assert "<b>" not in page and "<i>" not in page
    shown = alice.post_form("/admin/reveal", kind="account", id=str(bob), field="email").text
    assert "&lt;b&gt;@x.y" in shown
